"""Reads a function's log from CloudWatch Logs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

Line = dict[str, Any]
_POLL_SECONDS = 0.2


def lines(logs: Any, group: str) -> list[Line]:  # noqa: ANN401 (an SDK client)
    """Return every line of a log group so far, oldest first, as `parsed`."""
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
    return [parsed(event["message"]) for page in pages for event in page["events"]]


def follow(logs: Any, group: str, limit_seconds: float) -> Iterator[Line]:  # noqa: ANN401 (the same)
    """Yield lines as they are written.

    Raises:
        TimeoutError: there was none for `limit_seconds`.
    """
    seen, last_seconds = 0, time.monotonic()
    while time.monotonic() - last_seconds < limit_seconds:
        new = lines(logs, group)[seen:]
        if new:
            yield from new
            seen, last_seconds = seen + len(new), time.monotonic()
        time.sleep(_POLL_SECONDS)
    raise TimeoutError(f"nothing new in {group} for {limit_seconds:.0f} seconds")


def parsed(message: str) -> Line:
    """Return the fields of a line; a line that is not JSON is under `text`."""
    try:
        line = json.loads(message)
    except ValueError:
        return {"text": message}
    return line if isinstance(line, dict) else {"text": message}
