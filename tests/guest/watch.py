# SPDX-License-Identifier: GPL-2.0-or-later
"""watch - --monitor in a guest whose device comes, changes and goes: what it says, what it reads

The kernel's own events, and QEMU's trace of reads (reads.py).
"""
from collections.abc import Iterator

import reads
from outside import Point, differ
from rig import Guest, Machine
from topologies import MEMORIES, PORT, UNPLUG, hot

ARGUMENTS = f"-machine q35 {MEMORIES} {PORT},x-speed=2_5,x-width=1"
# The device's LNKCAP, LNKCTL and LNKSTA: 8GT/s x16; then it runs at 2.5GT/s x16.
SLOWER = ("03050000 0000 0301", "03050000 0000 0101")
LINK = "0000:00:03.0>0000:01:00.0"
FN = "0000:01:00.0"


# Into a log of its own, and until there are such words in it.
def start(log: str, arguments: str = "") -> str:
    run = f"lnkinspect --monitor -n {arguments} >/{log} 2>&1; echo status $? >>/{log}"
    return f"({run}) & {until(log, 'watching')}"


def until(log: str, words: str) -> str:
    return f"until grep -q '{words}' /{log}; do usleep 100000; done"


# How often it gave up the processor, since it had nothing to do.
NAPS = "grep ^voluntary /proc/$(pidof lnkinspect)/status"
# Twice: on a busy machine one of them is spent on what came before.
QUIET = f"sleep 2; {reads.MARK}; sleep 2; {reads.MARK}"
STOP = "kill -TERM $(pidof lnkinspect); while pidof lnkinspect >/dev/null; do usleep 100000; done"


def said(log: str) -> set[str]:
    """Each line without its time and message; but that 16GT/s is what came."""
    lines = [line for line in log.splitlines() if " watching " not in line]
    return {
        " ".join(line.split("  ")[0].split()[1:]) + (" faster" if "device runs 16GT/s" in line else "")
        for line in lines
    }


def idle(trace: reads.Reads) -> Iterator[str]:
    yield from (f"{at} was read" for at in sorted(trace))


def asleep(naps: str) -> bool:
    counts = naps.splitlines()
    return len(counts) == 2 and counts[0] == counts[1]


def polled(trace: reads.Reads) -> Iterator[str]:
    yield from differ({"00:03.0", "01:00.0"}, set(trace))
    yield from (f"{at}: {len(d)} dwords, not one" for at, d in trace.items() if len(d) != 1)


def checks(machine: Machine) -> Iterator[Point]:
    runs = tuple(reads.run(name) for name in ("between events", "events", "with --interval"))
    with Guest(machine, [*ARGUMENTS.split(), *reads.TRACE]) as guest:
        guest.boot()
        naps = guest.look(f"{start('events')}; sleep 2; {NAPS}; {QUIET}; {NAPS}")["command"]
        guest.monitor(hot("8"))
        guest.look(f"{until('events', 'came')}; {start('polls', '--interval 100ms')}; {QUIET}")
        guest.poke(*map(bytes.fromhex, SLOWER))
        guest.look(until("polls", "changed"))
        guest.monitor(UNPLUG)
        guest.look(f"{until('events', 'removed')}; {until('polls', 'removed')}")
        guest.monitor(hot("16", "m1"))
        faster = "device runs 16GT/s"
        guest.look(f"{until('events', faster)}; {until('polls', faster)}")
        seen = guest.look(f"{STOP}; cp /events /polls .")
        between, _, sampled = reads.between(guest.wrote("trace"), runs)
    finding = f"LNK001 error {LINK}"
    replaced = {f"came {finding} faster", f"added {FN} 8086:0d93", "0"}
    went = {f"removed {FN} 8086:0d93", f"went {finding}"}
    came = {f"added {FN} 8086:0d93", f"came {finding}"}
    turned = {f"link {LINK} 2.5GT/s x16, was 8GT/s x16", f"changed {finding}", f"found {finding}"}
    yield "monitor: what comes and goes", list(differ(came | went | replaced, said(seen["events"])))
    yield "monitor: what changes, with --interval", list(
        differ(turned | went | replaced, said(seen["polls"]))
    )
    yield "monitor: nothing is read between events", list(idle(between))
    yield "monitor: nothing wakes it up between events", [] if asleep(naps) else [naps]
    yield "monitor: with --interval, the status of both ends", list(polled(sampled))
