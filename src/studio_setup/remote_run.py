"""Runs that the app keeps, seen from here: the calls of `remote.sh` and their answers.

Every call can be made again after a lost connection. An answer comes inside the shell's prompt, and output in base64
inside the answer, so that nothing a command or a user prints is ever taken for a status.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from pathlib import Path

from studio_setup.errors import ConnectionLost, NoWorkspace
from studio_setup.output import printable
from studio_setup.prompt import Reply
from studio_setup.shell import Shell

REMOTE_SCRIPT = Path(__file__).with_name("remote.sh")
_READY = re.compile(r"ready (/.*)")
_CLAIM = re.compile(r"claim (\w+) (\w+) ([\w-]+)")
_FOLLOW = re.compile(r"follow (none|running|over|lost) (-|\d+) (-|timed-out|stopped) (-|[\d.]+) (-|[\d.]+) (\d+) (\S*)")
_FOLLOW_SECONDS = 1
_FINISH = re.compile(r"finish (\w+) (\w+)")
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """The run that holds this start of the app; `verdict` is empty until it is over."""

    run_id: str
    digest: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Start:
    """What it takes to start a command."""

    script: str
    timeout_seconds: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a command is, and the part of its output that was asked for."""

    state: str  # none, running, over, lost
    exit_status: int | None
    ended: str  # empty, timed-out, stopped
    seconds: float | None
    size_bytes: int
    output: bytes


class RemoteRuns:
    """The runs kept in the app at the other end of `shell`."""

    def __init__(self, shell: Shell, root: str) -> None:
        self._shell = shell
        self._root = root

    @classmethod
    def prepare(cls, shell: Shell) -> RemoteRuns:
        """Bring `remote.sh` to the app.

        Raises:
            NoWorkspace: the app has no place or no tools for it.
            ConnectionLost, OutOfTime: as `Shell.run`.
        """
        reply = shell.run('eval "$(printf %b "$text")"; prepare', text=REMOTE_SCRIPT.read_text(encoding="utf-8"))
        ready = _READY.fullmatch(reply.answer)
        if reply.exit_status != 0 or ready is None:
            raise NoWorkspace(f"The app cannot keep a run: {_complaint(reply)}.")
        return cls(shell, ready[1])

    def log_path(self, run_id: str, command: str) -> str:
        """Where in the app all of a command's output is."""
        return f"{self._root}/{run_id}/{command}.log"

    def open_run(self, run_id: str, digest: str) -> None:
        """Make a run that claims nothing."""
        if self._shell.run(f"open_run {run_id} {digest}").exit_status != 0:
            raise NoWorkspace(f"The app cannot keep a run in {self._root}.")

    def claim(self, run_id: str, digest: str, *, force: bool) -> Claim:
        """Claim this start of the app for a run; the claim that holds, which may be another's."""
        for _ in range(_TRIES):
            reply = self._shell.run(f"claim {run_id} {digest} {'force' if force else ''}")
            match = _CLAIM.fullmatch(reply.answer)
            if match:
                return Claim(match[1], match[2], "" if match[3] == "-" else match[3])
        raise NoWorkspace(f"The app cannot keep a claim in {self._root}: {_complaint(reply)}.")

    def has(self, run_id: str) -> bool:
        """Is the run of this start of the app?"""
        return self._shell.run(f"has {run_id}").exit_status == 0

    def finish(self, run_id: str, verdict: str, attempt: str) -> bool:
        """Note that nothing is left to do for a run; True if this attempt was the first to say so."""
        for _ in range(_TRIES):
            match = _FINISH.fullmatch(self._shell.run(f"finish {run_id} {verdict} {attempt}").answer)
            if match:
                return match[2] == attempt
        raise NoWorkspace(f"The app cannot keep a verdict in {self._root}; is its disk full?")

    def follow(self, run_id: str, command: str, offset: int, count: int, start: Start | None = None) -> Progress:
        """Wait a second at most for a command to be over, and fetch `count` bytes of output from `offset`.

        With `start`, it is started first unless it was before, by anyone.

        Raises:
            NoWorkspace: it cannot be started.
            ConnectionLost, OutOfTime: as `Shell.run`.
        """
        line = f"follow {run_id} {command} {offset} {count} {_FOLLOW_SECONDS}"
        text = ""
        if start:
            line = f"start {run_id} {command} {start.timeout_seconds} && {line}"
            text = start.script
        for _ in range(_TRIES):
            reply = self._shell.run(line, text=text)
            progress = _parse_progress(reply, offset, count)
            if progress is not None:
                return progress
        if start and reply.exit_status != 0:
            raise NoWorkspace(f"The app cannot start command {command} in {self._root}: {_complaint(reply)}.")
        raise ConnectionLost("The terminal's answers are garbled.")

    def stop(self, run_id: str, command: str) -> None:
        """End a command's process group before its time."""
        self._shell.run(f"stop {run_id} {command}")


def _complaint(reply: Reply) -> str:
    return repr((reply.answer + " " + printable(reply.text)).strip()[-300:])


def _parse_progress(reply: Reply, offset: int, count: int) -> Progress | None:
    """The answer of `follow`, or None if somebody's typing or printing got into it."""
    match = _FOLLOW.fullmatch(reply.answer)
    if match is None:
        return None
    state, status, ended, started, finished, size, data = match.groups()
    size_bytes = int(size)
    try:
        output = base64.b64decode(data, validate=True)
    except binascii.Error:
        return None
    # A command that still runs may have printed more since its size was taken.
    expected = min(count, max(0, size_bytes - offset))
    if not expected <= len(output) <= count:
        return None
    return Progress(
        state=state,
        exit_status=int(status) if status != "-" else None,
        ended="" if ended == "-" else ended,
        seconds=round(float(finished) - float(started), 2) if finished != "-" else None,
        size_bytes=size_bytes,
        output=output,
    )
