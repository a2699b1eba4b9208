"""Every answer that a good setup gets, changed in any way: bytes, shapes, sizes, order, silence."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import SimpleNamespace
from typing import Any, Self, cast
from urllib.parse import urlsplit

import botocore.exceptions
import pytest
import requests
import websocket
from hypothesis import given
from hypothesis import strategies as st
from requests.cookies import RequestsCookieJar

from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, ShellGone
from studio_setup.model.outcomes import CODES
from studio_setup.model.report import SetupReport
from studio_setup.model.setup import Command, Setup
from studio_setup.runs import remote_runs
from studio_setup.setup_run import Job, Tools, set_up
from studio_setup.terminal.channel import Channel, WebSocketAddress
from tests.support.fuzzing import streams
from tests.support.in_memory_channel import BASE_URL, Behaviour, InMemoryChannel, InMemoryStudio

APP = App("d-0", "alice", "JupyterServer", "default")
HOST = urlsplit(BASE_URL).hostname or ""
REMOTE_SCRIPT = ": A script for the app\n"
SECONDS, RESERVE_SECONDS = 60.0, 20.0
TOKEN, SESSION, XSRF = "TOKEN-0123456789abcdef", "SESSION-0123456789abcdef", "XSRF-0123456789abcdef"
SECRETS = (TOKEN, SESSION, XSRF)
OURS = re.compile(r"/jupyter/[^/]+/api/terminals(/studiosetup[0-9a-f]{16}|/[0-9]{1,9})?")
SAYS_SUCCESS = re.compile(r"<(\w+:[0-9]+):0:follow over 0 - ")
ABANDONED = [{"name": "studiosetup0123456789abcdef", "last_activity": "2020-01-01T00:00:00Z"}]
DATE = "Mon, 03 Aug 2026 22:22:31 GMT"
DEEP = "[" * 5000


class How(StrEnum):
    """What is done to an answer."""

    CUT = "it ends early"
    REPLACED = "a piece of it is something else"
    INSERTED = "something is put into it"
    REPEATED = "it comes many times"
    EMPTY = "nothing is in it"
    ODD_SHAPE = "a value in its JSON is another"
    PREVIOUS = "it is the answer before"
    ODD_STATUS = "its status is another"
    ODD_HEADER = "a header is another"
    TELLING = "it repeats the secrets that were sent"
    SILENT = "it never comes"
    BROKEN = "the connection breaks instead"


@dataclass(frozen=True)
class Change:
    """What happens to one answer: `place` is where in it, as a share of the whole; `junk` what is put there."""

    how: How
    place: float
    junk: Any


@dataclass(frozen=True)
class Answer:
    """An HTTP answer before it is read."""

    status: int
    text: str
    headers: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"

    @property
    def status_code(self) -> int:
        """The status, as requests calls it."""
        return self.status

    def iter_content(self, size: int) -> Iterator[bytes]:
        """The body in pieces."""
        data = self.text.encode(errors="surrogatepass")
        yield from (data[at : at + size] for at in range(0, len(data), size))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


class Changes:
    """The change that happens to each answer, in their order; None for most."""

    def __init__(self, changes: Sequence[tuple[int, Change]], *, goes_on: bool) -> None:
        self._of_each = self._in_order(changes, goes_on=goes_on)
        self._previous = ""

    def next(self) -> Change | None:
        """The change that happens to the next answer."""
        return next(self._of_each, None)

    def text(self, text: str, change: Change) -> str:
        """A text after a change that a text can have; others leave it as it is."""
        before, self._previous = self._previous, text
        at = int(change.place * len(text))
        junk = change.junk if isinstance(change.junk, str) else json.dumps(change.junk)
        changed: dict[How, Callable[[], str]] = {
            How.CUT: lambda: text[:at],
            How.REPLACED: lambda: text[:at] + junk + text[at + len(junk) :],
            How.INSERTED: lambda: text[:at] + junk + text[at:],
            How.REPEATED: lambda: text * (1 + int(change.place * 400)),
            How.EMPTY: lambda: "",
            How.ODD_SHAPE: lambda: _with_other_value(text, change),
            How.PREVIOUS: lambda: before,
        }
        return changed.get(change.how, lambda: text)()

    @staticmethod
    def _in_order(changes: Sequence[tuple[int, Change]], *, goes_on: bool) -> Iterator[Change | None]:
        for answers_before, change in changes:
            yield from [None] * answers_before
            yield change
        while changes and goes_on:
            yield changes[-1][1]


def _with_other_value(text: str, change: Change) -> str:
    """JSON in which one value, chosen by the place, is another."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return json.dumps(_other(value, change))


def _other(value: Any, change: Change) -> Any:  # noqa: ANN401 (any JSON)
    places = list(_places(value))
    path = places[int(change.place * (len(places) - 1))]
    if not path:
        return change.junk
    *way, last = path
    inner = value
    for key in way:
        inner = inner[key]
    inner[last] = change.junk
    return value


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 (any JSON)
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))


class HostileSession:
    """As much of a `requests.Session` as the engine uses, over the app in memory, with changed answers."""

    def __init__(self, studio: InMemoryStudio, changes: Changes) -> None:
        self.cookies = RequestsCookieJar()
        self.asked: list[tuple[str, str]] = []
        self._studio = studio
        self._changes = changes
        self._inner = studio.http_session()

    def merge_environment_settings(self, *_: object) -> dict[str, object]:
        """As the original does without an environment."""
        return {"verify": True}

    def request(self, method: str, url: str, **options: Any) -> Answer:  # noqa: ANN401 (as the original's)
        """Answer, with whatever change is due."""
        self.asked.append((method, url))
        change = self._changes.next()
        if change and change.how is How.SILENT:
            self._studio.time.sleep(options["timeout"][1])
            raise requests.ReadTimeout
        if change and change.how is How.BROKEN:
            raise requests.ConnectionError(f"HTTPSConnectionPool: {url} {self.cookies!r}")
        answer = self._answer(method, url, options)
        return self._changed(url, answer, change) if change else answer

    def _answer(self, method: str, url: str, options: dict[str, Any]) -> Answer:
        path = urlsplit(url).path
        if path == "/auth":
            self.cookies.set("studio", SESSION, domain=HOST, path="/")
            return Answer(302, "", {"Location": f"{BASE_URL}/lab"})
        inner = self._inner.request(method, url, **options)
        self.cookies.set("_xsrf", XSRF, domain=HOST, path="/")
        if method == "GET" and path.endswith("/api/terminals"):
            return Answer(200, json.dumps(ABANDONED), {"Date": DATE, "Content-Type": "application/json"})
        return Answer(inner.status_code, json.dumps(inner.body), {"Content-Type": "application/json"})

    def _changed(self, url: str, answer: Answer, change: Change) -> Answer:
        if change.how is How.ODD_STATUS:
            return replace(answer, status=(200, 204, 302, 401, 403, 404, 418, 429, 500, 599)[int(change.place * 9)])
        if change.how is How.ODD_HEADER:
            name = ("Location", "Date", "Content-Type")[int(change.place * 2)]
            return replace(answer, status=302 if name == "Location" else 200, headers={name: str(change.junk)})
        if change.how is How.TELLING:
            sent = [urlsplit(url).query, *(cookie.value or "" for cookie in self.cookies)]
            return Answer(403, f"<title>{' '.join(sent)}</title>", {"Content-Type": "text/html"})
        return replace(answer, text=self._changes.text(answer.text, change))


class HostileSocket:
    """As much of a websocket as `Channel` uses, to a terminal of the app in memory, with changed messages."""

    def __init__(self, studio: InMemoryStudio, inner: InMemoryChannel, changes: Changes) -> None:
        self._studio = studio
        self._inner = inner
        self._changes = changes
        self._seconds = 0.0
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
        try:
            text = self._inner.receive(self._seconds)
        except ShellGone:
            return '["disconnect", 1]'
        except ConnectionLost:
            raise websocket.WebSocketConnectionClosedException from None
        if not text:
            raise websocket.WebSocketTimeoutException
        return self._changed(json.dumps(["stdout", text]))

    def _changed(self, message: str) -> str:
        change = self._changes.next()
        if change and change.how is How.SILENT:
            self._studio.time.sleep(self._seconds)
            raise websocket.WebSocketTimeoutException
        if change and change.how is How.BROKEN:
            raise websocket.WebSocketPayloadException(" ".join(SECRETS))
        if change:
            message = self._changes.text(message, change)
        self.shown += _shown(message)
        return message

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
        url = {"AuthorizedUrl": f"https://{HOST}/auth?token={TOKEN}"}
        sagemaker = SimpleNamespace(
            describe_domain=self._changing(good.describe_domain),
            describe_app=self._changing(good.describe_app),
            create_presigned_domain_url=self._changing(lambda **_: dict(url)),
        )
        return set_up(Job(APP, self.setup), Tools(cast("Any", sagemaker), self.session, self._open), self._deadline)  # type: ignore[arg-type]

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
                    return _other(operation(**parameters), cast("Change", change))
                case How.EMPTY:
                    return {}
            return operation(**parameters)

        return call


class _FixedHandlers(list[logging.Handler]):
    """The handlers of a logger, to which none can be added."""

    def append(self, handler: logging.Handler) -> None:
        """Do not add it."""


class _Log(logging.Handler):
    """All that was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"{record.__dict__!r}\n"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Log]:
    """What the engine logs; pytest does not collect it too, which would take long for so many lines."""
    script = tmp_path_factory.mktemp("remote") / "remote.sh"
    script.write_text(REMOTE_SCRIPT, encoding="utf-8")
    logger, log = logging.getLogger("studio_setup"), _Log()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote_runs, "REMOTE_SCRIPT", script)
        patch.setattr(logger, "propagate", False)
        patch.setattr(logger, "level", logging.INFO)
        patch.setattr(logger, "handlers", _FixedHandlers([log]))
        yield log


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [
        "",
        "0",
        "9",
        "9" * 5000,
        '"',
        "}",
        "\x1b]0;owned\x07\x1b[2J",
        "\u202egnorw\u2066",
        "\x00",
        "\ud800",
        DEEP,
        "x" * 100_000,
        "../../admin",
        "studiosetup/../../../../admin",
        "https://evil.test/x",
        "file:///etc/passwd",
        "http://[",
        "Mon, 99 Foo 99999 99:99:99 +9999",
        "text/html",
        "<a:1:0:follow over 0 - 1.0 2.0 0 >",
        "Deleted",
        "Failed",
        None,
        True,
        -1,
        5,
        1e308,
        [],
        {},
        [[]],
        {"name": "1"},
    ]
)
CHANGES = st.lists(
    st.tuples(st.integers(0, 40), st.builds(Change, st.sampled_from(How), st.floats(0, 1), JUNK)),
    min_size=1,
    max_size=4,
)


@streams(60, 20_000)
@given(changes=CHANGES, goes_on=st.booleans(), exit_status=st.sampled_from([0, 0, 3]))
def test_whatever_is_answered_the_report_is_in_time_and_tells_nothing_but_the_truth(
    *, log: _Log, changes: Sequence[tuple[int, Change]], goes_on: bool, exit_status: int
) -> None:
    """However the answers are changed, there is a code in time, without a secret, and success only if it was said."""
    log.text = ""
    logging.getLogger("studio_setup").setLevel(logging.INFO)
    world = World(Changes(changes, goes_on=goes_on), exit_status)
    ends_seconds = world.studio.time.now + SECONDS
    report = world.set_up()
    assert report.code in CODES
    assert world.studio.time.now <= ends_seconds + RESERVE_SECONDS
    assert [secret for secret in SECRETS if secret in f"{log.text}{report!r}"] == []
    assert [
        url for method, url in world.session.asked if method != "GET" and not OURS.fullmatch(urlsplit(url).path)
    ] == []
    if report.code == "succeeded":
        said = {match for socket in world.sockets for match in SAYS_SUCCESS.findall(socket.shown)}
        assert len(said) >= len(world.setup.commands)


def test_without_a_change_the_setup_succeeds(log: _Log) -> None:
    """The answers that are changed are those of a setup that succeeds, or fails as its command does."""
    assert World(Changes([], goes_on=False), 0).set_up().code == "succeeded"
    assert World(Changes([], goes_on=False), 3).set_up().code == "command-failed"
    assert "setup.finished" in log.text
