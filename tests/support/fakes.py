"""Stand-ins that are handed to the engine: time, and the other end of HTTP."""

from __future__ import annotations

import io
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from types import SimpleNamespace

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from studio_setup.model.deadline import Deadline


@dataclass
class FakeTime:
    """Time that passes only where somebody sleeps."""

    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        """What `time.monotonic` says."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Sleep without waiting."""
        self.slept.append(seconds)
        self.now += seconds

    def deadline(self, seconds: float) -> Deadline:
        """A deadline in this time."""
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


class Wire(BaseAdapter):
    """Answers requests from a table; what is not in it fails the test, and everything that came is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._answers: dict[str, list[Answer | Exception | Callable[[Call], Answer]]] = {}

    def answer(self, request: str, *answers: Answer | Exception | Callable[[Call], Answer]) -> None:
        """Give these answers to `METHOD URL` (`*` at the end stands for anything), the last one ever after."""
        self._answers[request] = list(answers)

    def asked(self, request: str) -> list[Call]:
        """The calls of that method whose URLs start so."""
        return [call for call in self.calls if f"{call.method} {call.url}".startswith(request)]

    def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
        """Answer a request."""
        body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
        name = f"{request.method} {request.url}"
        self.calls.append(
            Call(request.method or "", request.url or "", dict(request.headers), body, options["timeout"])
        )
        answers = self._answers.get(name) or next(
            (found for key, found in self._answers.items() if key.endswith("*") and name.startswith(key[:-1])), None
        )
        assert answers, f"nobody was to ask for {name}"
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return _response(request, answer(self.calls[-1]) if callable(answer) else answer)

    def close(self) -> None:
        """Nothing is open."""


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    message = Message()
    for name, value in answer.headers:
        message[name] = value
    raw = HTTPResponse(
        io.BytesIO(answer.body.encode()),
        headers=list(answer.headers),
        status=answer.status,
        preload_content=False,
        # The cookie jar looks for the cookies here.
        original_response=SimpleNamespace(msg=message, isclosed=lambda: True, close=lambda: None),
    )
    return HTTPAdapter().build_response(request, raw)


def everything_said(error: BaseException) -> str:
    """All that a log could show of an exception: its text, its representation, its traceback, its cause."""
    return "\n".join([str(error), repr(error), repr(error.__cause__), *traceback.format_exception(error)])
