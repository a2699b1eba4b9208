"""One request, and what can be done to whoever sent it: an answer, half an answer, an answer that never ends."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MAX_HEAD_BYTES = 65536
Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def host(self) -> str:
        """The host that was meant."""
        return self.headers.get("host", "").partition(":")[0]

    @property
    def operation(self) -> str:
        """The operation of the SageMaker API; empty if it is none."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    @property
    def terminal(self) -> str:
        """The name of a terminal in a request for one."""
        return str(json.loads(self.body)["name"])


class Exchange:
    """A connection on which one request has arrived.

    Every method that writes raises OSError once the client has gone or the server is closed.
    """

    def __init__(self, connection: socket.socket, request: Request, origin: str, closed: threading.Event) -> None:
        self.connection = connection
        self.request = request
        self.origin = origin  # of the user's Studio, as its presigned URLs have it
        self._closed = closed

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.connection.sendall(data)

    def head(self, status: int, *headers: Header) -> None:
        """Send a status line and headers, and the empty line after them."""
        lines = [f"HTTP/1.1 {status} Any", *(f"{name}: {value}" for name, value in headers), "Connection: close"]
        self.send("".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1"))

    def answer(self, status: int, body: bytes = b"", *headers: Header) -> None:
        """Send a whole answer."""
        self.head(status, *headers, ("Content-Length", str(len(body))))
        self.send(body)

    def json(self, value: object, status: int = 200, *headers: Header) -> None:
        """Send a whole answer in JSON."""
        self.answer(status, json.dumps(value).encode(), ("Content-Type", "application/json"), *headers)

    def page(self, text: str = "<!doctype html><title>A page</title>", status: int = 200, *headers: Header) -> None:
        """Send a whole page."""
        self.answer(status, text.encode(), ("Content-Type", "text/html"), *headers)

    def redirect(self, to: str, *headers: Header) -> None:
        """Send a redirect."""
        self.answer(302, b"", ("Location", to), *headers)

    def silence(self) -> None:
        """Keep the connection open and send nothing."""
        self._closed.wait()

    def pause(self, seconds: float) -> None:
        """Wait that long.

        Raises:
            OSError: the server is being closed.
        """
        if self._closed.wait(seconds):
            raise ConnectionAbortedError

    def drip(self, data: bytes, seconds: float = 0.2) -> None:
        """Send byte after byte, with a pause before each, and the same again for ever."""
        while True:
            for byte in data:
                self.pause(seconds)
                self.send(bytes([byte]))

    def flood(self, data: bytes, size_bytes: int) -> None:
        """Send the same again and again, until that many bytes are sent."""
        for _ in range(size_bytes // len(data)):
            self.send(data)


def read_request(connection: socket.socket) -> Request | None:
    """The next request on a connection; None if there is none."""
    head = b""
    while b"\r\n\r\n" not in head:
        received = connection.recv(MAX_HEAD_BYTES)
        if not received or len(head) > MAX_HEAD_BYTES:
            return None
        head += received
    head, _, body = head.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = dict(_headers(lines))
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(MAX_HEAD_BYTES)
    return Request(method, target, headers, body)


def _headers(lines: list[str]) -> Iterator[Header]:
    for line in lines:
        name, _, value = line.partition(":")
        yield name.strip().lower(), value.strip()
