"""The server: SageMaker's API and a user's Studio on one port of this machine, in one mode."""

from __future__ import annotations

import socket

from emulator.hostile.exchange import Exchange, Request, read_request
from emulator.hostile.mode import POLITE, Mode
from emulator.hostile.polite import behave, step_of
from emulator.hostile.socket_server import SocketServer

# Names below .test belong to nobody (RFC 2606): whoever wants to come here must resolve them to 127.0.0.1.
STUDIO_HOST = "d-abcdefghijkl.studio.us-east-1.hostile.test"


class HostileStudio(SocketServer):
    """Answers as its mode says, and keeps every request; `misbehaved` tells whether anybody got so far."""

    def __init__(self, mode: Mode = POLITE) -> None:
        super().__init__(self._hear)
        self.requests: list[Request] = []
        self.misbehaved = False
        self._mode = mode
        self.api_url = f"http://127.0.0.1:{self.port}"
        self._origin = f"http://{STUDIO_HOST}:{self.port}"

    def _hear(self, connection: socket.socket) -> None:
        request = read_request(connection)
        if request:
            self.requests.append(request)
            self._answer(Exchange(connection, request, self._origin, self.closed))

    def _answer(self, exchange: Exchange) -> None:
        step = step_of(exchange.request)
        misbehave = self._mode.behaviour_at(step)
        if misbehave is None:
            behave(exchange, step)
        else:
            self.misbehaved = True
            misbehave(exchange)
