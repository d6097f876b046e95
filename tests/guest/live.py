# SPDX-License-Identifier: GPL-2.0-or-later
"""live - links that idle and wake up, devices that sleep, and containers that hide the machine

QEMU's trace says what was read of configuration space, between marks (reads.py). A device that idles
is one whose LNKSTA is written from outside (rig.py).
"""
from collections.abc import Iterator

from judge import capture_of, findings
from outside import Point, differ
from reads import MARK, TRACE, Reads, Run, between, run, total
from rig import Guest, Machine
from topologies import GEN3, MEMORY, PORT, device

SLOT = "0000:00:03.0>0000:01:00.0"
# LNKCAP 8GT/s x16, LNKCTL, LNKSTA: as it was made, and idle at 2.5GT/s.
AWAKE, IDLE = (bytes.fromhex(f"03050000 0000 {status}") for status in ("0301", "0101"))
SYSFS = "/sys/bus/pci/devices"


def sampling(command: str) -> str:
    """Runs it beside what comes next, in the guest's shell; /sample.status is there at its end."""
    return f"({command} >/sample 2>/sample.err; echo $? >/sample.status) & sleep 2"


STOP = (
    "kill -TERM $(pidof lnkinspect); until [ -e /sample.status ]; do usleep 100000; done;"
    " cp /sample sampled; cp /sample.status sampled.status"
)


def loud(capture: dict) -> set[str]:
    """Warnings and errors."""
    return {f for f in findings(capture) if "=warning@" in f or "=error@" in f}


# ---- Idle ---------------------------------------------------------------------------------------
def idle(machine: Machine) -> Iterator[Point]:
    """An idle device behind a port of 2.5GT/s x16: what its upshift shows."""
    arguments = f"-machine q35 {MEMORY} {PORT},x-speed=2_5,x-width=16 {device('bus=rp0', GEN3)}"
    user = "su -s /bin/sh nobody -c \"lnkinspect --json --while 'sleep 1; exit 3'\" >sampled"
    with Guest(machine, arguments.split()) as guest:
        guest.boot()
        guest.poke(AWAKE, IDLE)
        before = guest.look(sampling("lnkinspect --sample=60s --json -v"))
        guest.poke(IDLE, AWAKE)
        after = guest.look(f"sleep 2; {STOP}")
        unprivileged = guest.look(user)
    yield "live: idle, it is not seen to run faster than its port", list(
        differ({f"LNK002=warning@{SLOT}"}, loud(capture_of(before, "default")))
    )
    capture = capture_of(after, "sampled")
    yield "live: --sample judges by its upshift", list(
        differ({f"LNK001=error@{SLOT}"}, loud(capture))
    ) + list(differ({"1"}, {after["sampled.status"].strip()}))
    yield "live: --sample says what it saw", list(samples(capture))
    capture = capture_of(unprivileged, "sampled")
    yield "live: --while by somebody who is not root", list(
        differ({f"LNK001=error@{SLOT}", "LNK901=warning@-"}, loud(capture))
    ) + list(differ({"3"}, {str(capture["sampling"]["command"]["status"])}))


def samples(capture: dict) -> Iterator[str]:
    """By hand: idle at 2.5GT/s x16, then 8GT/s x16, with one change; the port follows, cut to 2.5GT/s."""
    link = next(link for link in capture["links"] if link["device"]["address"] == "0000:01:00.0")
    device_end, port_end = link["device"]["samples"], link["port"]["samples"]
    for end, name, highest, changes in ((device_end, "device", "8GT/s", 1), (port_end, "port", "2.5GT/s", 0)):
        for key, speed in (("lowest", "2.5GT/s"), ("highest", highest), ("last", highest)):
            if (end[key]["speed"], end[key]["width"]) != (speed, 16):
                yield f"{name}: {key} is {end[key]}"
        if end["changes"] != changes or end["looks"] < 10:
            yield f"{name}: {end['changes']} changes in {end['looks']} looks"
    speeds = {share["speed"]: share["ms"] for share in device_end["time"]}
    if set(speeds) != {"2.5GT/s", "8GT/s"} or min(speeds.values()) < 500:
        yield f"time: {device_end['time']}"


# ---- Asleep -------------------------------------------------------------------------------------
def asleep(machine: Machine) -> Iterator[Point]:
    """A device without a driver is runtime-suspended where its power/control is "auto"."""
    runs = (
        run("lnkinspect"),
        run("lnkinspect --deep --json -v"),
        run("lnkinspect --capture=-"),
        run("lnkinspect --sample=1s --interval=100ms"),
        run("timeout -s INT 4 lnkinspect --monitor --interval=200ms"),
        run("lnkinspect --wake"),
        run("lspci -vv"),
    )
    arguments = f"-machine q35 {MEMORY} {PORT} {device('bus=rp0')}"
    with Guest(machine, [*arguments.split(), *TRACE]) as guest:
        guest.boot()
        power = f"{SYSFS}/0000:01:00.0/power"
        sleep = (
            f"echo auto >{power}/control;"
            f" until grep -q suspended {power}/runtime_status; do usleep 100000; done"
        )
        commands = [f"{MARK}; {r.command} >/out 2>&1" for r in runs]
        files = guest.look("; ".join([sleep, *commands, MARK]))
        counted = between(guest.wrote("trace"), runs)
    yield "live: what sleeps is said to", list(
        differ({"LNK908=info@0000:01:00.0"}, findings(capture_of(files, "default")))
    )
    yield from (woken(r, reads) for r, reads in zip(runs, counted))


def woken(r: Run, reads: Reads) -> Point:
    asked, wanted = "01:00.0" in reads, r.command in ("lnkinspect --wake", "lspci -vv")
    troubles = ["it was read" if asked else "it was not read"] if asked != wanted else []
    return f"live: {r.command}: what sleeps is {'read' if wanted else 'not read'}", troubles + (
        [] if total(reads) else ["nothing was read at all"]
    )


# ---- A container --------------------------------------------------------------------------------
def container(machine: Machine) -> Iterator[Point]:
    """Mount namespaces that hide what containers hide; root of a user namespace alone."""
    arguments = f"-machine q35 {MEMORY} {PORT},x-speed=2_5,x-width=1 {device('bus=rp0')}"
    look = "lnkinspect --json"
    hidden = "mount -t tmpfs t /sys"
    # Where nothing else is left libpci goes through the ports of the chipset, as lspci does.
    ways = {
        "masked": f"unshare -m sh -c '{hidden}; {look}'",
        "nothing": f"unshare -m sh -c '{hidden}; mount -t tmpfs t /proc/bus; {look}'",
        "read-only": f"unshare -m sh -c 'mount -o remount,ro,bind /sys; {look}'",
        "unprivileged": f"unshare -U -r {look}",
    }
    seen: dict[str, str] = {}
    with Guest(machine, arguments.split()) as guest:
        guest.boot()
        for name, command in ways.items():
            seen[name] = guest.look(command)["command"]
    wanted = f"LNK001=error@{SLOT}"
    captures = {name: capture_of(seen, name) for name in ways}
    for name, way in (("masked", "linux-proc"), ("nothing", "intel-conf1")):
        yield f"live: without sysfs, through {way}", list(
            differ({wanted}, loud(captures[name]))
        ) + lacks(captures[name], f"Read through {way}, without sysfs: which functions sleep is not known")
    yield "live: /sys read-only", list(differ({wanted}, loud(captures["read-only"]))) + (
        [captures["read-only"]["environment"]["lacks"]] if captures["read-only"]["environment"]["lacks"] else []
    )
    yield "live: root without CAP_SYS_ADMIN", list(
        differ({wanted, "LNK901=warning@-"}, loud(captures["unprivileged"]))
    ) + lacks(captures["unprivileged"], "This user is root without CAP_SYS_ADMIN")


def lacks(capture: dict, words: str) -> list[str]:
    said = capture["environment"]["lacks"] or "nothing"
    return [] if said.startswith(words) else [f"it lacks: {said}"]


def checks(machine: Machine) -> Iterator[Point]:
    yield from idle(machine)
    yield from asleep(machine)
    yield from container(machine)
