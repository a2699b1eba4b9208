"""How long the engine's own waiting code takes to notice an app, and in how many calls."""

from __future__ import annotations

import statistics

from bench.first_command import MAX_CALLS, MAX_SECONDS, wait_for


def test_an_app_that_is_in_service_takes_four_calls() -> None:
    """Domain, space, app and presigned URL, one after the other."""
    wait = wait_for(0)
    assert wait.calls == 4
    assert 0.3 < wait.now < 0.5


def test_half_of_the_usual_start_ups_are_noticed_soon_and_in_few_calls() -> None:
    """Start-ups of 30 to 240 seconds: within 2.5 seconds, in up to 40 calls."""
    waits = [wait_for(in_service_at) for in_service_at in range(30, 241)]
    assert statistics.median(wait.now - wait.in_service_at for wait in waits) < MAX_SECONDS
    assert statistics.median(wait.calls for wait in waits) <= MAX_CALLS
    assert all(wait.now >= wait.in_service_at for wait in waits)
