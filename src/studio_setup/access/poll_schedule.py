"""When to ask again whether an app is in service.

Nothing says when an app will be, so what is asked at even distances is late by half of one, in the middle. Four seconds
make that two for a start-up of any length up to four minutes. Whoever waits for longer than that is not sitting there.
"""

from __future__ import annotations

_SECONDS = 4.0
_MOST_SECONDS = 30.0
_SLOWER_AFTER_SECONDS = 240.0
_SLOWER_BY = 1.15
_SLOWER_BY_REFUSAL = 1.5


class PollSchedule:
    """The pauses of one wait for one app: longer after some minutes, and wherever the API throttles our calls."""

    def __init__(self) -> None:
        self._seconds = _SECONDS

    def next_seconds(self, waited_seconds: float, refusals: int) -> float:
        """How long to wait before asking again, where the last question was refused that many times."""
        self._seconds *= _SLOWER_BY if waited_seconds > _SLOWER_AFTER_SECONDS else 1.0
        self._seconds = min(self._seconds * _SLOWER_BY_REFUSAL**refusals, _MOST_SECONDS)
        return self._seconds
