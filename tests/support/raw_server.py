"""A server on a port of this machine that answers with exactly the bytes that a test wants, valid or not."""

from __future__ import annotations

import socket
from collections.abc import Callable

from emulator.hostile.socket_server import SocketServer

Answer = Callable[[socket.socket, bytes], None]
_MAX_HEAD_BYTES = 65536


class RawServer(SocketServer):
    """Reads the head of one request from each connection, and leaves the rest to `answer`; `heads` are those it read.

    `answer` may go on for ever: sending fails as soon as the server is closed. It can `pause` in between.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__(self._hear)
        self.heads: list[bytes] = []
        self._answer = answer

    def pause(self, seconds: float) -> None:
        """Wait that long, or until the server is closed."""
        self.closed.wait(seconds)

    def _hear(self, connection: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _MAX_HEAD_BYTES:
            received = connection.recv(_MAX_HEAD_BYTES)
            if not received:
                return
            head += received
        self.heads.append(head)
        self._answer(connection, head)
