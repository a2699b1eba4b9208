"""The way into an app: login, ready server, terminal, shell of ours; opened again as often as it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import TypeVar

from studio_setup.access.app_status import AppStatus
from studio_setup.access.http import Http
from studio_setup.access.jupyter_server import JupyterServer
from studio_setup.access.login import Login
from studio_setup.access.terminals import Terminals, is_ours
from studio_setup.model import log
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, LoginExpired, LoginExpiredAgain, ShellGone, ShellSilent
from studio_setup.runs.remote_runs import RemoteRuns
from studio_setup.terminal.channel import WebSocketAddress
from studio_setup.terminal.shell import Shell, TextChannel

_READY_SECONDS = 20.0
_SHELL_TRIES = 3
_EXPIRED_LOGINS = 5

T = TypeVar("T")
OpenChannel = Callable[[WebSocketAddress, Deadline], TextChannel]


class Connection:
    """A terminal in the app, from the login to our shell; it can be opened again after a loss."""

    def __init__(
        self, login: Login, http: Http, open_channel: OpenChannel, deadline: Deadline, base_url: str = ""
    ) -> None:
        self._login = login
        self._http = http
        self._open_channel = open_channel
        self._deadline = deadline
        self._failures = 0
        self._silences = 0
        self._expired_logins = 0
        self.base_url = base_url  # of a session that is logged in; empty if it is not
        self._left_terminals: set[str] = set()

    def pause(self) -> None:
        """Wait before the next try: longer, the more have failed in a row."""
        self._deadline.pause(min(0.5 * 2**self._failures, 10.0))

    def through_losses(self, work: Callable[[RemoteRuns], T], status: AppStatus) -> T:
        """What `work` returns, done anew on another connection whenever one is lost, until the deadline.

        Raises:
            ConnectionLost: the connection is lost and the time is up.
            SetupError: whatever else `work` raises, or keeps us out of the app.
        """
        while True:
            try:
                with self.open() as runs:
                    return work(runs)
            except ConnectionLost as lost:
                log.CONNECTION_LOST.log(reason=lost.message)
                if self._deadline.expired:
                    raise
            self.pause()
            status.check_in_service()

    def terminal_names(self, status: AppStatus) -> list[str]:
        """The names of the terminals that are open in the app, printable; asked anew after a loss, until the deadline.

        Raises:
            SetupError: as `through_losses`.
        """
        while True:
            try:
                return Terminals(self._ready_server()).names()
            except ConnectionLost:
                if self._deadline.expired:
                    raise
            self.base_url = ""
            self._failures += 1
            self.pause()
            status.check_in_service()

    @contextmanager
    def open(self) -> Iterator[RemoteRuns]:
        """Log in unless we are, wait for Jupyter, open a terminal, make its shell ours; delete the terminal afterwards.

        Raises:
            SetupError: any of these is refused, or fails; after ConnectionLost, trying again may help.
        """
        try:
            with self._opened() as runs:
                self._expired_logins = 0
                yield runs
        except LoginExpired as expired:
            self.base_url = ""
            self._failures = 0  # what it takes is a new login, not patience
            self._expired_logins += 1
            if self._expired_logins == _EXPIRED_LOGINS:
                raise LoginExpiredAgain(f"{_EXPIRED_LOGINS} logins in a row: {expired.message}") from None
            raise

    @contextmanager
    def _opened(self) -> Iterator[RemoteRuns]:
        self._failures += 1
        terminals = Terminals(self._ready_server())
        self._left_terminals = terminals.delete_all(self._left_terminals)
        terminal = terminals.create()
        try:
            # While the user's shell starts, there is time for what others have left.
            terminals.delete_abandoned(terminal)
            channel, shell = self._open_shell(terminals.address(terminal))
            log.TERMINAL_OPENED.log(terminal=terminal)
            self._failures = 0
            with closing(channel):
                try:
                    yield RemoteRuns.prepare(shell)
                finally:
                    if not is_ours(terminal):
                        shell.leave()
        finally:
            if is_ours(terminal) and not terminals.delete(terminal):
                self._left_terminals.add(terminal)

    def _open_shell(self, address: WebSocketAddress) -> tuple[TextChannel, Shell]:
        try:
            with ExitStack() as stack:
                channel = stack.enter_context(closing(self._open_channel(address, self._deadline)))
                shell = Shell.take_over(channel, self._deadline)
                stack.pop_all()
        except ShellGone:
            if self._failures < _SHELL_TRIES:
                raise
            raise ShellSilent(f"The terminal ended by itself, {_SHELL_TRIES} times.") from None
        except ShellSilent as silent:
            # The first time it may have been the connection.
            self._silences += 1
            if self._silences > 1:
                raise
            raise ConnectionLost(silent.message) from None
        return channel, shell

    def _ready_server(self) -> JupyterServer:
        base_url = self.base_url or self._login.log_in(self._http)
        self.base_url = ""  # a login that does not lead to a ready server is not used again
        server = JupyterServer(self._http, base_url, self._deadline)
        server.wait_until_ready(self._deadline.within(_READY_SECONDS))
        self.base_url = base_url
        return server
