# SPDX-License-Identifier: GPL-2.0-or-later
"""reads - what each tool costs a guest in reads of configuration space, counted by QEMU

Each of them leaves the guest for its hypervisor. QEMU traces them (pci_cfg_read), with no length:
lnkinspect asks for dwords. What a command reads stands between two writes to a register that no
driver uses, the interrupt line of the chipset's SMBus controller.
"""
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from outside import Point, differ, version
from rig import Guest, GuestError, Machine

TRACE = "-D trace -trace enable=pci_cfg_read -trace enable=pci_cfg_write".split()
EVENT = re.compile(
    r"^pci_cfg_(read|write) \S+ ([0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) @0x([0-9a-f]+) ", re.MULTILINE
)
MARK_AT = ("write", "00:1f.3", 0x3C)
MARK = (
    "printf '\\1' |"
    " dd of=/sys/bus/pci/devices/0000:00:1f.3/config bs=1 seek=60 conv=notrunc 2>/dev/null"
)

# What a run may cost at most: as many dwords of all functions, and of one.
MOST, MOST_OF_ONE = 200, 18

PORTS = " ".join(
    f"-device pcie-root-port,id=rp{n},bus=pcie.0,addr=4.{n},chassis={n},slot={n}"
    + (",multifunction=on" if n == 0 else "")
    for n in range(8)
)
# 20 functions, 15 of them with an Express capability. Modern virtio has it last of its list.
ORDINARY = f"""-machine q35 -device VGA {PORTS}
    -device virtio-net-pci,bus=rp0,romfile= -device virtio-rng-pci,bus=rp1
    -device virtio-scsi-pci,bus=rp2 -device virtio-balloon-pci,bus=rp3
    -device nvme,bus=rp4,serial=1 -device qemu-xhci,bus=rp5
    -object memory-backend-ram,id=m0,size=256M
    -device cxl-type3,bus=rp6,volatile-memdev=m0,x-speed=8,x-width=16"""
WITHOUT = {"00:00.0", "00:01.0", "00:1f.0", "00:1f.2", "00:1f.3"}
# A bridge without the capability, and a switch with a device below each of its two ports.
SWITCH = """-machine q35 -device VGA -device i82801b11-bridge,addr=1e
    -device pcie-root-port,id=rp0,bus=pcie.0,addr=4,chassis=1,slot=1
    -device x3130-upstream,id=up,bus=rp0
    -device xio3130-downstream,id=down0,bus=up,addr=0,chassis=2,slot=1
    -device xio3130-downstream,id=down1,bus=up,addr=1,chassis=3,slot=2
    -device nvme,bus=down0,serial=1 -device qemu-xhci,bus=down1"""


@dataclass(frozen=True)
class Run:
    """A command in the guest, and the only functions that it may read; None: all."""

    command: str
    only: frozenset[str] | None = None


def run(command: str, only: str | None = None) -> Run:
    return Run(command, None if only is None else frozenset(only.split()))


ORDINARY_RUNS = (
    run("lnkinspect"),
    run("lnkinspect --json -v"),
    run("lnkinspect --deep"),
    run("lnkinspect -s 07:00.0", "00:04.6 07:00.0"),
    run("lnkinspect -s 00:04.6", "00:04.6 07:00.0"),
    run("lnkinspect -s 00:04.7", "00:04.7"),
    run("lnkinspect -d 1b36:0010", "00:04.4 05:00.0"),
    run("lnkinspect -s 00:1f.2", ""),
    run("lnkinspect --deep -s 07:00.0", "00:04.6 07:00.0"),
    run("lspci"),
    run("lspci -vv"),
    run("lspci -vvvxxxx"),
)
SWITCH_RUNS = (
    run("lnkinspect"),
    run("lnkinspect -s 03:00.0", "00:04.0 01:00.0 02:00.0 03:00.0"),
    run("lnkinspect -s 02:01.0", "00:04.0 01:00.0 02:01.0 04:00.0"),
    run("lnkinspect -s 01:00.0", "00:04.0 01:00.0"),
    run("lnkinspect -s 00:1e.0", ""),
)

Reads = dict[str, Counter]  # of each function: how often each dword was read


def between(trace: str, runs: tuple[Run, ...]) -> list[Reads]:
    """What each run read. Firmware writes the mark's register, too, long before."""
    events = [(kind, at, int(off, 16)) for kind, at, off in EVENT.findall(trace)]
    marks = [i for i, event in enumerate(events) if event == MARK_AT][-len(runs) - 1 :]
    if len(marks) != len(runs) + 1:
        raise GuestError(f"{len(marks)} marks in the trace, not {len(runs) + 1}")
    counted = []
    for first, last in pairwise(marks):
        reads: Reads = {}
        for kind, at, off in events[first:last]:
            if kind == "read":
                reads.setdefault(at, Counter())[off & ~3] += 1
        counted.append(reads)
    return counted


def count(machine: Machine, arguments: str, runs: tuple[Run, ...]) -> tuple[list[Reads], str]:
    """What each run read, and how they ended."""
    commands = [f"{MARK}; {r.command} >/dev/null; echo {r.command}: $?" for r in runs]
    with Guest(machine, [*arguments.split(), *TRACE]) as guest:
        guest.boot()
        seen = guest.look("; ".join([*commands, MARK]))
        return between(guest.wrote("trace"), runs), seen["command"]


def total(reads: Reads) -> int:
    return sum(sum(dwords.values()) for dwords in reads.values())


def most(reads: Reads) -> int:
    return max((sum(dwords.values()) for dwords in reads.values()), default=0)


def troubles(r: Run, reads: Reads) -> Iterator[str]:
    for at, dwords in sorted(reads.items()):
        if r.only is not None and at not in r.only:
            yield f"{at} was read, though it was not chosen"
        yield from (f"{at} {off:02x} was read {n} times" for off, n in dwords.items() if n > 1)
    yield from (f"{at} was not read" for at in sorted((r.only or frozenset()) - reads.keys()))


def few(reads: Reads) -> Iterator[str]:
    if not 0 < total(reads) <= MOST:
        yield f"{total(reads)} reads, not at most {MOST}"
    for at, dwords in sorted(reads.items()):
        if at in WITHOUT:
            yield f"{at} has no Express capability and was read"
        if sum(dwords.values()) > MOST_OF_ONE:
            yield f"{at} was read {sum(dwords.values())} times, not at most {MOST_OF_ONE}"


def table(machine: Machine, runs: tuple[Run, ...], counted: list[Reads]) -> str:
    """For the benchmark: reads in all, of the function that was read most, functions read."""
    rows = [f"# {version(machine.qemu)}, 20 functions, 15 with an Express capability",
            "reads\tmost\tfunctions\tcommand"]
    for r, reads in zip(runs, counted):
        rows.append(f"{total(reads)}\t{most(reads)}\t{len(reads)}\t{r.command}")
    return "\n".join(rows) + "\n"


def checks(machine: Machine, result: Path) -> Iterator[Point]:
    for name, arguments, runs in (
        ("reads", ORDINARY, ORDINARY_RUNS),
        ("reads-switch", SWITCH, SWITCH_RUNS),
    ):
        counted, ends = count(machine, arguments, runs)
        if runs is ORDINARY_RUNS:
            result.write_text(table(machine, runs, counted))
            yield f"{name}: few, and only where they tell something", list(few(counted[0]))
        for r, reads in zip(runs, counted):
            if r.command.startswith("lnkinspect"):
                yield f"{name}: {r.command}", list(troubles(r, reads))
        wanted = {f"{r.command}: 0" for r in runs}
        yield f"{name}: exit statuses", list(differ(wanted, set(ends.splitlines())))
