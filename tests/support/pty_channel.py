"""A channel to a real shell on a pseudo-terminal of this machine, in place of a Jupyter terminal."""

from __future__ import annotations

import codecs
import contextlib
import os
import pty
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, ShellGone

MARKER = "STUDIO_SETUP_TEST"
_READ_BYTES = 65536


class PtyChannel:
    """A channel to a program that is started here, as a Jupyter server starts the shell of a terminal.

    The program leads a session of its own, with the terminal as its controlling one. Its parent stands for the server:
    `environ` is what that process was started with, whatever the program makes of its own environment; only `mark`, a
    variable by which processes are found, is the program's alone. `launcher` is the command that starts the server.

    What the program prints arrives in frames of `frame_bytes` at most. `speed` is that of the deadline's clock (see
    `fast_deadline`): a wait of so many seconds takes so many times less.
    """

    def __init__(
        self,
        program: Sequence[str],
        environ: Mapping[str, str],
        *,
        mark: str = "",
        launcher: Sequence[str] = (),
        frame_bytes: int = _READ_BYTES,
        speed: float = 1.0,
    ) -> None:
        self._frame_bytes = frame_bytes
        self.speed = speed
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.screen = ""
        self._terminal, side_of_the_shell = pty.openpty()
        # Of this machine, whatever is on the PATH of the one that is tested; of the system, as our own PATH may lead to
        # folders that the server does not see.
        setsid, env = (shutil.which(name, path=os.defpath) or name for name in ("setsid", "env"))
        # As the leader of a session, this setsid has to start the program as a child, and waits for it: the server.
        self.process = subprocess.Popen(
            [*launcher, setsid, "--ctty", "--wait", env, *([f"{MARKER}={mark}"] if mark else []), *program],
            stdin=side_of_the_shell,
            stdout=side_of_the_shell,
            stderr=side_of_the_shell,
            env=dict(environ),
            cwd=environ["HOME"],
            start_new_session=True,
        )
        os.close(side_of_the_shell)

    def send(self, text: str) -> None:
        """Type `text`."""
        if self._terminal < 0:
            raise ConnectionLost("The terminal was hung up.")
        data = text.encode()
        while data:
            data = data[os.write(self._terminal, data) :]

    def receive(self, timeout_seconds: float) -> str:
        """The text that arrived next; empty if there was none in that time."""
        if self._terminal < 0:
            raise ConnectionLost("The terminal was hung up.")
        ready, _, _ = select.select([self._terminal], [], [], max(timeout_seconds, 0.001) / self.speed)
        if not ready:
            return ""
        try:
            data = os.read(self._terminal, self._frame_bytes)
        except OSError:
            data = b""
        if not data:
            raise ShellGone("The terminal's shell is gone.")
        text = self._decoder.decode(data)
        self.screen += text
        return text

    def close(self) -> None:
        """Hang up, which the shell hears of by SIGHUP."""
        if self._terminal >= 0:
            os.close(self._terminal)
            self._terminal = -1

    def end(self) -> None:
        """Hang up, and kill the shell if that does not end it."""
        self.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            for child in self._children():
                os.kill(child, signal.SIGKILL)
            self.process.wait(2)

    def _children(self) -> list[int]:
        """The processes that the stand-in for the server has started: the program."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def fast_deadline(seconds: float, speed: float = 1.0) -> Deadline:
    """A deadline on a clock that is `speed` times as fast, so that waiting in vain takes little time."""
    return Deadline.after(seconds, lambda: time.monotonic() * speed, lambda wait: time.sleep(wait / speed))


def marked_processes(marker: str) -> dict[int, str]:
    """The processes with the marker in their environment: their ids and command lines."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if f"{MARKER}={marker}".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return found


def wait_until_ended(marker: str, limit_seconds: float = 5.0) -> dict[int, str]:
    """Wait until no marked process is left, or the limit is reached; those that are left."""
    until = time.monotonic() + limit_seconds
    while (left := marked_processes(marker)) and time.monotonic() < until:
        time.sleep(0.01)
    return left


@contextlib.contextmanager
def all_ended(marker: str) -> Iterator[None]:
    """Kill the marked processes that are left afterwards."""
    try:
        yield
    finally:
        for pid in marked_processes(marker):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
