"""Runs cells of the fault matrix: many at once on one app, each on a network of its own."""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from emulator.faulty_network.network import FaultyNetwork
from studio_setup.model.deadline import Deadline
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import SetupReport
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job, Tools, set_up
from tests.support.matrix import KNOWN, Cell, Verdict
from tests.support.scenario import Scenario
from tests.support.waiting import wait_until

AT_ONCE = 12
# A setup that must fail need not take long to do so, but must get as far as its fault on a busy machine, too.
LIMIT_SECONDS, SHORT_LIMIT_SECONDS = 90.0, 15.0
# What the handler reserves for the last line and for deleting the terminal.
RESERVE_SECONDS = 20.0
_NUMBERS = itertools.count(1)


class Sagemaker:
    """A SageMaker client whose presigned URLs lead through a faulty network."""

    def __init__(self, client: Any, network: FaultyNetwork) -> None:  # noqa: ANN401 (the SDK makes it at run time)
        self._client = client
        self._network = network

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (the same)
        return getattr(self._client, name)

    def create_presigned_domain_url(self, **parameters: Any) -> dict[str, str]:  # noqa: ANN401 (the same)
        """As the client's own, but through the network."""
        answer = self._client.create_presigned_domain_url(**parameters)
        return {"AuthorizedUrl": self._network.through(answer["AuthorizedUrl"])}


class Attempt:
    """One setup on a network of its own."""

    def __init__(self, scenario: Scenario, client: Any, **job: Any) -> None:  # noqa: ANN401 (the same)
        self.network = scenario.studio.open_faulty_network(scenario.place.space or None)
        self._scenario = scenario
        self._client = client
        self._job = {"claims_start": False} | job
        number = next(_NUMBERS)
        self._effects: Path = scenario.home / f"effects-{number}"
        self._status = random.choice((0, 3, 7))  # noqa: S311 (no secret)

    def run(self, limit_seconds: float = LIMIT_SECONDS) -> SetupReport:
        """Run a setup of one command, which has one effect and a random exit status."""
        script = f"echo a line; echo once >> ~/{self._effects.name}; exit {self._status}"
        try:
            with requests.Session() as http:
                tools = Tools(Sagemaker(self._client, self.network), http)  # type: ignore[arg-type]
                job = Job(self._scenario.name, Setup((Command("step", script),)), **self._job)
                return set_up(job, tools, Deadline.after(limit_seconds))
        finally:
            self.network.close()

    def faults(self, report: SetupReport, verdict: Verdict, limit_seconds: float) -> list[str]:
        """What is wrong with the report and the effects of this setup."""
        effects = len(self._effects.read_text().splitlines()) if self._effects.exists() else 0
        own = (Outcome.FAILED, "command-failed") if self._status else (Outcome.SUCCEEDED, "succeeded")
        outcomes = {(verdict.outcome, code) for code in verdict.codes} or {own}
        statuses = [command.exit_status for command in report.commands]
        true_statuses = [[self._status]] if not verdict.outcome else [[], [None], [self._status]]
        checks = {
            f"{report.outcome}, {report.code}: {report.reason}": (report.outcome, report.code) in outcomes,
            f"{effects} effects": effects == verdict.effects,
            f"exit statuses {statuses}, not {self._status}": statuses in true_statuses,
            "the fault was not injected": self.network.steps.injected > 0,
            f"it took {report.seconds} s": report.seconds < limit_seconds + RESERVE_SECONDS,
        }
        return [fault for fault, is_fine in checks.items() if not is_fine]

    def left_terminals(self) -> set[str]:
        """Our terminals that are still open."""
        return self.network.terminals & set(self._scenario.app.terminals())


class Matrix:
    """Runs cells on one app."""

    def __init__(self, scenario: Scenario, records: list[logging.LogRecord]) -> None:
        self._scenario = scenario
        self._client = scenario.sagemaker
        self._records = records
        self._secrets: set[str] = set()

    def wrong(self, cells: Iterable[Cell], *, at_once: int = AT_ONCE, **job: Any) -> list[str]:  # noqa: ANN401
        """Run the cells; what was wrong, one line each."""
        with ThreadPoolExecutor(at_once) as pool:
            complaints = list(pool.map(lambda cell: self._cell(cell, job), cells))
        return [line for lines in complaints for line in lines] + self._logged_secrets()

    def attempt(self, **job: Any) -> Attempt:  # noqa: ANN401
        """A setup on a network of its own."""
        return Attempt(self._scenario, self._client, **job)

    def wait_until_nothing_is_left(self, limit_seconds: float) -> None:
        """Wait until there is no terminal, and no process but the Jupyter server."""
        app = self._scenario.app
        try:
            wait_until(
                lambda: app.terminals() == [] and app.processes() == [app.jupyter_pid], "a clean app", limit_seconds
            )
        except TimeoutError:
            raise AssertionError(f"left over: terminals {app.terminals()}, processes {app.processes()}") from None

    def _cell(self, cell: Cell, job: dict[str, Any]) -> list[str]:
        # A setup that can succeed in spite of the fault gets the time it needs.
        is_hopeless = cell.row.always and cell.verdict.outcome
        limit_seconds = SHORT_LIMIT_SECONDS if is_hopeless else LIMIT_SECONDS
        attempt = self.attempt(**job)
        attempt.network.arm(cell.row.fault, cell.step, always=cell.row.always)
        report = attempt.run(limit_seconds)
        complaints = attempt.faults(report, cell.verdict, limit_seconds)
        left = attempt.left_terminals()
        if bool(left) != cell.verdict.leaves_terminal:
            complaints.append(f"terminals left: {left or 'none'}")
            for name in left:  # or the next test would find it
                self._scenario.delete_terminal(name)
        self._secrets |= attempt.network.secrets
        if cell.label in KNOWN:
            return [] if complaints else [f"{cell.label} is a known deviation, but does what is required"]
        return [f"{cell.label}: {complaint}" for complaint in complaints]

    def _logged_secrets(self) -> list[str]:
        text = "\n".join(repr(record.__dict__) for record in self._records)
        return [f"a secret is in the log, at {text.index(secret)}" for secret in self._secrets if secret in text]
