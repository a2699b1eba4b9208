"""What 1,000 app starts cost, by start-up time and by the function's memory, from what was measured and AWS's prices.

A setup mostly waits, and waiting costs memory alone. What it computes takes longer in a small function: CPU power is in
proportion to memory, and 1,769 MB have one vCPU (Lambda developer guide, *Configure Lambda function memory*). What an
invocation takes on Lambda was not measured. SageMaker's API calls and EventBridge's events of AWS services cost
nothing; a trail of one's own, alarms and the dashboard cost by the month, not by the start.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from bench.prices import Prices
from bench.results import Results
from bench.simulation.inputs import Inputs
from bench.table import Measured, Row, Table

MEMORY_MEGABYTES = 256  # of the template
MAX_USD = 1.0
_SIZES = (128, 256, 512, 1024, 1769)
_MEGABYTES_OF_A_CPU = 1769
_START_UPS = (0, 30, 60, 120, 180, 240, 480, 720)
_TYPICAL_SECONDS = 135.0  # the middle of 30-240 s


@dataclass(frozen=True, slots=True)
class Costs:
    """What one setup takes, as measured, and AWS's prices.

    `cpu_seconds`: of a setup in a warm function, on a whole CPU; `cold_cpu_seconds`: of a cold start.
    """

    prices: Prices
    cpu_seconds: float
    cold_cpu_seconds: float
    log_megabytes: float
    commands_seconds: float

    def function_usd(self, start_up_seconds: float, memory_megabytes: float) -> float:
        """One start's invocation, a cold one: it waits, it computes as fast as its memory lets it, it follows."""
        computing = self.cold_start_seconds(memory_megabytes) + self.setup_seconds(memory_megabytes)
        seconds = start_up_seconds + self.commands_seconds + computing
        return self.prices.of_function(seconds, 1, memory_megabytes)

    def thousand_usd(self, start_up_seconds: float, memory_megabytes: float) -> float:
        """A thousand starts: invocations and log."""
        return 1000 * (self.function_usd(start_up_seconds, memory_megabytes) + self.prices.of_log(self.log_megabytes))

    def cold_start_seconds(self, memory_megabytes: float) -> float:
        """How long a cold start computes before its first request."""
        return self.cold_cpu_seconds * _slower_by(memory_megabytes)

    def setup_seconds(self, memory_megabytes: float) -> float:
        """How long a setup computes."""
        return self.cpu_seconds * _slower_by(memory_megabytes)


def _slower_by(memory_megabytes: float) -> float:
    return max(1.0, _MEGABYTES_OF_A_CPU / memory_megabytes)


def main() -> int:
    """Compute and report; 1 if a start costs too much."""
    table, costs = Table(), _measured_costs()
    at = f"{costs.prices.region}, list prices of {costs.prices.as_of}"
    name = f"1,000 starts with a start-up of {_TYPICAL_SECONDS:.0f} s"
    total = costs.thousand_usd(_TYPICAL_SECONDS, MEMORY_MEGABYTES)
    table.add(Row(f"{name} ({at})", Measured.of([total]), "US$", MAX_USD))
    log = 1000 * costs.prices.of_log(costs.log_megabytes)
    table.add(Row(f"{name}: of that, the log", Measured.of([log]), "US$"))
    cheapest = min(_SIZES, key=lambda size: costs.thousand_usd(_TYPICAL_SECONDS, size))
    beside = f"at {cheapest} MB, the cheapest"
    for what, unit, of in (
        (name, "US$", lambda size: costs.thousand_usd(_TYPICAL_SECONDS, size)),
        ("a cold start computes, meanwhile the app starts", "s", costs.cold_start_seconds),
        ("a setup computes", "s", costs.setup_seconds),
    ):
        ours, others = Measured.of([of(MEMORY_MEGABYTES)]), Measured.of([of(cheapest)])
        table.add(Row(f"{what}, at {MEMORY_MEGABYTES} MB", ours, unit, None, beside, others))
    lines = {str(size): [[at, costs.thousand_usd(at, size)] for at in _START_UPS] for size in _SIZES}
    table.picture("cost", lines)
    return table.exit_status


def _measured_costs() -> Costs:
    """What the other parts have measured."""
    results = Results.load()
    wanted = {
        "cpu_seconds": results.value("storm", "1 setups at once, API throttled to 20 calls/s: CPU per setup"),
        "cold_cpu_seconds": results.value("cold_start", "CPU of a whole cold start"),
        "log_kilobytes": results.value("one_setup", "log of a setup"),
    }
    if missing := [name for name, value in wanted.items() if value is None]:
        sys.exit(f"Not measured yet: {', '.join(missing)}. `python -m bench one_setup cold_start storm` does that.")
    found = {name: value or 0.0 for name, value in wanted.items()}
    return Costs(
        prices=Prices.load(),
        cpu_seconds=found["cpu_seconds"],
        cold_cpu_seconds=found["cold_cpu_seconds"],
        log_megabytes=found["log_kilobytes"] / 1000,
        commands_seconds=Inputs().session_seconds,
    )


if __name__ == "__main__":
    sys.exit(main())
