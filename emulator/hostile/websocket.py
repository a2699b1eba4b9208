"""Websocket frames (RFC 6455), as raw as a misbehaving server needs them."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import struct
from collections.abc import Iterator

from emulator.hostile.exchange import Exchange

CONTINUATION, TEXT, BINARY, CLOSE, PING = 0x0, 0x1, 0x2, 0x8, 0x9
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SHORT, _MEDIUM = 126, 1 << 16


def accept(exchange: Exchange, *more: str) -> None:
    """Answer the handshake, with these header lines too."""
    key = exchange.request.headers.get("sec-websocket-key", "")
    digest = base64.b64encode(hashlib.sha1(f"{key}{_GUID}".encode()).digest()).decode()  # noqa: S324 (the protocol's)
    lines = ["HTTP/1.1 101 Any", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Accept: {digest}"]
    exchange.send("".join(f"{line}\r\n" for line in [*lines, *more, ""]).encode())


def head(opcode: int, size_bytes: int, *, is_last: bool = True) -> bytes:
    """The head of a frame that claims so many bytes."""
    first = opcode | (0x80 if is_last else 0)
    if size_bytes < _SHORT:
        return struct.pack(">BB", first, size_bytes)
    if size_bytes < _MEDIUM:
        return struct.pack(">BBH", first, 126, size_bytes)
    return struct.pack(">BBQ", first, 127, size_bytes)


def frame(opcode: int, payload: bytes, *, is_last: bool = True) -> bytes:
    """A whole frame."""
    return head(opcode, len(payload), is_last=is_last) + payload


def stdout(text: str) -> bytes:
    """The frame in which terminado sends a terminal's text."""
    return frame(TEXT, json.dumps(["stdout", text]).encode())


def frames(connection: socket.socket) -> Iterator[tuple[int, bytes]]:
    """The frames that a client sends, as (opcode, payload), until it hangs up."""
    while start := _exactly(connection, 2):
        size_bytes = start[1] & 0x7F
        if size_bytes >= _SHORT:
            size_bytes = int.from_bytes(_exactly(connection, 2 if size_bytes == _SHORT else 8))
        mask = _exactly(connection, 4)
        payload = _exactly(connection, size_bytes)
        yield start[0] & 0x0F, bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def _exactly(connection: socket.socket, size_bytes: int) -> bytes:
    """So many bytes, or none if the client hangs up."""
    data = b""
    while len(data) < size_bytes:
        received = connection.recv(size_bytes - len(data))
        if not received:
            return b""
        data += received
    return data
