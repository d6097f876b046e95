# SPDX-License-Identifier: GPL-2.0-or-later
"""outside - judges captures of machines that no lnkinspect runs in, and describes them

A point is what is checked, and what is wrong with that, a line each.
"""
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import judge
from rig import GuestError
from topologies import Stage

# Seconds.
LIMIT = 60
WIDTH = 100
Point = tuple[str, list[str]]


class Fixture(NamedTuple):
    name: str
    readme: str
    capture: str


@dataclass(frozen=True)
class Expected:
    """Worked out by hand, as the table of topologies is. An address without a domain is of 0000."""

    stage: Stage  # its registers name every function
    links: str  # PORT>DEVICE=VERDICT: every link, with what is said of it and its ends
    empty: str  # every port that has nothing below, as far as that can be known
    kernel: str = ""  # what Linux would say of bandwidth: DEVICE, its words, a line each


def points(name: str, files: judge.Files, expected: Expected) -> list[Point]:
    """@files has the program's answer as json, and what else the judge wants to see."""
    return [
        (f"{name}: functions", list(functions(files, expected))),
        (f"{name}: the registers are what they were", list(judge.registers(files, expected.stage))),
        (f"{name}: links", list(links(files, expected))),
        (f"{name}: empty ports", list(empty(files, expected))),
        (f"{name}: findings", list(judge.stage_findings(files, expected.stage))),
        (f"{name}: exit status", list(status(files, expected))),
        (f"{name}: what Linux would say of bandwidth", list(kernel(files, expected))),
    ]


def differ(wanted: set[str], got: set[str]) -> Iterator[str]:
    yield from (f"not there: {item}" for item in sorted(wanted - got))
    yield from (f"nobody expects it: {item}" for item in sorted(got - wanted))


def lines(text: str) -> list[str]:
    return [line.strip() for line in judge.full(text).splitlines() if line.strip()]


def functions(files: judge.Files, expected: Expected) -> Iterator[str]:
    there = {f["address"] for f in judge.capture_of(files, "json")["functions"]}
    yield from differ({line.split()[0] for line in lines(expected.stage.registers)}, there)


def links(files: judge.Files, expected: Expected) -> Iterator[str]:
    there = judge.capture_of(files, "json")["links"]
    said = {f"{end(x['port'])}>{end(x['device'])}={x['verdict']}" for x in there}
    yield from differ(set(judge.full(expected.links).split()), said)


def end(link_end: dict | None) -> str:
    return link_end["address"] if link_end else "-"


def empty(files: judge.Files, expected: Expected) -> Iterator[str]:
    there = {p["address"] for p in judge.capture_of(files, "json")["ports"] if p["empty"]}
    yield from differ(set(judge.full(expected.empty).split()), there)


def status(files: judge.Files, expected: Expected) -> Iterator[str]:
    wanted = int(any(loud in expected.stage.found for loud in ("=warning@", "=error@")))
    got = judge.capture_of(files, "json")["status"]
    if got != wanted:
        yield f"{got}, not {wanted}"


def kernel(files: judge.Files, expected: Expected) -> Iterator[str]:
    paths = judge.capture_of(files, "json")["paths"]
    said = {f"{p['device']} {p['kernel_line']}" for p in paths if p["kernel_line"]}
    yield from differ(set(lines(expected.kernel)), said)


def printed(*command: str) -> str:
    """What a program prints that has nothing to complain about; its status is a verdict."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    if done.stderr:
        raise GuestError(f"{' '.join(command)} says: {done.stderr}")
    return done.stdout


def readme(*paragraphs: str) -> str:
    whole = {"break_on_hyphens": False, "break_long_words": False}
    return "\n\n".join(textwrap.fill(text, WIDTH, **whole) for text in paragraphs) + "\n"


def version(qemu: str) -> str:
    """Such as "QEMU 10.0.2"."""
    return f"QEMU {printed(qemu, '--version').split()[3]}"
