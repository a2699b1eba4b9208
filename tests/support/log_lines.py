"""Is every line that the function logs declared? Ours are in docs/log-schema.json, Lambda's own have the forms below.

No line may be longer than what one log event holds, either.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from local_cloud.cloud import ROOT
from local_cloud.log import lines

Line = dict[str, Any]
SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "log-schema.json").read_text(encoding="utf-8"))
# CloudWatch Logs took 256 KiB for one event, 26 bytes of which are its own, until it raised that to 1 MB (API reference
# of PutLogEvents, earlier and now). Lambda cuts a longer line in two, and neither half is JSON then.
MAX_LINE_BYTES = 256 * 1024 - 26

# Lambda developer guide, "Lambda Telemetry API Event schema reference".
_PLATFORM_FIELDS = {"time", "type", "record"}
# awslambdaric, `log_error`: an exception that left the handler, or why there is none.
_TRACEBACK_FIELDS = {"timestamp", "level", "errorMessage", "errorType", "requestId", "stackTrace"}
# awslambdaric, `lambda_literals`: written before such a traceback when the function cannot be loaded.
_RUNTIMES_WARNING = "LAMBDA_WARNING: Unhandled exception."
# The runtime interface emulator's own text.
_EMULATORS_TEXT = re.compile(r"(START|END|REPORT) RequestId: .*|\d\d \w{3} \d{4} [\d:,]+ \[\w+\] \(rapid\) .*")

_BY_MESSAGE: dict[str, list[Draft202012Validator]] = {}
for _variant in SCHEMA["anyOf"]:
    _BY_MESSAGE.setdefault(_variant["properties"]["message"]["const"], []).append(Draft202012Validator(_variant))


def complaints(log: Iterable[Line]) -> list[str]:
    """What is wrong with each line that is neither declared nor Lambda's own; `text` has a line that is not JSON."""
    return [complaint for line in log if not _is_lambdas(line) for complaint in [_complaint(line)] if complaint]


def declared_fields(message: str) -> set[str]:
    """The fields that an event has; those of an object have its name and a dot before their own."""
    found = set()
    for variant in SCHEMA["anyOf"]:
        if variant["properties"]["message"]["const"] == message:
            for name, kind in variant["properties"].items():
                found |= {name, *(f"{name}.{inner}" for inner in kind.get("properties", {}))}
    return found


class LogCheck:
    """Looks at what the functions of a cloud have logged, each line once."""

    def __init__(self, logs: Any) -> None:  # noqa: ANN401 (an SDK client)
        self._logs = logs
        self._seen: set[str] = set()

    def run(self) -> None:
        """Fail if one of the lines since the last time is not declared."""
        groups = self._logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]
        log = [line for group in groups for line in lines(self._logs, group["logGroupName"])]
        new = {json.dumps(line): line for line in log if json.dumps(line) not in self._seen}
        self._seen |= new.keys()
        assert_declared(new.values())


def assert_declared(log: Iterable[Line]) -> None:
    """Fail if a line is not declared."""
    found = complaints(log)
    assert not found, "lines that docs/log-schema.json does not have:\n" + "\n".join(found)


def _is_lambdas(line: Line) -> bool:
    if line.keys() == {"text"}:
        return bool(_EMULATORS_TEXT.fullmatch(line["text"].strip()))
    if line.keys() == _PLATFORM_FIELDS:
        return str(line["type"]).startswith("platform.")
    if line.get("logger") == "root":
        return str(line["message"]).startswith(_RUNTIMES_WARNING)
    return line.keys() == _TRACEBACK_FIELDS


def _complaint(line: Line) -> str:
    """Why the line is not one of ours; empty if it is."""
    validators = _BY_MESSAGE.get(str(line.get("message")))
    if not validators:
        return f"no such event: {json.dumps(line)[:1000]}"
    if not any(validator.is_valid(line) for validator in validators):
        error = best_match(validators[0].iter_errors(line))
        return f"{line['message']}: {error.message if error else ''}: {json.dumps(line)[:1000]}"
    size_bytes = len(json.dumps(line, ensure_ascii=False).encode())
    return "" if size_bytes <= MAX_LINE_BYTES else f"{line['message']}: {size_bytes} bytes"
