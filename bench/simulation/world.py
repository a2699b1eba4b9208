"""The API's rate limit and Lambda's asynchronous invocations, on a clock that is only counted."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from bench.simulation.inputs import Inputs

Process = Generator[simpy.Event, Any, Any]


@dataclass(slots=True)
class Start:
    """One app start, and what became of it. Moments are in seconds of the simulation."""

    created_at: float
    in_service_at: float
    is_space: bool
    session_left_seconds: float
    set_up_at: float | None = None
    given_up: str = ""
    calls: int = 0
    refused_calls: int = 0
    invocations: int = 0
    billed_seconds: float = 0.0
    queue_requests: int = 0

    @property
    def is_over(self) -> bool:
        """Is it set up, or given up?"""
        return self.set_up_at is not None or bool(self.given_up)


class Failed(Exception):
    """The invocation ends with an error: Lambda may try again."""


@dataclass(slots=True)
class World:
    """What all starts share: clock, chance, the API's limit, Lambda's environments; and when each was first used up."""

    inputs: Inputs
    chance: random.Random
    clock: simpy.Environment = field(default_factory=simpy.Environment)
    running: int = 0
    most_running: int = 0
    waiting_events: int = 0
    calls: int = 0
    refused_calls: int = 0
    throttled_events: int = 0
    first_refused_call: float | None = None
    first_throttled_event: float | None = None
    longest_wait_seconds: float = 0.0
    _environments: int = 0
    _accepted: deque[float] = field(default_factory=deque)

    @property
    def now(self) -> float:
        """The moment."""
        return float(self.clock.now)

    def pause(self, seconds: float) -> simpy.Event:
        """What a process yields in order to wait."""
        return self.clock.timeout(seconds)

    def accepts_call(self) -> bool:
        """Is there room for one more call within a second?"""
        self.calls += 1
        accepted, now = self._accepted, self.now
        while accepted and now - accepted[0] >= 1.0:
            accepted.popleft()
        if len(accepted) < self.inputs.api_calls_per_second:
            accepted.append(now)
            return True
        self.refused_calls += 1
        if self.first_refused_call is None:
            self.first_refused_call = now
        return False

    def invoke(self, start: Start, work: Callable[[Start], Process]) -> Process:
        """One event in Lambda's queue, to its end: `work` is retried when it fails, `start` given up as documented."""
        queued_at = self.now
        for retry_seconds in (*self.inputs.function_retry_seconds, None):
            yield from self._find_room(start, queued_at)
            if start.given_up:
                return
            try:
                yield from self.run(start, work)
            except Failed as failed:
                age = self.now - queued_at + (retry_seconds or 0.0)
                if retry_seconds is None or age > self.inputs.maximum_event_age_seconds:
                    start.given_up = str(failed)
                    return
                yield self.pause(retry_seconds)
            else:
                return

    def run(self, start: Start, work: Callable[[Start], Process]) -> Process:
        """One invocation, billed from its beginning to its end; in a new environment if none is idle."""
        began = self.now
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        start.invocations += 1
        try:
            if self.running > self._environments:
                self._environments += 1
                yield self.pause(self.inputs.cold_start_seconds)
            yield from work(start)
        finally:
            self.running -= 1
            start.billed_seconds += self.now - began

    def _find_room(self, start: Start, queued_at: float) -> Process:
        """Wait as a throttled event does, or give the start up once the event is too old."""
        began = self.now
        pause_seconds = self.inputs.throttle_first_seconds
        while self.running >= self.inputs.concurrency:
            self.throttled_events += 1
            if self.first_throttled_event is None:
                self.first_throttled_event = self.now
            if self.now - queued_at + pause_seconds > self.inputs.maximum_event_age_seconds:
                start.given_up = "event too old"
                return
            self.waiting_events += 1
            yield self.pause(pause_seconds)
            self.waiting_events -= 1
            self.longest_wait_seconds = max(self.longest_wait_seconds, self.now - began)
            pause_seconds = min(pause_seconds * 2, self.inputs.throttle_most_seconds)
