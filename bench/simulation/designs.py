"""The ways to wait for an app that are compared; the first is the product's.

Each takes a world and a start whose event has just arrived, and ends when the start is over.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench.simulation.invocation import Invocation
from bench.simulation.world import Process, Start, World
from studio_setup.access.backoff import Backoff
from studio_setup.access.poll_schedule import PollSchedule

Design = Callable[[World, Start], Process]

# A message is sent, received and deleted (SQS pricing counts requests).
_REQUESTS_PER_MESSAGE = 3
_APPS_PER_PAGE = 100  # the most that ListApps returns
_SECONDS_BETWEEN_PASSES = 4.0


def wait_inside(world: World, start: Start) -> Process:
    """The function waits for the app itself: what the product does."""
    return world.invoke(start, lambda one: Invocation(world, one).set_up())


def learn_first_wait(world: World, start: Start) -> Process:
    """It looks once, and then not before one start-up in ten would be over, as if their distribution were known."""
    low, high = world.inputs.start_up_seconds
    learned_seconds = low + (high - low) * world.inputs.learned_quantile

    def first_wait(one: Start) -> float:
        return one.created_at + learned_seconds - world.now

    return world.invoke(start, lambda one: Invocation(world, one).set_up(first_wait))


def hand_back(world: World, start: Start) -> Process:
    """It looks once, and puts the event into a queue for as long as it would have waited."""
    backoff, schedule, began = Backoff(), PollSchedule(), world.now
    wait_seconds, refusals = 0.0, 0

    def look(one: Start) -> Process:
        nonlocal wait_seconds, refusals
        yield world.pause(world.inputs.call_seconds)
        one.calls += 1
        if not world.accepts_call():
            one.refused_calls += 1
            wait_seconds = world.chance.uniform(*backoff.refused(world.now))
        elif world.now < one.in_service_at:
            wait_seconds = schedule.next_seconds(world.now - began, backoff.refusals - refusals)
            wait_seconds *= world.chance.uniform(0.9, 1.1)
            refusals = backoff.refusals
        else:
            yield from Invocation(world, one).set_up_ready()

    while True:
        yield from world.invoke(start, look)
        if start.is_over:
            return
        if world.now - began + wait_seconds > world.inputs.maximum_event_age_seconds:
            start.given_up = "event too old"
            return
        start.queue_requests += _REQUESTS_PER_MESSAGE
        yield world.pause(math.ceil(wait_seconds))  # a queue delays by whole seconds


@dataclass(slots=True)
class DomainWaiter:
    """One waiter lists the domain's apps, the newest first, as far back as one is waited for, and starts the others."""

    world: World
    own: Start
    _pending: list[Start] = field(default_factory=list)
    _created: list[float] = field(default_factory=list)
    _is_awake: bool = False

    @classmethod
    def of(cls, world: World) -> DomainWaiter:
        """A waiter; its calls and seconds are those of a start of its own."""
        return cls(world, Start(0.0, 0.0, is_space=False, session_left_seconds=0.0))

    def __call__(self, world: World, start: Start) -> Process:
        """Let the waiter know of a start."""
        self._pending.append(start)
        self._created.append(start.created_at)
        if not self._is_awake:
            self._is_awake = True
            world.clock.process(world.run(self.own, lambda _own: self._watch()))
        yield world.pause(0.0)

    def _watch(self) -> Process:
        backoff = Backoff()
        while self._pending:
            oldest = min(start.created_at for start in self._pending)
            rows = len(self._created) - bisect.bisect_left(self._created, oldest)
            for _ in range(math.ceil(rows / _APPS_PER_PAGE)):
                yield from self._list_page(backoff)
            self._begin([start for start in self._pending if start.in_service_at <= self.world.now])
            yield self.world.pause(_SECONDS_BETWEEN_PASSES)
        self._is_awake = False

    def _list_page(self, backoff: Backoff) -> Process:
        while True:
            yield self.world.pause(self.world.inputs.call_seconds)
            self.own.calls += 1
            if self.world.accepts_call():
                return
            self.own.refused_calls += 1
            yield self.world.pause(self.world.chance.uniform(*backoff.refused(self.world.now)))

    def _begin(self, ready: Sequence[Start]) -> None:
        for start in ready:
            self._pending.remove(start)
            self.world.clock.process(wait_inside(self.world, start))
