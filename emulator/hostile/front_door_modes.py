"""Studio's front door misbehaves: the login."""

from __future__ import annotations

import gzip
from functools import partial

from emulator.hostile.exchange import Exchange
from emulator.hostile.mode import Behaviour, Mode, at
from emulator.hostile.polite import BASE_PATH, SESSION, TOKEN, Step, cookie

EXPIRED = "Invalid or Expired Auth Token. Request a new presigned URL to continue using SageMaker."
MUCH_BYTES = 250 * 1024 * 1024
_login = at(Step.LOGIN)
_SESSION = cookie("studio", SESSION)


def _elsewhere(to: str) -> Behaviour:
    """Lead to a URL in which {port} and {host} stand for our own."""

    def lead(exchange: Exchange) -> None:
        host, _, port = exchange.origin.removeprefix("http://").partition(":")
        exchange.redirect(to.format(host=host, port=port), _SESSION)

    return lead


def _malformed_header(exchange: Exchange) -> None:
    location = f"{BASE_PATH}/lab"
    lines = ["HTTP/1.1 302 Found", f"Location: {location}", "no colon here", f"Set-Cookie: {_SESSION[1]}", "a b: c"]
    exchange.send(("\r\n".join([*lines, "Connection: close"]) + "\r\n\r\n").encode())


def _bad_chunks(exchange: Exchange) -> None:
    exchange.head(200, ("Transfer-Encoding", "chunked"), ("Content-Type", "text/html"), _SESSION)
    exchange.send(b"5\r\nhello\r\nzzzz\r\n\x1b[2J\r\n-1\r\n")


def _bad_cookies(exchange: Exchange) -> None:
    odd = [
        "=",
        ";;;",
        "\x01=\x02",
        "a=" + "b" * 4000,
        "\x1b[2J=x",
        "studio2=x; Domain=.test; Expires=never",
        "_xsrf=a b",
    ]
    cookies = [("Set-Cookie", value) for value in (*odd, *(f"{n}={'c' * 500}; Path=/" for n in range(60)))]
    exchange.redirect(f"{BASE_PATH}/lab", *cookies, _SESSION)


def _dripping_headers(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    exchange.drip(b"X-Header: and so on\r\n")


def _dripping_body(exchange: Exchange) -> None:
    exchange.head(200, ("Content-Type", "text/html"), _SESSION)
    exchange.drip(b"<p>and so on</p>")


def endless(exchange: Exchange) -> None:
    """Send a body that does not end for 250 MB."""
    exchange.head(200, ("Content-Type", "application/json"), _SESSION)
    exchange.flood(b" " * 65536, MUCH_BYTES)


def gzip_bomb(exchange: Exchange) -> None:
    """Send 250 KB that become 250 MB."""
    body = gzip.compress(b" " * MUCH_BYTES, compresslevel=1)
    exchange.answer(200, body, ("Content-Encoding", "gzip"), ("Content-Type", "application/json"), _SESSION)


def _long_redirects(exchange: Exchange) -> None:
    exchange.redirect("/auth/" + "x" * 60_000, _SESSION)


def _refuse(status: int, exchange: Exchange) -> None:
    exchange.page(EXPIRED, status, _SESSION)


def _token_in_path(exchange: Exchange) -> None:
    if exchange.request.path == "/auth":
        exchange.redirect(f"/auth/{TOKEN}", _SESSION)
    else:
        exchange.page(status=403)


DOOR_MODES = (
    _login("door-silent", "The presigned URL is never answered.", Exchange.silence),
    _login("door-loop", "The login redirects to itself for ever.", _elsewhere("/auth?again")),
    _login("door-long-redirects", "The login redirects to URLs of 60 KB for ever.", _long_redirects),
    _login("door-elsewhere", "The login redirects to another host.", _elsewhere("http://evil.test:{port}/x")),
    _login(
        "door-sibling",
        "The login redirects to a Studio host that nobody has described.",
        _elsewhere("http://d-zzzzzzzzzzzz.studio.us-east-1.hostile.test:{port}/jupyter/default/lab"),
    ),
    _login(
        "door-userinfo",
        "The redirect has a password in it.",
        _elsewhere(f"http://a:b@{{host}}:{{port}}{BASE_PATH}/lab"),
    ),
    _login(
        "door-disguised",
        "The redirect has our host where a user name goes.",
        _elsewhere("http://{host}@evil.test:{port}/x"),
    ),
    _login(
        "door-backslash",
        "The redirect has a backslash before our host.",
        _elsewhere("http://evil.test:{port}\\@{host}/x"),
    ),
    _login("door-bad-redirect", "The redirect leads to no valid URL.", _elsewhere("http://[{host}")),
    _login("door-file", "The redirect leads to a file.", _elsewhere("file:///etc/passwd")),
    _login("door-token-in-path", "The redirect repeats the token in its path, which is refused.", _token_in_path),
    _login(
        "door-token-in-title",
        "A page repeats the token in its title.",
        lambda x: x.page(f"<title>{TOKEN} is no good</title>", 403),
    ),
    _login("door-malformed-header", "The redirect has header lines without a name.", _malformed_header),
    _login("door-bad-chunks", "The page's chunks have no valid lengths.", _bad_chunks),
    _login("door-bad-cookies", "The login sets 67 cookies, many of them invalid.", _bad_cookies),
    _login("door-dripping-headers", "The headers come one byte every 0.2 s, for ever.", _dripping_headers),
    _login("door-dripping-body", "The page comes one byte every 0.2 s, for ever.", _dripping_body),
    _login("door-endless-body", "The page has 250 MB.", endless),
    _login("door-gzip-bomb", "The page has 250 KB that become 250 MB.", gzip_bomb),
    _login("door-401", "Every presigned URL is answered with 401.", partial(_refuse, 401)),
    _login("door-403", "Every presigned URL is answered with 403.", partial(_refuse, 403)),
    _login("door-expired", "Every presigned URL is answered with 200 and `Expired Auth Token`.", partial(_refuse, 200)),
    Mode(
        "door-expired-inside",
        "Every login works, and every request after it is answered with `Expired Auth Token`.",
        (((Step.STATUS,), partial(_refuse, 200)),),
    ),
)
