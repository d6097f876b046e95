# SPDX-License-Identifier: GPL-2.0-or-later
"""loop - applies what --suggest=qemu printed to the command line, boots again, and looks again"""
import json
from collections.abc import Iterator

import apply
import judge
from outside import Point, differ
from rig import Guest, GuestError, Machine
from topologies import Mend, Stage, Topology

# Under "how:", lines stand below its words.
INDENT = " " * 8


def boot(machine: Machine, arguments: list[str], stages: tuple[Stage, ...]) -> list[judge.Files]:
    """What the guest saw at each stage."""
    seen = []
    with Guest(machine, arguments) as guest:
        guest.boot()
        for stage in stages:
            for command in stage.monitor:
                guest.monitor(command)
            if stage.poke:
                guest.poke(*map(bytes.fromhex, stage.poke))
            seen.append(guest.look(stage.command))
    return seen


def printed(program: str, capture: str) -> dict[frozenset[str], str]:
    said = json.loads(judge.outside(program, capture, "--json", "--suggest=qemu"))
    suggestions = judge.suggested(said["captures"][0])
    return {frozenset(names.split()): lines for names, lines in suggestions.items()}


def in_table(program: str, capture: str, suggestions: list[str]) -> Iterator[str]:
    """Are they in what people read, as they are?"""
    table = judge.outside(program, capture, "--suggest=qemu")
    for lines in suggestions:
        if "".join(f"\n{INDENT}{line}" for line in lines.splitlines()) not in table:
            yield f"not in the table:\n{lines}"


def options(arguments: list[str]) -> set[tuple[str, frozenset[str]]]:
    """Options with the parts of their arguments, in no order."""
    return {(o, frozenset(a.split(","))) for o, a in zip(arguments[::2], arguments[1::2])}


def readable(found: set[tuple[str, frozenset[str]]]) -> set[str]:
    return {f"{option} {','.join(sorted(parts))}" for option, parts in found}


def loud(files: judge.Files) -> set[str]:
    return {f for f in judge.findings(judge.capture_of(files, "json")) if "=info@" not in f}


def points(
    machine: Machine, program: str, topology: Topology, stage: Stage, files: judge.Files
) -> Iterator[Point]:
    """What must be suggested for what was seen at a stage, and that each way of it works."""
    name = topology.label(stage)
    suggestions = printed(program, files["capture"])
    mends = {frozenset(judge.full(mend.findings).split()): mend for mend in stage.mends}
    yield f"{name}: what is suggested", [
        *differ(*({" ".join(sorted(names)) for names in x} for x in (mends, suggestions))),
        *in_table(program, files["capture"], list(suggestions.values())),
    ]
    for names in mends.keys() & suggestions.keys():
        mend, ways = mends[names], apply.parse(suggestions[names])
        yield f"{name}: ways to mend {mend.findings}", [*differ({len(mend.ways)}, {len(ways)})]
        for number, (wanted, way) in enumerate(zip(mend.ways, ways), 1):
            what = f"{name}: way {number} to mend {mend.findings}"
            yield what, list(proof(machine, topology, stage, mend, wanted, way))


def proof(
    machine: Machine,
    topology: Topology,
    stage: Stage,
    mend: Mend,
    wanted: str,
    way: list[apply.Edit],
) -> Iterator[str]:
    old = topology.command_line()
    try:
        new = apply.apply(old, way)
        stages = topology.stages[: topology.stages.index(stage) + 1]
        files = boot(machine, new, stages)[-1]
    except (apply.EditError, GuestError) as error:
        yield str(error)
        return
    got = readable(options(new) - options(old))
    yield from differ(readable(options(wanted.split())), got)
    yield from differ({len(old) + 2 * sum(edit.word == "add" for edit in way)}, {len(new)})
    yield from differ(set(judge.full(mend.left).split()), loud(files))
