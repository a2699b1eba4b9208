"""The deadline and the stopwatch, on a clock of the test's own."""

from __future__ import annotations

import pytest

from studio_setup.model.deadline import Deadline, Stopwatch
from tests.support.fakes import FakeTime


def test_a_deadline_approaches_and_expires(fake_time: FakeTime) -> None:
    """The remaining time shrinks as the clock goes on, and is never negative."""
    deadline = fake_time.deadline(10)
    assert (deadline.remaining_seconds, deadline.expired) == (10, False)
    fake_time.now += 9.5
    assert (deadline.remaining_seconds, deadline.expired) == (0.5, False)
    fake_time.now += 0.5
    assert (deadline.remaining_seconds, deadline.expired) == (0, True)
    fake_time.now += 100
    assert (deadline.remaining_seconds, deadline.expired) == (0, True)


def test_a_deadline_without_time_has_expired(fake_time: FakeTime) -> None:
    """A function that is invoked with less time than it reserves has none left."""
    assert fake_time.deadline(0).expired
    assert fake_time.deadline(-5).expired


def test_a_deadline_within_another_is_never_later(fake_time: FakeTime) -> None:
    """A wait inside a wait has its own limit, or the outer one if that comes first."""
    deadline = fake_time.deadline(10)
    assert deadline.within(3).remaining_seconds == 3
    assert deadline.within(30).remaining_seconds == 10


def test_an_extended_deadline_may_be_later(fake_time: FakeTime) -> None:
    """Cleaning up gets that many seconds from now, even if the deadline has expired."""
    deadline = fake_time.deadline(1)
    fake_time.now += 5
    assert deadline.extended(10).remaining_seconds == 10
    assert deadline.expired


def test_a_pause_is_about_as_long_as_asked(fake_time: FakeTime) -> None:
    """Pauses differ by a tenth at most, so that many apps do not poll in step."""
    deadline = fake_time.deadline(10_000)
    for _ in range(200):
        deadline.pause(10)
    assert 9 <= min(fake_time.slept) < max(fake_time.slept) <= 11
    assert len(set(fake_time.slept)) > 100


def test_a_pause_between_two_times_is_random(fake_time: FakeTime) -> None:
    """Many pauses are spread evenly from one to the other."""
    deadline = fake_time.deadline(10_000)
    for _ in range(400):
        deadline.pause_between(5, 15)
    assert 5 <= min(fake_time.slept) < 6
    assert 14 < max(fake_time.slept) <= 15
    assert 9 < sum(fake_time.slept) / 400 < 11


def test_a_pause_ends_with_the_deadline(fake_time: FakeTime) -> None:
    """However long a pause is asked for, it does not go past the deadline."""
    deadline = fake_time.deadline(3)
    deadline.pause(60)
    deadline.pause(60)
    deadline.pause_between(50, 60)
    assert fake_time.slept == [3, 0, 0]


@pytest.mark.parametrize(
    ("remaining", "timeouts"), [(600, (5, 30)), (10, (5, 11)), (2, (3, 3)), (0, (1, 1)), (-9, (1, 1))]
)
def test_http_timeouts_fit_the_deadline(fake_time: FakeTime, remaining: float, timeouts: tuple[float, float]) -> None:
    """A call waits neither for ever nor long past the deadline, and always for some time."""
    assert fake_time.deadline(remaining).http_timeouts() == timeouts


def test_the_default_clock_is_the_machines() -> None:
    """Without a clock of its own, a deadline uses the monotonic clock."""
    deadline = Deadline.after(1000)
    assert 999 < deadline.remaining_seconds <= 1000


def test_a_stopwatch_counts_milliseconds(fake_time: FakeTime) -> None:
    """The seconds so far are rounded to the millisecond."""
    watch = Stopwatch(fake_time.clock)
    assert watch.seconds == 0
    fake_time.now += 1.23456
    assert watch.seconds == 1.235
