"""Many setups in a row with random faults, reproducible by seed: `make soak`.

Some apps on the local Studio get one setup after another. Whatever happens during a setup, its outcome, exit statuses
and effects must be the right ones, and nothing may be left over; beside a hostile neighbour (`soak_neighbours`) it may
fail, and must still tell the truth. The function runs as it is deployed, from the event to what it returns or raises,
in processes of its own. Each setup is for an app start of its own: some are real restarts of the app, most are
simulated by deleting what setups keep on the app's disk. Throttled calls are retried sooner than the engine would.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.soak_app import ABANDONED_SECONDS, SoakApp
from bench.soak_case import FAULTS, Case, draw, wrong_effects, wrong_outcomes
from bench.soak_invocations import Invocations, Invoker, resident_kib
from bench.soak_neighbours import NEIGHBOURS, AtWork, forget_start_up_files, wrong_with_neighbour
from bench.soak_secrets import Search, search
from emulator.studio import LocalStudio

_RESULT_SECONDS = 200.0
_RETRY_SECONDS = 60.0
_WARM_UP = 0.1  # the share of the setups in which caches fill
_GROWTH_KIB = 8 * 1024


@dataclass
class Tally:
    """What happened in all lanes, and what was wrong: wrong outcomes and wrong effects."""

    setups: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    neighbours: Counter[str] = field(default_factory=Counter)
    outcomes: list[str] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)


class Lane:
    """One app, with one setup after another; all invocations that are not killed share one process."""

    def __init__(self, studio: LocalStudio, invocations: Invocations, app: SoakApp, tally: Tally) -> None:
        self.app = app
        self.resident_kib: list[int] = []
        self._studio = studio
        self._invocations = invocations
        self._tally = tally
        self._over = threading.Event()
        self._steady = invocations.new()
        self._spare = invocations.new()

    def run(self, cases: list[Case], restart_every: int) -> None:
        """Run the setups one by one."""
        self.app.start()
        for at, case in enumerate(cases):
            if at and at % restart_every == 0:
                self.app.restart()
            else:
                self.app.look_like_a_new_start()
            self._carry_out(case)
        # As Lambda retries a killed invocation; the retry deletes the terminal that it left open.
        time.sleep(_RETRY_SECONDS)
        self._begin(self._steady, cases[-1])
        self._result(self._steady, cases[-1])
        self.app.look_at_terminals(killed_invocations=0)
        self.app.settle()

    def end(self) -> None:
        """End the invoking processes and the app."""
        self._steady.end()
        self._spare.end()
        self.app.handle.delete()

    def _carry_out(self, case: Case) -> None:
        self._over.clear()
        for operation, times in case.throttled:
            self._studio.fail_next(operation, "ThrottlingException", "Rate exceeded", times)
            self._tally.done["throttled answers"] += times
        disturbances = [self._in(seconds, self._drop) for seconds in case.drops]
        if case.jupyter_kill is not None:
            disturbances.append(self._in(case.jupyter_kill, self._kill_jupyter))
        if case.neighbour:
            self._note_neighbour(case, self._invoke_beside_neighbour(case))
            return
        results, kills = self._invoke(case)
        self._over.set()
        for timer in disturbances:
            timer.join()
        self._note(case, results, kills)

    def _invoke_beside_neighbour(self, case: Case) -> list[dict[str, Any]]:
        """Run an invocation while the neighbour misbehaves, and once more, as Lambda retries one that failed."""
        neighbour = AtWork(NEIGHBOURS[case.neighbour], self.app.handle)
        results = [self._invoke_once(case)]
        neighbour.end()
        results.append(self._invoke_once(case))
        self.app.let_processes_end()
        forget_start_up_files(self.app.handle)
        self._tally.neighbours[case.neighbour] += neighbour.acted
        return results

    def _invoke_once(self, case: Case) -> dict[str, Any]:
        self._begin(self._steady, case)
        return self._result(self._steady, case)

    def _invoke(self, case: Case) -> tuple[list[dict[str, Any]], int]:
        """Run every invocation of a setup; the results of those that were not killed, and how many were."""
        results = [self._invoke_and_kill(case, seconds) for seconds in case.kills]
        kills = results.count(None)
        self._begin(self._steady, case)
        last = [self._steady]
        if case.duplicate is not None:
            time.sleep(case.duplicate)
            self._begin(self._spare, case)
            last.append(self._spare)
            self._tally.done["duplicates"] += 1
        return [result for result in results if result] + [self._result(invoker, case) for invoker in last], kills

    def _invoke_and_kill(self, case: Case, seconds: float) -> dict[str, Any] | None:
        self._begin(self._spare, case)
        result = self._spare.result(seconds)
        if result is None:
            self._spare.kill()
            self._spare = self._invocations.new()
            self.app.invocation_killed()
            self._tally.done["killed invocations"] += 1
        return result

    def _begin(self, invoker: Invoker, case: Case) -> None:
        invoker.begin(self.app.event, case.commands)

    def _result(self, invoker: Invoker, case: Case) -> dict[str, Any]:
        result = invoker.result(_RESULT_SECONDS)
        if result is None:
            raise TimeoutError(f"setup {case.number}: an invocation hangs past its deadline")
        return result

    def _in(self, seconds: float, work: Callable[[], None]) -> threading.Timer:
        timer = threading.Timer(seconds, work)
        timer.start()
        return timer

    def _drop(self) -> None:
        """Cut the open websockets, or else the next one that opens."""
        while not (dropped := self.app.handle.drop_websockets()) and not self._over.wait(0.02):
            pass
        self._tally.done["dropped sockets"] += dropped

    def _kill_jupyter(self) -> None:
        self.app.kill_jupyter()
        self._tally.done["killed Jupyter servers"] += 1

    def _note(self, case: Case, results: list[dict[str, Any]], kills: int) -> None:
        label = f"setup {case.number} ({case.fault}; {kills} killed): "
        self._tally.setups[case.fault] += 1
        self._tally.done["invocations"] += len(results) + kills
        self._tally.outcomes += [label + wrong for wrong in wrong_outcomes(case, results, kills, self.app.over())]
        self._tally.effects += [label + wrong for wrong in wrong_effects(case, self.app.effects(case.number))]
        self.app.look_at_terminals(kills)
        self.resident_kib.append(resident_kib(self._steady.pid))

    def _note_neighbour(self, case: Case, results: list[dict[str, Any]]) -> None:
        self._tally.setups[case.fault] += 1
        self._tally.done["invocations"] += len(results)
        statuses = {step.name: step.exit_status for step in case.steps}
        effects = case.effects, self.app.effects(case.number)
        wrong = wrong_with_neighbour(case.codes, results, statuses, effects)
        self._tally.outcomes += [f"setup {case.number} (neighbour that {case.neighbour}): {each}" for each in wrong]
        self.app.look_at_terminals(killed_invocations=0)
        self.resident_kib.append(resident_kib(self._steady.pid))


def main() -> int:
    """Run the setups and print the results; 1 if anything was wrong."""
    options = _options()
    cases = [draw(options.seed, number) for number in options.only or range(1, options.setups + 1)]
    began = time.monotonic()
    tally = Tally()
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalStudio() as studio,
        Invocations(Path(folder), studio.sagemaker_endpoint, first_round_seconds=0.25) as invocations,
    ):
        studio.add_domain()
        apps = [SoakApp(studio, f"user-{at}", in_space=at % 2 == 1) for at in range(options.parallel)]
        lanes = [Lane(studio, invocations, app, tally) for app in apps]
        memory = _run(lanes, cases, options.restart_every)
        found = search(Path(folder))
    starts, seconds = sum(app.starts for app in apps), time.monotonic() - began
    print(
        f"{tally.setups.total()} setups, {options.parallel} at a time (seed {options.seed}),"
        f" on {starts} starts of {len(apps)} apps, in {seconds:.0f} s"
    )
    good = [_show_faults(tally), _show_left(apps), _show_memory(lanes, memory), _show_secrets(found)]
    return 0 if all(good) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--setups", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=8, help="number of apps, each with one setup after another")
    parser.add_argument(
        "--restart-every", type=int, default=100, help="setups of an app from one real restart to the next"
    )
    parser.add_argument("--only", type=int, nargs="+", help="run only the setups with these numbers")
    return parser.parse_args()


def _run(lanes: list[Lane], cases: list[Case], restart_every: int) -> list[int]:
    """Run all setups; samples of this process's memory, in which the local Studio runs."""
    memory: list[int] = []
    with ThreadPoolExecutor(len(lanes)) as pool:
        shares = [cases[at :: len(lanes)] for at in range(len(lanes))]
        runs = [pool.submit(lane.run, share, restart_every) for lane, share in zip(lanes, shares, strict=True)]
        while not all(run.done() for run in runs):
            memory.append(resident_kib(os.getpid()))
            time.sleep(0.5)
        for run in runs:
            run.result()
    for lane in lanes:
        lane.end()
    return memory


def _show_faults(tally: Tally) -> bool:
    for fault in FAULTS:
        print(f"  {fault:<18} {tally.setups[fault]:>5} setups")
    print("  done: " + ", ".join(f"{count} {what}" for what, count in sorted(tally.done.items())))
    for name in NEIGHBOURS:
        print(f"    a neighbour {name}: {tally.neighbours[name]} times")
    _show("wrong outcomes", tally.outcomes)
    _show("missing, wrong or duplicate effects", tally.effects)
    return not tally.outcomes and not tally.effects


def _show_left(apps: list[SoakApp]) -> bool:
    abandoned = sum(app.abandoned_terminals for app in apps)
    _show(
        f"terminals left open ({abandoned} of killed invocations had {ABANDONED_SECONDS:.0f} s to end by themselves)",
        [name for app in apps for name in app.terminals_left],
    )
    _show("processes left running", [line for app in apps for line in app.processes_left])
    return not any(app.terminals_left or app.processes_left for app in apps)


def _show_memory(lanes: list[Lane], memory: list[int]) -> bool:
    grown = [_grown_kib("an invoking process", lane.resident_kib) for lane in lanes]
    grown.append(_grown_kib("the local Studio, which keeps every API call", memory))
    return max(grown[:-1]) <= _GROWTH_KIB


def _grown_kib(whose: str, resident: list[int]) -> int:
    warm = resident[int(len(resident) * _WARM_UP)]
    print(f"memory of {whose}: {warm / 1024:.1f} MB at first, {resident[-1] / 1024:.1f} MB at the end")
    return resident[-1] - warm


def _show_secrets(found: Search) -> bool:
    _show(f"log lines with any of {found.secrets} secrets, in {found.log_bytes / 1e6:.0f} MB of logs", found.found)
    print(f"the search finds every secret where it is planted: {'yes' if found.finds_planted else 'NO'}")
    return found.finds_planted and not found.found


def _show(what: str, wrong: list[str]) -> None:
    print(f"{what}: {len(wrong)}")
    for line in wrong[:20]:
        print(f"    {line}")


if __name__ == "__main__":
    sys.exit(main())
