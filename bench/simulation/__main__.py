"""Simulates 1,000 and 10,000 app starts within ten minutes and 100,000 a day, by every design.

The bound is the later of two moments: when the last would be set up with nothing in the way, and when the API has
accepted the calls that cannot be left out (space, app, presigned URL). Small bursts stand beside what
`bench.storm` has measured.
"""

from __future__ import annotations

import math
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, astuple, dataclass, replace

from bench.prices import Prices
from bench.results import Results
from bench.simulation.inputs import Inputs
from bench.simulation.scenario import DESIGNS, Result, Scenario, simulate
from bench.table import Measured, Row, Table

MAX_RATIO = 1.5
_MEMORY_MEGABYTES = 256
_RESERVED = 100
_DRAWN = Scenario("10,000 starts in 10 minutes", 10_000, 600)
_SCENARIOS = (
    Scenario("1,000 starts in 10 minutes", 1_000, 600),
    _DRAWN,
    Scenario("100,000 starts in a day", 100_000, 86_400),
)
# As in the storm: apps that are ready, warm functions; the API answers from the same machine.
_STORM = Inputs(call_seconds=0.03, cold_start_seconds=0.0)
_STORM_ROW = "{} setups at once, API throttled to 20 calls/s: "
_BURSTS = (10, 50, 200)
_BURST_SEEDS = 20


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a result; all in seconds, or per start."""

    design: str
    last_set_up_at: float
    given_up: int
    median_delay: float
    calls: float
    billed_seconds: float
    usd_per_thousand: float
    most_running: int
    longest_wait_seconds: float


def main() -> int:
    """Simulate and report; 1 if a target is missed."""
    table = Table()
    with ProcessPoolExecutor(max_workers=2) as pool:
        simulated = [pool.submit(_simulate, scenario) for scenario in _SCENARIOS]
        for scenario, future in zip(_SCENARIOS, simulated, strict=True):
            _add_scenario(table, scenario, future.result())
    for at_once in _BURSTS:
        _add_burst(table, at_once)
    return table.exit_status


@dataclass(frozen=True, slots=True)
class Simulated:
    """A scenario with nothing in the way, and by each design; of the first, what was used up first, and samples."""

    free: Told
    designs: list[Told]
    used_up_first: str
    samples: list[tuple[float, ...]]


def _simulate(scenario: Scenario) -> Simulated:
    inputs = Inputs()
    unhindered = simulate(replace(inputs, api_calls_per_second=math.inf, concurrency=math.inf), scenario)
    ours = simulate(inputs, scenario)
    others = [_told(simulate(inputs, scenario, design), design) for design in DESIGNS[1:]]
    reserved = simulate(replace(inputs, concurrency=_RESERVED), scenario)
    others.append(_told(reserved, f"waiting inside, `ReservedConcurrency={_RESERVED}`"))
    samples = [astuple(sample) for sample in ours.samples]
    designs = [_told(ours, DESIGNS[0]), *others]
    return Simulated(_told(unhindered, "nothing in the way"), designs, ours.first_saturated, samples)


def _told(result: Result, design: str) -> Told:
    prices = Prices.load()
    billed, invocations = result.per_start("billed_seconds"), result.per_start("invocations")
    usd = prices.of_function(billed, invocations, _MEMORY_MEGABYTES)
    usd += prices.queue_request * result.per_start("queue_requests")
    return Told(
        design=design,
        last_set_up_at=result.last_set_up_at,
        given_up=sum(result.given_up.values()),
        median_delay=result.median_delay,
        calls=result.per_start("calls"),
        billed_seconds=billed,
        usd_per_thousand=1000 * usd,
        most_running=result.world.most_running,
        longest_wait_seconds=result.world.longest_wait_seconds,
    )


def _add_scenario(table: Table, scenario: Scenario, simulated: Simulated) -> None:
    """Add what became of a scenario to the table, beside the same work with nothing in the way."""
    ours, free, name = simulated.designs[0], simulated.free, scenario.name
    inputs = Inputs()
    api_seconds = scenario.starts * (2 + inputs.space_share) / inputs.api_calls_per_second
    bound = Measured.of([max(free.last_set_up_at, api_seconds)])
    by = "the API's rate" if api_seconds > free.last_set_up_at else "the start-up times"
    last = Measured.of([ours.last_set_up_at])
    table.add(Row(f"{name}: the last one set up after", last, "s", MAX_RATIO, f"the bound set by {by}", bound))
    table.add(Row(f"{name}: given up", Measured.of([ours.given_up]), "", 0))
    for what, unit, of in (
        ('from "in service" to the first command, median', "s", "median_delay"),
        ("calls per start, refused ones included", "", "calls"),
        ("billed per start", "s", "billed_seconds"),
        ("functions running at once, most", "", "most_running"),
    ):
        value, other = (Measured.of([getattr(told, of)]) for told in (ours, free))
        table.add(Row(f"{name}: {what}", value, unit, None, "with nothing in the way", other))
    waited = Measured.of([ours.longest_wait_seconds])
    table.add(Row(f"{name}: an event waits in Lambda's queue, at most", waited, "s"))
    print(f"{name}: used up first: {simulated.used_up_first}")
    designs = [asdict(told) for told in simulated.designs]
    table.picture(f"designs, {name}", {"used_up_first": simulated.used_up_first, "designs": designs})
    if scenario == _DRAWN:
        table.picture("queue", simulated.samples)


def _add_burst(table: Table, at_once: int) -> None:
    """Add a burst as in the storm, beside what the storm has measured; a setup takes as long as it took alone there."""
    storm = Results.load()
    alone = storm.value("storm", _STORM_ROW.format(1) + "set up after, median")
    if alone is None:
        sys.exit("There is nothing to compare with: `python -m bench storm` measures it.")
    inputs = replace(_STORM, session_seconds=alone - 3 * _STORM.call_seconds)
    scenario = Scenario("a burst", at_once, 0.0, ready=True)
    results = [simulate(inputs, scenario, seed=seed) for seed in range(_BURST_SEEDS)]
    for what, unit, values in (
        ("the last one set up after", "s", [one.last_set_up_at for one in results]),
        ("set up after, median", "s", [_median_end(one) for one in results]),
        ("calls per setup", "", [one.per_start("calls") for one in results]),
    ):
        measured = storm.value("storm", _STORM_ROW.format(at_once) + what)
        beside = ("measured", Measured.of([measured])) if measured is not None else ("", None)
        table.add(Row(f"{at_once} at once, simulated: {what}", Measured.of(values), unit, None, *beside))


def _median_end(result: Result) -> float:
    return statistics.median(start.set_up_at for start in result.starts if start.set_up_at is not None)


if __name__ == "__main__":
    sys.exit(main())
