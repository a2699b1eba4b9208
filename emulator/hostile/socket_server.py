"""A server on a port of this machine that gives each connection to a function, in a thread of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self


class SocketServer:
    """Lets `serve` have each connection; `port` is where it listens.

    `serve` may go on for ever: sending fails as soon as the server is closed, and `closed` is set before that.
    """

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self.closed = threading.Event()
        self._serve_one = serve
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
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
            while not self.closed.is_set():
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                self._threads.append(threading.Thread(target=self._serve, args=[connection]))
                self._threads[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            self._serve_one(connection)
            connection.shutdown(socket.SHUT_WR)
