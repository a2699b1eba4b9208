"""The one deadline, in a time of the test's own."""

from __future__ import annotations

import pytest

from studio_setup.model.deadline import Deadline, Stopwatch
from tests.support.fakes import FakeTime


def test_a_deadline_comes_nearer_and_passes(fake_time: FakeTime) -> None:
    """What remains shrinks with the clock, and is never negative."""
    deadline = fake_time.deadline(10)
    assert (deadline.remaining_seconds, deadline.expired) == (10, False)
    fake_time.now += 9.5
    assert (deadline.remaining_seconds, deadline.expired) == (0.5, False)
    fake_time.now += 0.5
    assert (deadline.remaining_seconds, deadline.expired) == (0, True)
    fake_time.now += 100
    assert (deadline.remaining_seconds, deadline.expired) == (0, True)


def test_a_deadline_of_no_time_has_passed(fake_time: FakeTime) -> None:
    """A function that is invoked with less time than it reserves has none."""
    assert fake_time.deadline(0).expired
    assert fake_time.deadline(-5).expired


def test_a_deadline_within_is_never_later(fake_time: FakeTime) -> None:
    """A wait inside a wait has its own limit, or the outer one if that is sooner."""
    deadline = fake_time.deadline(10)
    assert deadline.within(3).remaining_seconds == 3
    assert deadline.within(30).remaining_seconds == 10


def test_only_cleaning_up_may_take_longer(fake_time: FakeTime) -> None:
    """An extended deadline goes past its own end, by that much from now."""
    deadline = fake_time.deadline(1)
    fake_time.now += 5
    assert deadline.extended(10).remaining_seconds == 10
    assert deadline.expired


def test_a_pause_is_about_as_long_as_asked(fake_time: FakeTime) -> None:
    """Many pauses differ, by a tenth at most, so that many apps do not ask in step."""
    deadline = fake_time.deadline(10_000)
    for _ in range(200):
        deadline.pause(10)
    assert 9 <= min(fake_time.slept) < max(fake_time.slept) <= 11
    assert len(set(fake_time.slept)) > 100


def test_a_pause_within_a_time_is_any_part_of_it(fake_time: FakeTime) -> None:
    """Many pauses spread evenly over all of it."""
    deadline = fake_time.deadline(10_000)
    for _ in range(400):
        deadline.pause_within(10)
    assert 0 <= min(fake_time.slept) < 1
    assert 9 < max(fake_time.slept) <= 10
    assert 4 < sum(fake_time.slept) / 400 < 6


def test_a_pause_never_goes_past_the_end(fake_time: FakeTime) -> None:
    """Whatever pause is asked for, it ends with the deadline."""
    deadline = fake_time.deadline(3)
    deadline.pause(60)
    deadline.pause(60)
    deadline.pause_within(60)
    assert fake_time.slept == [3, 0, 0]


@pytest.mark.parametrize(
    ("remaining", "timeouts"), [(600, (5, 30)), (10, (5, 11)), (2, (3, 3)), (0, (1, 1)), (-9, (1, 1))]
)
def test_http_calls_have_timeouts_that_fit(
    fake_time: FakeTime, remaining: float, timeouts: tuple[float, float]
) -> None:
    """A call never waits for ever, never much past the deadline, and always for some time."""
    assert fake_time.deadline(remaining).http_timeouts() == timeouts


def test_real_time_is_what_passes_by_default() -> None:
    """Without a clock of its own, a deadline knows the machine's, which never goes back."""
    deadline = Deadline.after(1000)
    assert 999 < deadline.remaining_seconds <= 1000


def test_a_stopwatch_counts_seconds(fake_time: FakeTime) -> None:
    """Seconds so far, to the millisecond."""
    watch = Stopwatch(fake_time.clock)
    assert watch.seconds == 0
    fake_time.now += 1.23456
    assert watch.seconds == 1.235
