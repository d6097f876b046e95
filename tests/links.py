# SPDX-License-Identifier: GPL-2.0-or-later
"""
links.py - changes the links of a machine that umockdev made up, while the program looks at them

links.py STEP...

STEP is one of
  ADDR[+ADDR]=8x16	LNKSTA says so from now on, and so do the link attributes; of both ends of a
			link at once, for the program stands still meanwhile
  ADDR=ff		config reads all ones
  ADDR=gone		there is no such function
  ADDR/NAME=VALUE	one attribute
  ADDR?N		waits until config or current_link_speed was read N times more
  SIGNAL:PID		sends it
  touch:FILE
It runs in the machine, as what umockdev-run starts. The program is $PROGRAM, or who started it.
"""
import ctypes
import os
import re
import signal
import struct
import sys
import time

ROOT = os.environ["UMOCKDEV_DIR"] + "/sys/devices/pci0000:00/"
SPEEDS = {"2.5": 1, "5": 2, "8": 3, "16": 4, "32": 5}
NAMES = [None, "2.5", "5.0", "8.0", "16.0", "32.0"]
IN_ACCESS = 1
libc = ctypes.CDLL(None, use_errno=True)

def attribute(at, name, value):
    # In one step: nobody sees half of it.
    path = f"{ROOT}{at}/{name}"
    with open(path + ".new", "w") as f:
        f.write(value + "\n")
    os.rename(path + ".new", path)

def config(at, off, data):
    f = os.open(f"{ROOT}{at}/config", os.O_RDWR)
    os.pwrite(f, data, off)
    os.close(f)

def express(at):
    c = open(f"{ROOT}{at}/config", "rb").read()
    cap = c[0x34]
    while c[cap] != 0x10:
        cap = c[cap + 1]
    return cap, c

def link(at, speed, width):
    code = SPEEDS[speed]
    if os.path.exists(f"{ROOT}{at}/config") and os.path.getsize(f"{ROOT}{at}/config") > 64:
        cap, c = express(at)
        old = int.from_bytes(c[cap + 18:cap + 20], "little")
        config(at, cap + 18, (old & ~0x3ff | int(width) << 4 | code).to_bytes(2, "little"))
    if os.path.exists(f"{ROOT}{at}/current_link_speed"):
        attribute(at, "current_link_width", width)
        attribute(at, "current_link_speed", NAMES[code] + " GT/s PCIe")

def status(pid):
    """Name, state and parent."""
    m = re.match(r"\d+ \((.*)\) (.) (\d+) ", open(f"/proc/{pid}/stat").read(), re.S)
    return m[1], m[2], int(m[3])

def program():
    pid = int(os.environ.get("PROGRAM") or os.getpid())
    while pid > 1 and status(pid)[0] != "lnkinspect":
        pid = status(pid)[2]
    return pid

def at_once(ends, speed, width):
    pid = program()
    if pid > 1:
        os.kill(pid, signal.SIGSTOP)
        while status(pid)[1] not in "TZ":
            time.sleep(0.001)
    for at in ends:
        link(at, speed, width)
    if pid > 1:
        os.kill(pid, signal.SIGCONT)

def reads(at, n):
    f = libc.inotify_init()
    assert libc.inotify_add_watch(f, (ROOT + at).encode(), IN_ACCESS) >= 0
    while n > 0:
        events = os.read(f, 65536)
        while events:
            size = struct.unpack("iIII", events[:16])[3]
            n -= events[16:16 + size].rstrip(b"\0") in (b"config", b"current_link_speed")
            events = events[16 + size:]
    os.close(f)

for step in sys.argv[1:]:
    if m := re.match(r"([\w:.+]+)=([\d.]+)x(\d+)$", step):
        at_once(m[1].split("+"), m[2], m[3])
    elif m := re.match(r"([\w:.]+)=ff$", step):
        config(m[1], 0, b"\xff" * os.path.getsize(f"{ROOT}{m[1]}/config"))
    elif m := re.match(r"([\w:.]+)=gone$", step):
        os.rename(ROOT + m[1], ROOT + "gone")
    elif m := re.match(r"([\w:.]+)/([\w/]+)=(.*)$", step):
        attribute(*m.groups())
    elif m := re.match(r"([\w:.]+)\?(\d+)$", step):
        reads(m[1], int(m[2]))
    elif m := re.match(r"(SIG\w+):(\d+)$", step):
        os.kill(int(m[2]), getattr(signal, m[1]))
    else:
        open(re.fullmatch(r"touch:(.*)", step)[1], "w").close()
