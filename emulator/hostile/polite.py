"""What a well-behaved Studio does at each step of a setup."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import StrEnum

from emulator.hostile import websocket
from emulator.hostile.exchange import Exchange, Request
from emulator.hostile.shell import Terminal

BASE_PATH = "/jupyter/default"
TOKEN = "PRESIGNED-TOKEN-" + "0123456789" * 110
SESSION = "SESSION-COOKIE-0123456789"
XSRF = "XSRF-COOKIE-0123456789"


class Step(StrEnum):
    """What is asked for; the operations of the API by their own names."""

    DOMAIN = "DescribeDomain"
    APP = "DescribeApp"
    URL = "CreatePresignedDomainUrl"
    LOGIN = "login"
    STATUS = "api/status"
    PAGE = "page"
    LIST = "list of terminals"
    CREATE = "create a terminal"
    DELETE = "delete a terminal"
    WEBSOCKET = "websocket"
    UNKNOWN = "anything else"


_STEPS = (
    (re.compile("GET /auth.*"), Step.LOGIN),
    (re.compile("GET /api/status"), Step.STATUS),
    (re.compile("GET /(lab|tree)"), Step.PAGE),
    (re.compile("GET /api/terminals"), Step.LIST),
    (re.compile("POST /api/terminals"), Step.CREATE),
    (re.compile("DELETE /api/terminals/[^/]+"), Step.DELETE),
    (re.compile("GET /terminals/websocket/[^/]+"), Step.WEBSOCKET),
)
_CHANGES = {Step.CREATE, Step.DELETE}
_INSIDE = {Step.STATUS, Step.PAGE, Step.LIST, Step.WEBSOCKET, *_CHANGES}


def step_of(request: Request) -> Step:
    """Which step a request is."""
    if request.operation:
        return Step(request.operation)
    asked = f"{request.method} {request.path.removeprefix(BASE_PATH)}"
    return next((step for pattern, step in _STEPS if pattern.fullmatch(asked)), Step.UNKNOWN)


def behave(exchange: Exchange, step: Step) -> None:
    """Do what a well-behaved Studio does."""
    headers = exchange.request.headers
    if step in _INSIDE and f"studio={SESSION}" not in headers.get("cookie", ""):
        exchange.page("<!doctype html><title>Sign in</title>", 403)
    elif step in _CHANGES and headers.get("x-xsrftoken") != XSRF:
        exchange.json({"message": "'_xsrf' argument missing", "reason": None}, 403)
    else:
        _COMPLY[step](exchange)


def _open_terminal(exchange: Exchange) -> None:
    websocket.accept(exchange)
    serve_terminal(exchange, Terminal())


def cookie(name: str, value: str) -> tuple[str, str]:
    """The header that sets a cookie."""
    return "Set-Cookie", f"{name}={value}; Path=/; HttpOnly"


def serve_terminal(exchange: Exchange, terminal: Terminal, *, answers_close: bool = True) -> None:
    """Type what arrives into the terminal and send what it shows, until the client hangs up."""
    for opcode, payload in websocket.frames(exchange.connection):
        if opcode == websocket.CLOSE and answers_close:
            exchange.send(websocket.frame(websocket.CLOSE, payload))
            return
        match json.loads(payload) if opcode == websocket.TEXT else None:
            case ["stdin", str(line)]:
                if shown := terminal.type(line):
                    exchange.send(websocket.stdout(shown))
    exchange.silence()


_COMPLY: dict[Step, Callable[[Exchange], None]] = {
    Step.DOMAIN: lambda x: x.json({"AuthMode": "IAM", "Url": x.origin}),
    Step.APP: lambda x: x.json({"Status": "InService", "CreationTime": 1764082170.5}),
    Step.URL: lambda x: x.json({"AuthorizedUrl": f"{x.origin}/auth?token={TOKEN}"}),
    Step.LOGIN: lambda x: x.redirect(f"{BASE_PATH}/lab", cookie("studio", SESSION)),
    Step.STATUS: lambda x: x.json({"started": "2026-08-03T22:22:31Z", "connections": 0}),
    Step.PAGE: lambda x: x.page("<!doctype html><title>Lab</title>", 200, cookie("_xsrf", XSRF)),
    Step.LIST: lambda x: x.json([], 200, ("Date", "Mon, 03 Aug 2026 22:22:31 GMT")),
    Step.CREATE: lambda x: x.json({"name": x.request.terminal}),
    Step.DELETE: lambda x: x.answer(204),
    Step.WEBSOCKET: _open_terminal,
    Step.UNKNOWN: lambda x: x.page("<!doctype html><title>Nothing here</title>", 404),
}
