"""When throttled calls are repeated: the rounds, and what becomes of setups that all begin at the same moment."""

from __future__ import annotations

import heapq
import random
import statistics
from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_setup.access.backoff import FIRST_ROUND_SECONDS, Backoff

_RATE = 20  # calls a second, refused ones not counted
_CALL_SECONDS = 0.03
_CALLS = (3, 4)  # of a user's app and of a space's: domain, (space,) app, presigned URL
_NEEDED = sum(_CALLS) / len(_CALLS)
_GROWTH = 3.4


def test_whoever_is_refused_first_comes_back_within_the_first_round() -> None:
    """But not within the second in which everything was used up already."""
    assert Backoff().refused(1000) == (1, FIRST_ROUND_SECONDS)


def test_whoever_is_refused_again_comes_back_in_the_next_round() -> None:
    """A round begins where the one before ends, and is longer."""
    backoff = Backoff()
    backoff.refused(1000)
    assert backoff.refused(1002) == pytest.approx((FIRST_ROUND_SECONDS - 2, _GROWTH * FIRST_ROUND_SECONDS - 2))
    assert backoff.refused(1012) == pytest.approx((_GROWTH * FIRST_ROUND_SECONDS - 12, 20))


def test_a_refusal_long_after_the_others_begins_anew() -> None:
    """A setup that waits for its app for minutes does not add up what it meets on the way."""
    backoff = Backoff()
    for now in (1000, 1001, 1002):
        backoff.refused(now)
    ends = 2 + 2 * 20  # twice no more than the longest pause after the one before
    assert backoff.refused(1000 + 2 * ends + 0.1) == (1, FIRST_ROUND_SECONDS)


def test_a_storm_that_lasts_is_forgotten_when_it_is_over() -> None:
    """However many refusals there were, the first one after a quiet time is followed by a first round."""
    backoff, now = Backoff(), 1000.0
    for _ in range(40):
        now += sum(backoff.refused(now)) / 2
    assert backoff.refusals == 40
    assert backoff.refused(now + 2 * (now - 1000) + 60) == (1, FIRST_ROUND_SECONDS)


@given(st.lists(st.floats(0, 600), max_size=50))
def test_every_pause_has_room_for_many_and_an_end(steps: list[float]) -> None:
    """Whatever happens when: a second at least, as long again to spread, and twenty seconds at most."""
    backoff, now = Backoff(), 1000.0
    for seconds in steps:
        now += seconds
        least, most = backoff.refused(now)
        assert least >= 1
        assert most - least >= 1
        assert most <= 20


@dataclass
class _Burst:
    """Setups that begin together, with an API that takes so many calls within any second."""

    setups: int
    within_seconds: float
    chance: random.Random
    last_seconds: float = 0.0
    calls: int = 0
    _accepted: deque[float] = field(default_factory=deque)

    def play(self) -> None:
        """Let time pass until every setup has made its calls."""
        backoffs = [Backoff() for _ in range(self.setups)]
        left = [_CALLS[number % 2] for number in range(self.setups)]
        asks_for_domain = [True] * self.setups
        due = [(self.chance.uniform(0, self.within_seconds), number) for number in range(self.setups)]
        heapq.heapify(due)
        while due:
            now, number = heapq.heappop(due)
            self.calls += 1
            if self._takes(now):
                left[number] -= 1
                self.last_seconds = now
                pause = _CALL_SECONDS
            else:
                pause = self.chance.uniform(*backoffs[number].refused(now))
                left[number] -= asks_for_domain[number]  # the first call: left out if it is refused
            asks_for_domain[number] = False
            if left[number]:
                heapq.heappush(due, (now + pause, number))

    def _takes(self, now: float) -> bool:
        while self._accepted and now - self._accepted[0] >= 1:
            self._accepted.popleft()
        if len(self._accepted) == _RATE:
            return False
        self._accepted.append(now)
        return True


@pytest.mark.parametrize(
    ("setups", "within_seconds", "most_calls"),
    [(10, 0, 1.4), (10, 0.5, 1.4), (50, 0.3, 1.4), (100, 0.6, 1.3), (200, 1, 1.45), (1000, 6, 2.8)],
)
def test_a_burst_is_over_soon_after_the_rate_allows(setups: int, within_seconds: float, most_calls: float) -> None:
    """The last of many is through within 1.5 times what the rate makes their calls take, and three seconds.

    That is the median of eleven bursts. Refusals are what tells setups how many they are: there are more in a big one.
    """
    bursts = [_Burst(setups, within_seconds, random.Random(seed)) for seed in range(11)]  # noqa: S311 (no secret)
    for burst in bursts:
        burst.play()
    calls = statistics.median(burst.calls for burst in bursts)
    assert statistics.median(burst.last_seconds for burst in bursts) <= 1.5 * calls / _RATE + 3
    assert calls <= most_calls * setups * _NEEDED


def test_a_single_setup_does_not_wait() -> None:
    """Its calls are accepted, one right after the other."""
    burst = _Burst(1, 0, random.Random(1))  # noqa: S311 (no secret)
    burst.play()
    assert burst.calls == _CALLS[0]
    assert burst.last_seconds == pytest.approx(2 * _CALL_SECONDS)
