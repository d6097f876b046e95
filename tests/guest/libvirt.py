# SPDX-License-Identifier: GPL-2.0-or-later
"""libvirt - merges --suggest=libvirt into domains, and has libvirt make QEMU's arguments of them

The domains are in the folder of the same name. libvirt's QEMU driver runs inside virsh, without a
daemon: virsh makes the arguments, and virt-xml-validate knows libvirt's schema.
"""
import copy
import json
import os
import re
import shlex
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

from advice import Case, proof, stand_in
from outside import Point
from rig import Machine

DOMAINS = Path(__file__).parent / "libvirt"
QEMU_NAMESPACE = "http://libvirt.org/schemas/domain/qemu/1.0"
# Seconds; the first call asks QEMU what it can do, which takes two.
LIMIT = 60
OLD_ROOT = "devices/controller[@type='pci'][@model='pci-root']"
ET.register_namespace("qemu", QEMU_NAMESPACE)


# ---- XML -----------------------------------------------------------------------------------
def parse(text: str) -> ET.Element:
    """With comments: they tell where a device is now."""
    builder = ET.TreeBuilder(insert_comments=True)
    return ET.fromstring(text, ET.XMLParser(target=builder))


def is_element(node: ET.Element) -> bool:
    return node.tag is not ET.Comment


def now(node: ET.Element) -> dict[str, str]:
    """Where it is, and what: from the comment inside, or else by its address."""
    for comment in (child.text for child in node if not is_element(child)):
        if comment.split()[0] == "now":
            return dict(re.findall(r"(\w+)='([^']*)'", comment))
    return {key: node.find("address").get(key) for key in ("bus", "slot", "function")}


def is_there(node: ET.Element, place: dict[str, str]) -> bool:
    """Is it at that place? BUS is what nobody can know who sees the guest only."""
    address = node.find("address")
    if address is None or node.get("model") != place.get("model", node.get("model")):
        return False
    keys = [key for key in ("bus", "slot", "function") if place[key] != "BUS"]
    return all(int(address.get(key), 0) == int(place[key], 0) for key in keys)


def the_one(nodes: Iterator[ET.Element], what: object) -> ET.Element:
    found = list(nodes)
    if len(found) != 1:
        raise ValueError(f"{len(found)} of {what} in the domain")
    return found[0]


def indices(domain: ET.Element, fragment: ET.Element) -> dict[str, str]:
    """What the words in capitals stand for that the fragment has for indices of controllers."""
    controllers = domain.findall("devices/controller[@type='pci']")
    taken = {int(c.get("index")) for c in controllers}
    values = {}
    for new in fragment.findall("devices/controller"):
        if new.get("index") == "NEW":
            values["NEW"] = str(min(set(range(len(taken) + 1)) - taken))
        else:
            old = the_one((c for c in controllers if is_there(c, now(new))), now(new))
            values |= {new.get("index"): old.get("index"), "BUS": old.find("address").get("bus")}
    return values


def counterpart(old: ET.Element, new: ET.Element) -> ET.Element | None:
    """The child of the domain's element that a child of the fragment's is merged into."""
    if new.tag == "controller":
        return old.find(f"controller[@type='pci'][@index='{new.get('index')}']")
    if new.tag == "hostdev":
        return the_one((h for h in old.findall("hostdev") if is_there(h, now(new))), now(new))
    if new.tag in (f"{{{QEMU_NAMESPACE}}}arg", f"{{{QEMU_NAMESPACE}}}device"):
        return None
    return old.find(new.tag)


def merge(old: ET.Element, new: ET.Element) -> None:
    """Attributes and words of the fragment replace those of the domain; all else stays."""
    old.attrib.update(new.attrib)
    if (new.text or "").strip():
        old.text = new.text
    for child in filter(is_element, new):
        same = counterpart(old, child)
        if same is None:
            old.append(copy.deepcopy(child))
        else:
            merge(same, child)


def make_q35(domain: ET.Element) -> None:
    """What is said beside the lines: libvirt has to find new places, and disks another bus."""
    devices = domain.find("devices")
    for controller in devices.findall("controller"):
        if controller.get("type") in ("pci", "ide"):
            devices.remove(controller)
    for disk in devices.findall("disk/target[@bus='ide']/.."):
        disk.find("target").set("bus", "sata")
        disk.remove(disk.find("address"))
    for node in devices:
        for address in node.findall("address[@type='pci']"):
            node.remove(address)


# ---- libvirt -------------------------------------------------------------------------------
def items(arguments: list[str]) -> dict[str, object]:
    """An option with its argument each; devices by id, and what is said of them by key."""
    found: dict[str, object] = {}
    for item in re.split(r"\0(?=-)", "\0".join(arguments)):
        option, _, argument = item.partition("\0")
        if option == "-device":
            device = json.loads(argument)
            found[device["id"]] = device
        elif option == "-machine":
            found[option] = argument.split(",")[0]
        else:
            found[f"{option} {argument}"] = True
    return found


class Libvirt:
    """virsh, in a folder of its own.

    To root, libvirt wants to know the user of its daemon, whom another package makes: root asks
    as nobody.
    """

    form = "libvirt"

    def __init__(self, folder: Path):
        self._folder = folder
        self._as_user: list[str] = []
        if os.geteuid() == 0:
            self._as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
            subprocess.run(["chown", "nobody:nogroup", folder], check=True)

    def _run(self, command: list[str]) -> str:
        home = {"HOME": str(self._folder), "XDG_RUNTIME_DIR": str(self._folder)}
        done = subprocess.run(
            command, env=os.environ | home, capture_output=True, text=True, timeout=LIMIT
        )
        if done.returncode:
            raise ValueError(f"{shlex.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _native(self, config: str) -> list[str]:
        """QEMU's arguments for a domain, which must be one to libvirt's schema as well."""
        file = self._folder / "domain.xml"
        file.write_text(config)
        file.chmod(0o644)
        self._run(["virt-xml-validate", str(file), "domain"])
        virsh = ["virsh", "-q", "-c", f"qemu:///embed?root={self._folder}/root"]
        words = shlex.split(
            self._run([*self._as_user, *virsh, "domxml-to-native", "qemu-argv", str(file)])
        )
        # First come variables and the program.
        return words[next(i for i, word in enumerate(words) if word.startswith("-")) :]

    def meaning(self, config: str) -> dict[str, object]:
        return items(self._native(config))

    def arguments(self, config: str) -> list[str]:
        """What PCI devices follow from; the rest is the rig's."""
        found = []
        for name, said in self.meaning(config).items():
            if isinstance(said, dict):
                found += device(said)
            elif name == "-machine":
                found += [name, said]
            elif name.startswith("-global "):
                found += name.split()
        return found

    def follow(self, config: str, suggestion: str) -> str:
        domain = parse(config)
        for name, value in indices(domain, parse(suggestion)).items():
            suggestion = re.sub(rf"\b{name}\b", value, suggestion)
        if "'q35'" in suggestion and domain.find(OLD_ROOT) is not None:
            make_q35(domain)
        merge(domain, parse(suggestion))
        return ET.tostring(domain, encoding="unicode")


def device(said: dict[str, object]) -> list[str]:
    """Its option, after the memory of a stand-in."""
    if said["driver"] != "vfio-pci":
        return ["-device", json.dumps(said)]
    memory = f"memory-{said['id']}"
    said |= stand_in(said.pop("host")) | {"volatile-memdev": memory}
    return [
        *("-object", f"memory-backend-ram,id={memory},size=256M"),
        *("-device", json.dumps(said)),
    ]


# ---- What must come of it ------------------------------------------------------------------
ROOT_PORT = {"driver": "pcie-root-port"}
GEN3 = {"x-speed": "8", "x-width": "16"}
GEN5 = {"x-speed": "32", "x-width": "16"}


def new_port(index: int, slot: int, function: int = 0) -> dict[str, object]:
    """libvirt makes a port's number from its place, and its chassis from its index."""
    return ROOT_PORT | {
        "id": f"pci.{index}",
        "bus": "pcie.0",
        "addr": f"{slot:#x}.{function:#x}" if function else f"{slot:#x}",
        "port": slot << 3 | function,
        "chassis": index,
    }


def on(index: int) -> dict[str, object]:
    return {"bus": f"pci.{index}", "addr": "0x0"}


def old_machine(newest: str) -> dict[str, list[dict[str, object]]]:
    links = ("-global pcie-root-port.x-speed=8", "-global pcie-root-port.x-width=16")
    return {
        "LNK001@0000:00:02.1>0000:02:00.0 LNK203@0000:00:02.1>0000:02:00.0": [
            {link: True for link in links},
            {"-machine": newest},
        ]
    }


# Controllers are numbered 0 to 10, so the next is 11. On the root bus 2, 3 and 1f are taken: the new
# ports get 4 and so on, as the findings come: errors first, then by the address of the device.
# libvirt names what is assigned hostdev0 and so on, in the order of the domain.
NEW_MACHINE = {
    "LNK001@0000:00:02.0>0000:01:00.0": [{"pci.1": GEN5}],
    "LNK001@0000:00:02.1>0000:02:00.0 LNK204@0000:00:02.1>0000:02:00.0": [
        {"pci.2": ROOT_PORT | GEN3}
    ],
    "LNK102@0000:04:01.0 LNK008@0000:05:00.0 LNK204@0000:04:01.0>0000:05:00.0": [
        {"pci.5": ROOT_PORT | {"bus": "pcie.0", "addr": "0x4", "port": 0x20} | GEN5}
    ],
    "LNK104@0000:00:02.3>0000:06:00.0": [{"pci.11": new_port(11, 5) | GEN3, "hostdev3": on(11)}],
    "LNK201@0000:00:03.0": [{"pci.11": new_port(11, 6), "hostdev6": on(11)}],
    "LNK205@0000:08:00.0": [
        {"hostdev4": {"multifunction": True}, "hostdev5": {"bus": "pci.7", "addr": "0x0.0x1"}}
    ],
    "LNK202@0000:0a:01.0": [{"pci.11": new_port(11, 7) | GEN3, "hostdev7": on(11)}],
}


# libvirt makes a port for each device, and one to spare; the third place on IDE is that on SATA.
def i440fx(newest: str) -> dict[str, list[dict[str, object]]]:
    drive = {"driver": "ide-cd", "bus": "ide.2", "id": "sata0-0-2"}
    return {
        "LNK202@0000:00:04.0": [
            {
                "-machine": newest,
                "pci.1": new_port(1, 1) | {"multifunction": True},
                "pci.2": new_port(2, 1, 1),
                "hostdev0": on(1),
                "ide0-1-0": None,
                "sata0-0-2": drive,
            }
        ]
    }


def cases(newest: str) -> list[Case]:
    return [
        Case(name, (DOMAINS / f"{name}.xml").read_text(), fits, wanted)
        for name, fits, wanted in (
            ("old-machine", "libvirt", old_machine(newest)),
            ("new-machine", "libvirt", NEW_MACHINE),
            # No port there shows who numbered it.
            ("i440fx", "qemu", i440fx(newest)),
        )
    ]


def newest_machine(qemu: str) -> str:
    """What q35 stands for: libvirt says the whole name."""
    said = subprocess.run([qemu, "-machine", "help"], capture_output=True, text=True, check=True)
    return re.search(r"^q35 .*\(alias of (\S+)\)", said.stdout, re.MULTILINE).group(1)


def checks(machine: Machine, program: str) -> Iterator[Point]:
    with tempfile.TemporaryDirectory(prefix="libvirt-") as folder:
        for case in cases(newest_machine(machine.qemu)):
            yield from proof(machine, program, Libvirt(Path(folder)), case)
