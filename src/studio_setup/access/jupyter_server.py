"""The Jupyter server behind a login: requests with its XSRF token, readiness, websocket addresses.

Facts about the server (jupyter_server 2.21 and notebook 6.5, seen): `GET api/status` sets no `_xsrf` cookie, any page
does, a 404 page too; of several `_xsrf` cookies the server reads the last one sent.
"""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote, urlsplit

import requests
from requests.cookies import get_cookie_header

from studio_setup.access.answers import describe, is_expired_login, json_of
from studio_setup.access.http import Answer, Http
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, JupyterRefused, LoginExpired, OutOfTime
from studio_setup.terminal.channel import WebSocketAddress

Path = tuple[str, ...]  # below the server's base URL, segment by segment

_WARMING_UP = {HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS}


class JupyterServer:
    """One user's Jupyter server; `base_url` has no slash at its end."""

    def __init__(self, http: Http, base_url: str, deadline: Deadline) -> None:
        self._http = http
        self._base_url = base_url
        self.deadline = deadline

    def wait_until_ready(self, deadline: Deadline) -> None:
        """Wait until the server answers `GET api/status` with 200 and JSON.

        Raises:
            LoginExpired: Studio redirects to its sign-in page.
            ConnectionLost: the server was not ready in that time.
            JupyterRefused: it answers, but with a refusal that waiting does not change.
        """
        while True:
            try:
                problem = _why_not_ready(self.request("GET", ("api", "status"), deadline))
            except LoginExpired:
                raise
            except ConnectionLost as error:
                problem = error.message
            if not problem:
                return
            if deadline.expired:
                raise ConnectionLost(f"The Jupyter server is not ready: {problem}.")
            deadline.pause(0.5)

    def request(
        self, method: str, path: Path, deadline: Deadline, body: dict[str, str] | None = None, xsrf: str = ""
    ) -> Answer:
        """One call; a redirect is an answer, and is never followed.

        Raises:
            OutOfTime: our own deadline has passed.
            LoginExpired: the answer redirects to another host, or is the front door's to an expired login.
            ConnectionLost: there is no answer.
        """
        if self.deadline.expired and deadline is self.deadline:
            raise OutOfTime("The deadline passed while talking to the Jupyter server.")
        try:
            answer = self._http.ask(method, self._url(path), deadline, body, {"X-XSRFToken": xsrf} if xsrf else None)
        except ConnectionLost as lost:
            raise ConnectionLost(f"{method} {'/'.join(path)} failed: {lost.message}.") from None
        host = _host(answer.redirect_target)
        if host and host != _host(self._base_url):
            problem = f"leads to sign in at {self._http.end_of_host(host)}"
        elif is_expired_login(answer):
            problem = "was answered as if the login had expired"
        else:
            return answer
        seen = f"{describe(self._http.without_secrets(answer))}. Cookies: {self._http.cookie_names}."
        raise LoginExpired(f"{method} {'/'.join(path)} {problem}: {seen}")

    def request_with_xsrf(
        self, method: str, path: Path, body: dict[str, str] | None, deadline: Deadline | None = None
    ) -> Answer:
        """One call that changes something, with the XSRF token that the server asks for.

        Raises:
            OutOfTime, LoginExpired, ConnectionLost: as `request`.
        """
        deadline = deadline or self.deadline
        answer = self.request(method, path, deadline, body, self._xsrf(deadline))
        if answer.status == HTTPStatus.FORBIDDEN:
            # The server may want another token by now (a restart does that).
            self._forget_xsrf()
            answer = self.request(method, path, deadline, body, self._xsrf(deadline))
        return answer

    def websocket_address(self, path: Path) -> WebSocketAddress:
        """Where a websocket is, with the cookies that belong there and no others."""
        url = self._url(path)
        parts = urlsplit(url)
        return WebSocketAddress(
            # http becomes ws, https becomes wss
            url="ws" + url.removeprefix("http"),
            cookie=self._cookie_header(url),
            origin=f"{parts.scheme}://{parts.netloc}",
            ca_bundle=self._http.ca_bundle(url),
        )

    def _url(self, path: Path) -> str:
        """The only place that puts a URL together: a segment is quoted, and cannot lead anywhere else."""
        assert not {"", ".", ".."} & set(path), "a segment names something"  # noqa: S101 (our own names only)
        return "/".join([self._base_url, *(quote(segment, safe="") for segment in path)])

    def _xsrf(self, deadline: Deadline) -> str:
        """The token the server will compare with, fetched with a page if there is none yet."""
        for page in ("lab", "tree"):
            if token := self._xsrf_cookie():
                return token
            self.request("GET", (page,), deadline)
        return self._xsrf_cookie()

    def _xsrf_cookie(self) -> str:
        cookies = self._cookie_header(self._url(("api", "terminals"))).split("; ")
        tokens = [cookie.removeprefix("_xsrf=") for cookie in cookies if cookie.startswith("_xsrf=")]
        return tokens[-1] if tokens else ""

    def _forget_xsrf(self) -> None:
        for cookie in [cookie for cookie in self._http.cookies if cookie.name == "_xsrf"]:
            self._http.cookies.clear(cookie.domain, cookie.path, cookie.name)

    def _cookie_header(self, url: str) -> str:
        return get_cookie_header(self._http.cookies, requests.Request("GET", url).prepare()) or ""  # type: ignore[no-untyped-call]


def refuse_errors(answer: Answer, what: str) -> None:
    """Check that the server gave what was asked for.

    Raises:
        ConnectionLost: it may give it later.
        JupyterRefused: it will not.
    """
    status = answer.status
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ConnectionLost(f"The Jupyter server did not give us {what}: HTTP {status}.")
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        raise JupyterRefused(f"The Jupyter server refused us {what}: HTTP {status}.")


def _why_not_ready(answer: Answer) -> str:
    status = answer.status
    if status == HTTPStatus.OK:
        return "" if isinstance(json_of(answer), dict) else "a page instead of its status"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _WARMING_UP or answer.redirect_target:
        return f"HTTP {status}"
    raise JupyterRefused(f"GET api/status was refused: HTTP {status}.")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return "an invalid URL"
