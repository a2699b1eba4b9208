"""Real git over HTTP on a port of this machine: git's own `http-backend`, behind the little CGI that it needs."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.support.http_service import HttpService


class GitServer(HttpService):
    """Serves the repositories below `root`; to whoever has `login` (user name, password) if there is one."""

    def __init__(
        self,
        root: Path,
        login: tuple[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        self.root = root
        self.login = login
        self.answers: list[int] = []  # the status of each answer
        server = _Server(self, address)
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        super().__init__(server)
        self.url = f"http{'s' if tls else ''}://{address}:{server.server_address[1]}"


class _Server(ThreadingHTTPServer):
    def __init__(self, git: GitServer, address: str) -> None:
        super().__init__((address, 0), _Handler)
        self.git = git


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not self._may_enter():
            self._send(HTTPStatus.UNAUTHORIZED, [("WWW-Authenticate", 'Basic realm="git"')], b"")
            return
        head, _, content = self._run_backend(body).partition(b"\r\n\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in head.decode().split("\r\n"))]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), HTTPStatus.OK)
        self._send(status, [header for header in headers if header[0] != "Status"], content)

    def _may_enter(self) -> bool:
        login = self.server.git.login
        wanted = base64.b64encode(":".join(login or ()).encode()).decode()
        return not login or self.headers.get("Authorization") == f"Basic {wanted}"

    def _run_backend(self, body: bytes) -> bytes:
        """What git answers to the request, as a CGI program does."""
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.server.git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        run = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=True)
        return run.stdout

    def _send(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.server.git.answers.append(status)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, with nobody's configuration; what it prints."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_NAME": "Team" for role in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{role}_EMAIL": "team@example.com" for role in ("AUTHOR", "COMMITTER")},
    }
    command = ["git", "-c", "safe.directory=*", *arguments]
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True, timeout=60)
    return run.stdout.strip()
