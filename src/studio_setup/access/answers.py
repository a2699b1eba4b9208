"""Answers of Studio's front door and of Jupyter, told apart by what is in them.

Nobody has documented what the front door answers to a session that has expired. A presigned URL that has expired leads
to the sign-in page (CreatePresignedDomainUrl); the sibling service Studio Lab answers with the plain text "Invalid or
Expired Auth Token", with a status that is not known. So 401, 403, and 200 with such a text all count as expired, unless
the answer is Jupyter's own: its errors are JSON objects with `message` and `reason` (jupyter_server, notebook 6.5).
"""

from __future__ import annotations

import re
from http import HTTPStatus
from urllib.parse import urlsplit

from studio_setup.access.http import Answer
from studio_setup.model.json_text import parse_json
from studio_setup.model.text import one_line

_EXPIRED = re.compile(r"\b(?:expired|invalid)\b[^<>]{0,80}\bauth(?:entication|orization)? token\b", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{0,200})", re.IGNORECASE)
_UNAUTHORIZED = {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def is_expired_login(answer: Answer) -> bool:
    """Does the front door want a new login?"""
    if answer.status in _UNAUTHORIZED:
        value = json_of(answer)
        return not (isinstance(value, dict) and {"message", "reason"} <= value.keys())
    return answer.status == HTTPStatus.OK and "json" not in answer.content_type and bool(_EXPIRED.search(answer.body))


def is_jupyter_status(answer: Answer) -> bool:
    """Is it what Jupyter answers to `GET api/status`: 200, and a JSON object that says since when it runs?"""
    value = json_of(answer) if answer.status == HTTPStatus.OK else None
    return isinstance(value, dict) and "started" in value


def is_page(answer: Answer) -> bool:
    """Is it HTML, where the API answers in JSON?"""
    return "html" in answer.content_type


def json_of(answer: Answer) -> object:
    """The value in a JSON answer; None if it is not JSON, or not JSON that an honest server sends."""
    try:
        return parse_json(answer.body)
    except ValueError:
        return None


def describe(answer: Answer) -> str:
    """An answer for the log: status, path, content type and title; nothing of its query, its headers or its cookies."""
    title = _TITLE.search(answer.body)
    parts = [
        f"HTTP {answer.status}",
        f"path {urlsplit(answer.url).path[:100]!r}",
        f"content type {answer.content_type[:60]!r}" if answer.content_type else "no content type",
        f"title {one_line(title[1], 100)!r}" if title else "no title",
    ]
    return one_line(", ".join(parts), 500)
