"""A connection that can be reset, stalled, slowed down or cut while it is used.

It sits between the event loop's transport and the protocol that speaks HTTP, to which it looks like a transport.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web

from emulator.faulty_network.steps import FaultKind
from emulator.proxy import reset

if TYPE_CHECKING:
    from collections.abc import Iterable

_LATENCY_SECONDS = 0.2
_TRICKLE_BYTES = 300  # of each piece, these go one by one, the rest at once
_TRICKLE_SECONDS = 0.0002

Bytes = bytes | bytearray | memoryview


class Wire(asyncio.Transport, asyncio.Protocol):
    """One connection, which works until a fault is injected."""

    def __init__(self, inner: asyncio.Protocol) -> None:
        super().__init__()
        self.gone = asyncio.Event()
        self._inner = inner
        self._outer: asyncio.Transport
        self._stalled = False
        self._cut = False
        self._latency_seconds = 0.0
        self._trickles = False
        self._due = 0.0

    def reset(self) -> None:
        """Reset the connection."""
        reset(self._outer)

    def stall(self) -> None:
        """Discard everything from now on, in both directions, and stay open."""
        self._stalled = True

    def slow_down(self) -> None:
        """Deliver everything later from now on."""
        self._latency_seconds = _LATENCY_SECONDS

    def trickle(self) -> None:
        """Deliver byte by byte from now on."""
        self._trickles = True

    def cut(self) -> None:
        """Deliver half of what is sent next, then close the connection."""
        self._cut = True

    def write(self, data: Bytes) -> None:
        """Send data, as far as the injected fault lets it through."""
        if self._stalled:
            return
        if self._cut:
            self._outer.write(bytes(data[: max(1, len(data) // 2)]))
            self._outer.close()
            self._stalled = True
        elif self._trickles:
            piece = bytes(data)
            for at in range(min(len(piece), _TRICKLE_BYTES)):
                self._send(piece[at : at + 1], _TRICKLE_SECONDS)
            self._send(piece[_TRICKLE_BYTES:], _TRICKLE_SECONDS)
        else:
            self._send(bytes(data), 0.0)

    def _send(self, piece: bytes, after_seconds: float) -> None:
        loop = asyncio.get_running_loop()
        earliest = loop.time() + self._latency_seconds
        if max(earliest, self._due) + after_seconds <= loop.time():
            self._outer.write(piece)
            return
        self._due = max(earliest, self._due) + after_seconds
        loop.call_at(self._due, self._outer.write, piece)

    def writelines(self, list_of_data: Iterable[Bytes]) -> None:
        """Send several pieces as one."""
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Close the connection once everything is delivered."""
        loop = asyncio.get_running_loop()
        if self._due > loop.time():
            loop.call_at(self._due + _TRICKLE_SECONDS, self._outer.close)
        else:
            self._outer.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._outer.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the real transport, and offer this one to the protocol."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 (for the type checker; this is TCP)
        self._outer = transport
        self._inner.connection_made(self)

    def data_received(self, data: bytes) -> None:
        """Pass on what arrived, unless it is discarded."""
        if not self._stalled:
            self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass it on to the protocol."""
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end, and pass it on to the protocol."""
        self.gone.set()
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass it on to the protocol."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on to the protocol."""
        self._inner.resume_writing()

    def pause_reading(self) -> None:
        """Pass it on to the transport."""
        self._outer.pause_reading()

    def resume_reading(self) -> None:
        """Pass it on to the transport."""
        self._outer.resume_reading()

    def is_reading(self) -> bool:
        """As the transport."""
        return self._outer.is_reading()

    def is_closing(self) -> bool:
        """As the transport."""
        return self._outer.is_closing()

    def get_write_buffer_size(self) -> int:
        """As the transport."""
        return self._outer.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 (as asyncio has it)
        """As the transport."""
        return self._outer.get_extra_info(name, default)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Return the protocol."""
        return self._inner

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Change the protocol."""
        assert isinstance(protocol, asyncio.Protocol)  # noqa: S101 (for the type checker)
        self._inner = protocol


def wire_of(request: web.Request) -> Wire:
    """Return the connection that a request came in on."""
    assert isinstance(request.transport, Wire | None)  # noqa: S101 (for the type checker)
    if request.transport is None:
        raise ConnectionResetError
    return request.transport


def inject_into_wire(kind: FaultKind, wire: Wire) -> bool:
    """Inject a fault of the connection itself, if it is one; does it keep everything from getting through?"""
    match kind:
        case FaultKind.RESET:
            wire.reset()
        case FaultKind.CLOSE:
            wire.close()
        case FaultKind.STALL:
            wire.stall()
        case FaultKind.LATENCY:
            wire.slow_down()
            return False
        case FaultKind.TRICKLE:
            wire.trickle()
            return False
        case FaultKind.CUT:
            wire.cut()
            return False
        case _:
            return False
    return True
