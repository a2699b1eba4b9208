"""A Jupyter terminal as a stream of text. The only place that knows websockets.

Messages are JSON lists (terminado): the server sends `["setup", {}]`, then `["stdout", text]` cut anywhere, and
`["disconnect", 1]` when the shell is gone; the client sends `["stdin", text]`. Closing the websocket ends nothing in
the app. The library's error texts hold headers and pages, so none of them is passed on.
"""

from __future__ import annotations

import contextlib
import functools
import json
import socket
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import websocket
from websocket import _cookiejar, _handshake

from studio_setup.model.bounded_call import call_within
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, LoginExpired, ShellGone
from studio_setup.model.json_text import parse_json

# terminado keeps the last 1,000 reads of a terminal, mostly of 4,095 bytes, and sends them as the first message.
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
_READ_BYTES = 16 * 1024
_SEND_SECONDS = 20.0
_CLOSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, repr=False)
class WebSocketAddress:
    """Where a terminal's websocket is, and what the handshake must carry; it has no repr because it holds cookies.

    `ca_bundle` is a file of certificates to trust; empty means the system's own.
    """

    url: str
    cookie: str
    origin: str
    ca_bundle: str = ""


class Channel:
    """An open terminal."""

    def __init__(self, connection: _BoundedWebSocket) -> None:
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
        self._connection.bound(_SEND_SECONDS)
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
        self._connection.bound(timeout_seconds)
        try:
            message = parse_json(str(self._connection.recv()))
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
        self._connection.bound(_CLOSE_SECONDS)
        with contextlib.suppress(OSError, websocket.WebSocketException):
            self._connection.close(timeout=1)
        # After a close frame from the other side, close leaves the socket open.
        self._connection.shutdown()  # type: ignore[no-untyped-call]


class _BoundedSocket:
    """A socket with a limit of time and size on all that goes over it until the next `bound`.

    The library starts its time-out anew with every read, answers pings in between without returning, and keeps all
    that it reads in memory, the body of a refused handshake included.
    """

    def __init__(self, connected: socket.socket, until: Deadline) -> None:
        self._socket = connected
        self._until = until
        self._received_bytes = 0
        self._ahead = b""

    def bound(self, seconds: float) -> None:
        """Let whatever is done next end after that many seconds."""
        self._until = Deadline.after(seconds)

    def begin_message(self) -> None:
        """Count what is received anew."""
        self._received_bytes = 0

    def recv(self, size: int) -> bytes:
        """What arrives next, as `socket.recv`; read ahead, as the library reads a handshake byte by byte."""
        if not self._ahead:
            self._set_timeout()
            self._ahead = self._socket.recv(max(size, _READ_BYTES))
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        self._received_bytes += len(data)
        if self._received_bytes > MAX_MESSAGE_BYTES:
            raise websocket.WebSocketPayloadException("a message is too long")
        return data

    def send(self, data: bytes) -> int:
        """Send a part of `data`, as `socket.send`."""
        self._set_timeout()
        return self._socket.send(data)

    def _set_timeout(self) -> None:
        if self._until.expired:
            raise TimeoutError("the time is up")
        self._socket.settimeout(self._until.remaining_seconds)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (the rest is the socket's)
        return getattr(self._socket, name)


class _BoundedWebSocket(websocket.WebSocket):
    """The library's websocket over a bounded socket, from the handshake on."""

    _bounded: _BoundedSocket | None = None
    _until = Deadline.after(0)

    @property
    def sock(self) -> Any:  # noqa: ANN401 (as much of a socket as the library uses)
        """The socket; None before and after."""
        return self._bounded

    @sock.setter
    def sock(self, connected: socket.socket | None) -> None:
        self._bounded = _BoundedSocket(connected, self._until) if connected else None

    def bound(self, seconds: float) -> None:
        """Let whatever is called next end after that many seconds."""
        self._until = Deadline.after(seconds)
        if self._bounded:
            self._bounded.bound(seconds)

    def recv(self) -> str | bytes:
        """The next message."""
        message = super().recv()
        if self._bounded:
            self._bounded.begin_message()
        return message


class _NoCookies(_cookiejar.SimpleCookieJar):
    """What the library keeps of the cookies in a handshake: nothing."""

    def add(self, set_cookie: str | None) -> None:
        """Do not keep it."""


# The library would keep every cookie that names a domain as long as the process lives, and send it to the servers of
# other users in that domain. The session has the cookies that we send.
_handshake.CookieJar = _NoCookies()


def _connect(address: WebSocketAddress, timeout_seconds: float) -> _BoundedWebSocket:
    """Connect in that time, TLS, proxy and handshake included."""
    return call_within(timeout_seconds, functools.partial(_connect_at_once, address, timeout_seconds))


def _connect_at_once(address: WebSocketAddress, timeout_seconds: float) -> _BoundedWebSocket:
    connection = _BoundedWebSocket(
        sslopt={"ca_certs": address.ca_bundle} if address.ca_bundle else {},
        skip_utf8_validation=True,  # it takes a second for a megabyte; what is not UTF-8 cannot be decoded anyhow
    )
    connection.settimeout(timeout_seconds)
    connection.bound(timeout_seconds)
    try:
        connection.connect(  # type: ignore[no-untyped-call]
            address.url,
            cookie=address.cookie,
            origin=address.origin,
            redirect_limit=0,  # the library would take our cookies along, to any host
        )
    except websocket.WebSocketException:
        if connection.getstatus():
            raise ConnectionLost(f"The terminal's websocket was refused: HTTP {connection.getstatus()}.") from None
        raise
    return connection
