"""The way into one app, kept from one call to the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import requests

from studio_setup.access.app_status import AppStatus, Owner
from studio_setup.access.connection import Connection
from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.http import Http
from studio_setup.access.library_logs import quiet_libraries
from studio_setup.access.login import Login
from studio_setup.access.terminals import is_ours
from studio_setup.api.terminal import Terminal
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import BadInput, OutOfTime, SetupError
from studio_setup.runs.remote_runs import RemoteRuns
from studio_setup.terminal.channel import Channel

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

T = TypeVar("T")
_LOOK_SECONDS = 0.5


class AppAccess:
    """Access to a user's or a space's app: it logs in when there is something to do. Threads take turns."""

    PATIENCE_SECONDS = 900.0  # with an app that starts, and with a connection that is lost

    def __init__(self, app: App, sagemaker: SageMakerClient) -> None:
        self.app = app
        self._sagemaker = sagemaker
        self._http = requests.Session()
        self._base_url = ""
        self._owner: Owner | None = None
        self._lock = threading.RLock()
        self._is_closed = False
        self._interruption = threading.local()
        quiet_libraries()

    def close(self) -> None:
        """End the session, and whatever is being done."""
        self._is_closed = True
        self._http.close()

    def terminals(self) -> list[Terminal]:
        """The terminals that are open in the app.

        Raises:
            SetupError: the app cannot be reached.
        """
        names = self._with_connection(Connection.terminal_names, self.PATIENCE_SECONDS)
        return [Terminal(name, is_ours(name)) for name in names]

    def carry_out(
        self, work: Callable[[RemoteRuns], T], seconds: float = PATIENCE_SECONDS, *, until: Deadline | None = None
    ) -> T:
        """What `work` returns, through every loss of the connection, for at most so many seconds once the app is there.

        `until` ends everything in the place of `seconds`: our turn among the threads and the wait for the app too.

        Raises:
            SetupError: the app cannot be reached, or what `work` raises.
        """
        return self._with_connection(lambda connection, status: connection.through_losses(work, status), seconds, until)

    def deadline(self, seconds: float) -> Deadline:
        """So many seconds from now; whoever waits for it ends when the access is closed or interrupted."""
        return Deadline.after(seconds, sleep=self._sleep)

    @contextmanager
    def interrupted_by(self, is_over: Callable[[], bool]) -> Iterator[None]:
        """Let whatever this thread does meanwhile end as Ctrl-C ends it, once `is_over` says so."""
        self._interruption.is_over = is_over
        try:
            yield
        finally:
            del self._interruption.is_over

    def check_open(self) -> None:
        """Check that it is not closed, and that nobody has interrupted it.

        Raises:
            BadInput: it is closed.
            KeyboardInterrupt: it is interrupted.
        """
        if getattr(self._interruption, "is_over", _never)():
            raise KeyboardInterrupt
        if self._is_closed:
            raise BadInput(f"The connection to {self.app.label} is closed; connect again.")

    def _with_connection(
        self, use: Callable[[Connection, AppStatus], T], seconds: float, until: Deadline | None = None
    ) -> T:
        """What `use` returns; an error comes without the frames below, whose variables hold URLs and tokens.

        Tools that print tracebacks with their variables would show them: rich, IPython, error trackers.
        """
        try:
            with self._turn(until):
                connection, status = self._connection(seconds, until)
                try:
                    return use(connection, status)
                finally:
                    self._base_url = connection.base_url
        except (SetupError, KeyboardInterrupt) as error:
            error.__context__ = None
            raise error.with_traceback(None) from None

    @contextmanager
    def _turn(self, until: Deadline | None) -> Iterator[None]:
        """Our turn among the threads; whoever waits for it looks now and then whether that still makes sense."""
        self.check_open()
        while not self._lock.acquire(timeout=min(_LOOK_SECONDS, until.remaining_seconds) if until else _LOOK_SECONDS):
            self.check_open()
            if until and until.expired:
                raise OutOfTime("The time is up, and other threads have used the connection all the while.")
        try:
            yield
        finally:
            self._lock.release()

    def _sleep(self, seconds: float) -> None:
        """Sleep, and look now and then whether somebody has interrupted us."""
        deadline = Deadline.after(seconds)
        while not deadline.expired:
            self.check_open()
            deadline.pause(min(_LOOK_SECONDS, deadline.remaining_seconds))

    def _connection(self, seconds: float, until: Deadline | None) -> tuple[Connection, AppStatus]:
        """A connection that is done anew until then, or for so many seconds, which begin when the app is in service."""
        self.check_open()
        if self._owner is None:
            deadline = until or self.deadline(self.PATIENCE_SECONDS)
            status = AppStatus(ControlPlane(self._sagemaker, deadline), self.app, deadline)
            owner = status.find_owner("")
            status.wait_until_in_service(grace_seconds=0)
            self._owner = owner
        deadline = until or self.deadline(seconds)
        control_plane = ControlPlane(self._sagemaker, deadline)
        login = Login(control_plane, self.app, self._owner, deadline)
        connection = Connection(login, Http(self._http), Channel.open, deadline, self._base_url)
        return connection, AppStatus(control_plane, self.app, deadline)


def _never() -> bool:
    return False
