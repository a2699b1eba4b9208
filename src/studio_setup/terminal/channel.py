"""A Jupyter terminal as a stream of text. The only place that knows websockets.

Messages are JSON lists (terminado): the server sends `["setup", {}]`, then `["stdout", text]` cut anywhere, and
`["disconnect", 1]` when the shell is gone; the client sends `["stdin", text]`. Closing the websocket ends nothing in
the app. The library's error texts hold headers and pages, so none of them is passed on.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from http import HTTPStatus

import websocket

from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, LoginExpired, ShellGone


@dataclass(frozen=True, slots=True, repr=False)
class WebSocketAddress:
    """Where a terminal's websocket is, and what the handshake must carry; it has no repr because it holds cookies."""

    url: str
    cookie: str
    origin: str


class Channel:
    """An open terminal."""

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection = connection

    @classmethod
    def open(cls, address: WebSocketAddress, deadline: Deadline) -> Channel:
        """Connect.

        Raises:
            ShellGone: there is no such terminal (any more).
            LoginExpired: the handshake was answered with 401 or 403.
            ConnectionLost: the handshake failed; the status is in the message when there is one.
        """
        give_up = deadline.within(3)
        while True:
            try:
                return cls(_connect(address, max(deadline.http_timeouts())))
            except websocket.WebSocketBadStatusException as error:
                if error.status_code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
                    raise LoginExpired(f"The terminal's websocket was refused: HTTP {error.status_code}.") from None
                if error.status_code != HTTPStatus.NOT_FOUND:
                    raise ConnectionLost(f"The terminal's websocket was refused: HTTP {error.status_code}.") from None
                # A terminal that has just been made may not be known yet.
                if give_up.expired:
                    raise ShellGone("The terminal is not there.") from None
            except (OSError, websocket.WebSocketException) as error:
                raise ConnectionLost(f"The terminal's websocket failed: {type(error).__name__}.") from None
            give_up.pause(0.2)

    def send(self, text: str) -> None:
        """Type `text`.

        Raises:
            ConnectionLost: the connection is gone.
        """
        try:
            self._connection.send(json.dumps(["stdin", text]))
        except (OSError, websocket.WebSocketException) as error:
            raise ConnectionLost(f"The terminal's websocket broke: {type(error).__name__}.") from None

    def receive(self, timeout_seconds: float) -> str:
        """The text that arrives next; empty if there is none in that time.

        Raises:
            ShellGone: the shell ended.
            ConnectionLost: the connection is gone, or what arrived is not a terminal message.
        """
        self._connection.settimeout(max(timeout_seconds, 0.001))
        try:
            message = json.loads(self._connection.recv())
        except (websocket.WebSocketTimeoutException, BlockingIOError):
            return ""
        except (OSError, ValueError, websocket.WebSocketException) as error:
            raise ConnectionLost(f"The terminal's websocket broke: {type(error).__name__}.") from None
        match message:
            case ["stdout", str(text)]:
                return text
            case ["disconnect", *_]:
                raise ShellGone("The terminal's shell is gone.")
            case _:
                return ""

    def close(self) -> None:
        """Close the connection; the terminal stays."""
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self._connection.close(timeout=1)
        # After a close frame from the other side, close leaves the socket open.
        self._connection.shutdown()  # type: ignore[no-untyped-call]


def _connect(address: WebSocketAddress, timeout_seconds: float) -> websocket.WebSocket:
    connection = websocket.create_connection(
        address.url,
        timeout=timeout_seconds,
        cookie=address.cookie,
        origin=address.origin,
        redirect_limit=0,  # the library would take our cookies along, to any host
    )
    if connection.getstatus() != HTTPStatus.SWITCHING_PROTOCOLS:
        connection.shutdown()  # type: ignore[no-untyped-call]
        raise ConnectionLost(f"The terminal's websocket was refused: HTTP {connection.getstatus()}.")
    return connection
