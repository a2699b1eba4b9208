"""Lines of the log as Lambda writes them, and a check that each is one that docs/log-schema.json describes."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from tools.log_schema import schema

_OF_A_RECORD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    """The line that Lambda's JSON format makes of a record (awslambdaric, `JsonFormatter`), read again."""
    extra = {name: value for name, value in vars(record).items() if name not in _OF_A_RECORD and value is not None}
    line = {
        "timestamp": "2026-11-22T15:00:00Z",
        "level": record.levelname,
        "message": record.getMessage(),
        "logger": record.name,
        "requestId": "8286a188-ba32-4475-8077-530cd35c09a9",
        **extra,
    }
    return dict(json.loads(json.dumps(line)))


def check_line(line: dict[str, Any]) -> None:
    """Check a line against the schema.

    Raises:
        AssertionError: it is of no event, or has other fields than its event; the message says which.
    """
    problems = [
        "; ".join(error.message for error in form.iter_errors(line)) for form in _forms().get(line["message"], [])
    ]
    assert not all(problems), f"{line['message']}: {problems or 'no such event'}"


@functools.cache
def _forms() -> dict[str, list[Any]]:
    """Event → a validator for each form of its line; all of them together are the schema's `anyOf`."""
    forms: dict[str, list[Any]] = {}
    for form in schema()["anyOf"]:
        validator = jsonschema.Draft202012Validator(form)
        forms.setdefault(form["properties"]["message"]["const"], []).append(validator)
    return forms


class _Checking(logging.Handler):
    """Keeps what is wrong with the lines that are logged."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        try:
            check_line(line_of(record))
        except AssertionError as error:
            self.problems.append(str(error))


@pytest.fixture
def every_line_is_valid() -> Iterator[None]:
    """Fail the test if it logs a line that the schema does not describe."""
    checking, logger = _Checking(), logging.getLogger("studio_setup")
    logger.addHandler(checking)
    yield
    logger.removeHandler(checking)
    assert checking.problems == []
