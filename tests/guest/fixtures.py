# SPDX-License-Identifier: GPL-2.0-or-later
"""fixtures - what guests captured of themselves, as tests/fixtures/qemu-*"""
import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

from judge import Files, full
from outside import Fixture, version
from rig import Machine
from topologies import Stage, Topology

FOLDER = Path(__file__).resolve().parents[1] / "fixtures"
WIDTH = 100
SPEEDS = ("none", "2.5GT/s", "5GT/s", "8GT/s", "16GT/s", "32GT/s", "64GT/s")


def write(fixture: Fixture) -> None:
    folder = FOLDER / fixture.name
    folder.mkdir(exist_ok=True)
    for name, text in (("README", fixture.readme), ("input", fixture.capture)):
        path = folder / name
        if not path.exists() or without_time(path.read_text()) != without_time(text):
            path.write_text(text)
            print(f"# new: {path.relative_to(FOLDER)}")


def without_time(text: str) -> str:
    """When it was taken is no reason for another capture."""
    return re.sub(r"^# time: .*\n", "", text, flags=re.M)


def fixture(machine: Machine, topology: Topology, stage: Stage, files: Files) -> Fixture:
    readme = "\n".join(describe(machine, topology, stage, files["kernel"].strip()))
    return Fixture(f"qemu-{topology.label(stage)}", readme + "\n", files["capture"])


def describe(machine: Machine, topology: Topology, stage: Stage, kernel: str) -> Iterator[str]:
    yield from folded(
        f"A real capture: lnkinspect --capture, as root in a booted guest ({version(machine.qemu)}"
        f" under TCG, Linux {kernel}). To make it again: tests/guest/check --fixtures"
        f" {topology.name}"
    )
    yield ""
    yield from folded(f"{topology.what[0].upper()}{topology.what[1:]}. {topology.why}")
    yield ""
    yield from (decoded(line) for line in full(stage.registers).splitlines() if line.strip())
    yield ""
    command = machine.command(topology.command_line())
    yield shlex.join(Path(word).name if word.startswith("/") else word for word in command)
    for earlier in topology.stages[: topology.stages.index(stage) + 1]:
        yield from done_before(earlier)


def folded(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False)


def decoded(line: str) -> str:
    address, *words = line.split()
    values = [value(*pair) for pair in zip(words[::2], words[1::2])]
    return f"    {address}  {', '.join(values)}"


def value(register: str, digits: str) -> str:
    """Speed and width are in the same bits of both registers (PCIe 7.5.3.6, 7.5.3.8)."""
    bits = int(digits, 16)
    if register not in ("LNKCAP", "LNKSTA"):
        return f"{register} {digits}"
    return f"{register} {digits} ({SPEEDS[bits & 0xF]} x{bits >> 4 & 0x3F})"


def done_before(stage: Stage) -> Iterator[str]:
    for command in stage.monitor:
        yield f"Then, to QMP: {json.dumps(command)}"
    if stage.poke:
        yield "Then, in QEMU's memory: {} becomes {}".format(*stage.poke)
    if stage.command != ":":
        yield f"Then, in the guest: {stage.command}"
