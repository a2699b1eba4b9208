"""The one deadline of a setup, and the only place that knows time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock, handed to everything that waits.

    `clock` and `sleep` are arguments so that tests need no time.
    """

    at_seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def after(
        cls,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Deadline:
        """A deadline that many seconds from now."""
        return cls(clock() + seconds, clock, sleep)

    @property
    def remaining_seconds(self) -> float:
        """Seconds left; never negative."""
        return max(0.0, self.at_seconds - self.clock())

    @property
    def expired(self) -> bool:
        """Is the time up?"""
        return self.remaining_seconds == 0.0

    def within(self, seconds: float) -> Deadline:
        """A deadline that many seconds from now, but never later than this one."""
        return Deadline(min(self.at_seconds, self.clock() + seconds), self.clock, self.sleep)

    def extended(self, seconds: float) -> Deadline:
        """A deadline that many seconds from now, even past this one: for cleaning up."""
        return Deadline(self.clock() + seconds, self.clock, self.sleep)

    def pause(self, seconds: float) -> None:
        """Wait about that long (a tenth more or less, so that many do not act in step), never past the end."""
        self.sleep(min(seconds * random.uniform(0.9, 1.1), self.remaining_seconds))  # noqa: S311 (no secret)

    def pause_between(self, least_seconds: float, most_seconds: float) -> None:
        """Wait for a random time between the two, so that many that were refused together do not retry together."""
        self.sleep(min(random.uniform(least_seconds, most_seconds), self.remaining_seconds))  # noqa: S311 (no secret)

    def http_timeouts(self) -> tuple[float, float]:
        """Connect and read timeouts, in seconds, for one HTTP call."""
        return min(5.0, self.remaining_seconds + 1), min(30.0, self.remaining_seconds + 1)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started_seconds = clock()

    @property
    def seconds(self) -> float:
        """Seconds so far, to the millisecond."""
        return round(self._clock() - self._started_seconds, 3)
