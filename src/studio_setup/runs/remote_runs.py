"""Runs that the app keeps, seen from here: the calls of `remote.sh` and their answers.

Every call can be repeated after a lost connection. An answer comes inside the shell's prompt, and output in base64
inside the answer, so that nothing a command or a user prints is ever mistaken for a status.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from studio_setup.model.errors import ConnectionLost, NoWorkspace, RunLost
from studio_setup.model.report import MAX_LOG_PATH_CHARACTERS, CommandState
from studio_setup.model.text import printable
from studio_setup.terminal.prompt import Reply
from studio_setup.terminal.shell import Shell

REMOTE_SCRIPT = Path(__file__).with_name("remote.sh")
_SECONDS = r"(-|[0-9]{1,12}\.[0-9]{1,9})"
_FOLLOW = (
    rf"follow (none|running|over|lost) (-|[0-9]{{1,3}}) (-|timed-out|stopped) {_SECONDS} {_SECONDS}"
    r" ([0-9]{1,18}) (\S*)"
)
_READY = r"ready ([\w-]{1,80}) (/.{0,399})"  # remote.sh falls back to /tmp if TMPDIR is too long for that
_CLAIM = r"claim (\w{1,64}) (\w{1,64}) ([\w-]{1,64})"
# In bash without starting a process
_EVALUATE_TEXT = '[ "$BASH_VERSION" ] && printf -v script %b "$text" || script=$(printf %b "$text"); eval "$script"'
_FOLLOW_SECONDS = 1
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """The run that holds the claim to this app start; `verdict` is empty until it is over."""

    run_id: str
    setup_version: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Start:
    """What it takes to start a command."""

    script: str
    timeout_seconds: int
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a command has got, and the part of its output that was asked for."""

    state: str  # none, running, over, lost
    exit_status: int | None
    ended: str  # empty, timed-out, stopped
    seconds: float | None
    size_bytes: int
    output: bytes

    @property
    def command_state(self) -> CommandState:
        """The state as a report has it."""
        if self.state == "running":
            return CommandState.RUNNING
        if self.ended == "timed-out":
            return CommandState.TIMED_OUT
        if self.ended == "stopped":
            return CommandState.STOPPED
        return CommandState.EXITED if self.state == "over" else CommandState.LOST


class RemoteRuns:
    """The runs kept in the app at the other end of `shell`.

    `app_start` tells one start of the app from another; a restarted Jupyter server does not change it.
    """

    def __init__(self, shell: Shell, app_start: str, root: str) -> None:
        self._shell = shell
        # A restarted app is another container: another first process, or another place.
        self.app_start = f"{app_start} {root}"
        self._root = root

    @classmethod
    def prepare(cls, shell: Shell) -> RemoteRuns:
        """Bring `remote.sh` to the app.

        Raises:
            NoWorkspace: the app has no place or no tools for it.
            ConnectionLost, OutOfTime: as `Shell.run`, here and in every other method.
        """
        text = remote_script()
        version = hashlib.sha256(text.encode()).hexdigest()[:16]
        match = _ask(shell, f"{_EVALUATE_TEXT}; prepare {version}", _READY, text)
        return cls(shell, match[1], printable(match[2]))

    def log_path(self, run_id: str, command: str) -> str:
        """Where in the app all of a command's output is, as far as it can be shown."""
        return printable(f"{self._root}/{run_id}/{command}.log")[:MAX_LOG_PATH_CHARACTERS]

    def open_run(self, run_id: str, setup_version: str) -> None:
        """Open a run that claims nothing."""
        _ask(self._shell, f"open_run {run_id} {setup_version}", rf"opened {run_id}")

    def claim(self, run_id: str, setup_version: str, *, force: bool) -> Claim:
        """Claim this app start for a run; the claim that holds, which may be another run's."""
        line = f"claim {run_id} {setup_version} {'force' if force else ''}"
        match = _ask(self._shell, line, _CLAIM)
        return Claim(match[1], match[2], "" if match[3] == "-" else match[3])

    def has(self, run_id: str) -> bool:
        """Is the run still there?"""
        return _ask(self._shell, f"has {run_id}", r"has (yes|no)")[1] == "yes"

    def finish(self, run_id: str, verdict: str, attempt: str) -> bool:
        """Note that nothing is left to do for a run; True if this attempt was the first to say so."""
        return _ask(self._shell, f"finish {run_id} {verdict} {attempt}", r"finish (\w+) (\w+)")[2] == attempt

    def follow(self, run_id: str, command: str, offset: int, count: int, start: Start | None = None) -> Progress:
        """Wait a second at most for a command to be over, and fetch `count` bytes of output from `offset`.

        With `start`, it is started first, unless it has been started before.

        Raises:
            NoWorkspace: it cannot be started.
            ConnectionLost, OutOfTime: as `Shell.run`.
        """
        line = f"follow {run_id} {command} {offset} {count} {_FOLLOW_SECONDS}"
        if start:
            self._note_environment(run_id, command, start)
            line = f"start {run_id} {command} {start.timeout_seconds} && {line}"
        match = _ask(self._shell, line, _FOLLOW, start.script if start else "")
        progress = _progress(match)
        # A command that still runs may have printed more since its size was taken.
        if not min(count, max(0, progress.size_bytes - offset)) <= len(progress.output) <= count:
            raise ConnectionLost("The terminal's answers are garbled.")
        return progress

    def state_of(self, run_id: str, command: str) -> CommandState:
        """How far a command has got.

        Raises:
            RunLost: the app does not know it.
        """
        progress = self.follow(run_id, command, 0, 0)
        if progress.state == "none":
            raise RunLost(f"The app does not know command {command} of run {run_id}.")
        return progress.command_state

    def stop(self, run_id: str, command: str) -> None:
        """End a command's process group before it is over."""
        _ask(self._shell, f"stop {run_id} {command}", "stopped")

    def interrupt(self, run_id: str) -> None:
        """Note that whoever worked on a run does not go on: from now on, force may replace its claim."""
        _ask(self._shell, f"interrupt {run_id}", "interrupted")

    def _note_environment(self, run_id: str, command: str, start: Start) -> None:
        """Leave variables and the folder of a command in the app, for when it is started."""
        lines = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in start.environment.items())
        if start.cwd:
            lines = f"cd -- {_path(start.cwd)} || exit 126\n{lines}"
        if lines:
            _ask(self._shell, f"note_environment {run_id} {command}", "noted", lines)


def remote_script() -> str:
    """`remote.sh` as it is sent: every line of it takes time on the way, so comments and indentation stay here."""
    lines = map(str.strip, REMOTE_SCRIPT.read_text(encoding="utf-8").splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("#"))


def _path(cwd: str) -> str:
    """A folder as the shell takes it; the shell that reads this is in the user's home already."""
    return '"$HOME"/' + shlex.quote(cwd[2:]) if cwd.startswith("~/") else shlex.quote(cwd)


def _ask(shell: Shell, line: str, answer: str, text: str = "") -> re.Match[str]:
    """Run a line until its answer matches: Ctrl-C from somebody who found the terminal may interrupt it."""
    for _ in range(_TRIES):
        reply = shell.run(line, text=text)
        match = re.fullmatch(answer, reply.answer)
        if match:
            return match
        if reply.answer == "run-lost":
            raise RunLost("The folder that keeps the run is gone, or was emptied.")
    raise NoWorkspace(f"The app cannot keep a run: {_complaint(reply)}.")


def _complaint(reply: Reply) -> str:
    return repr((reply.answer + " " + printable(reply.text)).strip()[-300:])


def _progress(match: re.Match[str]) -> Progress:
    state, status, ended, started, finished, size, data = match.groups()
    try:
        return Progress(
            state=state,
            exit_status=int(status) if status != "-" else None,
            ended="" if ended == "-" else ended,
            seconds=round(float(finished) - float(started), 2) if finished != "-" else None,
            size_bytes=int(size),
            output=base64.b64decode(data, validate=True),
        )
    except ValueError:
        raise ConnectionLost("The terminal's answers are garbled.") from None
