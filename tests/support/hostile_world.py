"""A Studio in memory whose every answer may be changed: session, websocket and API client that misbehave."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, Self, cast
from urllib.parse import urlsplit

import botocore.exceptions
import requests
import websocket
from requests.cookies import RequestsCookieJar

from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, ShellGone
from studio_setup.model.report import SetupReport
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job, Tools, set_up
from studio_setup.terminal.channel import Channel, WebSocketAddress
from tests.support.hostile_answers import Change, Changes, How, with_other_value
from tests.support.in_memory_channel import BASE_URL, Behaviour, InMemoryChannel, InMemoryStudio

SECONDS = 60.0
REMOTE_SCRIPT = ": A script for the app\n"
# Short enough for a label of a host name, and with nothing in common.
TOKEN, SESSION, XSRF = "token-Qz7wX3eC9rV5tB1y", "session-N8uM2iK4oL6pA0sD", "xsrf-fG1hJ3kZ5xC7vB9n"
_APP = App("d-0", "alice", "JupyterServer", "default")
_HOST = urlsplit(BASE_URL).hostname or ""
_ABANDONED = [{"name": "studiosetup0123456789abcdef", "last_activity": "2020-01-01T00:00:00Z"}]
_DATE = "Mon, 03 Aug 2026 22:22:31 GMT"
_ENDLESS_BYTES = 1 << 40
_LONG_TEXT = json.dumps(["stdout", "x" * (4 << 20)])


@dataclass(frozen=True)
class Answer:
    """An HTTP answer before it is read."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    is_endless: bool = False

    @property
    def status_code(self) -> int:
        """The status, as requests calls it."""
        return self.status

    def iter_content(self, size: int) -> Iterator[bytes]:
        """The body in pieces."""
        data = self.text.encode(errors="surrogatepass")
        yield from (data[at : at + size] for at in range(0, len(data), size))
        if self.is_endless:
            yield from (b"x" * size for _ in range(_ENDLESS_BYTES // size))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


class HostileSession:
    """As much of a `requests.Session` as the engine uses, over the app in memory, with changed answers."""

    def __init__(self, studio: InMemoryStudio, changes: Changes) -> None:
        self.cookies = RequestsCookieJar()
        self.asked: list[tuple[str, str]] = []
        self._studio = studio
        self._changes = changes
        self._inner = studio.http_session()
        self._sent: list[str] = []

    def merge_environment_settings(self, *_: object) -> dict[str, object]:
        """As the original does without an environment."""
        return {"verify": True}

    def request(self, method: str, url: str, **options: Any) -> Answer:  # noqa: ANN401 (as the original's)
        """Answer, with whatever change is due."""
        self.asked.append((method, url))
        known = [urlsplit(url).query.partition("=")[2], *(cookie.value or "" for cookie in self.cookies)]
        self._sent += [secret for secret in (TOKEN, SESSION, XSRF) if secret in known and secret not in self._sent]
        change = self._changes.next()
        if change and change.how is How.SILENT:
            self._studio.time.sleep(options["timeout"][1])
            raise requests.ReadTimeout
        if change and change.how is How.BROKEN:
            raise requests.ConnectionError(f"HTTPSConnectionPool: {url} {self.cookies!r}")
        answer = self._answer(method, url, options)
        return self._changed(answer, change) if change else answer

    def _answer(self, method: str, url: str, options: dict[str, Any]) -> Answer:
        path = urlsplit(url).path
        if path == "/auth":
            self.cookies.set("studio", SESSION, domain=_HOST, path="/")
            return Answer(302, "", {"Location": f"{BASE_URL}/lab"})
        inner = self._inner.request(method, url, **options)
        self.cookies.set("_xsrf", XSRF, domain=_HOST, path="/")
        if method == "GET" and path.endswith("/api/terminals"):
            return Answer(200, json.dumps(_ABANDONED), {"Date": _DATE, "Content-Type": "application/json"})
        return Answer(inner.status_code, json.dumps(inner.body), {"Content-Type": "application/json"})

    def _changed(self, answer: Answer, change: Change) -> Answer:
        match change.how:
            case How.ODD_STATUS:
                return replace(answer, status=change.pick(200, 204, 302, 401, 403, 404, 418, 429, 500, 599))
            case How.ODD_HEADER:
                name = change.pick("Location", "Date", "Content-Type")
                return replace(answer, status=302 if name == "Location" else 200, headers={name: str(change.junk)})
            case How.TELLING:
                return self._telling(change)
            case How.ENDLESS:
                return replace(answer, is_endless=True)
        return replace(answer, text=self._changes.text(answer.text, change))

    def _telling(self, change: Change) -> Answer:
        """An answer that repeats, in one of many places, a secret that has been sent."""
        secret = self._sent[int(change.place * 1000) % len(self._sent)] if self._sent else "nothing"
        headers = change.pick(
            {},
            {"Content-Type": secret},
            *(
                {"Location": location}
                for location in (
                    f"https://{secret}.evil.test/",
                    f"https://{secret[:11]}.{secret[11:]}.evil.test/",
                    f"https://x-{secret}-x.evil.test/",
                    f"https://{secret}:{secret}@evil.test/",
                    f"{secret}://evil.test/",
                    f"//{secret}",
                    f"/{secret}?{secret}",
                    f"https://{_HOST}/auth/{secret}.{secret}",
                )
            ),
        )
        if change.junk in (None, True):
            self.cookies.set(secret, "1", domain=_HOST, path="/")
        return Answer(
            302 if "Location" in headers else change.pick(403, 200),
            f"<title>{secret}</title>",
            {"Content-Type": "text/html", **headers},
        )


class HostileSocket:
    """As much of a websocket as `Channel` uses, to a terminal of the app in memory, with changed messages.

    `shown` is all that the terminal showed, as far as it arrived.
    """

    def __init__(self, studio: InMemoryStudio, inner: InMemoryChannel, changes: Changes) -> None:
        self._studio = studio
        self._inner = inner
        self._changes = changes
        self._seconds = 0.0
        self._late: list[str] = []
        self.shown = ""

    def bound(self, seconds: float) -> None:
        """Let whatever is called next end after that many seconds."""
        self._seconds = seconds

    def send(self, message: str) -> None:
        """Take a message."""
        try:
            self._inner.send(json.loads(message)[1])
        except ConnectionLost:
            raise websocket.WebSocketConnectionClosedException from None

    def recv(self) -> str:
        """The next message, with whatever change is due."""
        message = self._next()
        self.shown += _shown(message)
        return message

    def _next(self) -> str:
        try:
            text = self._inner.receive(self._seconds)
        except ShellGone:
            return '["disconnect", 1]'
        except ConnectionLost:
            raise websocket.WebSocketConnectionClosedException from None
        if text:
            return self._changed(json.dumps(["stdout", text]))
        if self._late:
            return self._late.pop()
        raise websocket.WebSocketTimeoutException

    def _changed(self, message: str) -> str:
        change = self._changes.next()
        match change.how if change else None:
            case None:
                return message
            case How.SILENT:
                self._studio.time.sleep(self._seconds)
                raise websocket.WebSocketTimeoutException
            case How.BROKEN:
                raise websocket.WebSocketPayloadException(f"{TOKEN} {SESSION} {XSRF}")
            case How.LATE:
                self._late.append(message)
                return '["stdout", ""]'
            case How.ENDLESS:
                return _LONG_TEXT
        return self._changes.text(message, cast("Change", change))

    def close(self, timeout: float) -> None:
        """Hang up."""

    def shutdown(self) -> None:
        """Nothing is open."""


def _shown(message: str) -> str:
    try:
        match json.loads(message):
            case ["stdout", str(text)]:
                return text
    except (ValueError, RecursionError):
        pass
    return ""


class World:
    """A Studio in memory whose every answer may be changed."""

    def __init__(self, changes: Changes, exit_status: int) -> None:
        self.setup = Setup((Command("one", "true\n"), Command("two", "maybe\n")))
        behaviours = {"true\n": Behaviour(prints=("hello\n",)), "maybe\n": Behaviour(exit_status=exit_status)}
        self.studio = InMemoryStudio(behaviours, remote_script=REMOTE_SCRIPT)
        self.session = HostileSession(self.studio, changes)
        self.sockets: list[HostileSocket] = []
        self._changes = changes
        self._deadline = self.studio.time.deadline(SECONDS)

    def set_up(self) -> SetupReport:
        """Set the app up."""
        good = self.studio.sagemaker
        url = {"AuthorizedUrl": f"https://{_HOST}/auth?token={TOKEN}"}
        sagemaker = SimpleNamespace(
            describe_domain=self._changing(good.describe_domain),
            describe_app=self._changing(good.describe_app),
            create_presigned_domain_url=self._changing(lambda **_: dict(url)),
        )
        return set_up(Job(_APP, self.setup), Tools(cast("Any", sagemaker), self.session, self._open), self._deadline)  # type: ignore[arg-type]

    def _open(self, address: WebSocketAddress, deadline: Deadline) -> Channel:
        self.sockets.append(HostileSocket(self.studio, self.studio.open_channel(address, deadline), self._changes))
        return Channel(cast("Any", self.sockets[-1]))

    def _changing(self, operation: Callable[..., dict[str, Any]]) -> Callable[..., Any]:
        def call(**parameters: object) -> object:
            change = self._changes.next()
            match change.how if change else None:
                case How.SILENT:
                    self.studio.time.sleep(min(30.0, self._deadline.remaining_seconds + 1))
                    raise TimeoutError
                case How.BROKEN:
                    raise botocore.exceptions.EndpointConnectionError(endpoint_url="https://api.sagemaker")
                case How.ODD_STATUS:
                    error = {"Error": {"Code": str(cast("Change", change).junk), "Message": "\x1b[2J"}}
                    raise botocore.exceptions.ClientError(cast("Any", error), "Any")
                case How.ODD_SHAPE:
                    return with_other_value(operation(**parameters), cast("Change", change))
                case How.EMPTY:
                    return {}
            return operation(**parameters)

        return call
