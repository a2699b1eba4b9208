"""One HTTP exchange: what goes out, and an answer that is bounded in size before anything looks at it.

Nothing here is ever shown: an exception of `requests` has the whole URL in its text, token included, so only the name
of its class is passed on.
"""

from __future__ import annotations

import functools
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl
from urllib.request import Request

import requests
import urllib3

from studio_setup.model.bounded_call import call_within
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost

# Status, terminals and XSRF pages are a few KB; a page's title stands near its beginning.
MAX_BODY_BYTES = 64 * 1024
# What a browser takes: RFC 6265 (6.1) asks for 4,096 bytes a cookie and 50 cookies a host; Chromium has 180 a host.
MAX_COOKIES = 180
_MAX_COOKIE_BYTES = 4096
_REMEMBERED_SECRETS = 200
_MIN_SECRET_CHARACTERS = 8  # a shorter value gives nothing away, and may be any word
_MAX_LABELS, _MAX_LABEL_CHARACTERS, _MAX_LABEL_OF_A_SECRET = 5, 32, 3


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What a server answered: `body` is at most MAX_BODY_BYTES of it, decompressed; it has no repr: it has secrets."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: str

    @property
    def redirect_target(self) -> str:
        """The Location of a redirect; empty if it is none."""
        return self.headers.get("Location", "") if self.status in {301, 302, 303, 307, 308} else ""

    @property
    def content_type(self) -> str:
        """The content type, empty if it has none."""
        return self.headers.get("Content-Type", "")


class Http:
    """Requests of one session; redirects are answers and are never followed."""

    def __init__(self, session: requests.Session) -> None:
        self._session = session
        self._sent = deque[str](maxlen=_REMEMBERED_SECRETS)
        session.cookies.set_policy(_AsInABrowser(session.cookies))
        # Without this, requests would send what ~/.netrc has for the host, or its `default`.
        session.auth = _no_credentials
        # Without this, requests would read a redirect's whole body and parse its target, though it does not follow it.
        session.get_redirect_target = _no_target  # type: ignore[method-assign, assignment]
        # Without this, requests would search the whole environment for proxies twice with every request.
        session.merge_environment_settings = _settings_of_servers(session)  # type: ignore[method-assign]

    @property
    def cookies(self) -> requests.cookies.RequestsCookieJar:
        """The session's cookies."""
        return self._session.cookies

    @property
    def cookie_names(self) -> str:
        """The names of the session's cookies, for a message.

        A header without `=` makes a cookie that has its value for a name; such a name is left out.
        """
        names = sorted({cookie.name for cookie in self.cookies if cookie.value is not None})[:20]
        return ", ".join(self._hide(name)[:60] for name in names) or "none"

    def without_secrets(self, answer: Answer) -> Answer:
        """The answer, fit to be described: pages and redirects may repeat what a URL had in its query, and cookies."""
        headers = {"Content-Type": self._hide(answer.content_type)} if answer.content_type else {}
        return replace(answer, url=self._hide(answer.url), body=self._hide(answer.body), headers=headers)

    def end_of_host(self, host: str | None) -> str:
        """The end of a host name, fit for a message: whoever redirects can make names of what we have sent."""
        secrets = [secret.lower() for secret in self._secrets]
        labels = (host or "no host").lower().split(".")[-_MAX_LABELS:]
        return ".".join("..." if _may_tell(label, secrets) else label for label in labels)

    @property
    def _secrets(self) -> list[str]:
        """The values that were sent or are to be, whole and in the parts that tokens have, the longest first."""
        values = {*self._sent, *(cookie.value or "" for cookie in islice(iter(self.cookies), _REMEMBERED_SECRETS))}
        values |= {part for value in values for part in value.split(".")}
        return sorted((value for value in values if len(value) >= _MIN_SECRET_CHARACTERS), key=len, reverse=True)

    def _hide(self, text: str) -> str:
        lower = text.lower()
        for value in self._secrets:
            if value.lower() in lower:
                text = re.sub(re.escape(value), "...", text, flags=re.IGNORECASE)
        return text

    def ca_bundle(self, url: str) -> str:
        """The file of certificates that the environment names for HTTPS (REQUESTS_CA_BUNDLE), or empty."""
        verify = self._session.merge_environment_settings(url, {}, None, None, None)["verify"]
        return verify if isinstance(verify, str) else ""

    def ask(
        self,
        method: str,
        url: str,
        deadline: Deadline,
        body: dict[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """The server's answer.

        Raises:
            ConnectionLost: there is none, or not in time; the message is the name of what went wrong.
        """
        self._remember(url)
        connect_seconds, read_seconds = deadline.http_timeouts()

        def exchange() -> Answer:
            with self._session.request(
                method,
                url,
                json=body,
                headers=headers,
                timeout=(connect_seconds, read_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                return Answer(response.status_code, url, response.headers, _text(_body(response), response.encoding))

        try:
            return call_within(read_seconds, exchange)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise ConnectionLost(f"{type(error).__name__}") from None

    def _remember(self, url: str) -> None:
        """Keep what is sent to this URL: a later login forgets the cookies, and a server may not."""
        query = url.partition("?")[2]
        values = [value for _, value in parse_qsl(query)] + [query, query.partition("=")[2]]
        values += [cookie.value or "" for cookie in self.cookies]
        self._sent.extend(value for value in values if value and value not in self._sent)


class _AsInABrowser(DefaultCookiePolicy):
    """Keeps no cookie that a browser would not: a server can set a hundred with every answer, of 64 KiB each."""

    def __init__(self, jar: CookieJar) -> None:
        super().__init__()
        self._jar = jar

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        """May it be kept?"""
        is_short = len(cookie.name) + len(cookie.value or "") <= _MAX_COOKIE_BYTES
        return is_short and self._has_room(cookie) and super().set_ok(cookie, request)

    def _has_room(self, cookie: Cookie) -> bool:
        """Is there room for it, or does it renew one that is there?"""
        place = (cookie.domain, cookie.path, cookie.name)
        return len(self._jar) < MAX_COOKIES or any((one.domain, one.path, one.name) == place for one in self._jar)


def _may_tell(label: str, secrets: list[str]) -> bool:
    """Is a secret in it, or is it a part of one, as far as one can tell?"""
    is_part = len(label) > _MAX_LABEL_OF_A_SECRET and any(label in secret for secret in secrets)
    return is_part or len(label) > _MAX_LABEL_CHARACTERS or any(secret in label for secret in secrets)


def _settings_of_servers(session: requests.Session) -> Callable[..., Any]:
    """The session's own way to find proxies and certificates in the environment, done once for each server."""
    find = type(session).merge_environment_settings

    @functools.cache
    def of_server(url: str) -> object:
        return find(session, url, {}, True, None, None)  # noqa: FBT003 (as requests calls it: stream)

    return lambda url, *_: of_server("/".join(url.split("/", 3)[:3]))


def _no_credentials(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _no_target(_: requests.Response) -> None:
    return None


def _body(response: requests.Response) -> bytes:
    """What there is of the body up to the limit; a connection whose answer was read whole can be used again."""
    content = b""
    for chunk in response.iter_content(MAX_BODY_BYTES):
        content += chunk
        if len(content) >= MAX_BODY_BYTES:
            break
    return content[:MAX_BODY_BYTES]


def _text(content: bytes, encoding: str | None) -> str:
    try:
        return content.decode(encoding or "utf-8", errors="replace")
    except LookupError:
        return content.decode("utf-8", errors="replace")
