"""Stand-ins that are handed to the engine: time, the other end of HTTP, a shell, a channel to one."""

from __future__ import annotations

import io
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http import client
from types import SimpleNamespace
from typing import cast

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPHeaderDict, HTTPResponse

from studio_setup.model.deadline import Deadline
from studio_setup.terminal.prompt import Reply
from studio_setup.terminal.shell import Shell


@dataclass
class FakeTime:
    """Time that passes only when somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """Stand in for `time.monotonic`."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Stand in for `time.sleep`, without waiting."""
        self.slept.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        """A deadline on this clock."""
        return Deadline.after(seconds, self.clock, self.sleep)


@dataclass(frozen=True)
class Answer:
    """What a server answers."""

    status: int = 200
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Call:
    """A request as it went over the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    timeout: object


def page(*cookies: str, status: int = 200) -> Answer:
    """A page of HTML that sets these cookies."""
    headers = (("Content-Type", "text/html"), *(("Set-Cookie", cookie) for cookie in cookies))
    return Answer(status, "<!doctype html><title>A page</title>", headers)


def redirect(to: str, *cookies: str) -> Answer:
    """A redirect that sets these cookies."""
    return Answer(302, "", (("Location", to), *(("Set-Cookie", cookie) for cookie in cookies)))


def json_answer(value: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(value), (("Content-Type", "application/json"),))


def jupyter_error(status: int) -> Answer:
    """An error of the Jupyter server's API, as jupyter_server and notebook 6 write it."""
    return json_answer({"message": "'_xsrf' argument missing from POST", "reason": None}, status)


class Wire(BaseAdapter):
    """Answers requests from a table and keeps them; a request that is not in the table fails the test."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._answers: dict[str, list[Answer | Exception | Callable[[Call], Answer]]] = {}

    def answer(self, request: str, *answers: Answer | Exception | Callable[[Call], Answer]) -> None:
        """Give these answers to `METHOD URL` (`*` at the end matches anything), the last one from then on."""
        self._answers[request] = list(answers)

    def asked(self, request: str) -> list[Call]:
        """The calls whose method and URL begin so."""
        return [call for call in self.calls if f"{call.method} {call.url}".startswith(request)]

    def send(self, request: requests.PreparedRequest, *_: object, **options: object) -> requests.Response:
        """Answer a request."""
        body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
        name = f"{request.method} {request.url}"
        self.calls.append(
            Call(request.method or "", request.url or "", dict(request.headers), body, options["timeout"])
        )
        answers = self._answers.get(name) or next(
            (found for key, found in self._answers.items() if key.endswith("*") and name.startswith(key[:-1])), None
        )
        assert answers, f"unexpected request: {name}"
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return _response(request, answer(self.calls[-1]) if callable(answer) else answer)

    def close(self) -> None:
        """Nothing is open."""


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    message, headers = Message(), HTTPHeaderDict()
    for name, value in answer.headers:
        message[name] = value
        headers.add(name, value)
    # As much of it as the cookie jar looks at.
    original = cast("client.HTTPResponse", SimpleNamespace(msg=message, isclosed=lambda: True, close=lambda: None))
    raw = HTTPResponse(
        io.BytesIO(answer.body.encode()),
        headers=headers,
        status=answer.status,
        preload_content=False,
        original_response=original,
    )
    return HTTPAdapter().build_response(request, raw)


def everything_said(error: BaseException) -> str:
    """Everything a log could show of an exception: its text, representation, traceback and cause."""
    return "\n".join([str(error), repr(error), repr(error.__cause__), *traceback.format_exception(error)])


class ScriptedShell(Shell):
    """A shell that gives these replies, the last one from then on, and keeps what is typed: lines and their `text`."""

    def __init__(self, *replies: Reply) -> None:
        self._replies = list(replies)
        self.typed: list[tuple[str, str]] = []

    def run(self, line: str, *, text: str = "", timeout_seconds: float = 20.0) -> Reply:  # noqa: ARG002 (Shell's)
        """Give the next reply."""
        self.typed.append((line, text))
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


class SilentChannel:
    """A channel to a terminal that shows nothing, ever; it keeps what was typed, and when."""

    def __init__(self, time: FakeTime) -> None:
        self._time = time
        self.typed: list[tuple[float, str]] = []

    def send(self, text: str) -> None:
        """Take a line."""
        self.typed.append((self._time.now, text))
        assert len(self.typed) < 100, "it never ends"

    def receive(self, timeout_seconds: float) -> str:
        """Let that time pass."""
        self._time.sleep(timeout_seconds)
        return ""

    def close(self) -> None:
        """Nothing is open."""
