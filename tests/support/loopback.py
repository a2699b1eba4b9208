"""As much of a SageMaker API and of a Studio as the entry points need, on a port of this machine."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.http_service import HttpService

TOKEN = "PRESIGNED-TOKEN-0123456789"
STUDIO_COOKIE = "STUDIO-COOKIE-0123456789"
XSRF_COOKIE = "XSRF-COOKIE-0123456789"


class Loopback(HttpService):
    """Answers SageMaker's calls from `answers`; `/auth` logs in, `/jupyter/default/` is a Jupyter server's API."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.requests: list[str] = []
        self.terminals: set[str] = set()
        super().__init__(_Server(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.answers: dict[str, tuple[int, dict[str, Any]]] = {
            "DescribeDomain": (200, {"AuthMode": "IAM"}),
            "DescribeSpace": (200, {}),
            "DescribeApp": (200, {"Status": "InService"}),
            "CreatePresignedDomainUrl": (200, {"AuthorizedUrl": f"{self.url}/auth?token={TOKEN}"}),
        }

    def refuse(self, operation: str, code: str, message: str = "No.") -> None:
        """Answer this operation with an error from now on."""
        self.answers[operation] = (400, {"__type": code, "message": message})


class _Server(ThreadingHTTPServer):
    def __init__(self, loopback: Loopback) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.loopback = loopback


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        if operation:
            self.server.loopback.calls.append((operation, body))
            status, answer = self.server.loopback.answers[operation]
            self._answer(status, answer)
        elif self._is_allowed():
            self.server.loopback.terminals.add(body["name"])
            self._answer(200, {"name": body["name"]})

    def do_DELETE(self) -> None:
        name = self.path.rpartition("/")[2]
        if self._is_allowed():
            known = name in self.server.loopback.terminals
            self.server.loopback.terminals.discard(name)
            self._answer(204 if known else 404, None)

    def do_GET(self) -> None:
        self.server.loopback.requests.append(self.path)
        if self.path == f"/auth?token={TOKEN}":
            self._answer(302, None, ("Location", "/jupyter/default/lab"), self._cookie("studio", STUDIO_COOKIE))
        elif f"studio={STUDIO_COOKIE}" not in self.headers.get("Cookie", ""):
            self._answer(403, None)
        elif self.path == "/jupyter/default/api/status":
            self._answer(200, {"started": "2026-11-22T15:00:00Z", "connections": 0})
        else:
            self._answer(200, "<title>Lab</title>", self._cookie("_xsrf", XSRF_COOKIE))

    def _is_allowed(self) -> bool:
        allowed = self.headers.get("X-XSRFToken") == XSRF_COOKIE
        if not allowed:
            self._answer(403, {"message": "'_xsrf' argument missing from POST", "reason": None})
        return allowed

    def _cookie(self, name: str, value: str) -> tuple[str, str]:
        return "Set-Cookie", f"{name}={value}; Path=/; HttpOnly"

    def _answer(self, status: int, body: object, *headers: tuple[str, str]) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(data)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keep the requests out of the tests' output."""
