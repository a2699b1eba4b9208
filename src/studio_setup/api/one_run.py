"""One command, run once in an app, whatever is lost on the way."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from studio_setup.api.results import Result, result_of
from studio_setup.model.errors import AppReplaced, BadInput, ConnectionLost, OutOfTime, RunLost
from studio_setup.model.setup import Command, Setup, read_script
from studio_setup.runs.command_run import CommandRun, Listener
from studio_setup.runs.remote_runs import RemoteRuns

if TYPE_CHECKING:
    from studio_setup.api.app_access import AppAccess

T = TypeVar("T")
COMMAND_NAME = "command"


def command_of(what: str | Path, timeout_seconds: int, cwd: str = "", env: Mapping[str, str] | None = None) -> Command:
    """A text, or the script in the file that a path names, as a command.

    Raises:
        BadInput: the text, the file, the limit, the folder or a variable is not valid.
    """
    script = read_script(what) if isinstance(what, Path) else what
    if not isinstance(env, Mapping | None):
        raise BadInput(f"env is {type(env).__name__}; give a mapping of names to texts.")
    return Command(COMMAND_NAME, script, timeout_seconds, environment=dict(env or {}), cwd=cwd)


def listener_of(access: AppAccess, output: list[str], on_output: Callable[[str], object] | None) -> Listener:
    """Who collects the output and passes it on, and gives up when the access is closed or interrupted."""

    def hear(text: str) -> None:
        output.append(text)
        if on_output:
            on_output(text)

    return Listener(hear, access.check_open)


class OneRun:
    """A command with a run of its own, which the app keeps by the job's `id`."""

    def __init__(self, access: AppAccess, command: Command) -> None:
        self.id = secrets.token_hex(6)
        self._access = access
        self._command = command
        self._app_start = ""  # until the run is open

    def start(self) -> None:
        """Start the command, and leave it to itself.

        Raises:
            OutOfTime, SetupError: as `result`.
        """

        def work(runs: RemoteRuns) -> None:
            self._open(runs)
            CommandRun(self.id, self._command).start(runs)

        self._carry_out(work, self._access.PATIENCE_SECONDS)

    def result(self, on_output: Callable[[str], object] | None) -> Result:
        """Run the command, and how it ended.

        Raises:
            OutOfTime: the time is up; the command may have been started, and then goes on.
            SetupError: as `ConnectedApp.run`.
        """
        output: list[str] = []
        command_run = CommandRun(self.id, self._command, listener_of(self._access, output, on_output))

        def work(runs: RemoteRuns) -> Result:
            self._open(runs)
            result = result_of(command_run.carry_out(runs), "".join(output), self.id)
            runs.finish(self.id, "succeeded" if result.succeeded else "failed", self.id)
            return result

        return self._carry_out(work, self._command.timeout_seconds + self._access.PATIENCE_SECONDS)

    def _carry_out(self, work: Callable[[RemoteRuns], T], seconds: float) -> T:
        """What `work` returns; when the time is up, the error tells whether the command may have been started."""
        try:
            return self._access.carry_out(work, seconds)
        except (ConnectionLost, OutOfTime) as late:
            if self._app_start:
                may_go_on = f"job {self.id} may go on in the app, where `attach` finds it"
                raise OutOfTime(f"The time is up, and {may_go_on}: {late.message}") from None
            if isinstance(late, OutOfTime):
                raise ConnectionLost(late.message) from None
            raise

    def _open(self, runs: RemoteRuns) -> None:
        """Open the run; after a loss check that it is still there, so that the command never runs twice."""
        if not self._app_start:
            runs.open_run(self.id, Setup((self._command,)).version)
            self._app_start = runs.app_start
        elif runs.app_start != self._app_start:
            raise AppReplaced("The app was restarted in the meantime.")
        elif not runs.has(self.id):
            raise RunLost(f"The folder that kept run {self.id} is gone.")
