# SPDX-License-Identifier: GPL-2.0-or-later
"""advice - follows what --suggest printed for a guest that libvirt or Proxmox made, and looks again

Nobody's devices are assigned here: cxl-type3 stands in for what the host has. On the host's bus 3
there is what runs 8GT/s, on bus 5 what runs 32GT/s, all of it x16. The functions of one device
carry its serial number.
"""
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import judge
from outside import Point
from rig import Guest, Machine

SPEEDS = {"03": "8", "05": "32"}


class Maker(Protocol):
    """Who makes QEMU's command line from a guest's configuration, which is a text."""

    form: str  # of suggestions

    def arguments(self, config: str) -> list[str]:
        """QEMU's, with stand-ins for what is assigned."""

    def follow(self, config: str, suggestion: str) -> str:
        """The configuration, changed by somebody who knows no more than is printed."""

    def meaning(self, config: str) -> dict[str, object]:
        """By name, whatever a suggestion could change."""


@dataclass(frozen=True)
class Case:
    """A guest, and what must be suggested for it, by the findings that are mended.

    Each way that is offered has what changes: what is new, or else None for what is gone.
    """

    name: str
    config: str
    fits: str  # the form that is printed unasked
    wanted: dict[str, list[dict[str, object]]]


def stand_in(host: str) -> dict[str, object]:
    """What makes a cxl-type3 the host's device at an address such as 0000:03:00.0."""
    _, bus, place = host.split(":")
    serial = int(bus + place.partition(".")[0], 16)
    return {"driver": "cxl-type3", "x-speed": SPEEDS[bus], "x-width": "16", "sn": serial}


def look(machine: Machine, arguments: list[str]) -> judge.Files:
    with Guest(machine, arguments) as guest:
        guest.boot()
        return guest.look(":")


def forms_of(capture: dict) -> set[str]:
    return {s["form"] for finding in capture["findings"] for s in finding["suggestions"]}


def ways_of(capture: dict) -> dict[str, list[str]]:
    """The ways that are offered, by all the findings that these mend."""
    return {names: text.split("\nor\n") for names, text in judge.suggested(capture).items()}


def changed(old: object, new: object) -> object:
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    return {
        key: changed(old.get(key), new.get(key))
        for key in old.keys() | new.keys()
        if old.get(key) != new.get(key)
    }


def differ(wanted: object, got: object) -> list[str]:
    return [] if wanted == got else [f"wanted: {wanted}", f"got:    {got}"]


def proof(machine: Machine, program: str, maker: Maker, case: Case) -> Iterator[Point]:
    """Each way of each suggestion by itself; then all of them, and another look."""
    name = f"{maker.form}, {case.name}"
    before = look(machine, maker.arguments(case.config))
    forms = forms_of(judge.capture_of(before, "json"))
    yield f"{name}: the form that is printed unasked", differ({case.fits}, forms)
    said = judge.outside(program, before["capture"], "--json", f"--suggest={maker.form}")
    advice = ways_of(json.loads(said)["captures"][0])
    yield f"{name}: what is suggested", differ(set(case.wanted), set(advice))
    old = maker.meaning(case.config)
    for findings, ways in advice.items():
        got = [changed(old, maker.meaning(maker.follow(case.config, way))) for way in ways]
        yield f"{name}: {findings}: what changes", differ(case.wanted.get(findings), got)
    for way in range(max(map(len, advice.values()))):
        config = case.config
        for ways in advice.values():
            config = maker.follow(config, ways[min(way, len(ways) - 1)])
        after = look(machine, maker.arguments(config))
        left = judge.findings(judge.capture_of(after, "json"))
        yield f"{name}: nothing is found after way {way + 1}", sorted(left)
