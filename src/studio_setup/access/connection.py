"""The way into an app: login, ready server, terminal, shell of ours; opened again as often as it takes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import requests

from studio_setup.access.jupyter_server import JupyterServer
from studio_setup.access.login import Login
from studio_setup.access.terminals import Terminals, is_ours
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, LoginRefused, ShellGone, ShellSilent
from studio_setup.runs.remote_runs import RemoteRuns
from studio_setup.terminal.channel import WebSocketAddress
from studio_setup.terminal.shell import Shell, TextChannel

LOG = logging.getLogger(__name__)
_READY_SECONDS = 20.0
_SHELL_TRIES = 3

OpenChannel = Callable[[WebSocketAddress, Deadline], TextChannel]


class Connection:
    """A terminal in the app, from the login to our shell; it can be opened again after a loss."""

    def __init__(self, login: Login, http: requests.Session, open_channel: OpenChannel, deadline: Deadline) -> None:
        self._login = login
        self._http = http
        self._open_channel = open_channel
        self._deadline = deadline
        self._failures = 0
        self._silences = 0
        self._base_url = ""
        self._left_terminals: set[str] = set()

    def pause(self) -> None:
        """Wait before the next try: longer, the more have failed in a row."""
        self._deadline.pause(min(0.5 * 2**self._failures, 10.0))

    @contextmanager
    def open(self) -> Iterator[RemoteRuns]:
        """Log in unless we are, wait for Jupyter, open a terminal, make its shell ours; delete the terminal afterwards.

        Raises:
            SetupError: any of these is refused, or fails; after ConnectionLost, trying again may help.
        """
        self._failures += 1
        terminals = Terminals(self._ready_server())
        self._left_terminals = {name for name in self._left_terminals if not terminals.delete(name)}
        terminals.delete_abandoned()
        terminal = terminals.create()
        try:
            channel, shell = self._open_shell(terminals.address(terminal))
            LOG.info("terminal.opened", extra={"terminal": terminal})
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
        base_url = self._base_url or self._log_in()
        self._base_url = ""  # a login that does not lead to a ready server is not used again
        server = JupyterServer(self._http, base_url, self._deadline)
        server.wait_until_ready(self._deadline.within(_READY_SECONDS))
        self._base_url = base_url
        return server

    def _log_in(self) -> str:
        try:
            return self._login.log_in(self._http)
        except LoginRefused as refused:
            # The URL may have expired on its way.
            LOG.warning("login.refused", extra={"reason": str(refused)})
            return self._login.log_in(self._http)
