# SPDX-License-Identifier: GPL-2.0-or-later
"""watch - --monitor in a guest whose device comes, changes and goes: what it says, what it reads

The kernel's own events, and QEMU's trace of reads (reads.py).
"""
from collections.abc import Iterator

import reads
from outside import Point, differ
from rig import Guest, Machine
from topologies import MEMORY, PORT, UNPLUG, hot

ARGUMENTS = f"-machine q35 {MEMORY} {PORT},x-speed=2_5,x-width=1"
# The device's LNKCAP, LNKCTL and LNKSTA: 8GT/s x16; then it runs at 2.5GT/s x16.
SLOWER = ("03050000 0000 0301", "03050000 0000 0101")
LINK = "0000:00:03.0>0000:01:00.0"
FN = "0000:01:00.0"


# Into a log of its own, and until there are such words in it.
def start(log: str, arguments: str = "") -> str:
    return f"lnkinspect --monitor -n {arguments} >/{log} 2>&1 & {until(log, 'watching')}"


def until(log: str, words: str) -> str:
    return f"until grep -q '{words}' /{log}; do usleep 100000; done"


# Twice: on a busy machine one of them is spent on what came before.
QUIET = f"sleep 2; {reads.MARK}; sleep 2; {reads.MARK}"
STOP = "kill -TERM $(pidof lnkinspect); while pidof lnkinspect >/dev/null; do usleep 100000; done"


def said(log: str) -> set[str]:
    """Each line without its time and message."""
    lines = [line.split("  ")[0].split() for line in log.splitlines() if " watching " not in line]
    return {" ".join(words[1:]) for words in lines}


def idle(trace: reads.Reads) -> Iterator[str]:
    yield from (f"{at} was read" for at in sorted(trace))


def polled(trace: reads.Reads) -> Iterator[str]:
    yield from differ({"00:03.0", "01:00.0"}, set(trace))
    yield from (f"{at}: {len(d)} dwords, not one" for at, d in trace.items() if len(d) != 1)


def checks(machine: Machine) -> Iterator[Point]:
    runs = tuple(reads.run(name) for name in ("between events", "events", "with --interval"))
    with Guest(machine, [*ARGUMENTS.split(), *reads.TRACE]) as guest:
        guest.boot()
        guest.look(f"{start('events')}; {QUIET}")
        guest.monitor(hot("8"))
        guest.look(f"{until('events', 'came')}; {start('polls', '--interval 100ms')}; {QUIET}")
        guest.poke(*map(bytes.fromhex, SLOWER))
        guest.look(until("polls", "changed"))
        guest.monitor(UNPLUG)
        gone = f"{until('events', 'removed')}; {until('polls', 'removed')}; {STOP}"
        seen = guest.look(f"{gone}; cp /events /polls .")
        between, _, sampled = reads.between(guest.wrote("trace"), runs)
    finding = f"LNK001 error {LINK}"
    went = {f"removed {FN} 8086:0d93", f"went {finding}"}
    came = {f"added {FN} 8086:0d93", f"came {finding}"}
    turned = {f"link {LINK} 2.5GT/s x16, was 8GT/s x16", f"changed {finding}", f"found {finding}"}
    yield "monitor: what comes and goes", list(differ(came | went, said(seen["events"])))
    yield "monitor: what changes, with --interval", list(differ(turned | went, said(seen["polls"])))
    yield "monitor: nothing is read between events", list(idle(between))
    yield "monitor: with --interval, the status of both ends", list(polled(sampled))
