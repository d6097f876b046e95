# SPDX-License-Identifier: GPL-2.0-or-later
"""
stage.py - plays a script on a machine that umockdev makes up, with the program watching it

umockdev-wrapper python3 stage.py MACHINE PROGRAM <SCRIPT

MACHINE is a description that machine.py wrote. The program writes ./out and ./err. A script has one
step a line:

  start ARGUMENT...	starts the program; with TRACE in the environment under strace with these
  			options, into ./trace
  onto FILE		before start: it writes there
  into-pipe		before start: it writes into a pipe of 4096 bytes that nobody reads
  hang-up		who could have read it goes away
  wait TEXT		until a line behind the last one that was waited for holds TEXT
  add ADDRESS [MACHINE]	the function of that machine, or of the first
  remove ADDRESS
  lose ADDRESS		its directory goes, and no event comes
  find ADDRESS		it is there again
  event ACTION ADDRESS [N]	so many events, and nothing else
  set ADDRESS NAME VALUE
  status ADDRESS HEX	LNKSTA
  idle SECONDS		it sleeps, and never wakes up for so long
  memory NAME		how many kB it has, into the file NAME
  signal NAME
  ends STATUS		it ends, with that
"""
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time

LIMIT = 60  # seconds that anything may take
umockdev = ctypes.CDLL("libumockdev.so.0")
umockdev.umockdev_testbed_new.restype = ctypes.c_void_p
testbed = ctypes.c_void_p(umockdev.umockdev_testbed_new())
umockdev.umockdev_testbed_get_root_dir.restype = ctypes.c_char_p
root = umockdev.umockdev_testbed_get_root_dir(testbed).decode()
program = None
output, pipe, seen = "out", None, 0

def text(s):
    return ctypes.c_char_p(s.encode())

def read(file):
    """The devices of a description: path below /sys, its lines."""
    parts = [p + "\n\n" for p in open(file).read().split("\n\n") if p.strip()]
    return {p.split()[1]: p for p in parts}

machine = read(sys.argv[1])

def path(address):
    return next(p for p in machine if p.endswith("/" + address))

def add_device(lines):
    if not umockdev.umockdev_testbed_add_from_string(testbed, text(lines), None):
        sys.exit(f"umockdev takes no {lines[:80]}")

def start(*arguments):
    global program, pipe
    command = [sys.argv[2], *arguments]
    if os.environ.get("TRACE"):
        command = ["strace", "-f", "-o", "trace", *os.environ["TRACE"].split(), *command]
    if output is None:
        reader, out = os.pipe()
        fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, 4096)
        pipe = reader
    else:
        out = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    with open("err", "w") as err:
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    os.close(out)

def onto(file):
    global output
    output = file

def into_pipe():
    onto(None)

def hang_up():
    os.close(pipe)

def wait(*words):
    global seen
    wanted, end = " ".join(words), time.monotonic() + LIMIT
    while time.monotonic() < end:
        lines = open("out").readlines()
        for i in range(seen, len(lines)):
            if wanted in lines[i] and lines[i].endswith("\n"):
                seen = i + 1
                return
        if program.poll() is not None:
            sys.exit(f"it ended, and there was no '{wanted}': {open('err').read()[:300]}")
        time.sleep(0.02)
    sys.exit(f"no '{wanted}' in: {lines[-5:]}")

def add(address, file=None):
    devices = read(file) if file else machine
    add_device(devices[path(address)])

def remove(address):
    umockdev.umockdev_testbed_uevent(testbed, text("/sys" + path(address)), text("remove"))
    umockdev.umockdev_testbed_remove_device(testbed, text("/sys" + path(address)))

def lose(address):
    directory = f"{root}/sys{path(address)}"
    os.rename(directory, f"{root}/lost-{address}")

def find(address):
    os.rename(f"{root}/lost-{address}", f"{root}/sys{path(address)}")

def event(action, address, n="1"):
    for i in range(int(n)):
        umockdev.umockdev_testbed_uevent(testbed, text("/sys" + path(address)), text(action))
        # Of umockdev's socket, which holds ten of them: the kernel's holds more.
        time.sleep(0.005)
        while i + 1 < int(n) and turns() is None:
            time.sleep(0.001)

def set_attribute(address, name, *value):
    # In one step: nobody sees it empty.
    file = f"{root}/sys{path(address)}/{name}"
    with open(f"{root}/value", "w") as f:
        f.write(" ".join(value) + "\n")
    os.replace(f"{root}/value", file)

def status(address, value):
    with open(f"{root}/sys{path(address)}/config", "r+b", buffering=0) as f:
        config = f.read()
        at = config[0x34]
        while config[at] != 0x10:
            at = config[at + 1]
        f.seek(at + 0x12)
        f.write(int(value, 16).to_bytes(2, "little"))

def pid():
    """The program's: strace's child, where there is a strace."""
    if not os.environ.get("TRACE"):
        return program.pid
    return int(open(f"/proc/{program.pid}/task/{program.pid}/children").read().split()[0])

def state():
    return dict(line.split(":", 1) for line in open(f"/proc/{pid()}/status"))

def memory(name):
    with open(name, "w") as f:
        f.write(state()["VmRSS"].split()[0] + "\n")

def turns():
    """How often it gave its processor away; None while it has one."""
    now = state()
    return now["voluntary_ctxt_switches"] if now["State"].split()[0] == "S" else None

def idle(seconds):
    end = time.monotonic() + LIMIT
    while True:
        before = turns()
        # Longer than it waits for the end of a burst.
        time.sleep(1)
        if before is not None and turns() == before:
            break
        if time.monotonic() > end:
            sys.exit("it never comes to rest")
    time.sleep(float(seconds))
    if turns() != before:
        sys.exit(f"it woke up: {before} turns before, {turns()} now")

def ends(wanted):
    try:
        got = program.wait(LIMIT)
    except subprocess.TimeoutExpired:
        sys.exit("it does not end")
    if got != int(wanted):
        sys.exit(f"status {got}, not {wanted}: {open('err').read()[:300]}")

def send(name):
    os.kill(pid(), getattr(signal, "SIG" + name))

steps = {"start": start, "onto": onto, "into-pipe": into_pipe, "hang-up": hang_up, "wait": wait,
         "add": add, "remove": remove, "lose": lose, "find": find, "event": event, "set": set_attribute,
         "status": status, "idle": idle, "memory": memory, "signal": send, "ends": ends}
for lines in machine.values():
    add_device(lines)
try:
    for line in sys.stdin:
        if line.strip():
            step, *rest = line.split()
            steps[step](*rest)
finally:
    if program and program.poll() is None:
        program.kill()
