"""One user's app, to run commands in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from studio_setup.api.job import Job, checked
from studio_setup.api.one_run import OneRun, command_of
from studio_setup.api.results import Result
from studio_setup.api.terminal import Terminal
from studio_setup.model.app import App
from studio_setup.model.errors import BadInput

if TYPE_CHECKING:
    from studio_setup.api.app_access import AppAccess

DEFAULT_TIMEOUT_SECONDS = 900
_JOB_ID = re.compile(r"[0-9a-f]{12}")


class ConnectedApp:
    """A user's or a space's app; `connect` makes one. A context manager; `close` says goodbye.

    Each call opens a terminal of its own and deletes it when it is done: an open one would keep the app from shutting
    down when idle. Calls from several threads take turns.
    """

    def __init__(self, access: AppAccess) -> None:
        self.access = access

    @property
    def app(self) -> App:
        """The app by its names."""
        return self.access.app

    def __enter__(self) -> Self:
        """The app itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """The app by its names."""
        return f"ConnectedApp({self.app.label!r})"

    def close(self) -> None:
        """End the session; jobs go on in the app. A closed object raises BadInput when it is used."""
        self.access.close()

    def run(
        self,
        command: str | Path,
        *,
        check: bool = True,
        timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS,
        on_output: Callable[[str], object] | None = None,
        cwd: str = "",
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a command, or the script in the file that a `Path` names, and wait until it is over.

        Bash runs it (or what the script's `#!` line names) as the user, in the home directory or in `cwd`. `cd` and
        variables do not persist. Standard input is empty on purpose, so that whatever asks a question fails instead of
        waiting; standard error comes with the output. `env` has variables on top of the app's own. After
        `timeout_seconds`, or by Ctrl-C, its process group is ended. `on_output` gets text as it comes.

        Raises:
            CommandFailed: it ended otherwise than with exit status 0, and `check` is true.
            BadInput: the command, the file, the limit or a variable is not valid.
            SetupError: the app cannot be reached; `str()` has the remedy.
        """
        one_run = OneRun(self.access, command_of(command, timeout_seconds, cwd, env))
        return checked(one_run.result(on_output), check=check)

    def start(
        self,
        command: str | Path,
        *,
        timeout_seconds: int = DEFAULT_TIMEOUT_SECONDS,
        cwd: str = "",
        env: Mapping[str, str] | None = None,
    ) -> Job:
        """Start a command as `run` does, and return while it goes on in the app, also if this process ends.

        Raises:
            BadInput, SetupError: as `run`.
        """
        one_run = OneRun(self.access, command_of(command, timeout_seconds, cwd, env))
        one_run.start()
        return Job(self.access, one_run.id)

    def attach(self, job_id: str) -> Job:
        """The job of that id (`Job.id`, `Result.job_id`), which any process may have started.

        Raises:
            BadInput: it is not a job's id.
        """
        if not _JOB_ID.fullmatch(job_id):
            raise BadInput(f"{job_id!r:.100} is not the id of a job: it must match {_JOB_ID.pattern}.")
        return Job(self.access, job_id)

    def terminals(self) -> list[Terminal]:
        """The terminals that are open in the app, the user's and ours; none of ours unless something runs just now.

        Raises:
            SetupError: the app cannot be reached.
        """
        return self.access.terminals()
