r"""The Jupyter server's REST API, through a session that is logged in: readiness, XSRF, terminals, addresses.

Facts about the server (jupyter_server 2.21 and notebook 6.5, seen): `GET api/status` sets no `_xsrf` cookie, any page
does, a 404 page too; of several `_xsrf` cookies the server reads the last one sent; `POST api/terminals` with a name
that exists silently replaces that terminal; a name must be `\w+`; notebook 6 ignores it and gives the lowest free
number.
"""

from __future__ import annotations

import contextlib
import secrets
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.cookies import get_cookie_header

from studio_setup.channel import WebSocketAddress
from studio_setup.deadline import Deadline
from studio_setup.errors import ConnectionLost, JupyterRefused, LoginExpired, OutOfTime, TerminalsDisabled

_DELETE_TRIES = 3
# Longer than an attempt that lives is ever silent (see Shell.take_over), shorter than Lambda's pause before a retry.
ABANDONED_SECONDS = 45
_OUR_PREFIX = "studiosetup"
_WARMING_UP = {HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS}


def is_ours(terminal: str) -> bool:
    """Is this a name that only we give? A number may be somebody else's after a restart of the server."""
    return terminal.startswith(_OUR_PREFIX)


class Jupyter:
    """One user's Jupyter server; `base_url` has no slash at its end."""

    def __init__(self, session: requests.Session, base_url: str, deadline: Deadline) -> None:
        self._session = session
        self._base_url = base_url
        self._deadline = deadline

    def wait_until_ready(self, deadline: Deadline) -> None:
        """Wait until the server answers `GET api/status` with 200 and JSON.

        Raises:
            LoginExpired: the front door sends us to sign in.
            ConnectionLost: it did not in that time.
            JupyterRefused: it answers, but with a refusal that waiting does not mend.
        """
        seen = "nothing"
        while True:
            try:
                response = self._request("GET", "api/status", deadline)
                seen = self._why_not_ready(response)
            except LoginExpired:
                raise
            except ConnectionLost as error:
                seen = str(error)
            if not seen:
                return
            if deadline.expired:
                raise ConnectionLost(f"The Jupyter server is not ready: {seen}.")
            deadline.pause(0.5)

    def create_terminal(self) -> str:
        """Open a terminal of our own and return the name the server gave it.

        Raises:
            TerminalsDisabled: the server has none.
            JupyterRefused: it refused.
            ConnectionLost: the outcome is unknown; a terminal that may have been made is deleted again.
        """
        name = _OUR_PREFIX + secrets.token_hex(8)
        given = self._post_terminal(name)
        if is_ours(given):
            return given
        # notebook 6 gives numbers, and has a page that makes a terminal by name, but for its oldest versions.
        self.delete_terminal(given)
        return name if self._make_terminal_by_page(name) else self._post_terminal(name)

    def _post_terminal(self, name: str) -> str:
        try:
            response = self._send_with_xsrf("POST", "api/terminals", {"name": name})
        except ConnectionLost:
            self.delete_terminal(name)
            raise
        if response.status_code == HTTPStatus.NOT_FOUND:
            raise TerminalsDisabled("The Jupyter server has no terminals.")
        if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.delete_terminal(name)
        self._refuse_errors(response, "a terminal")
        answer = _json(response)
        if isinstance(answer, dict) and isinstance(answer.get("name"), str):
            return str(answer["name"])
        self.delete_terminal(name)
        if _is_page(response):
            raise TerminalsDisabled("The Jupyter server answered a request for a terminal with a page.")
        raise ConnectionLost("The Jupyter server's answer to a request for a terminal was cut.")

    def _make_terminal_by_page(self, name: str) -> bool:
        try:
            response = self._request("GET", f"terminals/new/{name}", self._deadline)
        except ConnectionLost:
            self.delete_terminal(name)
            raise
        return response.is_redirect and response.headers["Location"].endswith(f"/terminals/{name}")

    def delete_abandoned_terminals(self) -> None:
        """Delete the terminals that killed attempts have left, as far as that can be done.

        An attempt that lives types a line every second, or every half a minute while the user's start-up files keep it
        waiting: a terminal that is idle for longer has nobody any more.
        """
        try:
            response = self._request("GET", "api/terminals", self._deadline.within(1))
            terminals = _json(response) if response.status_code == HTTPStatus.OK else None
            now = parsedate_to_datetime(response.headers.get("Date", ""))
        except (ConnectionLost, ValueError):
            return
        for terminal in terminals if isinstance(terminals, list) else []:
            if _is_abandoned(terminal, now):
                self.delete_terminal(terminal["name"])

    def delete_terminal(self, name: str) -> bool:
        """Delete a terminal of ours; True if it is gone, False if that cannot be said."""
        deadline = self._deadline.extended(5)
        for _ in range(_DELETE_TRIES):
            try:
                response = self._send_with_xsrf("DELETE", f"api/terminals/{name}", None, deadline)
            except ConnectionLost:
                continue
            # The server's own "not found" is no page.
            unknown = response.status_code == HTTPStatus.NOT_FOUND and not _is_page(response)
            if unknown or response.status_code == HTTPStatus.NO_CONTENT:
                return True
        return False

    def terminal_address(self, name: str) -> WebSocketAddress:
        """Where the websocket of a terminal is, with the cookies that belong there and no others."""
        url = f"{self._base_url}/terminals/websocket/{name}"
        parts = urlsplit(url)
        return WebSocketAddress(
            # http becomes ws, https becomes wss
            url="ws" + url.removeprefix("http"),
            cookie=self._cookie_header(url),
            origin=f"{parts.scheme}://{parts.netloc}",
        )

    def _send_with_xsrf(
        self, method: str, path: str, body: dict[str, str] | None, deadline: Deadline | None = None
    ) -> requests.Response:
        deadline = deadline or self._deadline
        response = self._request(method, path, deadline, body, self._xsrf(deadline))
        if response.status_code == HTTPStatus.FORBIDDEN:
            # The server may have changed its mind about the token since (a restart does that).
            self._forget_xsrf()
            response = self._request(method, path, deadline, body, self._xsrf(deadline))
        return response

    def _request(
        self, method: str, path: str, deadline: Deadline, body: dict[str, str] | None = None, xsrf: str = ""
    ) -> requests.Response:
        """One call; a redirect is an answer, never followed."""
        if self._deadline.expired and deadline is self._deadline:
            raise OutOfTime("The deadline passed while talking to the Jupyter server.")
        try:
            response = self._session.request(
                method,
                f"{self._base_url}/{path}",
                json=body,
                headers={"X-XSRFToken": xsrf} if xsrf else None,
                timeout=deadline.http_timeouts(),
                allow_redirects=False,
            )
        except (requests.RequestException, ValueError) as error:
            raise ConnectionLost(f"{method} {path} failed: {type(error).__name__}") from None
        host = _host(response.headers.get("Location", ""))
        if host and host != _host(self._base_url):
            raise LoginExpired(f"{method} {path} leads to sign in at {host}")
        return response

    def _why_not_ready(self, response: requests.Response) -> str:
        status = response.status_code
        if status == HTTPStatus.OK:
            return "" if isinstance(_json(response), dict) else "a page instead of its status"
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _WARMING_UP or response.is_redirect:
            return f"HTTP {status}"
        raise JupyterRefused(f"GET api/status was refused: HTTP {status}.")

    def _refuse_errors(self, response: requests.Response, what: str) -> None:
        status = response.status_code
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise ConnectionLost(f"The Jupyter server did not give us {what}: HTTP {status}.")
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise JupyterRefused(f"The Jupyter server refused us {what}: HTTP {status}.")

    def _xsrf(self, deadline: Deadline) -> str:
        """The token the server will compare with, fetched with a page if there is none yet."""
        for page in ("lab", "tree"):
            if token := self._xsrf_cookie():
                return token
            self._request("GET", page, deadline)
        return self._xsrf_cookie()

    def _xsrf_cookie(self) -> str:
        cookies = self._cookie_header(f"{self._base_url}/api/terminals").split("; ")
        tokens = [cookie.removeprefix("_xsrf=") for cookie in cookies if cookie.startswith("_xsrf=")]
        return tokens[-1] if tokens else ""

    def _forget_xsrf(self) -> None:
        for cookie in [cookie for cookie in self._session.cookies if cookie.name == "_xsrf"]:
            self._session.cookies.clear(cookie.domain, cookie.path, cookie.name)

    def _cookie_header(self, url: str) -> str:
        return get_cookie_header(self._session.cookies, requests.Request("GET", url).prepare()) or ""  # type: ignore[no-untyped-call]


def _is_abandoned(terminal: Any, now: datetime) -> bool:  # noqa: ANN401 (it is whatever the server sent)
    match terminal:
        case {"name": str(name), "last_activity": str(last_activity)} if is_ours(name):
            with contextlib.suppress(ValueError, TypeError):
                return (now - datetime.fromisoformat(last_activity)).total_seconds() > ABANDONED_SECONDS
    return False


def _is_page(response: requests.Response) -> bool:
    return "html" in response.headers.get("Content-Type", "")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return "an address that is none"


def _json(response: requests.Response) -> Any:  # noqa: ANN401 (it is whatever the server sent)
    try:
        return response.json()
    except ValueError:
        return None
