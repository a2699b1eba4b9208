"""The pages on the log agree with the code, and what is not declared there is noticed."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from studio_setup.model.log import EVENTS
from tests.support.log_lines import MAX_LINE_BYTES, SCHEMA, complaints
from tests.support.stack import ROOT

COMMON = {
    "timestamp": "2026-11-25T16:16:33Z",
    "level": "INFO",
    "logger": "studio_setup",
    "requestId": "r",
    "app": "d-a/ann/JupyterServer/default",
    "domain_id": "d-a",
    "user_profile_name": "ann",
    "space_name": "",
    "app_type": "JupyterServer",
    "app_name": "default",
    "setup_version": "0",
    "trigger": "event",
    "attempt": "a",
    "run_id": "b",
}
OUTPUT = {**COMMON, "message": "command.output", "command": "one", "text": "spam"}
LAMBDAS_OWN: dict[str, dict[str, Any]] = {
    "start": {"time": "2026-11-25T16:16:33Z", "type": "platform.start", "record": {}},
    "traceback": {
        "timestamp": "2026-11-25T16:16:33Z",
        "level": "ERROR",
        "errorMessage": "no",
        "errorType": "SetupFailed",
        "requestId": "r",
        "stackTrace": [],
    },
    "emulator": {"text": "START RequestId: 3da5b46e-0647-4777-aaad-c1cb38959322 Version: $LATEST"},
}


def test_the_schema_is_valid() -> None:
    """The schema is one, by the rules of JSON Schema itself."""
    Draft202012Validator.check_schema(SCHEMA)


def test_every_event_is_in_the_schema() -> None:
    """The schema has each event, and nothing that is not one."""
    assert {variant["properties"]["message"]["const"] for variant in SCHEMA["anyOf"]} == EVENTS.keys()


def test_a_declared_line_is_accepted() -> None:
    """A line with the fields of its event is what the schema says."""
    assert complaints([OUTPUT]) == []


@pytest.mark.parametrize("line", LAMBDAS_OWN.values(), ids=LAMBDAS_OWN)
def test_lambdas_own_lines_are_accepted(line: dict[str, Any]) -> None:
    """Lines that Lambda and its runtime write are recognized by their form."""
    assert complaints([line]) == []


@pytest.mark.parametrize(
    "line",
    [
        {**OUTPUT, "more": 1},
        {name: value for name, value in OUTPUT.items() if name != "app"},
        {**OUTPUT, "text": 1},
        {**OUTPUT, "trigger": "nobody"},
        {**OUTPUT, "message": "command.spam"},
        {**OUTPUT, "text": "x" * MAX_LINE_BYTES},
        {"text": "printed"},
        {**LAMBDAS_OWN["traceback"], "more": 1},
        {**LAMBDAS_OWN["start"], "type": "start"},
        {**COMMON, "message": "printed", "logger": "root"},
    ],
)
def test_an_undeclared_line_is_noticed(line: dict[str, Any]) -> None:
    """A field too many or too few, a wrong type or value, an unknown event, plain text, a line that is too long."""
    assert len(complaints([line])) == 1


def test_the_lines_shown_are_genuine() -> None:
    """Each line that docs/reading-the-log.md shows is one that the function can log, and none is Lambda's own."""
    page = (ROOT / "docs" / "reading-the-log.md").read_text(encoding="utf-8")
    lines = [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)]
    assert [line["outcome"] for line in lines if line["message"] == "setup.finished"] == ["succeeded", "failed"]
    assert complaints(lines) == []
