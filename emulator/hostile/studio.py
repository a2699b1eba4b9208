"""The server: SageMaker's API and a user's Studio on one port of this machine, in one mode."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

from emulator.hostile.exchange import Exchange, Request, read_request
from emulator.hostile.mode import POLITE, Mode
from emulator.hostile.polite import behave, step_of

# Names below .test belong to nobody (RFC 2606): whoever wants to come here must resolve them to 127.0.0.1.
STUDIO_HOST = "d-abcdefghijkl.studio.us-east-1.hostile.test"


class HostileStudio:
    """Answers as its mode says, and keeps every request; `misbehaved` tells whether anybody got so far."""

    def __init__(self, mode: Mode = POLITE) -> None:
        self.requests: list[Request] = []
        self.misbehaved = False
        self._mode = mode
        self._closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self.api_url = f"http://127.0.0.1:{self.port}"
        self._origin = f"http://{STUDIO_HOST}:{self.port}"
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

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
            request = read_request(connection)
            if request:
                self.requests.append(request)
                self._answer(Exchange(connection, request, self._origin, self._closed))
            connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, exchange: Exchange) -> None:
        step = step_of(exchange.request)
        misbehave = self._mode.behaviour_at(step)
        if misbehave is None:
            behave(exchange, step)
        else:
            self.misbehaved = True
            misbehave(exchange)
