# SPDX-License-Identifier: GPL-2.0-or-later
"""rig - boots a QEMU guest that looks at its PCI devices, and brings home what it saw

With TCG, since not every machine that tests has more. What the guest saw comes out of its second
serial port, which adds no PCI device; kernel messages stay on the first.
"""
import contextlib
import io
import json
import os
import select
import socket
import subprocess
import tarfile
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

# What is off takes time under TCG and has no part in what a guest says of its PCI devices.
APPEND = (
    "console=ttyS0 panic=-1 tsc=reliable no_timer_check mitigations=off"
    " random.trust_cpu=on nokaslr nowatchdog audit=0 apparmor=0 cryptomgr.notests i8042.noaux"
    " i8042.nokbd log_buf_len=1M initcall_blacklist=crypto_kdf108_init,"
    "load_system_certificate_list,init_kprobe_trace"
)
# Seconds from the start of QEMU to its end. A boot takes four on an idle machine.
LIMIT = 90.0
# Bytes of what a guest sends; lines of its console that are shown when it fails.
LARGEST = 16 << 20
SHOWN = 60


class GuestError(Exception):
    """The guest did not do what every guest does. The message ends with the end of its console."""


@dataclass(frozen=True)
class Machine:
    """What is the same in all guests."""

    qemu: str
    kernel: Path
    initramfs: Path
    append: str = ""  # more of the kernel's command line

    def command(self, arguments: list[str]) -> list[str]:
        """The whole command line, for a folder of the guest's own."""
        return [
            self.qemu,
            *("-accel", "tcg", "-m", "256", "-nodefaults", "-no-user-config"),
            *("-display", "none", "-no-reboot"),
            *("-serial", "file:console", "-serial", "stdio"),
            *("-qmp", "unix:qmp,server=on,wait=off"),
            *("-kernel", str(self.kernel), "-initrd", str(self.initramfs), "-append", f"{APPEND} {self.append}".rstrip()),
            *arguments,
        ]


class Guest:
    """A running guest; it ends with the `with` block."""

    def __init__(self, machine: Machine, arguments: list[str]):
        self._folder = tempfile.TemporaryDirectory(prefix="guest-")
        self._ends = time.monotonic() + LIMIT
        self._unread = b""
        self._monitor: socket.socket | None = None
        with open(self._path("errors"), "wb") as errors:
            self._process = subprocess.Popen(
                machine.command(arguments),
                cwd=self._folder.name,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
            )

    def __enter__(self) -> "Guest":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._monitor):
            if stream:
                # What could not be sent any more is no news: the first failure is.
                with contextlib.suppress(OSError):
                    stream.close()
        self._folder.cleanup()

    def _path(self, name: str) -> str:
        return os.path.join(self._folder.name, name)

    def _failed(self, what: str) -> GuestError:
        said = [f"the guest {what}"]
        for name in ("errors", "console"):
            if os.path.exists(self._path(name)):
                said += Path(self._path(name)).read_text(errors="replace").splitlines()[-SHOWN:]
        return GuestError("\n".join(said))

    # ---- What it says ----------------------------------------------------------------------

    def boot(self) -> None:
        """Waits until it is up."""
        if self._read_line() != "ready":
            raise self._failed("does not say that it is ready")

    def look(self, command: str) -> dict[str, str]:
        """Runs a command in the guest, has it look around, and returns its files by name."""
        return {n: data.decode(errors="replace") for n, data in self.files(command).items()}

    def files(self, command: str) -> dict[str, bytes]:
        """The same, byte by byte."""
        try:
            self._process.stdin.write(command.encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise self._failed("ended") from error
        size = int(self._read_line())
        if size > LARGEST:
            raise self._failed(f"wants to send {size} bytes")
        return unpack(self._read(size))

    def wrote(self, name: str) -> str:
        """A file of QEMU's own, as its command line names it."""
        return Path(self._path(name)).read_text()

    def _read_line(self) -> str:
        while b"\n" not in self._unread:
            self._read_more()
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode(errors="replace").strip()

    def _read(self, size: int) -> bytes:
        while len(self._unread) < size:
            self._read_more()
        data, self._unread = self._unread[:size], self._unread[size:]
        return data

    def _read_more(self) -> None:
        fd = self._process.stdout.fileno()
        if not select.select([fd], [], [], max(0.0, self._ends - time.monotonic()))[0]:
            raise self._failed(f"hangs: {LIMIT:.0f} s are over")
        data = os.read(fd, 1 << 16)
        if not data:
            raise self._failed("ended")
        self._unread += data

    # ---- What is done to it ----------------------------------------------------------------

    def monitor(self, command: dict[str, object]) -> None:
        """A command of QMP."""
        try:
            self._monitor_command(command)
        except (OSError, ValueError) as error:
            raise self._failed(f"does not answer {command['execute']}: {error}") from error

    def _monitor_command(self, command: dict[str, object]) -> None:
        if not self._monitor:
            self._monitor = socket.socket(socket.AF_UNIX)
            self._monitor.settimeout(max(0.1, self._ends - time.monotonic()))
            self._monitor.connect(self._path("qmp"))
            self._messages = self._monitor.makefile("rw")
            self._monitor_command({"execute": "qmp_capabilities"})
        json.dump(command, self._messages)
        self._messages.flush()
        answer: dict[str, object] = {}
        while "return" not in answer:
            answer = json.loads(self._messages.readline() or '{"error": "QEMU ended"}')
            if "error" in answer:
                raise self._failed(f"cannot {command['execute']}: {answer['error']}")

    def poke(self, old: bytes, new: bytes) -> None:
        """Writes over registers, which must be the only place with such bytes.

        Guests cannot write them, and QEMU has no command for it: its memory is open to whoever
        started it (proc_pid_mem(5)).
        """
        start, end = self._heap()
        with open(f"/proc/{self._process.pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            heap = memory.read(end - start)
            if heap.count(old) != 1:
                raise self._failed(f"has {heap.count(old)} places with {old.hex()}")
            memory.seek(start + heap.index(old))
            memory.write(new)

    def _heap(self) -> tuple[int, int]:
        with open(f"/proc/{self._process.pid}/maps") as maps:
            line = next(line for line in maps if line.endswith("[heap]\n"))
        start, end = line.split()[0].split("-")
        return int(start, 16), int(end, 16)


def unpack(data: bytes) -> dict[str, bytes]:
    """Regular files only; none of them is written anywhere."""
    files = {}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            if member.isfile() and member.size <= LARGEST:
                files[os.path.basename(member.name)] = tar.extractfile(member).read()
    return files
