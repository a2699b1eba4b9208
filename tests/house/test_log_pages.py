"""The log is what its pages say: every line is a declared event with its declared fields, written in one place."""

from __future__ import annotations

import ast
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from studio_setup.model import log
from studio_setup.model.app import App
from studio_setup.model.log import EVENTS, Event, log_context
from studio_setup.model.outcomes import CODES, Outcome
from studio_setup.model.report import CommandResult, CommandState, SetupReport, Trigger
from tests.house.imports import modules_below
from tests.support.log_lines import check_line, line_of
from tools import log_events_page, log_schema

ROOT = Path(__file__).resolve().parents[2]
CONSTANTS = {name: value for name, value in vars(log).items() if isinstance(value, Event)}
# Whose fields are not written one by one where it is logged: they are the report's.
WHOLE_REPORT = "SETUP_FINISHED"

APP = App("d-abc", "alice", "JupyterServer", "default")
COMMON = {**APP.as_dict(), "setup_version": "v", "trigger": Trigger.EVENT, "attempt": "a", "run_id": "r"}
RESULT = CommandResult("one", CommandState.EXITED, 0, 1.5, 3, 0, "/tmp/one.log")
REPORT = SetupReport(Outcome.SUCCEEDED, "succeeded", "", APP, "v", Trigger.EVENT, "a", commands=(RESULT,))


def _logged(text: str) -> Iterator[tuple[str, set[str] | None]]:
    """Each `log.NAME.log(...)` of a source text: the name, and the fields; None for fields that are not written out."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(value=ast.Name(id="log"), attr=name), attr="log")):
                fields = {keyword.arg for keyword in node.keywords}
                yield name, None if None in fields else {str(field) for field in fields}


def _lines_by_module() -> dict[str, list[tuple[str, set[str] | None]]]:
    modules = modules_below(ROOT / "src", "studio_setup", "studio_setup_cli")
    return {module: list(_logged(text)) for module, text in modules.items()}


# The pages


def test_the_schema_is_what_the_code_says() -> None:
    """`PYTHONPATH=src python -m tools.log_schema > docs/log-schema.json` would change nothing."""
    text = (ROOT / "docs" / "log-schema.json").read_text(encoding="utf-8")
    assert json.loads(text) == log_schema.schema()
    assert text == json.dumps(log_schema.schema(), indent=2) + "\n"


def test_the_schema_is_one() -> None:
    """It is valid by its own draft."""
    jsonschema.Draft202012Validator.check_schema(log_schema.schema())


def test_the_table_of_events_is_what_the_code_says() -> None:
    """`PYTHONPATH=src python -m tools.log_events_page > docs/log-events.md` would change nothing."""
    assert (ROOT / "docs" / "log-events.md").read_text(encoding="utf-8") == log_events_page.page()


def test_every_event_has_one_row_and_a_form() -> None:
    """The table and the schema have every event, and no other."""
    rows = [line.split("`")[1] for line in log_events_page.page().splitlines() if line.startswith("| `")]
    assert rows == list(EVENTS)
    assert {form["properties"]["message"]["const"] for form in log_schema.schema()["anyOf"]} == set(EVENTS)


# The code


def test_calls_that_log_are_found() -> None:
    """With their fields, at any level, wherever they stand; nothing else is taken for one."""
    text = (
        "log.A.log(x=1)\ndef f():\n    log.B.log(2, y=1, z=2)\n    log.C.log(4, **d)\nmath.log(3)\nlog.D.write(x=1)\n"
    )
    assert sorted(_logged(text), key=str) == [("A", {"x"}), ("B", {"y", "z"}), ("C", None)]


def test_every_event_that_is_logged_is_declared_with_its_fields() -> None:
    """Exactly those fields, neither more nor less: what the pages say of an event is what its line has."""
    wrong = [
        (module, name, fields)
        for module, lines in _lines_by_module().items()
        for name, fields in lines
        if name not in CONSTANTS or (fields is not None and fields != CONSTANTS[name].fields.keys())
    ]
    assert wrong == []


def test_only_the_report_is_logged_as_a_whole() -> None:
    """Every other line has its fields where it is written."""
    whole = {name for lines in _lines_by_module().values() for name, fields in lines if fields is None}
    assert whole == {WHOLE_REPORT}


def test_every_event_that_is_declared_is_logged() -> None:
    """The pages name nothing that never happens."""
    assert {name for lines in _lines_by_module().values() for name, _ in lines} == CONSTANTS.keys()


def test_nothing_is_logged_but_by_events() -> None:
    """No module has a logger of its own to write to, takes an event out of the table, or prints."""
    modules = modules_below(ROOT / "src", "studio_setup")
    calls = [
        (module, node.func)
        for module, text in modules.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
    ]
    assert {(module, ast.unparse(call)) for module, call in calls if ast.unparse(call).startswith("logging.")} == {
        ("studio_setup.access.library_logs", "logging.getLogger"),
        ("studio_setup.model.log", "logging.getLogger"),
    }
    assert [module for module, call in calls if ast.unparse(call) == "print"] == []
    assert [module for module, text in modules.items() if "from studio_setup.model.log import" in text] == []


# What the schema takes and refuses


def _line(event: Event, common: dict[str, Any], **fields: object) -> dict[str, Any]:
    lines: list[logging.LogRecord] = []

    class _Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record)

    handler = _Keep()
    logger = logging.getLogger("studio_setup")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    with log_context(common):
        event.log(**fields)
    logger.removeHandler(handler)
    return line_of(lines[0])


VALUES: dict[object, object] = {str: "x", int: 3, float: 1.5, bool: True, CommandResult: RESULT.as_fields()}


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_a_line_with_the_declared_fields_is_valid(event: Event) -> None:
    """In a setup, with what all its lines have; a crash is outside of one."""
    common = {} if event is log.SETUP_CRASHED else COMMON
    fields = REPORT.as_dict() if event is log.SETUP_FINISHED else {n: VALUES[kind] for n, kind in event.fields.items()}
    check_line(_line(event, common, **fields))


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_a_line_with_another_field_is_not(event: Event) -> None:
    """Nor is one without a field, or with one of another type."""
    common = {} if event is log.SETUP_CRASHED else COMMON
    fields = REPORT.as_dict() if event is log.SETUP_FINISHED else {n: VALUES[kind] for n, kind in event.fields.items()}
    lines = [_line(event, common, **fields, spam="eggs")]
    for name in fields:
        if name not in common:
            lines.append(_line(event, common, **{key: value for key, value in fields.items() if key != name}))
        lines.append(_line(event, common, **{**fields, name: ["of", "another", "type"]}))
    for line in lines:
        with pytest.raises(AssertionError):
            check_line(line)


@pytest.mark.parametrize("missing", COMMON)
def test_a_line_of_a_setup_without_a_field_of_all_is_not_valid(missing: str) -> None:
    """Every one of them is there, in every line."""
    common = {name: value for name, value in COMMON.items() if name != missing}
    with pytest.raises(AssertionError, match=missing):
        check_line(_line(log.APP_IN_SERVICE, common, waited_seconds=1.5))


@pytest.mark.parametrize("code", CODES)
def test_an_ignored_event_is_a_line_of_its_own_form(code: str) -> None:
    """It has nothing of an attempt, because there was none."""
    outcome = CODES[code].outcome
    check_line(_line(log.SETUP_FINISHED, {}, schema_version=1, outcome=outcome, code=code, reason="x"))


def test_a_code_that_is_not_in_the_table_is_not_valid() -> None:
    """Nor is an event that nobody declared."""
    with pytest.raises(AssertionError, match="spam"):
        check_line(_line(log.SETUP_FINISHED, COMMON, **{**REPORT.as_dict(), "code": "spam"}))
    with pytest.raises(AssertionError, match="no such event"):
        check_line(_line(Event("spam", "Spam."), COMMON))
