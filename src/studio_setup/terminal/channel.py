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

import websocket
from websocket import _handshake, _http

from studio_setup.model.deadline import Deadline, call_within
from studio_setup.model.errors import ConnectionLost, LoginExpired, ShellGone
from studio_setup.model.json_text import parse_json

# terminado keeps the last 1,000 reads of a terminal, mostly of 4,095 bytes, and sends them as the first message.
MAX_MESSAGE_BYTES = 8 * 1024 * 1024
# A handshake has a few headers, a refusal a page.
MAX_HANDSHAKE_BYTES = 64 * 1024
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


class _BoundedWebSocket(websocket.WebSocket):
    """The library's websocket, with a limit of time and size on everything that it reads before it returns.

    The library starts its time-out anew with every read, and answers pings in between without returning.
    """

    until = Deadline.after(0)
    _received_bytes = 0

    def bound(self, seconds: float) -> None:
        """Let whatever is called next end after that many seconds."""
        self.until = Deadline.after(seconds)

    def recv(self) -> str | bytes:
        """The next message."""
        message = super().recv()
        self._received_bytes = 0
        return message

    def _recv(self, bufsize: int) -> bytes:
        self._set_timeout()
        data: bytes = super()._recv(bufsize)  # type: ignore[no-untyped-call]
        self._received_bytes += len(data)
        if self._received_bytes > MAX_MESSAGE_BYTES:
            raise websocket.WebSocketPayloadException("a message is too long")
        return data

    def _send(self, data: str | bytes) -> int:
        self._set_timeout()
        return super()._send(data)

    def _set_timeout(self) -> None:
        if self.until.expired:
            raise websocket.WebSocketTimeoutException("the time is up")
        if self.sock:
            self.sock.settimeout(self.until.remaining_seconds)


class _BriefSocket:
    """A socket from which no more can be read than a handshake may have: the library reads whatever comes."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected
        self._left_bytes = MAX_HANDSHAKE_BYTES

    def recv(self, size_bytes: int) -> bytes:
        """What arrived."""
        data = self._connected.recv(size_bytes)
        self._left_bytes -= len(data)
        if self._left_bytes < 0:
            raise websocket.WebSocketPayloadException("a handshake is too long")
        return data

    def __getattr__(self, name: str) -> object:
        return getattr(self._connected, name)


def _keep_no_cookie(_: str | None) -> None:
    """The library keeps the cookies that handshakes set for the whole process, and would send them for others."""


_handshake.CookieJar.add = _keep_no_cookie  # type: ignore[method-assign, assignment]


def _connect(address: WebSocketAddress, timeout_seconds: float) -> _BoundedWebSocket:
    """Connect in that time, TLS, proxy and handshake included."""
    connection = _BoundedWebSocket(sslopt={"ca_certs": address.ca_bundle} if address.ca_bundle else {})
    connection.settimeout(timeout_seconds)
    try:
        call_within(timeout_seconds, functools.partial(_shake_hands, connection, address))
    except TimeoutError:
        connection.shutdown()  # type: ignore[no-untyped-call]
        raise
    return connection


def _shake_hands(connection: _BoundedWebSocket, address: WebSocketAddress) -> None:
    proxy = _http.proxy_info()  # type: ignore[no-untyped-call]
    connected, _ = _http.connect(address.url, connection.sock_opt, proxy, None)
    connection.connect(  # type: ignore[no-untyped-call]
        address.url,
        socket=_BriefSocket(connected),
        cookie=address.cookie,
        origin=address.origin,
        redirect_limit=0,  # the library would take our cookies along, to any host
    )
    if connection.getstatus() != HTTPStatus.SWITCHING_PROTOCOLS:
        connection.shutdown()  # type: ignore[no-untyped-call]
        raise ConnectionLost(f"The terminal's websocket was refused: HTTP {connection.getstatus()}.")
    connection.sock = connected
