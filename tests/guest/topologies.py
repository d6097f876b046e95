# SPDX-License-Identifier: GPL-2.0-or-later
"""topologies - the guests that are booted, and what must be found in each, worked out by hand

The registers are those that QEMU gives its ports and devices; the findings follow from them and
from what the rules say. cxl-type3 stands in for an assigned device: of all endpoints that QEMU
emulates, only its link can be set. The others show 2.5GT/s x1 for decoration and are not judged.

LNKCAP and LNKSTA hold the speed in bits 3:0 (1 to 6: 2.5, 5, 8, 16, 32, 64 GT/s) and the width in
bits 9:4. QEMU computes a port's LNKSTA when it is read: that of function 0 below it, with speed and
width each cut to the port's LNKCAP; LNKCAP where nothing is below. Bit 13 of a port's LNKSTA says
that the link is up, but only where the guest's kernel runs the slot: that is not so below pcie.0 of
a q35 of version 6.1 or later.

A finding is written ID=SEVERITY@WHERE; WHERE is PORT>DEVICE, a function, or "-", the whole input.
Whatever else is found at warning or above is a failure. Addresses without a domain are in 0000.
"""
from dataclasses import dataclass


@dataclass(frozen=True)
class Mend:
    """A suggestion, and what comes of it."""

    findings: str  # ID@WHERE of all that it mends
    ways: tuple[str, ...]  # what is new on the command line, for each way that is offered
    left: str = ""  # what is found then, at notice or above


@dataclass(frozen=True)
class Stage:
    """One look at a running guest."""

    registers: str  # lines of: FUNCTION REGISTER VALUE ...
    found: str = ""
    never: str = ""  # ID or ID@FUNCTION: not at any severity
    user: str = ""  # what somebody who is not root finds, beside LNK901
    user_status: int = 0
    name: str = ""  # where there are several stages
    monitor: tuple[dict[str, object], ...] = ()  # QMP's commands before this look
    poke: tuple[str, str] | None = None  # bytes of registers, and others in their place
    command: str = ":"  # of the guest's shell, before this look
    mends: tuple[Mend, ...] = ()  # all that is suggested


@dataclass(frozen=True)
class Topology:
    name: str
    what: str
    why: str
    arguments: str
    stages: tuple[Stage, ...]
    machine: str = "q35"

    def command_line(self) -> list[str]:
        return ["-machine", self.machine, *self.arguments.split()]

    def label(self, stage: Stage) -> str:
        return f"{self.name}-{stage.name}" if stage.name else self.name


MEMORY = "-object memory-backend-ram,id=m0,size=256M"
MEMORIES = f"{MEMORY} -object memory-backend-ram,id=m1,size=256M"
PORT = "-device pcie-root-port,id=rp0,bus=pcie.0,addr=0x3,chassis=1,slot=1"
PORT_1 = "-device pcie-root-port,id=rp1,bus=pcie.0,addr=0x4,chassis=2,slot=2"
# A port that a suggestion adds gets the lowest address that is free on the root bus.
NEW_PORT = "-device pcie-root-port,id=lnk2,bus=pcie.0,addr=0x2,chassis=130,slot=2"
GEN3 = "x-speed=8,x-width=16"
GEN5 = "x-speed=32,x-width=16"


def device(place: str, link: str = GEN3, memory: str = "m0") -> str:
    return f"-device cxl-type3,{place},volatile-memdev={memory},{link}"


def hot(link_speed: str, memory: str = "m0") -> dict[str, object]:
    arguments = {"driver": "cxl-type3", "id": "ep0", "bus": "rp0", "volatile-memdev": memory}
    link = {"x-speed": link_speed, "x-width": "16"}
    return {"execute": "device_add", "arguments": arguments | link}


UNPLUG = {"execute": "device_del", "arguments": {"id": "ep0"}}


def until(test: str) -> str:
    """What a guest waits for below port 00:03.0, with time for the kernel to finish its part."""
    path = "/sys/bus/pci/devices/0000:01:00.0/config"
    return f"until [ {test} {path} ]; do usleep 100000; done; usleep 300000"


TOPOLOGIES = (
    # ---- The origin case -------------------------------------------------------------------
    Topology(
        name="origin-legacy",
        what="a machine type of 2018: its ports are 2.5GT/s x1",
        why="Up to version 3.1, a pcie-root-port is 2.5GT/s x1 and has no ACS capability.",
        machine="pc-q35-3.1",
        arguments=f"{MEMORY} {PORT} {device('bus=rp0')}",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00000411 LNKSTA 2011
                    01:00.0 LNKCAP 00000503 LNKSTA 0103
                """,
                found="LNK001=error@00:03.0>01:00.0 LNK203=warning@00:03.0>01:00.0",
                never="LNK002 LNK004 LNK008 LNK101 LNK204",
                # Whether there is ACS stands behind the first 64 bytes: LNK203 cannot tell.
                user="LNK001=error@00:03.0>01:00.0",
                user_status=1,
                # All ports that do not say otherwise; or the default of newer machines, 16GT/s x32.
                mends=(
                    Mend(
                        "LNK001@00:03.0>01:00.0 LNK203@00:03.0>01:00.0",
                        (
                            "-global pcie-root-port.x-speed=8 -global pcie-root-port.x-width=16",
                            "-machine q35",
                        ),
                    ),
                ),
            ),
        ),
    ),
    Topology(
        name="origin-mended",
        what="the same, with what is suggested there",
        why="README.md shows both.",
        machine="pc-q35-3.1",
        arguments="-global pcie-root-port.x-speed=8 -global pcie-root-port.x-width=16"
        f" {MEMORY} {PORT} {device('bus=rp0')}",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00300503 LNKSTA 2103
                    01:00.0 LNKCAP 00000503 LNKSTA 0103
                """,
                never="LNK001 LNK002 LNK004 LNK203",
            ),
        ),
    ),
    Topology(
        name="origin-by-hand",
        what="a port set to 2.5GT/s x1",
        why="The same link, but the port has ACS: no legacy machine type.",
        arguments=f"{MEMORY} {PORT},x-speed=2_5,x-width=1 {device('bus=rp0')}",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00000411 LNKSTA 0011
                    01:00.0 LNKCAP 00000503 LNKSTA 0103
                """,
                found="LNK001=error@00:03.0>01:00.0",
                never="LNK002 LNK004 LNK008 LNK101 LNK203 LNK204",
                user="LNK001=error@00:03.0>01:00.0",
                user_status=1,
                mends=(Mend("LNK001@00:03.0>01:00.0", (f"{PORT},{GEN3}",)),),
            ),
        ),
    ),
    Topology(
        name="gen5-default-port",
        what="today's default port, 16GT/s x32, before a device at 32GT/s x16",
        why="A port that is not told otherwise is wider than any device, but slower than new ones.",
        arguments=f"{MEMORY} {PORT} {device('bus=rp0', GEN5)}",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00300604 LNKSTA 0104
                    01:00.0 LNKCAP 00000505 LNKSTA 0105
                """,
                found="LNK001=error@00:03.0>01:00.0",
                never="LNK002 LNK004 LNK008 LNK101 LNK203 LNK204",
                user="LNK001=error@00:03.0>01:00.0",
                user_status=1,
                mends=(Mend("LNK001@00:03.0>01:00.0", (f"{PORT},{GEN5}",)),),
            ),
        ),
    ),
    Topology(
        name="idle",
        what="a device of 8GT/s x16 that idles at 2.5GT/s behind a port of 2.5GT/s x16",
        why="It does not run faster than the port says is possible, but can: 15.75 GB/s, of which"
        " the port's 4 GB/s are less than half. No device that QEMU emulates idles: its LNKSTA is"
        " written from outside.",
        arguments=f"{MEMORY} {PORT},x-speed=2_5,x-width=16 {device('bus=rp0')}",
        stages=(
            Stage(
                # A port that is more than 2.5GT/s x1 can notify of its bandwidth: bit 21.
                registers="""
                    00:03.0 LNKCAP 00200501 LNKSTA 0101
                    01:00.0 LNKCAP 00000503 LNKSTA 0101
                """,
                found="LNK002=warning@00:03.0>01:00.0",
                never="LNK001 LNK004 LNK005 LNK006 LNK203",
                user="LNK002=warning@00:03.0>01:00.0",
                user_status=1,
                # The device's LNKCAP, LNKCTL and LNKSTA.
                poke=("03050000 0000 0301", "03050000 0000 0101"),
                # Then both ends can do 8GT/s, and it still idles: a notice behind a virtual port.
                mends=(
                    Mend(
                        "LNK002@00:03.0>01:00.0",
                        (f"{PORT},{GEN3}",),
                        left="LNK006=notice@00:03.0>01:00.0",
                    ),
                ),
            ),
        ),
    ),
    # ---- Ports that tell the truth ---------------------------------------------------------
    Topology(
        name="consistent",
        what="a port set to 8GT/s x16 and a default port, each before such a device",
        why="Neither port claims less than its device can do or does.",
        arguments=f"{MEMORIES} {PORT},{GEN3} {PORT_1} {device('bus=rp0')}"
        f" {device('bus=rp1', GEN3, 'm1')}",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00300503 LNKSTA 0103
                    01:00.0 LNKCAP 00000503 LNKSTA 0103
                    00:04.0 LNKCAP 00300604 LNKSTA 0103
                    02:00.0 LNKCAP 00000503 LNKSTA 0103
                """,
                never="LNK001 LNK002 LNK004 LNK005 LNK006 LNK008 LNK203 LNK205",
            ),
        ),
    ),
    Topology(
        name="empty-ports",
        what="ports with nothing below: default, set to 2.5GT/s x1, ioh3420",
        why="They have no link, whatever their registers claim.",
        arguments=f"{PORT} {PORT_1},x-speed=2_5,x-width=1"
        " -device ioh3420,id=rp2,bus=pcie.0,addr=0x5,chassis=3,slot=3",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00300604 LNKSTA 0204
                    00:04.0 LNKCAP 00000411 LNKSTA 0011
                    00:05.0 LNKCAP 00000411 LNKSTA 0011
                """,
                never="LNK001 LNK002 LNK009 LNK102 LNK203 LNK204 LNK903",
            ),
        ),
    ),
    # ---- Ports modelled on old silicon -----------------------------------------------------
    Topology(
        name="ioh3420",
        what="a port modelled on Intel's X58, before a device of 8GT/s x16",
        why="Its link is that of the chip, 2.5GT/s x1, and no setting changes it.",
        arguments=f"{MEMORY} -device ioh3420,id=rp0,bus=pcie.0,addr=0x3,chassis=1,slot=1"
        f" {device('bus=rp0')}",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00000411 LNKSTA 0011
                    01:00.0 LNKCAP 00000503 LNKSTA 0103
                """,
                found="LNK001=error@00:03.0>01:00.0 LNK204=warning@00:03.0>01:00.0",
                never="LNK002 LNK004 LNK203",
                # LNK204 is about a register of the port, LNK001 about what sysfs says as well.
                user="LNK001=error@00:03.0>01:00.0",
                user_status=1,
                mends=(
                    Mend("LNK001@00:03.0>01:00.0 LNK204@00:03.0>01:00.0", (f"{PORT},{GEN3}",)),
                ),
            ),
        ),
    ),
    Topology(
        name="switch",
        what="TI's switch with two downstream ports, one of them empty",
        why="The downstream ports' LNKCAP holds neither speed nor width, so there is nothing to"
        " compare with. All hops run 2.5GT/s x1, and of equals Linux names the one nearest to the"
        " root.",
        arguments=f"{MEMORY} {PORT} -device x3130-upstream,id=up0,bus=rp0"
        " -device xio3130-downstream,id=dn0,bus=up0,addr=0x0,chassis=2,slot=2"
        " -device xio3130-downstream,id=dn1,bus=up0,addr=0x1,chassis=3,slot=3"
        f" {device('bus=dn0', GEN5)}",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00300604 LNKSTA 0011
                    01:00.0 LNKCAP 00000411 LNKSTA 0011
                    02:00.0 LNKCAP 00000400 LNKSTA 0011
                    02:01.0 LNKCAP 00000400 LNKSTA 0011
                    03:00.0 LNKCAP 00000505 LNKSTA 0105
                """,
                found="LNK102=error@02:00.0 LNK102=notice@02:01.0"
                " LNK204=warning@02:00.0>03:00.0 LNK008=warning@03:00.0",
                never="LNK001 LNK002 LNK004 LNK203 LNK204@02:01.0",
                # LNKCAP is out of reach, and sysfs has no word for a speed of 0; the hops'
                # status it has.
                user="LNK008=warning@03:00.0",
                user_status=1,
                # The root bus has room at 2; what is left of the switch is behind it, on bus 3.
                mends=(
                    Mend(
                        "LNK102@02:00.0 LNK008@03:00.0 LNK204@02:00.0>03:00.0",
                        (
                            "-device pcie-root-port,id=dn0,bus=pcie.0,addr=0x2,chassis=2,slot=2,"
                            f"{GEN5}",
                        ),
                        left="LNK102=notice@03:01.0",
                    ),
                ),
            ),
        ),
    ),
    Topology(
        name="cxl-switch",
        what="a CXL switch of 16GT/s x16 below a port of 8GT/s x4",
        why="Its links are settings: it is judged as a device and as a port. 2.5GT/s x1 is the"
        " device's own wire; of the hops beyond that, 8GT/s x4 is the slowest.",
        arguments=f"{MEMORY} {PORT},x-speed=8,x-width=4"
        " -device cxl-upstream,id=up0,bus=rp0,x-speed=16,x-width=16"
        " -device cxl-downstream,id=dn0,bus=up0,addr=0x0,port=0x1,chassis=2,slot=2,x-speed=2_5,"
        "x-width=1"
        " -device cxl-downstream,id=dn1,bus=up0,addr=0x1,port=0x2,chassis=3,slot=3"
        f" {device('bus=dn0')}",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00300443 LNKSTA 0043
                    01:00.0 LNKCAP 00000504 LNKSTA 0104
                    02:00.0 LNKCAP 01000411 LNKSTA 0011
                    02:01.0 LNKCAP 02300506 LNKSTA 0106
                    03:00.0 LNKCAP 00000503 LNKSTA 0103
                """,
                found="LNK001=error@00:03.0>01:00.0 LNK001=error@02:00.0>03:00.0"
                " LNK008=warning@03:00.0",
                never="LNK002 LNK004 LNK102 LNK203 LNK204",
                user="LNK001=error@00:03.0>01:00.0 LNK001=error@02:00.0>03:00.0"
                " LNK008=warning@03:00.0",
                user_status=1,
                mends=(
                    Mend(
                        "LNK001@00:03.0>01:00.0 LNK008@03:00.0",
                        (f"{PORT},x-speed=16,x-width=16",),
                        left="LNK001=error@02:00.0>03:00.0",
                    ),
                    Mend(
                        "LNK001@02:00.0>03:00.0",
                        (
                            "-device cxl-downstream,id=dn0,bus=up0,addr=0x0,port=0x1,chassis=2,"
                            f"slot=2,{GEN3}",
                        ),
                        left="LNK001=error@00:03.0>01:00.0 LNK008=warning@03:00.0",
                    ),
                ),
            ),
        ),
    ),
    # ---- Several functions -----------------------------------------------------------------
    Topology(
        name="multi-function",
        what="an emulated drive and a device of 8GT/s x16 as functions of one slot",
        why="The port mirrors function 0, an emulated drive, and says nothing of function 1.",
        arguments=f"{MEMORY} {PORT} -device nvme,bus=rp0,addr=0x0.0,multifunction=on,serial=x"
        f" {device('bus=rp0,addr=0x0.1')}",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00300604 LNKSTA 0011
                    01:00.0 LNKCAP 00000411 LNKSTA 0011
                    01:00.1 LNKCAP 00000503 LNKSTA 0103
                """,
                found="LNK104=warning@00:03.0>01:00.0",
                never="LNK001 LNK002 LNK004 LNK008",
                user="LNK104=warning@00:03.0>01:00.0",
                user_status=1,
                mends=(
                    Mend(
                        "LNK104@00:03.0>01:00.0",
                        (f"{NEW_PORT},{GEN3} {device('bus=lnk2,addr=0x0')}",),
                    ),
                ),
            ),
        ),
    ),
    Topology(
        name="same-serial",
        what="two functions of one physical device in two slots",
        why="One serial number, two slots: the second is said to belong with the first.",
        arguments=f"{MEMORIES} {PORT} {PORT_1} {device('bus=rp0')},sn=0x1122"
        f" {device('bus=rp1', GEN3, 'm1')},sn=0x1122",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00300604 LNKSTA 0103
                    01:00.0 LNKCAP 00000503 LNKSTA 0103 DSNLO 00001122 DSNHI 00000000
                    00:04.0 LNKCAP 00300604 LNKSTA 0103
                    02:00.0 LNKCAP 00000503 LNKSTA 0103 DSNLO 00001122 DSNHI 00000000
                """,
                found="LNK205=notice@02:00.0",
                never="LNK001 LNK002 LNK205@01:00.0",
                mends=(
                    Mend(
                        "LNK205@02:00.0",
                        (
                            f"{device('bus=rp0,addr=0x0,multifunction=on')},sn=0x1122"
                            f" {device('bus=rp0,addr=0x0.1', GEN3, 'm1')},sn=0x1122",
                        ),
                    ),
                ),
            ),
        ),
    ),
    Topology(
        name="sriov",
        what="a drive with two virtual functions",
        why="A virtual function's ID reads all ones, and its link is its physical function's."
        " Without autoprobe no driver comes and goes while we look.",
        arguments=f"{PORT} -device nvme-subsys,id=ss0 -device nvme,bus=rp0,subsys=ss0,serial=x,"
        "sriov_max_vfs=2,sriov_vq_flexible=4,sriov_vi_flexible=2,max_ioqpairs=6,msix_qsize=6",
        stages=(
            Stage(
                command="cd /sys/bus/pci/devices/0000:01:00.0 && echo 0 >sriov_drivers_autoprobe"
                " && echo 2 >sriov_numvfs",
                registers="""
                    00:03.0 LNKCAP 00300604 LNKSTA 0011
                    01:00.0 LNKCAP 00000411 LNKSTA 0011
                    01:00.1 LNKCAP 00000411 LNKSTA 0011 ID ffffffff
                    01:00.2 LNKCAP 00000411 LNKSTA 0011 ID ffffffff
                """,
                found="LNK207=info@01:00.1 LNK207=info@01:00.2",
                never="LNK001 LNK002 LNK104 LNK105",
            ),
        ),
    ),
    # ---- Where the device stands -----------------------------------------------------------
    Topology(
        name="root-bus",
        what="a device and an emulated drive on the root bus",
        why="There, QEMU makes both integrated endpoints: type 9 in bits 7:4.",
        arguments=f"{MEMORY} {device('bus=pcie.0,addr=0x4')}"
        " -device nvme,bus=pcie.0,addr=0x5,serial=x",
        stages=(
            Stage(
                registers="""
                    00:04.0 PCIECAP 0092
                    00:05.0 PCIECAP 0092
                """,
                # Memory is no graphics card: a notice.
                found="LNK201=notice@00:04.0",
                never="LNK001 LNK101 LNK103 LNK202 LNK201@00:05.0",
                # What link the device has, nobody can know there: a default port.
                mends=(
                    Mend("LNK201@00:04.0", (f"{NEW_PORT} {device('bus=lnk2,addr=0x0')}",)),
                ),
            ),
        ),
    ),
    Topology(
        name="i440fx",
        what="a device and an emulated drive on the conventional bus of an i440fx",
        why="They stay endpoints, type 0, with 256 bytes of registers and no port above.",
        machine="pc",
        arguments=f"{MEMORY} {device('addr=0x4')} -device nvme,addr=0x5,serial=x",
        stages=(
            Stage(
                registers="""
                    00:04.0 PCIECAP 0002 LNKCAP 00000503 LNKSTA 0103
                    00:05.0 PCIECAP 0002 LNKCAP 00000411 LNKSTA 0011
                """,
                found="LNK202=notice@00:04.0",
                never="LNK001 LNK101 LNK103 LNK201 LNK202@00:05.0",
                mends=(
                    Mend(
                        "LNK202@00:04.0",
                        (f"-machine q35 {NEW_PORT},{GEN3} {device('bus=lnk2,addr=0x0')}",),
                    ),
                ),
            ),
        ),
    ),
    Topology(
        name="pci-bridge",
        what="a device and an emulated drive behind a bridge to a conventional bus",
        why="The bridge's link is decoration; what stands below it has no link at all.",
        arguments=f"{MEMORY} {PORT} -device pcie-pci-bridge,id=br0,bus=rp0"
        f" {device('bus=br0,addr=0x1')} -device nvme,bus=br0,addr=0x2,serial=x",
        stages=(
            Stage(
                registers="""
                    00:03.0 LNKCAP 00300604 LNKSTA 0011
                    01:00.0 LNKCAP 00000411 LNKSTA 0011 PCIECAP 0072
                    02:01.0 LNKCAP 00000503 LNKSTA 0103 PCIECAP 0002
                    02:02.0 LNKCAP 00000411 LNKSTA 0011 PCIECAP 0002
                """,
                found="LNK202=notice@02:01.0",
                never="LNK001 LNK002 LNK004 LNK201 LNK202@02:02.0",
                mends=(
                    Mend(
                        "LNK202@02:01.0",
                        (f"{NEW_PORT},{GEN3} {device('bus=lnk2,addr=0x0')}",),
                    ),
                ),
            ),
        ),
    ),
    Topology(
        name="root-buses",
        what="two more root buses: a port of 2.5GT/s x1 on one, a default port on the other",
        why="They are 20 and 40 (hexadecimal), in the same domain as bus 0.",
        arguments=f"{MEMORIES} -device pxb-pcie,id=pxb0,bus=pcie.0,addr=0x3,bus_nr=32"
        " -device pxb-pcie,id=pxb1,bus=pcie.0,addr=0x4,bus_nr=64"
        " -device pcie-root-port,id=rp0,bus=pxb0,addr=0x0,chassis=1,slot=1,x-speed=2_5,x-width=1"
        " -device pcie-root-port,id=rp1,bus=pxb1,addr=0x0,chassis=2,slot=2"
        f" {device('bus=rp0')} {device('bus=rp1', GEN3, 'm1')}",
        stages=(
            Stage(
                registers="""
                    20:00.0 LNKCAP 00000411 LNKSTA 2011
                    21:00.0 LNKCAP 00000503 LNKSTA 0103
                    40:00.0 LNKCAP 00300604 LNKSTA 2103
                    41:00.0 LNKCAP 00000503 LNKSTA 0103
                """,
                found="LNK001=error@20:00.0>21:00.0",
                never="LNK001@41:00.0 LNK002 LNK107 LNK203 LNK205 LNK903",
                user="LNK001=error@20:00.0>21:00.0",
                user_status=1,
                mends=(
                    Mend(
                        "LNK001@20:00.0>21:00.0",
                        (
                            "-device pcie-root-port,id=rp0,bus=pxb0,addr=0x0,chassis=1,slot=1,"
                            f"{GEN3}",
                        ),
                    ),
                ),
            ),
        ),
    ),
    # ---- Hot-plug --------------------------------------------------------------------------
    Topology(
        name="hot-plug",
        what="a device of 32GT/s x16 comes and goes below a default port",
        why="Firmware runs the slot (ACPI): the port never says that a card is there.",
        arguments=f"{MEMORY} {PORT}",
        stages=(
            Stage(
                name="before",
                registers="00:03.0 LNKCAP 00300604 LNKSTA 0204",
                never="LNK001 LNK002 LNK009",
            ),
            Stage(
                name="added",
                monitor=(hot("32"),),
                command=until("-e"),
                registers="""
                    00:03.0 LNKCAP 00300604 LNKSTA 0104
                    01:00.0 LNKCAP 00000505 LNKSTA 0105
                """,
                found="LNK001=error@00:03.0>01:00.0",
                never="LNK002 LNK004 LNK009",
                user="LNK001=error@00:03.0>01:00.0",
                user_status=1,
                mends=(Mend("LNK001@00:03.0>01:00.0", (f"{PORT},{GEN5}",)),),
            ),
            Stage(
                name="removed",
                monitor=(UNPLUG,),
                command=until("! -e"),
                registers="00:03.0 LNKCAP 00300604 LNKSTA 0204",
                never="LNK001 LNK002 LNK009",
            ),
        ),
    ),
    Topology(
        name="hot-plug-native",
        what="a device of 8GT/s x16 comes and goes below a port of 2.5GT/s x16",
        why="The guest's kernel runs the slot, and the port says that the link is up.",
        arguments=f"-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off {MEMORY}"
        f" {PORT},x-speed=2_5,x-width=16",
        stages=(
            Stage(
                name="before",
                registers="00:03.0 LNKCAP 00200501 LNKSTA 0101",
                never="LNK001 LNK002 LNK009",
            ),
            Stage(
                name="added",
                monitor=(hot("8"),),
                command=until("-e"),
                registers="""
                    00:03.0 LNKCAP 00200501 LNKSTA 2101
                    01:00.0 LNKCAP 00000503 LNKSTA 0103
                """,
                found="LNK001=error@00:03.0>01:00.0",
                never="LNK002 LNK004 LNK009 LNK203",
                user="LNK001=error@00:03.0>01:00.0",
                user_status=1,
                mends=(Mend("LNK001@00:03.0>01:00.0", (f"{PORT},{GEN3}",)),),
            ),
            Stage(
                name="removed",
                monitor=(UNPLUG,),
                # The slot is switched off a second after its device is forgotten.
                command="until grep -q 0 /sys/bus/pci/slots/1/adapter; do usleep 100000; done",
                registers="00:03.0 LNKCAP 00200501 LNKSTA 0101",
                never="LNK001 LNK002 LNK009",
            ),
        ),
    ),
)
