"""Some app starts within some time, in one world and by one design: everything that came of it."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from dataclasses import dataclass

from bench.simulation.designs import Design, DomainWaiter, hand_back, learn_first_wait, wait_inside
from bench.simulation.inputs import Inputs
from bench.simulation.world import Process, Start, World

_SAMPLES = 120


@dataclass(frozen=True, slots=True)
class Scenario:
    """So many starts, evenly by chance, within so many seconds; `ready`: in apps that are in service already."""

    name: str
    starts: int
    within_seconds: float
    ready: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """How many there were at one moment."""

    at_seconds: float
    events_waiting: int
    running: int
    set_up: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a scenario: every start, the world at its end, and samples on the way."""

    starts: list[Start]
    waiter: Start | None
    world: World
    samples: list[Sample]

    @property
    def last_set_up_at(self) -> float:
        """When the last one was set up; 0 if none was."""
        return max((start.set_up_at or 0.0 for start in self.starts), default=0.0)

    @property
    def given_up(self) -> Counter[str]:
        """How many were given up, by reason."""
        return Counter(start.given_up for start in self.starts if start.given_up)

    @property
    def delays(self) -> list[float]:
        """For each that was set up: from the app in service, or its event if that came later, to its first command."""
        session_seconds = self.world.inputs.session_seconds
        return [
            start.set_up_at - session_seconds - max(start.in_service_at, start.created_at)
            for start in self.starts
            if start.set_up_at is not None
        ]

    @property
    def first_saturated(self) -> str:
        """What was used up first, and when."""
        moments = {
            "the API's rate": self.world.first_refused_call,
            "Lambda's concurrency": self.world.first_throttled_event,
        }
        used_up = {name: at for name, at in moments.items() if at is not None}
        if not used_up:
            return "nothing"
        first = min(used_up, key=lambda name: used_up[name])
        return f"{first}, after {used_up[first]:.0f} s"

    def per_start(self, what: str) -> float:
        """The mean of one of the counts of a start; a waiter's are shared by all."""
        everything = [*self.starts, *([self.waiter] if self.waiter else [])]
        return float(sum(getattr(start, what) for start in everything)) / len(self.starts)

    @property
    def median_delay(self) -> float:
        """The median of `delays`."""
        return statistics.median(self.delays)


DESIGNS = ("waiting inside", "a learned first wait", "handing back to a queue", "one waiter per domain")


def simulate(inputs: Inputs, scenario: Scenario, design_name: str = DESIGNS[0], seed: int = 1) -> Result:
    """Carry a scenario out: the same arguments give the same result."""
    world = World(inputs, random.Random(seed))  # noqa: S311 (no secret)
    design, waiter = _design(world, design_name)
    starts = _starts(world, scenario)
    samples: list[Sample] = []
    world.clock.process(_arrive(world, starts, design))
    every_seconds = max(5.0, scenario.within_seconds / _SAMPLES)
    while not all(start.is_over for start in reversed(starts)):
        world.clock.run(until=world.now + every_seconds)
        set_up = sum(start.set_up_at is not None for start in starts)
        samples.append(Sample(world.now, world.waiting_events, world.running, set_up))
    return Result(starts, waiter, world, samples)


def _design(world: World, name: str) -> tuple[Design, Start | None]:
    if name == "one waiter per domain":
        waiter = DomainWaiter.of(world)
        return waiter, waiter.own
    return dict(zip(DESIGNS, (wait_inside, learn_first_wait, hand_back), strict=False))[name], None


def _starts(world: World, scenario: Scenario) -> list[Start]:
    inputs, chance = world.inputs, world.chance
    created = sorted(chance.uniform(0, scenario.within_seconds) for _ in range(scenario.starts))
    return [
        Start(
            at,
            at if scenario.ready else at + chance.uniform(*inputs.start_up_seconds),
            chance.random() < inputs.space_share,
            inputs.session_seconds,
        )
        for at in created
    ]


def _arrive(world: World, starts: list[Start], design: Design) -> Process:
    """Let the event of each start arrive."""
    for start in starts:
        yield world.pause(max(0.0, start.created_at + world.inputs.event_delay_seconds - world.now))
        world.clock.process(design(world, start))
