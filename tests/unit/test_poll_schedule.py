"""When an app is asked about again: soon for whoever waits for some minutes, seldom where calls are refused."""

from __future__ import annotations

import pytest

from studio_setup.access.poll_schedule import PollSchedule


def test_for_four_minutes_the_pauses_are_even() -> None:
    """A start-up of any usual length is noticed equally soon."""
    schedule = PollSchedule()
    assert [schedule.next_seconds(waited, 0) for waited in (0, 100, 240)] == [4, 4, 4]


def test_after_four_minutes_the_pauses_grow_to_half_a_minute() -> None:
    """By 15 % each time."""
    schedule = PollSchedule()
    assert schedule.next_seconds(240.1, 0) == pytest.approx(4 * 1.15)
    assert schedule.next_seconds(245, 0) == pytest.approx(4 * 1.15**2)
    assert [schedule.next_seconds(300, 0) for _ in range(20)][-1] == 30


def test_each_refusal_makes_all_later_pauses_half_as_long_again() -> None:
    """Up to half a minute: everybody's questions have to fit the rate."""
    schedule = PollSchedule()
    assert schedule.next_seconds(1, 1) == 6
    assert schedule.next_seconds(2, 0) == 6
    assert schedule.next_seconds(3, 2) == 6 * 1.5**2
    assert schedule.next_seconds(4, 50) == 30
