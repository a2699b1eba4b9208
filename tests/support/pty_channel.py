"""A channel to a REAL shell on a REAL pseudo-terminal of this machine, in place of a Jupyter terminal."""

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
    """What `studio_setup.terminal.channel.Channel` is, for a shell started here.

    `frame_bytes` cuts what the shell prints into frames of that size at most. `speed` is how much faster than time the
    clock of the deadline goes that the shell under test is given (see `fast_deadline`).
    """

    def __init__(
        self,
        program: Sequence[str],
        environ: Mapping[str, str],
        *,
        frame_bytes: int = _READ_BYTES,
        speed: float = 1.0,
    ) -> None:
        self._frame_bytes = frame_bytes
        self.speed = speed
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self.screen = ""
        self._terminal, side_of_the_shell = pty.openpty()
        # A session of its own with this terminal as the controlling one, as terminado makes it.
        self.process = subprocess.Popen(
            [shutil.which("setsid") or "setsid", "-c", *program],
            stdin=side_of_the_shell,
            stdout=side_of_the_shell,
            stderr=side_of_the_shell,
            env=dict(environ),
            cwd=environ["HOME"],
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
        """Hang up; the shell is told so by its terminal."""
        if self._terminal >= 0:
            os.close(self._terminal)
            self._terminal = -1

    def end(self) -> None:
        """Hang up, and end the shell if that does not."""
        self.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(2)


def fast_deadline(seconds: float, speed: float = 1.0) -> Deadline:
    """A deadline whose seconds are shorter than real ones: waiting for something that does not come costs little."""
    return Deadline.after(seconds, lambda: time.monotonic() * speed, lambda wait: time.sleep(wait / speed))


def marked_processes(marker: str) -> dict[int, str]:
    """The processes that have the marker in their environment, with their command lines."""
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            if f"{MARKER}={marker}".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return found


def wait_until_ended(marker: str, limit_seconds: float = 5.0) -> dict[int, str]:
    """What is left of the marked processes when there is none any more, or the limit is reached."""
    until = time.monotonic() + limit_seconds
    while (left := marked_processes(marker)) and time.monotonic() < until:
        time.sleep(0.01)
    return left


@contextlib.contextmanager
def all_ended(marker: str) -> Iterator[None]:
    """End whatever marked process is left behind."""
    try:
        yield
    finally:
        for pid in marked_processes(marker):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
