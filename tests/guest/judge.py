# SPDX-License-Identifier: GPL-2.0-or-later
"""judge - holds what a guest's lnkinspect said against the table and against what others say

Each function yields what is wrong, a line each.
"""
import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from topologies import Stage

Files = dict[str, str]


class Beyond(NamedTuple):
    """Leaves of the JSON that one side lacks, or has otherwise."""

    path: str
    because: str
    about: str = ""  # only where the value speaks of it


# What only a live machine tells: lspci -xxxx has no place for it.
BEYOND_LSPCI = (
    Beyond("source", "where it was read"),
    Beyond("environment/accel", "from CPUID"),
    Beyond("environment/kernel", "from uname"),
    Beyond("environment/machine", "from DMI"),
    Beyond("environment/sign", "CPUID and DMI inside, QEMU's own devices outside"),
    Beyond("functions/*/driver", "from sysfs"),
    Beyond("functions/*/power_state", "from sysfs"),
    Beyond("functions/*/iommu_group", "from sysfs"),
    Beyond("functions/*/numa_node", "from sysfs"),
    Beyond("findings/*/here", "the driver, from sysfs"),
    Beyond("quotes/*", "from the kernel's log"),
    Beyond("findings/LNK207@*/message", "sysfs knows a VF; in bytes it only looks like one"),
    Beyond("findings/*/suggestions/*/words", "names the machine from DMI", "machine type"),
    Beyond("findings/*/suggestions/*/lines/*", "names the machine from DMI", "change  -machine"),
    Beyond("findings/LNK201@*/suggestions/*/words", "its age, from DMI", "in the new guest"),
)
# The head of a capture has room for those.
BEYOND_CAPTURE = (
    Beyond("source", "where it was read"),
    Beyond("environment/time", "when the capture was taken"),
    Beyond("environment/tool", "what took the capture"),
    Beyond("quotes/*", "from the kernel's log"),
)
RUNS = ("command", "default", "table", "tree", "json", "capture", "user-table", "user-json")


def full(text: str) -> str:
    """Addresses of domain 0 with their domain."""
    return re.sub(r"(?<![0-9a-f:])(?=[0-9a-f]{2}:[0-9a-f]{2}\.[0-7])", "0000:", text)


def capture_of(files: Files, name: str) -> dict:
    if not files[name]:
        raise ValueError(f"no {name}: {files.get(name + '.err')}")
    return json.loads(files[name])["captures"][0]


def outside(program: str, capture: str, *options: str) -> str:
    """What the program says here of a capture. The guests have no names, so no names."""
    command = [program, "-n", *options, "-F", "-"]
    plain = {"LC_ALL": "C"}
    return subprocess.run(
        command, input=capture, env=plain, capture_output=True, text=True, timeout=60
    ).stdout


def suggested(capture: dict) -> dict[str, str]:
    """The lines of each suggestion, by all the findings that it mends, in their order."""
    findings = defaultdict(list)
    for finding in capture["findings"]:
        for suggestion in finding["suggestions"]:
            name = f"{finding['id']}@{where(finding)}"
            findings["\n".join(suggestion["lines"])].append(name)
    return {" ".join(names): lines for lines, names in findings.items()}


# ---- What must be found --------------------------------------------------------------------
def where(finding: dict) -> str:
    if finding["port"] and finding["device"]:
        return f"{finding['port']}>{finding['device']}"
    return finding["function"] or "-"


def findings(capture: dict) -> set[str]:
    return {f"{f['id']}={f['severity']}@{where(f)}" for f in capture["findings"]}


def expect(capture: dict, wanted: str) -> Iterator[str]:
    """Is what is wanted there, and nothing beside it at warning or above?"""
    there, must = findings(capture), set(full(wanted).split())
    yield from (f"not found: {item}" for item in sorted(must - there))
    for item in sorted(there - must):
        if re.search("=(warning|error)@", item):
            yield f"found, though nobody expects it: {item}"


def stage_findings(files: Files, stage: Stage) -> Iterator[str]:
    capture = capture_of(files, "json")
    yield from expect(capture, stage.found)
    for item in full(stage.never).split():
        rule, _, address = item.partition("@")
        for found in findings(capture):
            if found.startswith(f"{rule}=") and address in found:
                yield f"must not be found: {found}"


def registers(files: Files, stage: Stage) -> Iterator[str]:
    """The registers that the table's findings were derived from."""
    functions = {f["address"]: f for f in capture_of(files, "json")["functions"]}
    for line in full(stage.registers).split("\n"):
        address, *pairs = line.split() or [""]
        shown = functions.get(address, {}).get("registers", {})
        for name, value in zip(pairs[::2], pairs[1::2]):
            if shown.get(name) != value:
                yield f"{address} {name} is {shown.get(name)}, not {value}"


def user(files: Files, stage: Stage) -> Iterator[str]:
    """Who is not root: still finds what sysfs shows, and says that there is more."""
    capture = capture_of(files, "user-json")
    yield from expect(capture, f"LNK901=warning@- {stage.user}")
    if not capture["skipped"] or "Cannot tell: " not in files["user-table"]:
        yield "does not say what it cannot tell"


def endings(files: Files, stage: Stage) -> Iterator[str]:
    """Exit statuses, and no word on standard error."""
    status = 1 if re.search("=(warning|error)@", stage.found) else 0
    for name in RUNS:
        wanted = status if name in ("default", "table", "tree", "json") else 0
        if name.startswith("user-"):
            wanted = stage.user_status
        if int(files[f"{name}.status"]) != wanted:
            yield f"{name}: status {files[f'{name}.status'].strip()}, not {wanted}"
        if files[f"{name}.err"]:
            yield f"{name}: {files[f'{name}.err'].strip()}"


# What default runs may leave out in a guest: its ports, and so its wires, are not real.
LEFT_OUT = {"LNK107", "LNK205"}


def default(files: Files) -> Iterator[str]:
    """Without --deep: the same but for what is said to be left out, and little is."""
    deep, plain = capture_of(files, "json"), capture_of(files, "default")
    rules = {s["rule"] for s in plain["skipped"] if s["deep"]}
    for found in sorted(findings(deep) ^ findings(plain)):
        if found.split("=")[0] not in rules:
            yield f"found only with --deep, or only without: {found}"
    yield from (f"left out: {rule}" for rule in sorted(rules - LEFT_OUT))
    yield from (f"left out of --deep: {s['rule']}" for s in deep["skipped"] if s["deep"])
    if plain["ports"] != deep["ports"] or plain["paths"] != deep["paths"]:
        yield "other ports or paths without --deep"
    if not rules and plain["links"] != deep["links"]:
        yield "other links without --deep"
    if not rules and suggested(plain) != suggested(deep):
        yield "other suggestions without --deep"


# ---- The same inside and outside -----------------------------------------------------------
def flat(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Leaves by path; items of lists by what they are about, so that a lost one stays one."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from flat(item, f"{path}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from flat(item, f"{path}/{subject(item) or index}")
    else:
        yield path[1:], value


def subject(item: object) -> str:
    if not isinstance(item, dict):
        return ""
    what = item.get("id") or item.get("rule") or item.get("register")
    place = item.get("function") or item.get("address") or item.get("device")
    if isinstance(place, dict):
        place = place["address"]
    return f"{what}@{place}" if what else place or ""


def differences(live: dict, dumped: dict, beyond: tuple[Beyond, ...]) -> Iterator[str]:
    inside, out = set(flat(live)), set(flat(dumped))
    for leaves, side in ((inside - out, "only inside"), (out - inside, "only outside")):
        for path, value in sorted(leaves, key=repr):
            if not any(fnmatchcase(path, b.path) and b.about in str(value) for b in beyond):
                yield f"{side}: {path} is {value!r}"


def as_lspci(files: Files, program: str) -> Iterator[str]:
    """lspci -xxxx of the guest, judged outside."""
    dumped = json.loads(outside(program, files["lspci"], "--json", "-v"))["captures"][0]
    yield from differences(capture_of(files, "json"), dumped, BEYOND_LSPCI)


def without_quotes(text: str) -> str:
    """A capture has no room for what the kernel's log says."""
    return re.sub(r"(?m)^  The kernel says of .*\n", "", text)


def as_captured(files: Files, program: str) -> Iterator[str]:
    """The guest's --capture, judged outside; the pictures too, but for the line on the source."""
    dumped = json.loads(outside(program, files["capture"], "--json", "-v"))["captures"][0]
    yield from differences(capture_of(files, "json"), dumped, BEYOND_CAPTURE)
    for name in ("table", "tree"):
        said = outside(program, files["capture"], f"--format={name}")
        if said.split("\n")[1:] != without_quotes(files[name]).split("\n")[1:]:
            yield f"another {name} outside:\n{said}"


# ---- The kernel's own opinion --------------------------------------------------------------
def kernel_lines(files: Files) -> Iterator[str]:
    """Linux says once, when it finds a device, whether a hop above it limits the device."""
    capture = capture_of(files, "json")
    present = {f["address"] for f in capture["functions"]}
    said = re.findall(
        r"(\S+:\S+\.\d): (\S+ Gb/s available PCIe bandwidth, limited by .*)", files["dmesg"]
    )
    kernel = {(address, line) for address, line in said if address in present}
    ours = {(p["device"], p["kernel_line"]) for p in capture["paths"] if p["kernel_line"]}
    yield from (f"only the kernel says: {' '.join(line)}" for line in sorted(kernel - ours))
    yield from (f"the kernel does not say: {' '.join(line)}" for line in sorted(ours - kernel))
