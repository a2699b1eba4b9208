"""The JSON schema of every line the functions log, from the code.

Lambda adds `timestamp`, `level`, `logger` and `requestId` to each line; `message` is the event's name.
"""

from __future__ import annotations

import json
import types
import typing
from dataclasses import fields, is_dataclass
from enum import EnumType
from typing import Any

from studio_setup.model.app import App
from studio_setup.model.log import EVENTS, SETUP_CRASHED, SETUP_FINISHED
from studio_setup.model.outcomes import CODES, Outcome
from studio_setup.model.report import MAX_COMMANDS_REPORTED, CommandResult, Trigger

Schema = dict[str, Any]
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null"}
# What Lambda's JSON format has in every line (Lambda developer guide, "Working with log format").
_OF_LAMBDA = {"timestamp": str, "level": str, "message": str, "logger": str, "requestId": str}
_OF_APP: dict[str, Any] = {
    "app": str,
    **dict.fromkeys((field.name for field in fields(App)), str),
    "trigger": Trigger,
}
_OF_EVERY_LINE: dict[str, Any] = {
    **_OF_APP,
    "setup_version": str,
    "attempt": str,
    "run_id": str,
}
_OF_REPORT: dict[str, Any] = {
    "schema_version": int,
    "outcome": Outcome,
    "code": str,
    "reason": str,
    "app_created_at": str,
    "resumed": bool,
    "repeated": bool,
    "seconds": float,
    "commands": list[CommandResult],
    "commands_left_out": int,
}
_OF_IGNORED = ("schema_version", "outcome", "code", "reason")


def page() -> str:
    """The schema as docs/log-schema.json has it."""
    return json.dumps(schema(), indent=2) + "\n"


def schema() -> Schema:
    """The schema of one line: one of the events."""
    lines = [
        _line(event.name, event.meaning, {**(_OF_EVERY_LINE if event.is_of_setup else {}), **event.fields})
        for event in EVENTS.values()
        if event is not SETUP_FINISHED
    ]
    finished = _line(SETUP_FINISHED.name, SETUP_FINISHED.meaning, {**_OF_EVERY_LINE, **_OF_REPORT})
    finished["properties"]["commands"]["maxItems"] = MAX_COMMANDS_REPORTED
    finished["properties"]["code"] = {"enum": list(CODES)}
    verdict = {name: _OF_REPORT[name] for name in _OF_IGNORED}
    ignored = _line(
        SETUP_FINISHED.name, "The event was ignored, or the settings are not valid: there was no attempt.", verdict
    )
    no_setup = _line(
        SETUP_FINISHED.name, "The setup of this app is not valid: there was no attempt.", {**_OF_APP, **verdict}
    )
    crashed = _line(SETUP_CRASHED.name, SETUP_CRASHED.meaning, {**_OF_APP, **SETUP_CRASHED.fields})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A line of Studio Setup's log",
        "anyOf": [*lines, crashed, finished, no_setup, ignored],
    }


def schema_of(kind: Any) -> Schema:  # noqa: ANN401 (a type, as annotations have it)
    """The JSON schema of a Python type: plain ones, enums, dataclasses, lists and optional ones."""
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if isinstance(kind, EnumType):
        return {"enum": [str(name) for name in kind.__members__.values()]}  # type: ignore[var-annotated]
    if is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return _object({field.name: hints[field.name] for field in fields(kind)})
    if typing.get_origin(kind) is list:
        return {"type": "array", "items": schema_of(typing.get_args(kind)[0])}
    return {"anyOf": [schema_of(one) for one in typing.get_args(kind)]}


def _object(members: dict[str, Any]) -> Schema:
    properties = {name: schema_of(kind) for name, kind in members.items()}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _line(name: str, meaning: str, members: dict[str, Any]) -> Schema:
    line = _object({**_OF_LAMBDA, **members})
    line["properties"]["message"] = {"const": name}
    return {"description": meaning, **line}
