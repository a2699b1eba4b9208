"""A terminal's websocket over real sockets: its messages, and that nothing on the other side can hang or flood it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import struct
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, LoginExpired, ShellGone
from studio_setup.terminal.channel import MAX_MESSAGE_BYTES, Channel, WebSocketAddress
from tests.support.fakes import everything_said
from tests.support.raw_server import RawServer

MEGABYTE = 1024 * 1024
SECRET = "SECRET-0123456789"
TEXT, CONTINUATION, BINARY, CLOSE, PING, PONG = 1, 0, 2, 8, 9, 10
GREETING = '["setup", {}]'

Speak = Callable[[socket.socket], None]


def _frame(data: bytes | str, opcode: int = TEXT, *, final: bool = True, claimed_bytes: int | None = None) -> bytes:
    """A frame as a server sends it; it may claim another length than it has."""
    data = data.encode() if isinstance(data, str) else data
    length = len(data) if claimed_bytes is None else claimed_bytes
    first = bytes([opcode | (0x80 if final else 0)])
    if length < 126:
        return first + bytes([length]) + data
    return (
        first + (b"\x7e" + struct.pack("!H", length) if length < 65536 else b"\x7f" + struct.pack("!Q", length)) + data
    )


def _out(text: str) -> bytes:
    return _frame(json.dumps(["stdout", text]))


def _accept(head: bytes, *headers: str) -> bytes:
    key = re.search(rb"Sec-WebSocket-Key: (\S+)", head)
    assert key
    digest = hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()  # noqa: S324 (RFC 6455)
    accept = f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}"
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade", accept, *headers]
    return "\r\n".join([*lines, "", ""]).encode()


def _terminal(speak: Speak, *headers: str) -> RawServer:
    """A server that accepts a websocket, then goes on so, and then hangs up as soon as the other side says anything."""

    def answer(connection: socket.socket, head: bytes) -> None:
        connection.sendall(_accept(head, *headers))
        speak(connection)
        connection.recv(65536)

    return RawServer(answer)


def _address(server: RawServer, cookie: str = "a=1", host: str = "127.0.0.1") -> WebSocketAddress:
    return WebSocketAddress(f"ws://{host}:{server.port}/jupyter/default/terminals/websocket/t", cookie, "http://x")


@contextmanager
def _open(server: RawServer) -> Iterator[Channel]:
    with server, closing(Channel.open(_address(server), Deadline.after(20))) as channel:
        yield channel


# Messages


def test_what_a_terminal_shows_is_received() -> None:
    """The texts of its messages, however they are cut into frames; what is neither text nor an end is nothing."""

    def speak(connection: socket.socket) -> None:
        whole = json.dumps(["stdout", "three"])
        for frame in (
            _frame(GREETING),
            _out("one"),
            _out("two ☃ \x1b[31m"),
            _frame(whole[:5], final=False),
            _frame(b"", PING),
            _frame(whole[5:], CONTINUATION),
            _frame('{"stdout": "x"}'),
            _frame("3"),
            _frame('["stdout"]'),
            _frame('["stdout", 3]'),
            _frame('["spam", "x"]'),
        ):
            connection.sendall(frame)
        assert connection.recv(100)[0] == 0x80 | PONG

    with _open(_terminal(speak)) as channel:
        assert [channel.receive(20) for _ in range(9)] == ["", "one", "two ☃ \x1b[31m", "three", "", "", "", "", ""]
        assert channel.receive(0.01) == ""


def test_what_is_typed_is_sent_as_one_message() -> None:
    """A JSON list in a masked frame of text."""
    received: list[bytes] = []

    def speak(connection: socket.socket) -> None:
        received.append(connection.recv(1000))
        connection.sendall(_out("done"))

    with _open(_terminal(speak)) as channel:
        channel.send("true\r")
        assert channel.receive(20) == "done"
    (frame,) = received
    mask, payload = frame[2:6], frame[6:]
    assert frame[0] == 0x80 | TEXT
    assert json.loads(bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))) == ["stdin", "true\r"]


def test_the_handshake_has_our_cookies_and_origin() -> None:
    """And asks for the terminal's own path."""
    server = _terminal(lambda _: None)
    with server, closing(Channel.open(_address(server, "a=1; b=2"), Deadline.after(20))):
        pass
    (head,) = server.heads
    assert head.startswith(b"GET /jupyter/default/terminals/websocket/t HTTP/1.1\r\n")
    assert b"\r\nCookie: a=1; b=2\r\n" in head
    assert b"\r\nOrigin: http://x\r\n" in head


@pytest.mark.parametrize("end", [_frame('["disconnect", 1]'), _frame('["disconnect"]')])
def test_a_shell_that_ends_is_gone(end: bytes) -> None:
    """The server says so in a message."""
    with _open(_terminal(lambda connection: connection.sendall(end))) as channel, pytest.raises(ShellGone):
        channel.receive(20)


@pytest.mark.parametrize(
    "frame",
    [
        _frame("not json"),
        _frame("[" * 100_000),
        _frame('["stdout", ' + "9" * 5000 + "]"),
        _frame('["stdout", "x"'),
        _frame(b'["stdout", "\xff"]'),
        _frame(b"\xff\xfe", BINARY),
        _frame(b"", CLOSE),
        _frame(struct.pack("!H", 1011) + SECRET.encode(), CLOSE),
        _frame(b"\x01", CLOSE),
        _frame("x", 3),
        b"\xf1\x01x",
        _frame("x", CONTINUATION),
        _frame(b"x" * 200, PING),
        _frame("x", PING, final=False),
    ],
    ids=lambda frame: repr(frame[:20]),
)
def test_what_is_not_a_message_is_a_lost_connection(frame: bytes) -> None:
    """Nothing else is raised, and nothing of it is in the error."""
    with _open(_terminal(lambda connection: connection.sendall(frame + SECRET.encode()))) as channel:
        with pytest.raises(ConnectionLost) as caught:
            channel.receive(20)
        assert SECRET not in everything_said(caught.value)


def test_a_connection_that_breaks_is_lost() -> None:
    """While receiving, while sending, and after it was closed; closing again does no harm."""
    with RawServer(lambda connection, head: connection.sendall(_accept(head))) as server:
        channel = Channel.open(_address(server), Deadline.after(20))
        with pytest.raises(ConnectionLost, match="The terminal's websocket broke"):
            channel.receive(20)
        channel.close()
        channel.close()
        with pytest.raises(ConnectionLost):
            channel.send("x")
        with pytest.raises(ConnectionLost):
            channel.receive(0.01)


# Time


def _for_ever(server: list[RawServer], data: bytes, pause_seconds: float = 0.01) -> Speak:
    def speak(connection: socket.socket) -> None:
        while True:
            connection.sendall(data)
            server[0].pause(pause_seconds)

    return speak


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_frame(b"ping", PING), id="pings"),
        pytest.param(_frame(b"pong", PONG), id="pongs"),
        pytest.param(_frame("x", CONTINUATION, final=False), id="parts-of-a-message"),
        pytest.param(b"x", id="parts-of-a-frame"),
    ],
)
@pytest.mark.timeout(20)
def test_a_wait_ends_whatever_arrives_meanwhile(data: bytes) -> None:
    """Frames that are not messages, and bytes that are not frames yet, do not make a wait any longer."""
    servers: list[RawServer] = []
    begin = {b"x": _frame("", claimed_bytes=60_000)}.get(data, b"")
    if data == _frame("x", CONTINUATION, final=False):
        begin = _frame("x", TEXT, final=False)

    def speak(connection: socket.socket) -> None:
        connection.sendall(begin)
        _for_ever(servers, data)(connection)

    server = _terminal(speak)
    servers.append(server)
    with _open(server) as channel:
        assert channel.receive(0.2) == ""
        assert channel.receive(0.2) == ""


def test_a_message_that_arrives_in_parts_is_not_lost_by_a_wait_that_ends() -> None:
    """The parts that have arrived are kept for the next wait."""
    frame = _out("whole")
    rest: list[socket.socket] = []

    def speak(connection: socket.socket) -> None:
        connection.sendall(frame[:5])
        rest.append(connection)

    with _open(_terminal(speak)) as channel:
        assert channel.receive(0.1) == ""
        rest[0].sendall(frame[5:])
        assert channel.receive(20) == "whole"


def _answers(*parts: bytes, pause_seconds: float = 0.05) -> tuple[RawServer, list[RawServer]]:
    """A server that sends the last part again and again."""
    servers: list[RawServer] = []

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"".join(parts[:-1]))
        while True:
            servers[0].pause(pause_seconds)
            connection.sendall(parts[-1])

    server = RawServer(answer)
    servers.append(server)
    return server, servers


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param([b""], id="silence"),
        pytest.param([b"HTTP/1.1 101 ", b" "], id="status-line"),
        pytest.param([b"HTTP/1.1 101 Yes\r\n", b"X: y\r\n"], id="headers"),
        pytest.param([b"HTTP/1.1 503 No\r\nContent-Length: 9999\r\n\r\n", b"x"], id="body-of-an-error"),
    ],
)
@pytest.mark.timeout(20)
def test_a_handshake_ends_however_slowly_the_answer_drips(parts: list[bytes]) -> None:
    """A handshake that never ends is given up when its time is up."""
    server, _ = _answers(*parts)
    with server, pytest.raises(ConnectionLost):
        Channel.open(_address(server), Deadline.after(0))


@pytest.mark.timeout(20)
def test_hanging_up_does_not_wait_for_the_other_side() -> None:
    """Neither a server that does not answer the farewell nor one that goes on pinging is waited for."""
    servers: list[RawServer] = []
    for data in (b"", _frame(b"ping", PING)):
        server = _terminal(_for_ever(servers, data))
        servers[:] = [server]
        with server:
            Channel.open(_address(server), Deadline.after(20)).close()


@pytest.mark.timeout(60)
def test_typing_into_a_connection_that_takes_nothing_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that reads nothing fills the buffers in between: that is a lost connection."""
    monkeypatch.setattr("studio_setup.terminal.channel._SEND_SECONDS", 0.5)
    servers: list[RawServer] = []

    def speak(_: socket.socket) -> None:
        servers[0].pause(60)

    server = _terminal(speak)
    servers.append(server)
    with _open(server) as channel:
        text = "x" * (32 * MEGABYTE)
        with pytest.raises(ConnectionLost):
            channel.send(text)


# Size


def _peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        work()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["one-frame", "many-frames", "more-than-there-is", "between-pings"])
def test_a_message_beyond_the_limit_is_a_lost_connection(kind: str) -> None:
    """However it is cut into frames, and whatever length it claims; memory stays bounded."""
    chunk = b"x" * 65536

    def speak(connection: socket.socket) -> None:
        if kind == "more-than-there-is":
            connection.sendall(_frame(b"", claimed_bytes=2**62))
        if kind == "one-frame":
            connection.sendall(_frame(b"", claimed_bytes=64 * MEGABYTE))
        if kind in {"many-frames", "between-pings"}:
            connection.sendall(_frame(chunk, final=False))
        for _ in range(64 * 16):
            if kind == "between-pings":
                connection.sendall(_frame(b"ping", PING))
            connection.sendall(chunk if kind in {"one-frame", "more-than-there-is"} else _frame(chunk, 0, final=False))

    with _open(_terminal(speak)) as channel:

        def receive() -> None:
            with pytest.raises(ConnectionLost, match="WebSocketPayloadException"):
                channel.receive(20)

        assert _peak_bytes(receive) < 4 * MAX_MESSAGE_BYTES


def test_a_long_message_within_the_limit_is_received() -> None:
    """The server sends all that the terminal showed so far in one message; many of them add up to no limit."""
    text = "x" * (5 * MEGABYTE)

    def speak(connection: socket.socket) -> None:
        for _ in range(3):
            connection.sendall(_out(text))

    with _open(_terminal(speak)) as channel:
        assert [channel.receive(20) == text for _ in range(3)] == [True] * 3


def test_the_body_of_a_refused_handshake_is_not_read_beyond_a_limit() -> None:
    """A hundred megabytes after an error are not kept in memory."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 104857600\r\n\r\n")
        for _number in range(100):
            connection.sendall(b"x" * MEGABYTE)

    with RawServer(answer) as server:

        def open_channel() -> None:
            with pytest.raises(ConnectionLost):
                Channel.open(_address(server), Deadline.after(20))

        assert _peak_bytes(open_channel) < 4 * MAX_MESSAGE_BYTES


# The handshake


@pytest.mark.parametrize("status", [401, 403])
def test_a_handshake_that_is_refused_by_the_front_door_is_an_expired_login(status: int) -> None:
    """The status is in the message; the page is not."""
    answer = f"HTTP/1.1 {status} No\r\nX: {SECRET}\r\nContent-Length: {len(SECRET)}\r\n\r\n{SECRET}".encode()
    with RawServer(lambda connection, _: connection.sendall(answer)) as server:
        with pytest.raises(LoginExpired, match=f"HTTP {status}") as caught:
            Channel.open(_address(server), Deadline.after(20))
        assert SECRET not in everything_said(caught.value)


@pytest.mark.parametrize("status", [200, 302, 307, 400, 500, 502, 503])
def test_a_handshake_that_is_answered_otherwise_is_a_lost_connection(status: int) -> None:
    """The status is in the message, and a redirect is not followed: our cookies would go along."""
    answer = f"HTTP/1.1 {status} No\r\nLocation: ws://127.0.0.1:1/{SECRET}\r\nContent-Length: 0\r\n\r\n".encode()
    with RawServer(lambda connection, _: connection.sendall(answer)) as server:
        with pytest.raises(ConnectionLost, match=f"HTTP {status}") as caught:
            Channel.open(_address(server), Deadline.after(20))
        assert SECRET not in everything_said(caught.value)
        assert len(server.heads) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 x\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\nno colon\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\n\xff\xfe: x\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
        b"HTTP/1.1 500 No\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 500 No\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 302 Go\r\nSet-Cookie: a@b=c\r\n\r\n",
        b"HTTP/1.1 302 Go\r\nSet-Cookie: a=\x01\x02; Path=[;=\r\n\r\n",
        b'HTTP/1.1 302 Go\r\nSet-Cookie: {"a": 1}; b c=d; Domain=x\r\n\r\n',
    ],
    ids=lambda answer: repr(answer[:60]),
)
def test_any_answer_to_a_handshake_is_a_lost_connection(answer: bytes) -> None:
    """Nothing else is raised, whatever it is."""
    with RawServer(lambda connection, _: connection.sendall(answer)) as server, pytest.raises(ConnectionLost):
        Channel.open(_address(server), Deadline.after(20))


@pytest.mark.parametrize(
    "cookie",
    ["a@b=c; Domain=x", 'a="', "a b=c; Domain=x", "[]=1; Domain=127.0.0.1", "a=\x7f; Domain=\x1b", "=; Domain=x"],
)
def test_a_cookie_in_a_handshake_does_no_harm(cookie: str) -> None:
    """Whatever a server sets there, it is not kept, and the terminal opens."""
    server = _terminal(lambda connection: connection.sendall(_out("x")), f"Set-Cookie: {cookie}")
    with server, closing(Channel.open(_address(server), Deadline.after(20))) as channel:
        assert channel.receive(20) == "x"


def test_a_cookie_that_one_server_sets_is_not_sent_to_another() -> None:
    """What a user's server sets for a whole domain does not go along to the next user's."""
    setting = _terminal(lambda _: None, f"Set-Cookie: _xsrf={SECRET}; Domain=localhost; Path=/")
    with setting, closing(Channel.open(_address(setting, host="localhost"), Deadline.after(20))):
        pass
    other = _terminal(lambda _: None)
    with other, closing(Channel.open(_address(other, host="localhost"), Deadline.after(20))):
        pass
    assert b"\r\nCookie: a=1\r\n" in other.heads[0]
    assert SECRET.encode() not in other.heads[0]


def test_a_terminal_that_is_not_there_is_asked_for_again() -> None:
    """One that has just been made may not be known yet; after some seconds it is gone."""
    heads: list[bytes] = []

    def answer(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        missing = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(_accept(head) + _out("x") if len(heads) == 3 else missing)
        connection.recv(1000)

    with RawServer(answer) as server:
        with closing(Channel.open(_address(server), Deadline.after(20))) as channel:
            assert channel.receive(20) == "x"
        with pytest.raises(ShellGone, match="not there"):
            Channel.open(_address(server), Deadline.after(0.3))
    assert len(heads) > 4


def test_nobody_listening_is_a_lost_connection() -> None:
    """The message is the name of what went wrong."""
    address = WebSocketAddress("ws://127.0.0.1:1/x", f"a={SECRET}", "http://x")
    with pytest.raises(ConnectionLost, match="failed: ConnectionRefusedError") as caught:
        Channel.open(address, Deadline.after(20))
    assert SECRET not in everything_said(caught.value)
    assert SECRET not in repr(address)
