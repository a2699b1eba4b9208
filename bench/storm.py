"""Many setups at the same moment, with a SageMaker API that accepts 20 calls a second: the second part of `make soak`.

The API's rate sets a bound: the calls that are made, refused ones included, at 20 a second. Every setup is an
invocation in a process of its own, as on Lambda, and an ad-hoc run in one of a few apps, since an app for each setup
would take 100 MB of memory for its Jupyter server. The CPU time is that of the function alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.soak_app import SoakApp
from bench.soak_case import Case, Step, wrong_effects, wrong_outcomes
from bench.soak_invocations import Invocations, Invoker
from bench.soak_secrets import search
from bench.table import Measured, Row, Table
from emulator.studio import LocalStudio

_CALLS_PER_SECOND = 20
_LIMIT_SECONDS = 600.0
_MAX_CPU_RATIO = 1.2
_MAX_CALLS_RATIO = 1.4
_WHY_MORE_CALLS = (
    "a refused call does not say how many others there are: so that a small burst is over soon, all come back soon, and"
    " of so many most are refused once more; a longer first round would meet this, and miss what a small burst may take"
)
_WHY_MORE_CPU = (
    "a refused call costs about a millisecond; the rest is the machine's: processes that run side by side on its few"
    " cores spoil each other's caches, more in one run of this bench than in the next"
)
_SINGLE_SETUPS = 30
# Chance has a say in the last one: small bursts are repeated until they are so many setups, others a few times.
_SETUPS = 50
_BURSTS = 3
_MANY = 100  # so many are not repeated: it takes too long
_STEPS = (
    Step(
        "step-1", 0, 0.2, "a line of an installation that goes well", 2_000, has_lines=True, go_on_after_failure=False
    ),
    Step("step-2", 0, 0.2, "another one", 20_000, has_lines=True, go_on_after_failure=False),
)


@dataclass(frozen=True)
class Round:
    """Some setups at once, once or several times, and what each took; `calls` is the mean."""

    at_once: int
    setups: int
    wrong: list[str]
    seconds: Measured
    last_seconds: Measured
    cpu_seconds: Measured
    calls: float


class Storm:
    """Runs setups on some apps."""

    def __init__(self, studio: LocalStudio, invocations: Invocations, apps: list[SoakApp]) -> None:
        self._studio = studio
        self._invocations = invocations
        self._apps = apps
        self._numbers = 0

    def round(self, at_once: int, times: int = 1) -> Round:
        """Run that many setups at once, that many times."""
        calls_before = len(self._studio.api_calls)
        bursts = [self._at_once(at_once) for _ in range(times)]
        calls = len(self._studio.api_calls) - calls_before
        runs = [run for burst in bursts for run in burst]
        return Round(
            at_once=at_once,
            setups=len(runs),
            wrong=[wrong for app, case, result in runs for wrong in _wrong(app, case, result)],
            seconds=Measured.of(result["seconds"] for _, _, result in runs),
            last_seconds=Measured.of(max(result["seconds"] for _, _, result in burst) for burst in bursts),
            cpu_seconds=Measured.of(result["cpu_seconds"] for _, _, result in runs),
            calls=calls / len(runs),
        )

    def _at_once(self, count: int) -> list[tuple[SoakApp, Case, dict[str, Any]]]:
        """Run the setups; every invoking process is started before the first one begins."""
        invokers = [self._invocations.new() for _ in range(count)]
        runs = [(invoker, *self._next()) for invoker in invokers]
        for invoker, app, case in runs:
            invoker.begin(app.event, case.commands, claims_start=False, seconds=_LIMIT_SECONDS)
        give_up = time.monotonic() + _LIMIT_SECONDS
        done = [(app, case, _result(invoker, give_up)) for invoker, app, case in runs]
        for invoker in invokers:
            invoker.end()
        for app in self._apps:
            app.look_at_terminals(killed_invocations=0)
        return done

    def _next(self) -> tuple[SoakApp, Case]:
        self._numbers += 1
        return self._apps[self._numbers % len(self._apps)], Case(self._numbers, "none", _STEPS)


def _result(invoker: Invoker, give_up: float) -> dict[str, Any]:
    nothing = {"error": "there was no result in time", "report": None, "seconds": _LIMIT_SECONDS, "cpu_seconds": 0.0}
    return invoker.result(max(0.0, give_up - time.monotonic())) or nothing


def _wrong(app: SoakApp, case: Case, result: dict[str, Any]) -> list[str]:
    run_id = (result["report"] or {}).get("run_id", "")
    wrong = wrong_outcomes(case, [result], 0, app.over(run_id)) + wrong_effects(case, app.effects(case.number))
    return [f"setup {case.number}: {one}" for one in wrong]


def main() -> int:
    """Run the rounds and print the results; 1 if anything was wrong or took more than it should."""
    options = _options()
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalStudio() as studio,
        Invocations(Path(folder), studio.sagemaker_endpoint) as invocations,
    ):
        studio.add_domain()
        apps = [SoakApp(studio, f"user-{at}", in_space=at % 2 == 1) for at in range(options.apps)]
        for app in apps:
            app.start()
        studio.throttle(_CALLS_PER_SECOND)
        storm = Storm(studio, invocations, apps)
        single = storm.round(1, _SINGLE_SETUPS)
        table = Table()
        for at_once in options.at_once:
            times = 1 if at_once >= _MANY else max(_BURSTS, _SETUPS // at_once)
            _add(table, storm.round(at_once, times), single)
        left = _left(apps)
        found = search(Path(folder))
    print(f"terminals and processes left over in {len(apps)} apps: {len(left)}", *left[:20], sep="\n    ")
    print(f"log lines with any of {found.secrets} secrets: {len(found.found)}")
    return 1 if table.exit_status or single.wrong or left or found.found or not found.finds_planted else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--at-once", type=int, nargs="+", default=[10, 50, 200])
    parser.add_argument("--apps", type=int, default=8)
    return parser.parse_args()


def _add(table: Table, row: Round, single: Round) -> None:
    """Add what a round took to the table, beside what a single setup takes."""
    name = f"{row.at_once} setups at once, API throttled to {_CALLS_PER_SECOND} calls/s"
    bound, needed = (one.calls * row.at_once / _CALLS_PER_SECOND for one in (row, single))
    calls, single_calls = Measured.of([row.calls]), Measured.of([single.calls])
    table.add(Row(f"{name}: wrong", Measured.of([len(row.wrong)]), "", 0))
    for which, seconds, target in (("", bound, 1.0), (", beside the calls of so many single ones", needed, None)):
        beside = f"1.5 x the bound of {seconds:.1f} s + 3 s"
        limit = Measured.of([1.5 * seconds + 3])
        table.add(Row(f"{name}: the last one set up after{which}", row.last_seconds, "s", target, beside, limit))
    table.add(Row(f"{name}: set up after, median", row.seconds, "s"))
    reason = _WHY_MORE_CALLS if row.at_once >= _MANY else ""
    table.add(Row(f"{name}: calls per setup", calls, "", _MAX_CALLS_RATIO, "of one", single_calls, reason))
    cpu, single_cpu = row.cpu_seconds, single.cpu_seconds
    table.add(Row(f"{name}: CPU per setup", cpu, "s", _MAX_CPU_RATIO, "of one", single_cpu, _WHY_MORE_CPU))
    _print_indented(row.wrong)


def _left(apps: list[SoakApp]) -> list[str]:
    for app in apps:
        app.settle()
    left = [one for app in apps for one in (*app.terminals_left, *app.processes_left)]
    for app in apps:
        app.handle.delete()
    return left


def _print_indented(lines: Sequence[str]) -> None:
    for line in lines[:20]:
        print(f"    {line}")


if __name__ == "__main__":
    sys.exit(main())
