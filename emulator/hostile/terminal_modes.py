"""The terminal's websocket misbehaves."""

from __future__ import annotations

import json

from emulator.hostile import websocket
from emulator.hostile.api_modes import DEEP
from emulator.hostile.exchange import Exchange
from emulator.hostile.mode import Behaviour, at
from emulator.hostile.polite import Step, serve_terminal
from emulator.hostile.shell import Terminal
from emulator.hostile.websocket import BINARY, CONTINUATION, PING, TEXT

_socket = at(Step.WEBSOCKET)
_BLOCK = b"x" * 65536
PLANTED = "planted-by-a-handshake"
_MUCH_BYTES = 400 * 1024 * 1024


def accepted(behaviour: Behaviour) -> Behaviour:
    """Answer the handshake, then misbehave."""

    def accept_and_misbehave(exchange: Exchange) -> None:
        websocket.accept(exchange)
        behaviour(exchange)

    return accept_and_misbehave


def _dripping_handshake(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 101 Any\r\n")
    exchange.drip(b"X-Header: and so on\r\n")


def _flooding_handshake(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 101 Any\r\n")
    exchange.flood(b"X-Header: " + b"x" * 8000 + b"\r\n", _MUCH_BYTES)


def _one_endless_header(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 101 Any\r\nX-Header: ")
    exchange.flood(_BLOCK, _MUCH_BYTES)


def _huge_refusal(exchange: Exchange) -> None:
    exchange.head(500, ("Content-Length", "4000000000"))
    exchange.flood(_BLOCK, _MUCH_BYTES)


def _odd_refusal(exchange: Exchange) -> None:
    exchange.head(500, ("Content-Length", "minus nine"))


def _odd_status(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 minus nine\r\n\r\n")


def _pings(exchange: Exchange) -> None:
    while True:
        exchange.send(websocket.frame(PING, b"still there?"))
        exchange.pause(0.2)


def _ping_flood(exchange: Exchange) -> None:
    exchange.flood(websocket.frame(PING, b"still there?") * 1000, _MUCH_BYTES)


def _big_frame(exchange: Exchange) -> None:
    exchange.send(websocket.head(TEXT, _MUCH_BYTES))
    exchange.flood(_BLOCK, _MUCH_BYTES)


def _claimed_frame(exchange: Exchange) -> None:
    exchange.send(websocket.head(TEXT, 1 << 62))
    exchange.silence()


def _continuations(exchange: Exchange) -> None:
    exchange.send(websocket.frame(TEXT, b'["stdout", "', is_last=False))
    exchange.flood(websocket.frame(CONTINUATION, b"x" * 1000, is_last=False), _MUCH_BYTES)


def _empty_continuations(exchange: Exchange) -> None:
    exchange.send(websocket.frame(TEXT, b"", is_last=False))
    exchange.flood(websocket.frame(CONTINUATION, b"", is_last=False) * 1000, _MUCH_BYTES)


def _half_a_frame(exchange: Exchange) -> None:
    exchange.send(websocket.stdout("hello")[:7])
    exchange.silence()


def _binary(exchange: Exchange) -> None:
    exchange.send(websocket.frame(BINARY, bytes(range(256))))
    exchange.silence()


def _not_utf8(exchange: Exchange) -> None:
    exchange.send(websocket.frame(TEXT, b'["stdout", "\xff\xfe\xed\xa0\x80"]'))
    exchange.silence()


def _reserved_bits(exchange: Exchange) -> None:
    exchange.send(websocket.frame(TEXT | 0x70, b"[]"))
    exchange.silence()


def _deep(exchange: Exchange) -> None:
    exchange.send(websocket.frame(TEXT, DEEP))
    exchange.silence()


def _many_values(exchange: Exchange) -> None:
    exchange.send(websocket.frame(TEXT, b'["stdout", [' + b"[]," * 2_700_000 + b"1]]"))
    exchange.silence()


def _many_backslashes(exchange: Exchange) -> None:
    exchange.send(websocket.stdout("[" * 100 + "\r\n" * 2_000_000))
    exchange.silence()


def _odd_shapes(exchange: Exchange) -> None:
    for value in (None, 5, {}, [], ["stdout"], ["stdout", 5], ["stdout", ["x"]], {"stdout": "x"}, ["disconnected"]):
        exchange.send(websocket.frame(TEXT, json.dumps(value).encode()))
    exchange.silence()


def _ends_again(exchange: Exchange) -> None:
    exchange.send(websocket.frame(TEXT, b'["disconnect", 1]'))


def _plants_a_cookie(exchange: Exchange) -> None:
    websocket.accept(exchange, f"Set-Cookie: {PLANTED}=x; Domain=.hostile.test; Path=/")
    _ends_again(exchange)


def _ignores_close(exchange: Exchange) -> None:
    serve_terminal(exchange, Terminal(), answers_close=False)


TERMINAL_MODES = (
    _socket("socket-cookie", "The handshake sets a cookie for every Studio of the region.", _plants_a_cookie),
    _socket("socket-silent", "The handshake is never answered.", Exchange.silence),
    _socket("socket-drips", "The handshake's headers come one byte every 0.2 s, for ever.", _dripping_handshake),
    _socket("socket-headers", "The handshake has 400 MB of headers.", _flooding_handshake),
    _socket("socket-one-header", "The handshake has one header of 400 MB.", _one_endless_header),
    _socket("socket-403", "The handshake is answered with 403.", lambda x: x.page(status=403)),
    _socket("socket-redirect", "The handshake redirects to another host.", lambda x: x.redirect("http://evil.test/x")),
    _socket("socket-huge-refusal", "The handshake is refused with 4 GB of text.", _huge_refusal),
    _socket("socket-odd-refusal", "The handshake is refused with a length that is no number.", _odd_refusal),
    _socket("socket-odd-status", "The handshake's status is no number.", _odd_status),
    _socket("socket-pings", "After the handshake nothing comes but a ping every 0.2 s.", accepted(_pings)),
    _socket("socket-ping-flood", "After the handshake nothing comes but 400 MB of pings.", accepted(_ping_flood)),
    _socket("socket-big-frame", "A frame claims and has 400 MB.", accepted(_big_frame)),
    _socket("socket-claimed-frame", "A frame claims 4 EB, and nothing follows.", accepted(_claimed_frame)),
    _socket("socket-continuations", "A message has 400 MB of continuation frames.", accepted(_continuations)),
    _socket(
        "socket-empty-frames", "A message has 200 million empty continuation frames.", accepted(_empty_continuations)
    ),
    _socket("socket-half-a-frame", "Half a frame comes, and nothing after it.", accepted(_half_a_frame)),
    _socket("socket-binary", "Frames are binary.", accepted(_binary)),
    _socket("socket-not-utf8", "A frame's text is not UTF-8.", accepted(_not_utf8)),
    _socket("socket-reserved", "Frames have reserved bits set.", accepted(_reserved_bits)),
    _socket("socket-deep", "A frame has JSON 100,000 levels deep.", accepted(_deep)),
    _socket("socket-many-values", "A frame of 8 MB has 2.7 million empty lists.", accepted(_many_values)),
    _socket("socket-many-lines", "A terminal has shown 2 million empty lines.", accepted(_many_backslashes)),
    _socket("socket-odd-shapes", "Messages have the wrong shapes.", accepted(_odd_shapes)),
    _socket("socket-ends", "Every terminal says that its shell is gone.", accepted(_ends_again)),
    _socket(
        "socket-ignores-close", "The shell is well-behaved, and closing is never answered.", accepted(_ignores_close)
    ),
)
