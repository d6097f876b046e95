# SPDX-License-Identifier: GPL-2.0-or-later
"""ppc64 - a guest with several PCI domains, and what lnkinspect says of a copy of its sysfs

The x86 machines that QEMU emulates have one domain. powernv9 has one for each PHB, a host bridge
with a root port of its own; firmware and kernel number buses from 0 in each.
"""
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import judge
from outside import Expected, Fixture, Point, points, printed, readme, version
from rig import GuestError
from topologies import Stage

HERE = Path(__file__).resolve().parent
FILES = HERE.parents[1] / "build/guest/kernel/ppc64el"
# Seconds; it takes five on an idle machine.
LIMIT = 60
DISK_SIZE = 16 << 20

QEMU = shlex.split(
    "qemu-system-ppc64 -M powernv9 -accel tcg -m 1G -nodefaults -no-user-config -display none"
    " -no-reboot -serial file:console -kernel vmlinux -initrd initramfs"
    " -append 'console=hvc0 quiet panic=-1'"
    # What powers it off.
    " -device ipmi-bmc-sim,id=bmc -device isa-ipmi-bt,bmc=bmc,irq=10"
    " -drive if=none,id=disk,format=raw,file=disk"
)
# A network card whose subsystem is not QEMU's passes for a real one, assigned by the host. Domain 2
# has it below the same port of the same switch as domain 1 has one of QEMU's own devices.
TOPOLOGY = shlex.split(
    "-device pnv-phb,id=phb0,index=0 -device pnv-phb-root-port,id=port0,bus=phb0"
    " -device nvme,bus=port0,serial=a,drive=disk"
    " -device pnv-phb,id=phb1,index=1 -device pnv-phb-root-port,id=port1,bus=phb1"
    " -device x3130-upstream,id=up1,bus=port1"
    " -device xio3130-downstream,id=down10,bus=up1,addr=0,chassis=10"
    " -device xio3130-downstream,id=down11,bus=up1,addr=1,chassis=11"
    " -device nvme,bus=down10,serial=b"
    " -device pnv-phb,id=phb2,index=2 -device pnv-phb-root-port,id=port2,bus=phb2"
    " -device x3130-upstream,id=up2,bus=port2"
    " -device xio3130-downstream,id=down20,bus=up2,addr=0,chassis=20"
    " -device xio3130-downstream,id=down21,bus=up2,addr=1,chassis=21"
    " -device e1000e,bus=down20,romfile=,subsys_ven=0x15d9,subsys=0x10d3"
    " -device nvme,bus=down21,serial=c"
    " -device pnv-phb,id=phb3,index=3 -device pnv-phb-root-port,id=port3,bus=phb3"
)
# All runs at 2.5GT/s x1; a port with a device says that its link is active. LNKCAP 00000400 is no
# link's: an error above a device that is not emulated, and worth knowing elsewhere.
EXPECTED = Expected(
    Stage(
        registers="""
            0000:00:00.0 ID 04c11014 LNKCAP 00000411 LNKSTA 2011
            0000:01:00.0 ID 00101b36 LNKCAP 00000411 LNKSTA 0011
            0001:00:00.0 ID 04c11014 LNKCAP 00000411 LNKSTA 2011
            0001:01:00.0 ID 8232104c LNKCAP 00000411 LNKSTA 0011
            0001:02:00.0 ID 8233104c LNKCAP 00000400 LNKSTA 2011
            0001:02:01.0 ID 8233104c LNKCAP 00000400 LNKSTA 0011
            0001:03:00.0 ID 00101b36 LNKCAP 00000411 LNKSTA 0011
            0002:00:00.0 ID 04c11014 LNKCAP 00000411 LNKSTA 2011
            0002:01:00.0 ID 8232104c LNKCAP 00000411 LNKSTA 0011
            0002:02:00.0 ID 8233104c LNKCAP 00000400 LNKSTA 2011
            0002:02:01.0 ID 8233104c LNKCAP 00000400 LNKSTA 2011
            0002:03:00.0 ID 10d38086 LNKCAP 00000411 LNKSTA 0011
            0002:04:00.0 ID 00101b36 LNKCAP 00000411 LNKSTA 0011
            0003:00:00.0 ID 04c11014 LNKCAP 00000411 LNKSTA 0011
        """,
        found="""
            LNK102=notice@0001:02:00.0
            LNK102=notice@0001:02:01.0
            LNK102=error@0002:02:00.0
            LNK102=notice@0002:02:01.0
        """,
        never="LNK001 LNK107 LNK202 LNK903",
    ),
    links="""
        0000:00:00.0>0000:01:00.0=not_applicable
        0001:00:00.0>0001:01:00.0=not_applicable
        0001:02:00.0>0001:03:00.0=found
        0002:00:00.0>0002:01:00.0=not_applicable
        0002:02:00.0>0002:03:00.0=found
        0002:02:01.0>0002:04:00.0=found
    """,
    # Not known of any: no host bridge in the list tells that all is in it.
    empty="",
)
DRIVERS = {"0000:01:00.0": "nvme", "0001:03:00.0": "nvme", "0002:04:00.0": "nvme"}
# What is needed, and the Debian package that has it.
NEEDS = {
    QEMU[0]: "qemu-system-ppc (bookworm-backports)",
    "cpio": "cpio",
    str(FILES / "vmlinux"): "linux-image-powerpc64le (ppc64el, unpacked)",
    str(FILES / "busybox"): "busybox-static (ppc64el, unpacked)",
}


def modules(name: str, found: list[Path]) -> list[Path]:
    """A module's file after those of the modules that it needs."""
    file = next(FILES.glob(f"modules/{name.replace('_', '[-_]')}.ko"))
    depends = re.search(rb"\0depends=([^\0]*)\0", file.read_bytes()).group(1).decode()
    for needed in filter(None, depends.split(",")):
        found = modules(needed, found)
    return found if file in found else [*found, file]


def pack_initramfs(folder: Path) -> None:
    root = folder / "root"
    for name in ("bin", "dev", "modules", "proc", "sys"):
        (root / name).mkdir(parents=True)
    shutil.copy(HERE / "init-ppc64", root / "init")
    shutil.copy(FILES / "busybox", root / "bin")
    for number, file in enumerate(modules("nvme", []), 10):
        shutil.copy(file, root / "modules" / f"{number}-{file.name}")
    files = "\n".join(str(p.relative_to(root)) for p in [root, *root.rglob("*")])
    packed = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc", "--owner", "0:0"],
        input=files.encode(), stdout=subprocess.PIPE, cwd=root, check=True,
    )
    (folder / "initramfs").write_bytes(packed.stdout)


def failed(folder: Path, what: str) -> GuestError:
    said = [what]
    for name in ("errors", "console"):
        if (folder / name).exists():
            said.append((folder / name).read_text(errors="replace"))
    return GuestError("\n".join(said))


def emulate(folder: Path) -> None:
    """From power on to power off."""
    with open(folder / "errors", "wb") as errors:
        try:
            subprocess.run(
                [*QEMU, *TOPOLOGY], cwd=folder, stdin=subprocess.DEVNULL, stderr=errors,
                timeout=LIMIT, check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise failed(folder, f"the ppc64 guest hangs: {LIMIT} s are over") from error
        except subprocess.CalledProcessError as error:
            raise failed(folder, f"QEMU ended with {error.returncode}") from error


def boot(folder: Path) -> Path:
    """Boots the guest in an empty folder, and returns the folder with what it copied."""
    copy = folder / "copy"
    copy.mkdir()
    pack_initramfs(folder)
    (folder / "vmlinux").symlink_to(FILES / "vmlinux")
    with open(folder / "disk", "wb") as disk:
        disk.truncate(DISK_SIZE)
    emulate(folder)
    unpacked = subprocess.run(["tar", "-x", "-f", folder / "disk", "-C", copy])
    if unpacked.returncode or not (copy / "dmesg").exists():
        raise failed(folder, "the ppc64 guest's disk holds no whole tar file")
    return copy


def sysfs(copy: Path) -> tuple[str, str]:
    return ("-O", f"sysfs.path={copy}/sys/bus/pci")


def listing(copy: Path) -> str:
    return printed("lspci", "-nxxxx", *sysfs(copy))


def look(copy: Path, program: str) -> judge.Files:
    """What the program and lspci make of the copy, and the kernel's messages."""
    return {
        "json": printed(program, "-n", "--json", "-v", *sysfs(copy)),
        "lspci": listing(copy),
        "dmesg": (copy / "dmesg").read_text(),
    }


def run(folder: Path, program: str) -> list[Point]:
    """Boots the guest, and checks what the program says of what it copied."""
    files = look(boot(folder), program)
    return [
        *points("ppc64", files, EXPECTED),
        ("ppc64: drivers", list(drivers(files))),
        ("ppc64: the same from lspci -xxxx", list(judge.as_lspci(files, program))),
        ("ppc64: the kernel's bandwidth lines", list(judge.kernel_lines(files))),
    ]


def drivers(files: judge.Files) -> Iterator[str]:
    functions = judge.capture_of(files, "json")["functions"]
    there = {f["address"]: f["driver"] for f in functions if f["driver"]}
    if there != DRIVERS:
        yield f"{there}, not {DRIVERS}"


def fixtures(folder: Path) -> list[Fixture]:
    capture = listing(boot(folder))
    kernel = (FILES / "package").read_text().strip()
    story = readme(
        f"A real capture: sysfs, copied in a booted guest ({kernel}, {version(QEMU[0])} under TCG),"
        " as lspci -nxxxx prints the copy.",
        "Four PCI domains, with the same bus numbers in each. The network card's subsystem is not"
        " QEMU's, so that it passes for a real 82574L, assigned by the host.",
        shlex.join([*QEMU, *TOPOLOGY]),
    )
    return [Fixture("qemu-ppc64-domains", story, capture)]
