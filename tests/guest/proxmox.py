# SPDX-License-Identifier: GPL-2.0-or-later
"""proxmox - puts --suggest=proxmox into the configurations of machines, and boots these

QEMU's arguments are made from a configuration as Proxmox VE's qemu-server makes them (its files
QemuServer.pm, QemuServer/PCI.pm and pve-q35*.cfg), as far as assigned devices go.
"""
import re
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

from advice import Case, proof, stand_in
from outside import Point
from rig import Machine

# Where hostpci0 and its like stand on pci.0 when they do not stand behind a port.
PLACES = (0x10, 0x11, 0x1B, 0x1C)
# How many functions the host's devices have that have several.
FUNCTIONS = {"0000:03:02": 2}
# Below a bridge on the root bus there are more of these.
CONVENTIONAL_BUS = """
[device "pcidmi"]
  driver = "i82801b11-bridge"
  bus = "pcie.0"
  addr = "1e.0"

[device "pci.0"]
  driver = "pci-bridge"
  bus = "pcidmi"
  addr = "1.0"
  chassis_nr = "1"
"""


# ---- The configuration ---------------------------------------------------------------------
def read(config: str) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in config.splitlines())


def assigned(lines: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in lines.items() if key.startswith("hostpci")}


def put_behind_port(lines: dict[str, str]) -> None:
    """hostpciN: ...,pcie=1 for the one that has none"""
    (key,) = (key for key, value in assigned(lines).items() if "pcie=1" not in value)
    lines[key] += ",pcie=1"


def join(lines: dict[str, str]) -> None:
    """hostpciN: HOST,pcie=1 for the device that has several lines, and has one then"""
    devices = {key: value.partition(".")[0] for key, value in assigned(lines).items()}
    (host,) = (h for h in set(devices.values()) if list(devices.values()).count(h) > 1)
    first, *others = (key for key in devices if devices[key] == host)
    lines[first] = f"{host},pcie=1"
    for key in others:
        del lines[key]


# ---- QEMU's arguments ----------------------------------------------------------------------
def is_old(machine: str) -> bool:
    version = re.match(r"pc-q35-(\d+)\.", machine)
    return version is not None and int(version[1]) < 4


def q35(machine: str) -> str:
    """What every machine of this family has, for -readconfig."""
    model = 'driver = "pcie-root-port"\n  x-speed = "16"\n  x-width = "32"'
    if is_old(machine):
        model = 'driver = "ioh3420"'
    ports = (
        f"""
[device "ich9-pcie-port-{number}"]
  {model}
  multifunction = "on"
  bus = "pcie.0"
  addr = "1c.{number - 1}"
  port = "{number}"
  chassis = "{number}"
"""
        for number in range(1, 5)
    )
    return "".join(ports) + CONVENTIONAL_BUS


def more_port(number: int) -> list[str]:
    """The ports that are made only when they are wanted: 5 and above."""
    said = f"pcie-root-port,id=ich9-pcie-port-{number},addr=10.{number - 5},x-speed=16,x-width=32"
    return ["-device", f"{said},multifunction=on,bus=pcie.0,port={number},chassis={number}"]


def device(name: str, host: str, place: str) -> list[str]:
    memory = f"memory-{name}"
    said = stand_in(host) | {"id": name, "volatile-memdev": memory}
    return [
        *("-object", f"memory-backend-ram,id={memory},size=256M"),
        *("-device", ",".join(f"{key}={value}" for key, value in said.items()) + place),
    ]


def devices(number: int, value: str) -> list[str]:
    """What the line hostpciN stands for."""
    host, *options = value.split(",")
    words = []
    if "pcie=1" in options:
        place = f",bus=ich9-pcie-port-{number + 1},addr=0x0"
        words += more_port(number + 1) if number > 3 else []
    else:
        place = f",bus=pci.0,addr={PLACES[number]:#x}"
    if host not in FUNCTIONS:
        return words + device(f"hostpci{number}", host, place)
    for f in range(FUNCTIONS[host]):
        last = f".{f}" if f else ".0,multifunction=on"
        words += device(f"hostpci{number}.{f}", f"{host}.{f}", place + last)
    return words


class Proxmox:
    form = "proxmox"

    def __init__(self, folder: Path):
        self._file = folder / "q35.cfg"

    def arguments(self, config: str) -> list[str]:
        lines = read(config)
        machine, words = lines.get("machine", "pc"), []
        if "q35" in machine:
            self._file.write_text(q35(machine))
            words += ["-readconfig", str(self._file)]
        for key, value in assigned(lines).items():
            words += devices(int(key.removeprefix("hostpci")), value)
        words += ["-machine", f"type={machine}"]
        # The last of all.
        return words + shlex.split(lines.get("args", ""))

    def follow(self, config: str, suggestion: str) -> str:
        lines = read(config)
        for key, value in read(suggestion).items():
            if (key, value) == ("hostpciN", "...,pcie=1"):
                put_behind_port(lines)
            elif (key, value) == ("hostpciN", "HOST,pcie=1"):
                join(lines)
            elif key == "args":
                lines[key] = f"{lines.get(key, '')} {value}".strip()
            else:
                lines[key] = value
        return "".join(f"{key}: {value}\n" for key, value in lines.items())

    def meaning(self, config: str) -> dict[str, object]:
        return dict(read(config))


# ---- What must come of it ------------------------------------------------------------------
def gen5(port: int) -> str:
    name = f"device.ich9-pcie-port-{port}"
    return f"-set {name}.x-speed=32 -set {name}.x-width=16"


# Buses are numbered in the order of the ports that lead to them: 00:10.0, 00:1c.0 and so on, the
# bridges' at last.
CASES = (
    Case(
        "q35",
        "machine: pc-q35-9.2\n"
        "hostpci0: 0000:05:00.0,pcie=1\n"
        "hostpci1: 0000:03:02.0,pcie=1\n"
        "hostpci2: 0000:03:02.1,pcie=1\n"
        "hostpci3: 0000:03:00.0\n"
        "hostpci4: 0000:05:01.0,pcie=1\n",
        "proxmox",
        {
            "LNK001@0000:00:10.0>0000:01:00.0": [{"args": gen5(5)}],
            "LNK001@0000:00:1c.0>0000:02:00.0": [{"args": gen5(1)}],
            "LNK205@0000:04:00.0": [{"hostpci1": "0000:03:02,pcie=1", "hostpci2": None}],
            "LNK202@0000:07:1c.0": [{"hostpci3": "0000:03:00.0,pcie=1"}],
        },
    ),
    # Its ports are ioh3420, those of the new one do 16GT/s.
    Case(
        "old q35",
        "machine: pc-q35-3.1\n"
        "hostpci0: 0000:05:00.0,pcie=1\n"
        "hostpci1: 0000:03:00.0\n",
        "proxmox",
        {
            "LNK001@0000:00:1c.0>0000:01:00.0 LNK204@0000:00:1c.0>0000:01:00.0": [
                {"machine": "q35", "args": gen5(1)}
            ],
            "LNK202@0000:06:11.0": [{"machine": "q35", "hostpci1": "0000:03:00.0,pcie=1"}],
        },
    ),
    # No port there shows who numbered it.
    Case(
        "i440fx",
        "hostpci0: 0000:03:00.0\n",
        "qemu",
        {"LNK202@0000:00:10.0": [{"machine": "q35", "hostpci0": "0000:03:00.0,pcie=1"}]},
    ),
)


def checks(machine: Machine, program: str) -> Iterator[Point]:
    with tempfile.TemporaryDirectory(prefix="proxmox-") as folder:
        for case in CASES:
            yield from proof(machine, program, Proxmox(Path(folder)), case)
