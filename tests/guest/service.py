# SPDX-License-Identifier: GPL-2.0-or-later
"""service - the timer and the service of contrib/systemd, run by systemd in a guest

The guest is brought up by the systemd of this Debian, in which the timer is enabled, with drop-ins
that only make it sooner and keep what the service says (initramfs-service).
"""
import dataclasses
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from outside import Point, differ
from rig import Guest, Machine
from topologies import MEMORY, PORT, device

HERE = Path(__file__).resolve().parent
NEEDS = {"/lib/systemd/systemd": "systemd", "/bin/systemctl": "systemd"}
ARGUMENTS = f"-machine q35 {MEMORY} {PORT},x-speed=2_5,x-width=1 {device('bus=rp0')}"
SERVICE, TIMER = "lnkinspect-textfile.service", "lnkinspect-textfile.timer"
FOLDER = "/var/lib/prometheus/node-exporter"
FILE = f"{FOLDER}/lnkinspect.prom"
SHOW = f"systemctl show -p ActiveState,Result,ExecMainStatus {SERVICE}"
LIST = f"find {FOLDER} -type f | sort"


def until(condition: str) -> str:
    return f"until {condition}; do usleep 100000; done"


# The timer starts it, again and again: the second file is another one.
FIRST = "; ".join(
    [
        until(f"[ -e {FILE} ]"),
        until(f"! {SHOW} | grep -q =activating"),
        f"{SHOW} >state",
        f"stat -c '%a %U' {FILE} >mode",
        f"cp {FILE} first",
        f"inode=$(stat -c %i {FILE})",
        until(f"[ $(stat -c %i {FILE}) != $inode ]"),
        f"systemctl stop {TIMER}",
        until(f"! {SHOW} | grep -q =activating"),
        f"cp {FILE} second",
        f"{LIST} >list",
        "cp /run/said .",
        "systemctl show -p NFailedUnits >failed",
    ]
)


def without(capability: str) -> str:
    """The same service, without what the unit says it cannot do without."""
    drop_in = f"/run/systemd/system/{SERVICE}.d"
    return "; ".join(
        [
            f"mkdir -p {drop_in}",
            f"printf '[Service]\\nCapabilityBoundingSet=~{capability}\\n' >{drop_in}/less.conf",
            "systemctl daemon-reload",
            f"systemctl start {SERVICE}",
            f"cp {FILE} less",
            f"rm -r {drop_in}",
            "systemctl daemon-reload",
        ]
    )


MISSING = "; ".join(
    [
        f"mv {FOLDER} /run/elsewhere",
        f"systemctl start {SERVICE}",
        "echo $? >start",
        f"{SHOW} >state",
        "cp /run/said .",
    ]
)


def found(text: str) -> set[str]:
    """Each finding, with the functions that it names."""
    lines = [line for line in text.splitlines() if line.startswith("lnkinspect_finding{")]
    return {
        " ".join(re.findall(r"LNK\d{3}|[\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.\d", line)) for line in lines
    }


def ids(text: str) -> set[str]:
    return {item.split()[0] for item in found(text)}


def state(text: str) -> set[str]:
    return set(text.split())


def checks(machine: Machine, program: str, initramfs: Path) -> Iterator[Point]:
    subprocess.run([HERE / "initramfs-service", program, initramfs], check=True)
    systemd = dataclasses.replace(
        machine, initramfs=initramfs, append=f"{machine.append} rdinit=/lib/systemd/systemd"
    )
    with Guest(systemd, ARGUMENTS.split()) as guest:
        guest.boot()
        ran = guest.look(FIRST)
        less = guest.look(without("CAP_SYS_ADMIN"))
        missing = guest.look(MISSING)
    origin = {"LNK001"}
    yield "service: the timer starts it, and findings are no failure", list(
        differ({"ActiveState=inactive", "Result=success", "ExecMainStatus=1"}, state(ran["state"]))
    ) + list(differ({"NFailedUnits=0"}, state(ran["failed"])))
    yield "service: it says nothing", ran["said"].splitlines()
    yield "service: what it finds", list(differ(origin, ids(ran["first"]))) + [
        f"where: {item}" for item in found(ran["first"]) if "0000:01:00.0" not in item
    ]
    yield "service: anybody can read the file", list(differ({"644 root"}, {ran["mode"].strip()}))
    yield "service: the next run puts a file in its place", list(
        differ(found(ran["first"]), found(ran["second"]))
    ) + list(differ({FILE}, set(ran["list"].split())))
    yield "service: it needs its one capability", list(differ(origin | {"LNK901"}, ids(less["less"])))
    yield "service: without the directory it fails", list(
        differ({"ActiveState=failed", "Result=exit-code", "ExecMainStatus=2"}, state(missing["state"]))
    ) + (["systemctl does not say so"] if missing["start"].strip() == "0" else [])
    yield "service: and says why", [] if FOLDER in missing["said"] else [f"it says: {missing['said']}"]
