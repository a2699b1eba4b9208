"""Waiting for a condition, with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable

LIMIT_SECONDS = 60.0


def wait_until(condition: Callable[[], object], what: str, limit_seconds: float = LIMIT_SECONDS) -> None:
    """Wait until `condition` returns something true.

    Raises:
        TimeoutError: it is still false after that time; the message has `what`.
    """
    give_up = time.monotonic() + limit_seconds
    while not condition():
        if time.monotonic() > give_up:
            raise TimeoutError(f"waited {limit_seconds:.0f} seconds for {what}")
        time.sleep(0.02)
