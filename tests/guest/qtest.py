# SPDX-License-Identifier: GPL-2.0-or-later
"""qtest - reads the registers of arm's and riscv's ports from outside, without a guest system

QEMU's qtest protocol reads and writes a halted machine's memory, and the configuration space is
mapped into that (PCIe 7.2.2, ECAM). No firmware has run, so bus numbers are given out here.
"""
import shlex
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from outside import Expected, Fixture, Point, points, printed, readme, version
from rig import GuestError
from topologies import Stage

LIMIT = 20.0
CONFIG_SIZE = 4096
ABSENT = 0xFFFF
# PCI 3.0, figures 6-1 and appendix D; PCI-to-PCI Bridge Architecture 1.2, 3.2
VENDOR, REVISION, HEADER_TYPE = 0x00, 0x08, 0x0E
PRIMARY, SECONDARY, SUBORDINATE = 0x18, 0x19, 0x1A
BRIDGE = 1
MULTIFUNCTION = 0x80


@dataclass(frozen=True)
class Machine:
    """A machine of QEMU, where it has the configuration space of bus 0, and what is found in it."""

    name: str
    what: str
    qemu: str
    ecam: int
    arguments: str
    expected: Expected

    def command(self) -> list[str]:
        return [self.qemu, "-nodefaults", "-display", "none", "-S", *shlex.split(self.arguments)]


@dataclass(frozen=True, order=True)
class Function:
    bus: int
    device: int
    function: int

    def offset(self) -> int:
        return self.bus << 20 | self.device << 15 | self.function << 12

    def __str__(self) -> str:
        return f"{self.bus:02x}:{self.device:02x}.{self.function}"


# hw/arm/virt.c, hw/riscv/virt.c: where "pcie-mmcfg" is
ARM_ECAM, RISCV_ECAM = 0x4010000000, 0x30000000

# Hot-plug is the port's own here: one with a device says that its link is active (2000 in LNKSTA);
# without a device, LNKSTA repeats LNKCAP.
MACHINES = (
    # Ports 2.5GT/s x1, without ACS; device at 8GT/s x16.
    Machine(
        name="qemu-arm-virt-3.1",
        what="The old machine types are slow on arm, too: the origin case, and an empty port.",
        qemu="qemu-system-aarch64",
        ecam=ARM_ECAM,
        arguments="-M virt-3.1"
        " -device pcie-root-port,id=port1,addr=1,chassis=1"
        " -object memory-backend-ram,id=memory1,size=256M"
        " -device cxl-type3,bus=port1,volatile-memdev=memory1,x-speed=8,x-width=16"
        " -device pcie-root-port,id=port2,addr=2,chassis=2",
        expected=Expected(
            Stage(
                registers="""
                    00:00.0 ID 00081b36
                    00:01.0 ID 000c1b36 LNKCAP 00000411 LNKSTA 2011
                    00:02.0 ID 000c1b36 LNKCAP 00000411 LNKSTA 0011
                    01:00.0 ID 0d938086 LNKCAP 00000503 LNKSTA 0103
                """,
                found="LNK001=error@00:01.0>01:00.0 LNK203=warning@00:01.0>01:00.0",
                never="LNK002 LNK004 LNK008 LNK009 LNK101 LNK204",
            ),
            links="00:01.0>01:00.0=found",
            empty="00:02.0",
            kernel="01:00.0 2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link"
            " at 0000:00:01.0 (capable of 126.016 Gb/s with 8.0 GT/s PCIe x16 link)",
        ),
    ),
    # Ports 16GT/s x32; devices at 8GT/s x16, and at 32GT/s x16. The switch runs at 2.5GT/s x1, and
    # LNKCAP 00000400 is no link's.
    Machine(
        name="qemu-arm-virt",
        what="Today's default ports on arm: before a Gen3 device, which fits; before a Gen5 device,"
        " which does not; before a switch with a Gen5 device; and empty.",
        qemu="qemu-system-aarch64",
        ecam=ARM_ECAM,
        arguments="-M virt"
        " -device pcie-root-port,id=port1,addr=1,chassis=1"
        " -object memory-backend-ram,id=memory1,size=256M"
        " -device cxl-type3,bus=port1,volatile-memdev=memory1,x-speed=8,x-width=16"
        " -device pcie-root-port,id=port2,addr=2,chassis=2"
        " -object memory-backend-ram,id=memory2,size=256M"
        " -device cxl-type3,bus=port2,volatile-memdev=memory2,x-speed=32,x-width=16"
        " -device pcie-root-port,id=port3,addr=3,chassis=3"
        " -device x3130-upstream,id=up3,bus=port3"
        " -device xio3130-downstream,id=down3,bus=up3,chassis=4"
        " -object memory-backend-ram,id=memory3,size=256M"
        " -device cxl-type3,bus=down3,volatile-memdev=memory3,x-speed=32,x-width=16"
        " -device pcie-root-port,id=port4,addr=4,chassis=5",
        expected=Expected(
            Stage(
                registers="""
                    00:00.0 ID 00081b36
                    00:01.0 ID 000c1b36 LNKCAP 00300604 LNKSTA 2103
                    00:02.0 ID 000c1b36 LNKCAP 00300604 LNKSTA 2104
                    00:03.0 ID 000c1b36 LNKCAP 00300604 LNKSTA 2011
                    00:04.0 ID 000c1b36 LNKCAP 00300604 LNKSTA 0204
                    01:00.0 ID 0d938086 LNKCAP 00000503 LNKSTA 0103
                    02:00.0 ID 0d938086 LNKCAP 00000505 LNKSTA 0105
                    03:00.0 ID 8232104c LNKCAP 00000411 LNKSTA 0011
                    04:00.0 ID 8233104c LNKCAP 00000400 LNKSTA 2011
                    05:00.0 ID 0d938086 LNKCAP 00000505 LNKSTA 0105
                """,
                found="""
                    LNK001=error@00:02.0>02:00.0
                    LNK008=warning@05:00.0
                    LNK102=error@04:00.0
                    LNK204=warning@04:00.0>05:00.0
                """,
                never="LNK002 LNK004 LNK009 LNK101 LNK203 LNK001@01:00.0 LNK001@05:00.0",
            ),
            links="""
                00:01.0>01:00.0=pass
                00:02.0>02:00.0=found
                00:03.0>03:00.0=not_applicable
                04:00.0>05:00.0=found
            """,
            empty="00:04.0",
            kernel="""
                02:00.0 252.048 Gb/s available PCIe bandwidth, limited by 16.0 GT/s PCIe x16 link \
at 0000:00:02.0 (capable of 504.112 Gb/s with 32.0 GT/s PCIe x16 link)
                05:00.0 2.000 Gb/s available PCIe bandwidth, limited by 2.5 GT/s PCIe x1 link \
at 0000:00:03.0 (capable of 504.112 Gb/s with 32.0 GT/s PCIe x16 link)
            """,
        ),
    ),
    # Ports 16GT/s x32; devices 2.5GT/s x1. No device that riscv has can be set to another link; a
    # network card whose subsystem is not QEMU's passes for a real one, which has this link, too.
    Machine(
        name="qemu-riscv-virt",
        what="Today's default ports on riscv: before an emulated device; before a network card"
        " whose subsystem is not QEMU's, so that it passes for a real 82574L; and empty.",
        qemu="qemu-system-riscv64",
        ecam=RISCV_ECAM,
        arguments="-M virt"
        " -device pcie-root-port,id=port1,addr=1,chassis=1 -device nvme,bus=port1,serial=a"
        " -device pcie-root-port,id=port2,addr=2,chassis=2"
        " -device e1000e,bus=port2,romfile=,subsys_ven=0x15d9,subsys=0x10d3"
        " -device pcie-root-port,id=port3,addr=3,chassis=3",
        expected=Expected(
            Stage(
                registers="""
                    00:00.0 ID 00081b36
                    00:01.0 ID 000c1b36 LNKCAP 00300604 LNKSTA 2011
                    00:02.0 ID 000c1b36 LNKCAP 00300604 LNKSTA 2011
                    00:03.0 ID 000c1b36 LNKCAP 00300604 LNKSTA 0204
                    01:00.0 ID 00101b36 LNKCAP 00000411 LNKSTA 0011
                    02:00.0 ID 10d38086 LNKCAP 00000411 LNKSTA 0011
                """,
                never="LNK001 LNK002 LNK004 LNK009 LNK203",
            ),
            links="00:01.0>01:00.0=not_applicable 00:02.0>02:00.0=pass",
            empty="00:03.0",
        ),
    ),
)
# What is needed, and the Debian package that has it.
NEEDS = {
    "qemu-system-aarch64": "qemu-system-arm (bookworm-backports)",
    "qemu-system-riscv64": "qemu-system-riscv (bookworm-backports)",
}


class Halted:
    """A machine that QEMU has made and not started; it ends with the `with` block."""

    def __init__(self, machine: Machine):
        self._ecam = machine.ecam
        self._errors = tempfile.TemporaryFile()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    *machine.command(),
                    *("-chardev", f"socket,id=qtest,fd={theirs.fileno()}"),
                    *("-qtest", "chardev:qtest", "-qtest-log", "none"),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stderr=self._errors,
            )
        ours.settimeout(LIMIT)
        self._socket = ours
        self._stream = ours.makefile("rw")

    def __enter__(self) -> "Halted":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._stream.close()
        self._socket.close()
        self._errors.close()

    def _ask(self, command: str) -> str:
        """docs/devel/testing/qtest.rst: one line each way; "OK", and what was asked for."""
        try:
            self._stream.write(command + "\n")
            self._stream.flush()
            answer = self._stream.readline().split()
        except OSError as error:
            raise self._failed(f"{command}: {error}") from error
        if not answer or answer[0] != "OK":
            raise self._failed(f"{command}: {' '.join(answer) or 'QEMU ended'}")
        return answer[-1]

    def _failed(self, what: str) -> GuestError:
        self._process.kill()
        self._process.wait()
        self._errors.seek(0)
        return GuestError(f"{what}\n{self._errors.read().decode(errors='replace')}")

    def read(self, f: Function, offset: int, size: int) -> bytes:
        return bytes.fromhex(self._ask(f"read {self._ecam + f.offset() + offset:#x} {size}")[2:])

    def number(self, f: Function, offset: int, size: int) -> int:
        return int.from_bytes(self.read(f, offset, size), "little")

    def write_byte(self, f: Function, offset: int, value: int) -> None:
        self._ask(f"writeb {self._ecam + f.offset() + offset:#x} {value:#x}")


def answering(machine: Halted, bus: int) -> Iterator[Function]:
    """PCI 3.0, 3.2.2.3.4: a device has a function 0, and that says whether there are others."""
    for device in range(32):
        for number in range(8):
            f = Function(bus, device, number)
            there = machine.number(f, VENDOR, 2) != ABSENT
            if there:
                yield f
            alone = not there or not machine.number(f, HEADER_TYPE, 1) & MULTIFUNCTION
            if number == 0 and alone:
                break


def scan(machine: Halted, bus: int = 0) -> tuple[list[Function], int]:
    """The functions on a bus and below it, and the last bus number that was given out."""
    functions = []
    last = bus
    for f in answering(machine, bus):
        functions.append(f)
        if machine.number(f, HEADER_TYPE, 1) & ~MULTIFUNCTION == BRIDGE:
            machine.write_byte(f, PRIMARY, bus)
            machine.write_byte(f, SECONDARY, last + 1)
            machine.write_byte(f, SUBORDINATE, 0xFF)
            below, last = scan(machine, last + 1)
            machine.write_byte(f, SUBORDINATE, last)
            functions += below
    return functions, last


def dump(machine: Halted) -> str:
    """What `lspci -nxxxx` would print."""
    functions, _ = scan(machine)
    return "".join(dump_function(machine, f) for f in sorted(functions))


def dump_function(machine: Halted, f: Function) -> str:
    config = machine.read(f, 0, CONFIG_SIZE)
    vendor, device = struct.unpack_from("<HH", config, VENDOR)
    revision, class_code = struct.unpack_from("<BxH", config, REVISION)
    words = f"{f} {class_code:04x}: {vendor:04x}:{device:04x}"
    if revision:
        words += f" (rev {revision:02x})"
    rows = [f"{at:02x}: {config[at:at + 16].hex(' ')}" for at in range(0, CONFIG_SIZE, 16)]
    return "\n".join([words, *rows]) + "\n\n"


def capture(machine: Machine) -> str:
    with Halted(machine) as halted:
        return dump(halted)


def check(machine: Machine, file: Path, program: str) -> list[Point]:
    text = capture(machine)
    file.write_text(text)
    lspci = printed("lspci", "-nxxxx", "-F", str(file))
    files = {"json": printed(program, "-n", "--json", "-F", str(file))}
    return [
        (f"{machine.name}: lspci prints what it reads", [] if lspci == text else [lspci]),
        *points(machine.name, files, machine.expected),
    ]


def run(folder: Path, program: str) -> list[Point]:
    """Captures every machine into the folder, and checks what the program says of that."""
    return [point for m in MACHINES for point in check(m, folder / m.name, program)]


def fixtures(_folder: Path) -> list[Fixture]:
    return [Fixture(m.name, story(m), capture(m)) for m in MACHINES]


def story(machine: Machine) -> str:
    return readme(
        f"A real capture: {version(machine.qemu)}, read through qtest with the guest halted, so no"
        " firmware and no guest system; tests/guest/qtest.py gave out the bus numbers, and the BARs"
        " are empty. Layout of lspci -nxxxx.",
        machine.what,
        shlex.join(machine.command()),
    )
