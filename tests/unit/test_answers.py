"""Answers of Studio's front door and of Jupyter, told apart by what is in them."""

from __future__ import annotations

import json

import pytest

from studio_setup.access.answers import describe, is_expired_login, is_jupyter_status, is_page, json_of
from studio_setup.access.http import Answer

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
URL = "https://d-0.studio.us-east-1.sagemaker.aws/jupyter/default/api/status?token=SECRET"


def _answer(status: int, body: object = "", headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, URL, headers or {}, body if isinstance(body, str) else json.dumps(body))


@pytest.mark.parametrize(
    "text",
    [
        "Invalid or Expired Auth Token",
        "invalid auth token",
        "The expired or missing authentication token\nwas refused",
        "Expired authorization token.",
        "<html><body>Your session has an invalid   auth token</body></html>",
    ],
)
@pytest.mark.parametrize("headers", [{}, HTML, {"Content-Type": "text/plain"}])
def test_a_page_about_an_expired_token_is_an_expired_login(text: str, headers: dict[str, str]) -> None:
    """With status 200 too, whatever the letters' case."""
    assert is_expired_login(_answer(200, text, headers))


@pytest.mark.parametrize(
    "answer",
    [
        _answer(200, "<title>JupyterLab</title>", HTML),
        _answer(200, {"message": "Invalid or Expired Auth Token"}, JSON),
        _answer(200, "invalid characters. " + "x" * 100 + " auth token", HTML),
        _answer(200, "invalid <b>auth token</b>", HTML),
        _answer(200, "an auth token is invalid", HTML),
        _answer(200, "expired author tokens", HTML),
        _answer(404, "Invalid or Expired Auth Token", HTML),
        _answer(500, "Invalid or Expired Auth Token", HTML),
        _answer(302, "Invalid or Expired Auth Token", HTML),
    ],
)
def test_other_pages_are_not_an_expired_login(answer: Answer) -> None:
    """A page that only has some of the words, JSON, and other statuses are what they are."""
    assert not is_expired_login(answer)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "body",
    ["", "Forbidden", "<html></html>", {"message": "x"}, {"reason": "x"}, ["message", "reason"], "[" * 9999, None],
)
def test_a_refusal_that_is_not_jupyters_is_an_expired_login(status: int, body: object) -> None:
    """401 and 403 are the front door's, unless they have both fields of Jupyter's own errors."""
    assert is_expired_login(_answer(status, body, JSON))


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "body",
    [
        {"message": "'_xsrf' argument missing from POST", "reason": None},
        {"message": "Forbidden", "reason": "no", "traceback": ""},
    ],
)
def test_jupyters_own_refusal_is_not_an_expired_login(status: int, body: object) -> None:
    """jupyter_server and notebook 6 write their errors as an object with a message and a reason."""
    assert not is_expired_login(_answer(status, body, JSON))


@pytest.mark.parametrize(
    ("answer", "is_status"),
    [
        (_answer(200, {"started": "2026-11-22T15:00:00Z", "kernels": 0}, JSON), True),
        (_answer(200, {"started": None}, HTML), True),
        (_answer(200, {}, JSON), False),
        (_answer(200, ["started"], JSON), False),
        (_answer(200, "started", HTML), False),
        (_answer(404, {"started": 1}, JSON), False),
        (_answer(200, '{"started": ' + "[" * 99 + "]" * 99 + "}", JSON), False),
    ],
)
def test_a_jupyter_server_says_since_when_it_runs(answer: Answer, *, is_status: bool) -> None:
    """Its status is an object that has `started`, with status 200; nothing else is taken for it."""
    assert is_jupyter_status(answer) is is_status


def test_a_page_is_html() -> None:
    """By its content type alone."""
    assert is_page(_answer(200, "{}", HTML))
    assert not is_page(_answer(200, "<html>", JSON))
    assert not is_page(_answer(200, "<html>"))


@pytest.mark.parametrize("body", ["", "x", "{", "[" * 100_000, "9" * 5000, "NaN", "\x00", '"\x1b"'])
def test_what_is_not_json_has_no_value(body: str) -> None:
    """Nor has JSON that no honest server sends."""
    assert json_of(_answer(200, body)) is None


def test_a_description_has_what_it_takes_to_understand_an_answer() -> None:
    """Status, path, content type and title; nothing of the query, of other headers or of the body."""
    html = "<!doctype html><head><title class='x'>\n Sign in &amp; go </title></head>SECRET"
    answer = _answer(200, html, HTML | {"Set-Cookie": "SECRET", "Location": "SECRET"})
    assert describe(answer) == (
        "HTTP 200, path '/jupyter/default/api/status',"
        " content type 'text/html; charset=utf-8', title 'Sign in &amp; go'"
    )
    assert describe(_answer(500)) == "HTTP 500, path '/jupyter/default/api/status', no content type, no title"


@pytest.mark.parametrize("size", [1, 1000, 65536])
def test_a_description_is_one_printable_line_of_bounded_length(size: int) -> None:
    """Whatever the path, the content type and the title hold."""
    nasty = "\x1b[31m\r\n\u202e<\x9b'\"☃"
    answer = Answer(200, f"https://d-0/{nasty * size}", {"Content-Type": nasty * size}, f"<title>{nasty * size}")
    said = describe(answer)
    assert len(said) <= 500
    assert said.isprintable()
