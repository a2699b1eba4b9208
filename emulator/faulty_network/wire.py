"""A connection of which somebody can decide, while it lasts, what becomes of its bytes.

It stands between the event loop's transport and the protocol that speaks HTTP, and is a transport to the latter.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from emulator.faulty_network.steps import Harm
from emulator.proxy import reset

if TYPE_CHECKING:
    from collections.abc import Iterable

_LATE_SECONDS = 0.2
_CRUMBS = 300  # so many bytes of a piece go one by one, the rest at once
_CRUMB_SECONDS = 0.0002

Bytes = bytes | bytearray | memoryview


class Wire(asyncio.Transport, asyncio.Protocol):
    """One connection; sound until told otherwise."""

    def __init__(self, inner: asyncio.Protocol) -> None:
        super().__init__()
        self.gone = asyncio.Event()
        self._inner = inner
        self._outer: asyncio.Transport
        self._stalled = False
        self._cut = False
        self._late_seconds = 0.0
        self._crumbles = False
        self._due = 0.0

    def reset(self) -> None:
        """End it with a reset."""
        reset(self._outer)

    def stall(self) -> None:
        """Swallow everything from now on, in both directions, and stay open."""
        self._stalled = True

    def slow_down(self) -> None:
        """Deliver everything later from now on."""
        self._late_seconds = _LATE_SECONDS

    def crumble(self) -> None:
        """Deliver byte by byte from now on."""
        self._crumbles = True

    def cut(self) -> None:
        """Deliver half of what comes next, and end in the middle of it."""
        self._cut = True

    def write(self, data: Bytes) -> None:
        """Send, as far as the state of things allows."""
        if self._stalled:
            return
        if self._cut:
            self._outer.write(bytes(data[: max(1, len(data) // 2)]))
            self._outer.close()
            self._stalled = True
        elif self._crumbles:
            piece = bytes(data)
            for at in range(min(len(piece), _CRUMBS)):
                self._send(piece[at : at + 1], _CRUMB_SECONDS)
            self._send(piece[_CRUMBS:], _CRUMB_SECONDS)
        else:
            self._send(bytes(data), 0.0)

    def _send(self, piece: bytes, after_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        earliest = loop.time() + self._late_seconds
        if max(earliest, self._due) + after_seconds <= loop.time():
            self._outer.write(piece)
            return
        self._due = max(earliest, self._due) + after_seconds
        loop.call_at(self._due, self._outer.write, piece)

    def writelines(self, list_of_data: Iterable[Bytes]) -> None:
        """Send several pieces as one."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """End it in order, after what is still to be delivered."""
        loop = asyncio.get_running_loop()
        if self._due > loop.time():
            loop.call_at(self._due + _CRUMB_SECONDS, self._outer.close)
        else:
            self._outer.close()

    def abort(self) -> None:
        """End it at once."""
        self._outer.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (for the type checker; this is TCP)
        self._outer = transport
        self._inner.connection_made(self)

    def data_received(self, data: bytes) -> None:
        """Hand in what arrived, unless it is swallowed."""
        if not self._stalled:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Hand the end in."""
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.gone.set()
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Hand it in."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand it in."""
        self._inner.resume_writing()

    def pause_reading(self) -> None:
        """Hand it out."""
        self._outer.pause_reading()

    def resume_reading(self) -> None:
        """Hand it out."""
        self._outer.resume_reading()

    def is_reading(self) -> bool:
        """Ask the connection itself."""
        return self._outer.is_reading()

    def is_closing(self) -> bool:
        """Ask the connection itself."""
        return self._outer.is_closing()

    def get_write_buffer_size(self) -> int:
        """Ask the connection itself."""
        return self._outer.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 (as asyncio has it)
        """Ask the connection itself."""
        return self._outer.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return what speaks on it."""
        return self._inner

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Let something else speak on it."""
        assert isinstance(protocol, asyncio.Protocol)  # noqa: S101 (for the type checker)
        self._inner = protocol


def wire_of(request: web.Request) -> Wire:
    """Return the connection that a request came by."""
    assert isinstance(request.transport, Wire | None)  # noqa: S101 (for the type checker; every connection here is one)
    if request.transport is None:
        raise ConnectionResetError
    return request.transport


def harm_wire(harm: Harm, wire: Wire) -> bool:
    """Do to a connection what is done to connections; is nothing to get through any more?"""
    match harm:
        case Harm.RESET:
            wire.reset()
        case Harm.CLOSE:
            wire.close()
        case Harm.STALL:
            wire.stall()
        case Harm.LATENCY:
            wire.slow_down()
            return False
        case Harm.CRUMBS:
            wire.crumble()
            return False
        case Harm.CUT:
            wire.cut()
            return False
        case _:
            return False
    return True
