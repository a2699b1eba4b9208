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
    """A user's or a space's app, to run commands in; `connect` makes one. Use it in a `with` statement, or `close` it.

    The first call logs in, and later ones use the same login. Each call opens a terminal of its own and deletes it
    before it returns: an open one would keep the app from shutting down when idle. Calls wait for an app that is
    starting, for up to 15 minutes, and go on by themselves after a lost connection or a restarted Jupyter server.

    One object per app may be shared by several threads, which take turns; for commands side by side in one app, start
    jobs or connect twice. Every call blocks; there is nothing to await, so it works where an event loop runs (Jupyter).
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
        """End the session; jobs go on in the app. Closing again does nothing; any other use is BadInput from then on.

        A command that another thread runs at that moment ends with the same error, and goes on in the app.
        """
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

        The command is run by bash, a script by what its `#!` line names or else by bash, as the user, in a process of
        its own: `cd` and variables are gone with it, and no two commands share any. `cwd` is the folder it runs in,
        below the home directory unless it begins with a slash; a folder that is not there ends it with exit status 126.
        `env` has variables on top of the app's own.

        Standard input is empty on purpose, so that what asks a question fails at once instead of waiting for an answer.
        Standard error is merged into the output, in the order in which it was printed. `on_output` is called, in this
        thread, with each text as it comes; an error of its own comes out of here, and the command goes on. After
        `timeout_seconds` (43200 at most), or by Ctrl-C, the command is ended with its whole process group.

        Raises:
            CommandFailed: it ended otherwise than with exit status 0, and `check` is true.
            BadInput: the command, the file, the limit, the folder or a variable is not valid.
            AppDeleted: the app is not there, or no longer.
            OutOfTime: the connection was lost until long after `timeout_seconds`; the command was started.
            RunLost: what the app kept of the command is gone; it is not run a second time.
            SetupError: anything else that keeps us out of the app; `str()` has the remedy.
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

        Keep the job's `id` to find it again from another process. `timeout_seconds` is the command's own limit, which
        the app keeps to without us.

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
        if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
            raise BadInput(f"{job_id!r:.100} is not the id of a job: it must match {_JOB_ID.pattern}.")
        return Job(self.access, job_id)

    def terminals(self) -> list[Terminal]:
        """The terminals that are open in the app, the user's and ours; none of ours unless something runs just now.

        Raises:
            SetupError: the app cannot be reached.
        """
        return self.access.terminals()
