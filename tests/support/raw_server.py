"""A server on a port of this machine that answers with exactly the bytes that a test wants, valid or not."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self

Answer = Callable[[socket.socket, bytes], None]
_MAX_HEAD_BYTES = 65536


class RawServer:
    """Reads the head of one request from each connection, and leaves the rest to `answer`; `heads` are those it read.

    `answer` may go on for ever: sending fails as soon as the server is closed. It can `pause` in between.
    """

    def __init__(self, answer: Answer) -> None:
        self.heads: list[bytes] = []
        self._answer = answer
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def pause(self, seconds: float) -> None:
        """Wait that long, or until the server is closed."""
        self._closed.wait(seconds)

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        # Closing a socket does not end another thread's wait for it.
        for one in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for one in (self._listener, *self._connections):
            one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closed.is_set():
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=[connection]))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head and len(head) < _MAX_HEAD_BYTES:
                received = connection.recv(_MAX_HEAD_BYTES)
                if not received:
                    return
                head += received
            self.heads.append(head)
            self._answer(connection, head)
            connection.shutdown(socket.SHUT_WR)
