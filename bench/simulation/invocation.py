"""What the function does from the event to the end of the setup, as far as time, calls and chance are concerned.

The pauses are the engine's own (`Backoff`, `PollSchedule`, the jitter of `Deadline`); the order of the calls is that of
`AppStatus` and `Login`, and a test compares the moments of the calls with theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import simpy

from bench.simulation.world import Failed, Process, Start, World
from studio_setup.access.backoff import Backoff
from studio_setup.access.poll_schedule import PollSchedule

FirstWait = Callable[[Start], float]


class Invocation:
    """One attempt at one start."""

    def __init__(self, world: World, start: Start) -> None:
        self._world = world
        self._start = start
        self._backoff = Backoff()
        self._ends_at = world.now + world.inputs.function_seconds

    def set_up(self, first_wait: FirstWait = lambda _start: 0.0) -> Process:
        """All of it: describe the domain and the space, wait for the app, log in, run the commands.

        `first_wait`: how long to wait at least after the first look at an app that is not in service.

        Raises:
            Failed: it was not done in time.
        """
        yield from self._describe_owner()
        yield from self._wait_until_in_service(first_wait)
        yield from self._use()

    def set_up_ready(self) -> Process:
        """The same in an app that is known to be in service.

        Raises:
            Failed: it was not done in time.
        """
        yield from self._describe_owner()
        yield from self._use()

    def call(self) -> Process:
        """One call of the API, until it is accepted.

        Raises:
            Failed: it was still refused when the time was up.
        """
        is_accepted = False
        while not is_accepted:
            is_accepted = yield from self._call_once()

    def _call_once(self) -> Generator[simpy.Event, Any, bool]:
        """One call, and the pause that follows if it is refused; was it accepted?"""
        world = self._world
        yield world.pause(world.inputs.call_seconds)
        self._start.calls += 1
        if world.accepts_call():
            return True
        self._start.refused_calls += 1
        least, most = self._backoff.refused(world.now)
        if world.now >= self._ends_at:
            raise Failed("calls refused until the end")
        yield from self._pause(world.chance.uniform(least, most))
        return False

    def _describe_owner(self) -> Process:
        """The domain is left out if the API throttles that call, the space is not."""
        yield from self._call_once()
        if self._start.is_space:
            yield from self.call()

    def _wait_until_in_service(self, first_wait: FirstWait) -> Process:
        world, start = self._world, self._start
        schedule, began, is_first = PollSchedule(), world.now, True
        while True:
            refusals = self._backoff.refusals
            yield from self.call()
            if world.now >= start.in_service_at:
                return
            if world.now >= self._ends_at:
                raise Failed("app not ready")
            pause_seconds = schedule.next_seconds(world.now - began, self._backoff.refusals - refusals)
            if is_first:
                pause_seconds = max(pause_seconds, first_wait(start))
            is_first = False
            yield from self._pause(pause_seconds * world.chance.uniform(0.9, 1.1))

    def _use(self) -> Process:
        """The presigned URL and what it leads to; what is not done in time is left to the next attempt."""
        yield from self.call()
        world, start = self._world, self._start
        seconds = min(start.session_left_seconds, max(0.0, self._ends_at - world.now))
        yield world.pause(seconds)
        start.session_left_seconds -= seconds
        if start.session_left_seconds > 0:
            raise Failed("out of time")
        start.set_up_at = world.now

    def _pause(self, seconds: float) -> Process:
        yield self._world.pause(min(seconds, max(0.0, self._ends_at - self._world.now)))
