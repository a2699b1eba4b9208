r"""The terminals of a Jupyter server: ours are created, found again and deleted by a name of their own.

Facts about the server (jupyter_server 2.21 and notebook 6.5, seen): `POST api/terminals` with a name that exists
silently replaces that terminal; a name must be `\w+`; notebook 6 ignores it and gives the lowest free number.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Collection
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from studio_setup.access.answers import is_page, json_of
from studio_setup.access.http import Answer
from studio_setup.access.jupyter_server import JupyterServer, refuse_errors
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, TerminalsDisabled
from studio_setup.model.text import one_line
from studio_setup.terminal.channel import WebSocketAddress

_DELETE_TRIES = 3
_DELETE_SECONDS = 1.0
_MAX_ABANDONED = 5  # a server can list any number of them, and each takes a request
_DELETE_ALL_SECONDS = 5.0
# Longer than an attempt that is alive is ever silent (see Shell.take_over), shorter than Lambda's pause before a retry.
ABANDONED_SECONDS = 45
_OUR_PREFIX = "studiosetup"
_OUR_NAME = re.compile(rf"{_OUR_PREFIX}[0-9a-f]{{16}}")
_NUMBER = re.compile(r"[0-9]{1,9}")


def is_ours(terminal: str) -> bool:
    """Is this a name that only we give? A number may be somebody else's after a restart of the server."""
    return bool(_OUR_NAME.fullmatch(terminal))


class Terminals:
    """The terminals of one Jupyter server."""

    def __init__(self, server: JupyterServer) -> None:
        self._server = server

    def create(self) -> str:
        """Open a terminal of our own and return the name that the server gave it.

        Raises:
            TerminalsDisabled: the server has none.
            JupyterRefused: it refused.
            ConnectionLost: the outcome is unknown; a terminal that may have been made is deleted again.
        """
        name = _OUR_PREFIX + secrets.token_hex(8)
        given = self._post(name)
        if is_ours(given):
            return given
        # notebook 6 gives numbers, and has a page that makes a terminal by name, except for its oldest versions.
        self.delete(given)
        return name if self._make_by_page(name) else self._post(name)

    def delete(self, name: str, deadline: Deadline | None = None) -> bool:
        """Delete a terminal of ours; True if it is gone, False if that is not known.

        Without a deadline of its own it has five seconds, even past the setup's: it is for cleaning up.
        """
        deadline = deadline or self._server.deadline.extended(5)
        for _ in range(_DELETE_TRIES):
            with contextlib.suppress(ConnectionLost):
                # A try that is lost on the way must leave time for another.
                one_try = deadline.within(_DELETE_SECONDS)
                if _says_gone(self._server.request_with_xsrf("DELETE", ("api", "terminals", name), None, one_try)):
                    return True
            if deadline.expired:
                break
        return False

    def delete_all(self, names: Collection[str]) -> set[str]:
        """Delete these terminals of ours, as many as a few seconds allow; those that may be left."""
        if not names:
            return set()
        deadline = self._server.deadline.within(_DELETE_ALL_SECONDS)
        return {name for name in names if not self.delete(name, deadline)}

    def delete_abandoned(self, in_use: str) -> None:
        """Delete the terminals that killed attempts have left, as far as possible, but not the one `in_use`.

        An attempt that is alive types a line every second, or every half a minute while the user's start-up files keep
        it waiting: a terminal that is idle for longer belongs to no attempt any more.
        """
        try:
            answer = self._server.request("GET", ("api", "terminals"), self._server.deadline.within(1))
            terminals = json_of(answer) if answer.status == HTTPStatus.OK else None
            now = parsedate_to_datetime(answer.headers.get("Date", ""))
        except (ConnectionLost, ValueError, OverflowError):
            return
        abandoned = [terminal["name"] for terminal in _listed(terminals) if _is_abandoned(terminal, now)]
        # If the clocks of the server and of whoever passes its answer on differ, ours may seem idle, too.
        self.delete_all([name for name in abandoned if name != in_use][:_MAX_ABANDONED])

    def names(self) -> list[str]:
        """The names of the terminals that are open, the user's too, made printable.

        Raises:
            ConnectionLost: the server does not say.
        """
        answer = self._server.request("GET", ("api", "terminals"), self._server.deadline)
        refuse_errors(answer, "its terminals")
        listed = json_of(answer)
        if not isinstance(listed, list):
            raise ConnectionLost("The Jupyter server's list of terminals is garbled.")
        return [one_line(terminal["name"], 100) for terminal in listed if _has_name(terminal)]

    def address(self, name: str) -> WebSocketAddress:
        """Where the websocket of a terminal is."""
        return self._server.websocket_address(("terminals", "websocket", name))

    def _post(self, name: str) -> str:
        try:
            answer = self._server.request_with_xsrf("POST", ("api", "terminals"), {"name": name})
        except ConnectionLost:
            self.delete(name)
            raise
        if answer.status == HTTPStatus.NOT_FOUND:
            raise TerminalsDisabled("The Jupyter server has no terminals.")
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.delete(name)
        refuse_errors(answer, "a terminal")
        match json_of(answer):
            case {"name": str(given)} if given == name or _NUMBER.fullmatch(given):
                return given
        self.delete(name)
        if is_page(answer):
            raise TerminalsDisabled("The Jupyter server answered a request for a terminal with a page.")
        raise ConnectionLost("The Jupyter server's answer to a request for a terminal was cut or garbled.")

    def _make_by_page(self, name: str) -> bool:
        try:
            answer = self._server.request("GET", ("terminals", "new", name), self._server.deadline)
        except ConnectionLost:
            self.delete(name)
            raise
        return answer.redirect_target.endswith(f"/terminals/{name}")


def _says_gone(answer: Answer) -> bool:
    # The server's own "not found" is not a page.
    unknown = answer.status == HTTPStatus.NOT_FOUND and not is_page(answer)
    return unknown or answer.status == HTTPStatus.NO_CONTENT


def _has_name(terminal: object) -> bool:
    return isinstance(terminal, dict) and isinstance(terminal.get("name"), str)


def _listed(terminals: object) -> list[Any]:
    return terminals if isinstance(terminals, list) else []


def _is_abandoned(terminal: Any, now: datetime) -> bool:  # noqa: ANN401 (it is whatever the server sent)
    match terminal:
        case {"name": str(name), "last_activity": str(last_activity)} if is_ours(name):
            with contextlib.suppress(ValueError, TypeError, OverflowError):
                return (now - datetime.fromisoformat(last_activity)).total_seconds() > ABANDONED_SECONDS
    return False
