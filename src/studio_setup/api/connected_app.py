"""One user's app, to run commands in."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeVar

import requests

from studio_setup.access.app_status import AppStatus, Owner
from studio_setup.access.connection import Connection
from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.http import Http
from studio_setup.access.library_logs import quiet_libraries
from studio_setup.access.login import Login
from studio_setup.access.terminals import is_ours
from studio_setup.api.job import COMMAND_NAME, Job, checked
from studio_setup.api.results import Result, result_of
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import BadInput
from studio_setup.model.setup import Command, Setup, read_script
from studio_setup.runs.command_run import CommandRun, Listener
from studio_setup.runs.remote_runs import RemoteRuns
from studio_setup.terminal.channel import Channel

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

T = TypeVar("T")
DEFAULT_TIMEOUT_SECONDS = 900
_CALL_SECONDS = 120.0
_WAIT_FOR_APP_SECONDS = 900.0
_LOOK_SECONDS = 0.5
_JOB_ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal that is open in the app; `is_ours`: one of ours, and not the user's."""

    name: str
    is_ours: bool


class ConnectedApp:
    """A user's or a space's app; `connect` makes one. A context manager; `close` says goodbye.

    Each call opens a terminal of its own and deletes it when it is done: an open one would keep the app from shutting
    down when idle. Calls from several threads take turns.
    """

    def __init__(self, app: App, sagemaker: SageMakerClient, shared_space_user: str = "") -> None:
        self.app = app
        self._sagemaker = sagemaker
        self._shared_space_user = shared_space_user
        self._http = requests.Session()
        self._base_url = ""
        self._owner: Owner | None = None
        self._lock = threading.RLock()
        self._is_closed = False
        self._is_over: Callable[[], bool] = _never
        quiet_libraries()

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
        self._is_closed = True
        self._http.close()

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
        what = _command(command, timeout_seconds, cwd, env)
        job_id = secrets.token_hex(6)
        output: list[str] = []

        def hear(text: str) -> None:
            output.append(text)
            if on_output:
                on_output(text)

        follower = CommandRun(job_id, what, Listener(hear, self.check_open))

        def work(runs: RemoteRuns) -> Result:
            _open_run(runs, job_id, what)
            result = result_of(follower.carry_out(runs), "".join(output), job_id)
            runs.finish(job_id, "succeeded" if result.succeeded else "failed", job_id)
            return result

        return checked(self.carry_out(work, timeout_seconds), check=check)

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
        what = _command(command, timeout_seconds, cwd, env)
        job_id = secrets.token_hex(6)

        def work(runs: RemoteRuns) -> None:
            _open_run(runs, job_id, what)
            CommandRun(job_id, what).start(runs)

        self.carry_out(work)
        return Job(self, job_id)

    def attach(self, job_id: str) -> Job:
        """The job of that id (`Job.id`, `Result.job_id`), which any process may have started.

        Raises:
            BadInput: it is not a job's id.
        """
        if not _JOB_ID.fullmatch(job_id):
            raise BadInput(f"{job_id!r:.100} is not the id of a job: it must match {_JOB_ID.pattern}.")
        return Job(self, job_id)

    def terminals(self) -> list[Terminal]:
        """The terminals that are open in the app, the user's and ours; none of ours unless something runs just now.

        Raises:
            SetupError: the app cannot be reached.
        """
        with self._lock:
            deadline = self._deadline(_CALL_SECONDS)
            connection, status = self._connection(deadline)
            names = connection.terminal_names(status)
            self._base_url = connection.base_url
        return [Terminal(name, is_ours(name)) for name in names]

    def carry_out(self, work: Callable[[RemoteRuns], T], seconds: float = _CALL_SECONDS) -> T:
        """What `work` returns, through every loss of the connection, for at most so many seconds once the app is there.

        Raises:
            SetupError: the app cannot be reached, or what `work` raises.
        """
        with self._lock:
            connection, status = self._connection(self._deadline(seconds))
            try:
                return connection.through_losses(work, status)
            finally:
                self._base_url = connection.base_url

    @contextmanager
    def interrupted_by(self, is_over: Callable[[], bool]) -> Iterator[None]:
        """Let whatever is done meanwhile end as Ctrl-C ends it, once `is_over` says so."""
        self._is_over = is_over
        try:
            yield
        finally:
            self._is_over = _never

    def check_open(self) -> None:
        """Check that it is not closed, and that nobody has interrupted it.

        Raises:
            BadInput: it is closed.
            KeyboardInterrupt: it is interrupted.
        """
        if self._is_over():
            raise KeyboardInterrupt
        if self._is_closed:
            raise BadInput(f"The connection to {self.app.label} is closed; connect again.")

    def _deadline(self, seconds: float) -> Deadline:
        return Deadline.after(_WAIT_FOR_APP_SECONDS + seconds, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        """Sleep, and look now and then whether somebody has interrupted us."""
        deadline = Deadline.after(seconds)
        while not deadline.expired:
            self.check_open()
            deadline.pause(min(_LOOK_SECONDS, deadline.remaining_seconds))

    def _connection(self, deadline: Deadline) -> tuple[Connection, AppStatus]:
        self.check_open()
        control_plane = ControlPlane(self._sagemaker, deadline)
        status = AppStatus(control_plane, self.app, deadline)
        if self._owner is None:
            self._owner = status.find_owner(self._shared_space_user)
            status.wait_until_in_service(grace_seconds=0)
        login = Login(control_plane, self.app, self._owner, deadline)
        return Connection(login, Http(self._http), Channel.open, deadline, self._base_url), status


def _never() -> bool:
    return False


def _command(command: str | Path, timeout_seconds: int, cwd: str, env: Mapping[str, str] | None) -> Command:
    script = read_script(command) if isinstance(command, Path) else command
    return Command(COMMAND_NAME, script, timeout_seconds, environment=dict(env or {}), cwd=cwd)


def _open_run(runs: RemoteRuns, job_id: str, command: Command) -> None:
    if not runs.has(job_id):
        runs.open_run(job_id, Setup((command,)).version)
