"""One HTTP exchange over real sockets: bounded in time and size, with no credentials but those of the session."""

from __future__ import annotations

import gc
import gzip
import socket
import tracemalloc
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.cookies import RequestsCookieJar

from studio_setup.access.http import MAX_BODY_BYTES, MAX_COOKIES, Http
from studio_setup.model.errors import ConnectionLost
from tests.support.fakes import FakeTime, everything_said
from tests.support.raw_server import RawServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"  # a server of one answer
MEGABYTE = 1024 * 1024
SECRET = "SECRET-0123456789"


@pytest.fixture
def real() -> Iterator[Http]:
    """Requests over real sockets."""
    with requests.Session() as session:
        yield Http(session)


def _ask(http: Http, server: RawServer, *, seconds: float = 20, path: str = "/") -> Any:  # noqa: ANN401 (an answer)
    return http.ask("GET", f"http://127.0.0.1:{server.port}{path}", FakeTime().deadline(seconds))


def _lost(ask: Callable[[], Any]) -> ConnectionLost | None:
    """The error that asking ends in, if it is a lost connection; any other is raised."""
    try:
        ask()
    except ConnectionLost as lost:
        return lost
    return None


def _always(answer: bytes) -> RawServer:
    return RawServer(lambda connection, _: connection.sendall(answer))


# What is answered


def test_an_answer_has_status_headers_and_body(real: Http) -> None:
    """All of it, and the cookies are the session's from then on."""
    head = b"HTTP/1.1 404 No\r\nSet-Cookie: a=1; Path=/\r\nContent-Type: text/plain; charset=latin-1\r\n\r\n"
    with _always(head + b"caf\xe9") as server:
        answer = _ask(real, server)
        _ask(real, server)
    assert (answer.status, answer.body, answer.content_type) == (404, "café", "text/plain; charset=latin-1")
    assert answer.redirect_target == ""
    assert real.cookies.get_dict() == {"a": "1"}
    assert b"Cookie: a=1" in server.heads[1]


def test_a_server_cannot_leave_more_cookies_than_a_browser_takes(real: Http) -> None:
    """A browser takes 4,096 bytes a cookie (RFC 6265, 6.1), and so many; those that are there can still be renewed."""

    def answer(connection: socket.socket, _: bytes) -> None:
        number = len(server.heads)
        cookies = [f"c{number}-{at}={'v' * 100}; Path=/" for at in range(90)]
        cookies += [f"session={number}; Path=/", f"long{number}={'v' * 4096}; Path=/"]
        head = "".join(f"Set-Cookie: {cookie}\r\n" for cookie in cookies)
        connection.sendall(f"HTTP/1.1 200 OK\r\n{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())

    with RawServer(answer) as server:
        for _ in range(5):
            _ask(real, server)
    assert len(real.cookies) == MAX_COOKIES
    assert real.cookies["session"] == "5"
    assert [cookie.name for cookie in real.cookies if cookie.name.startswith("long")] == []


def test_a_body_and_headers_are_sent() -> None:
    """The body goes as JSON; every request has two time-outs, follows no redirect and reads nothing by itself."""
    asked: list[dict[str, Any]] = []

    class _Session:
        cookies = RequestsCookieJar()
        merge_environment_settings = None

        def request(self, method: str, url: str, **options: Any) -> None:  # noqa: ANN401 (as requests has them)
            asked.append({"method": method, "url": url, **options})
            raise requests.ConnectionError

    session: Any = _Session()
    with pytest.raises(ConnectionLost):
        Http(session).ask("POST", "https://d-0/x", FakeTime().deadline(100), {"name": "t"}, {"X-XSRFToken": "x"})
    assert asked == [
        {
            "method": "POST",
            "url": "https://d-0/x",
            "json": {"name": "t"},
            "headers": {"X-XSRFToken": "x"},
            "timeout": (5.0, 30.0),
            "allow_redirects": False,
            "stream": True,
        }
    ]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer(real: Http, status: int) -> None:
    """Its target is known, and is not asked."""
    with _always(f"HTTP/1.1 {status} Go\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n".encode()) as server:
        answer = _ask(real, server)
    assert (answer.status, answer.redirect_target) == (status, "/there")
    assert len(server.heads) == 1


@pytest.mark.parametrize(("status", "location"), [(200, "Location: /there\r\n"), (304, "Location: /x\r\n"), (302, "")])
def test_only_a_redirect_with_a_location_has_a_target(real: Http, status: int, location: str) -> None:
    """A Location in another answer leads nowhere."""
    with _always(f"HTTP/1.1 {status} Go\r\n{location}Content-Length: 0\r\n\r\n".encode()) as server:
        assert _ask(real, server).redirect_target == ""


@pytest.mark.parametrize("location", ["https://[nonsense", "http://a:b:c", "https://xn--\xff/", "//"])
def test_a_redirect_to_nowhere_is_an_answer_too(real: Http, location: str) -> None:
    """What is wrong with its target is for whoever follows it."""
    with _always(f"HTTP/1.1 302 Go\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode("latin-1")) as server:
        assert _ask(real, server).status == 302


@pytest.mark.parametrize(
    "charset", ["utf-7", "hex", "undefined", "idna", "no-such-charset", "punycode", "unicode_escape"]
)
def test_any_charset_is_text_or_a_lost_connection(real: Http, charset: str) -> None:
    """Whatever encoding the server claims, nothing else is raised."""
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset={charset}\r\n\r\n".encode()
    with _always(head + b"\\x \xff\xfe +A") as server:
        lost = _lost(lambda: _ask(real, server))
    assert lost is None or lost.message in {"UnicodeDecodeError", "UnicodeError"}


def test_an_answer_shows_nothing_of_itself(real: Http) -> None:
    """It has cookies and tokens in it, so it has no representation."""
    with _always(OK.replace(b"\r\n\r\n", f"\r\nSet-Cookie: x={SECRET}\r\n\r\n".encode())) as server:
        answer = _ask(real, server, path=f"/?token={SECRET}")
    assert SECRET in answer.url
    assert SECRET not in repr(answer)
    assert SECRET not in f"{answer}"


# Size


def _bomb(layers: int) -> bytes:
    """A hundred megabytes of one letter, compressed so many times."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join(compressor.compress(b"x" * MEGABYTE) for _ in range(100)) + compressor.flush()
    for _ in range(layers - 1):
        data = gzip.compress(data)
    return data


def _compressed(layers: int) -> bytes:
    encoding = ", ".join(["gzip"] * layers)
    body = _bomb(layers)
    return f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _large(status: str, *headers: str, chunk: bytes = b"x" * 65536) -> Callable[[socket.socket, bytes], None]:
    """Answer with a head and a hundred megabytes."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall("\r\n".join([f"HTTP/1.1 {status}", *headers, "", ""]).encode())
        for _number in range(100 * MEGABYTE // len(chunk)):
            connection.sendall(chunk)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_large("200 OK"), id="without-a-length"),
        pytest.param(_large("200 OK", "Content-Length: 999999999999"), id="with-a-length"),
        pytest.param(_large("503 No"), id="error"),
        pytest.param(_large("302 Go", "Location: /there"), id="redirect"),
        pytest.param(_large("200 OK", "Transfer-Encoding: chunked", "", "6400000"), id="chunked"),
        pytest.param(lambda connection, _: connection.sendall(_compressed(1)), id="compressed"),
        pytest.param(lambda connection, _: connection.sendall(_compressed(2)), id="compressed-twice"),
    ],
)
def test_only_so_much_of_a_body_is_read(real: Http, answer: Callable[[socket.socket, bytes], None]) -> None:
    """Of a hundred megabytes, compressed or not and with any status, 64 KiB are kept, and little more is in memory."""
    _compressed(2)
    with RawServer(answer) as server:
        tracemalloc.start()
        try:
            before_bytes = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            body = _ask(real, server).body
            peak_bytes = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert len(body) <= MAX_BODY_BYTES
    assert peak_bytes - before_bytes < 8 * MEGABYTE


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\nX: " + b"x" * MEGABYTE, b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 9999]
)
def test_endless_headers_are_a_lost_connection(real: Http, head: bytes) -> None:
    """Neither a very long header nor very many are kept."""
    with _always(head) as server, pytest.raises(ConnectionLost):
        _ask(real, server)


# Time


def _drip(server: list[RawServer], first: bytes, drop: bytes) -> Callable[[socket.socket, bytes], None]:
    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(first)
        while True:
            server[0].pause(0.05)
            connection.sendall(drop)

    return answer


@pytest.mark.parametrize(
    ("first", "drop"),
    [
        pytest.param(b"", b"", id="silence"),
        pytest.param(b"HTTP/1.1 ", b" ", id="status-line"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: ", b"x", id="header"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x", id="body"),
        pytest.param(b"HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Length: 9999\r\n\r\n", b"x", id="redirect"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", id="chunks"),
    ],
)
@pytest.mark.timeout(20)
def test_an_exchange_ends_however_slowly_the_answer_drips(real: Http, first: bytes, drop: bytes) -> None:
    """An answer that never ends is given up when its time is up, although there is always something new to read."""
    servers: list[RawServer] = []
    with RawServer(_drip(servers, first, drop)) as server:
        servers.append(server)
        with pytest.raises(ConnectionLost, match="Time"):
            _ask(real, server, seconds=0)


# Errors and secrets


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n",
        b"HTTP/9.9 what\r\n\r\n",
        b"HTTP/1.1 99999999999999999999 No\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 7\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"f" * 5000 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip",
        b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\ncut",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: =;;;=\x00;\xff; expires=nonsense; max-age=x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Domain=[; Path=\x1b; Port=x\r\n\r\n",
        b"\xff\xfe\x00garbage",
    ],
)
def test_any_bytes_are_an_answer_or_a_lost_connection(real: Http, answer: bytes) -> None:
    """Nothing else is raised, and nothing of the URL or the answer is in the error."""
    with _always(answer) as server:
        lost = _lost(lambda: _ask(real, server, path=f"/auth?token={SECRET}"))
    if lost:
        assert SECRET not in everything_said(lost)
        assert lost.message.isidentifier()
    del lost
    with warnings.catch_warnings():
        # urllib3 leaves a connection to the garbage collector if it refuses the Content-Length.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.mark.parametrize(
    "url", ["http://[::1", "no-scheme", "http://\udcff/", "http://a b/", "gopher://x/", f"http://\0{SECRET}/"]
)
def test_an_invalid_url_is_a_lost_connection(real: Http, url: str) -> None:
    """The message is the name of what went wrong, without the URL."""
    with pytest.raises(ConnectionLost) as caught:
        real.ask("GET", url, FakeTime().deadline(1))
    assert caught.value.message.isidentifier()
    assert SECRET not in everything_said(caught.value)


def test_each_host_is_reached_through_the_proxy_that_the_environment_names_for_it(
    real: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment may name a proxy, and hosts that are reached without it."""
    with _always(OK) as proxy, _always(OK) as server:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        for host in ("127.0.0.1", "studio.example", "127.0.0.1", "studio.example"):
            real.ask("GET", f"http://{host}:{server.port}/path", FakeTime().deadline(20))
    assert [head.split()[1] for head in server.heads] == [b"/path"] * 2
    assert [head.split()[1] for head in proxy.heads] == [f"http://studio.example:{server.port}/path".encode()] * 2


@pytest.mark.parametrize("machine", ["machine 127.0.0.1", "default"])
def test_what_is_in_netrc_is_not_sent(
    real: Http, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str
) -> None:
    """The operator's own credentials for a host, or for all hosts, are neither Studio's nor the user's business."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"{machine} login operator password {SECRET}\n", encoding="ascii")
    monkeypatch.setenv("NETRC", str(netrc))
    with _always(OK) as server, requests.Session() as plain:
        plain.get(f"http://127.0.0.1:{server.port}/", timeout=5)
        _ask(real, server)
        real.ask("GET", f"http://user:word@127.0.0.1:{server.port}/", FakeTime().deadline(20))
    would, *others = server.heads
    assert b"Authorization: Basic" in would, "requests by itself sends it"
    assert len(others) == 2
    assert [head for head in others if b"authorization" in head.lower()] == []
