"""Faults of the API on request: errors that it answers before it looks at a call."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass


class ApiError(Exception):
    """An error of the API; `code` is the name that clients see."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass(slots=True)
class _Planned:
    operation: str
    error: ApiError
    times: int


class Faults:
    """Planned failures and a rate limit; none by default."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._calls_per_second: float | None = None
        self._recent: deque[float] = deque()

    def fail_next(self, operation: str, error: ApiError, times: int) -> None:
        """Make the next calls of an operation fail."""
        self._planned.append(_Planned(operation, error, times))

    def throttle(self, calls_per_second: float | None) -> None:
        """Refuse calls beyond a rate; None lifts the limit."""
        self._calls_per_second = calls_per_second
        self._recent.clear()

    def check(self, operation: str) -> None:
        """Check whether a call may proceed.

        Raises:
            ApiError: this call must fail.
        """
        self._check_rate()
        for planned in self._planned:
            if planned.operation == operation:
                planned.times -= 1
                if planned.times <= 0:
                    self._planned.remove(planned)
                raise planned.error

    def _check_rate(self) -> None:
        if self._calls_per_second is None:
            return
        moment = time.monotonic()
        while self._recent and moment - self._recent[0] >= 1.0:
            self._recent.popleft()
        if len(self._recent) >= self._calls_per_second:
            raise ApiError("ThrottlingException", "Rate exceeded")
        self._recent.append(moment)
