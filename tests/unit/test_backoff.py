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
_LONGER = 3.2  # so many times as late ends the first round of a setup that has not been accepted once


def test_whoever_is_refused_first_comes_back_within_the_first_round() -> None:
    """But not within the second in which everything was used up already."""
    backoff = Backoff()
    backoff.accepted()
    assert backoff.refused(1000) == (1, FIRST_ROUND_SECONDS)


def test_whoever_is_refused_from_the_very_first_leaves_the_first_round_to_the_others() -> None:
    """The setups that were accepted have used up all that the API takes, so those that were not may be many."""
    assert Backoff().refused(1000) == (FIRST_ROUND_SECONDS, _LONGER * FIRST_ROUND_SECONDS)


def test_whoever_is_refused_again_comes_back_in_the_next_round() -> None:
    """A round begins where the one before ends; an accepted call in between changes nothing."""
    backoff = Backoff()
    backoff.accepted()
    ends = FIRST_ROUND_SECONDS
    backoff.refused(1000)
    assert backoff.refused(1002) == pytest.approx((ends - 2, 1.6 * ends - 2))
    backoff.accepted()
    assert backoff.refused(1005) == pytest.approx((1.6 * ends - 5, 1.6 * 1.6 * ends - 5))


def test_a_refusal_late_in_a_round_leaves_room_to_spread() -> None:
    """Nobody hammers because the next round is nearly over."""
    backoff = Backoff()
    backoff.refused(1000)
    ends = _LONGER * FIRST_ROUND_SECONDS
    assert backoff.refused(1000 + 1.9 * ends) == (1, 1 + ends / 2)


def test_a_refusal_long_after_the_others_begins_anew() -> None:
    """A setup that waits for its app for minutes does not add up what it meets on the way."""
    backoff = Backoff()
    backoff.accepted()
    for now in (1000, 1001, 1002):
        backoff.refused(now)
    assert backoff.refused(1000 + 2 * 1.6 * 1.6 * FIRST_ROUND_SECONDS + 0.1) == (1, FIRST_ROUND_SECONDS)


def test_a_storm_that_lasts_is_forgotten_when_it_is_over() -> None:
    """However many refusals there were, the first one after a quiet time is followed by a first round."""
    backoff, now = Backoff(), 1000.0
    backoff.accepted()
    for _ in range(40):
        now += sum(backoff.refused(now)) / 2
    assert backoff.refusals == 40
    assert backoff.refused(now + 2 * (now - 1000) + 60) == (1, FIRST_ROUND_SECONDS)


@given(st.lists(st.tuples(st.floats(0, 600), st.booleans()), max_size=50))
def test_every_pause_has_room_for_many_and_an_end(steps: list[tuple[float, bool]]) -> None:
    """Whatever happens when: a second at least, as long again to spread, and twenty seconds at most."""
    backoff, now = Backoff(), 1000.0
    for seconds, is_refused in steps:
        now += seconds
        if not is_refused:
            backoff.accepted()
            continue
        least, most = backoff.refused(now)
        assert least >= 1
        assert most - least >= 1
        assert most <= 20


@dataclass
class _Burst:
    """Setups that begin together, with an API that takes so many calls within any second."""

    setups: int
    chance: random.Random
    last_seconds: float = 0.0
    calls: int = 0
    _accepted: deque[float] = field(default_factory=deque)

    def play(self) -> None:
        """Let time pass until every setup has made its calls."""
        backoffs = [Backoff() for _ in range(self.setups)]
        left = [_CALLS[number % 2] for number in range(self.setups)]
        asks_for_domain = [True] * self.setups
        due = [(self.chance.uniform(0, 0.006) * number, number) for number in range(self.setups)]
        heapq.heapify(due)
        while due:
            now, number = heapq.heappop(due)
            self.calls += 1
            if self._takes(now):
                backoffs[number].accepted()
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


@pytest.mark.parametrize(("setups", "most_calls"), [(10, 1.4), (50, 1.3), (100, 1.3), (200, 1.4), (1000, 2.8)])
def test_a_burst_is_over_soon_after_the_rate_allows(setups: int, most_calls: float) -> None:
    """The last of many is through within 1.5 times what the calls that they need take at that rate, and three seconds.

    That is the median of eleven bursts. Refusals are what tells setups how many they are: there are more in a big one,
    but two hundred need no more than 1.4 times as many calls as if each came alone.
    """
    bursts = [_Burst(setups, random.Random(seed)) for seed in range(11)]  # noqa: S311 (no secret)
    for burst in bursts:
        burst.play()
    needed = setups * _NEEDED
    assert statistics.median(burst.last_seconds for burst in bursts) <= 1.5 * needed / _RATE + 3
    assert statistics.median(burst.calls for burst in bursts) <= most_calls * needed


def test_a_single_setup_does_not_wait() -> None:
    """Its calls are accepted, one right after the other."""
    burst = _Burst(1, random.Random(1))  # noqa: S311 (no secret)
    burst.play()
    assert burst.calls == _CALLS[0]
    assert burst.last_seconds == pytest.approx(2 * _CALL_SECONDS)
