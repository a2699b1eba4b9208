"""The use case: set one app up, whatever happens on the way.

Every loss ends in the same place: connect again, find the run in the app, go on from there.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_setup.access.app_status import AppStatus
from studio_setup.access.connection import Connection, OpenChannel
from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.http import Http
from studio_setup.access.login import Login
from studio_setup.model import log, outcomes
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline, Stopwatch
from studio_setup.model.errors import (
    AlreadySetUp,
    AppReplaced,
    ClaimedByOtherSetup,
    ConnectionLost,
    OutOfTime,
    RunLost,
    SetupChanged,
    SetupError,
    UnknownClaim,
)
from studio_setup.model.outcomes import Code, Outcome
from studio_setup.model.report import CommandResult, SetupReport, Trigger, code_of_failure
from studio_setup.model.setup import Setup
from studio_setup.runs.command_run import CommandRun
from studio_setup.runs.remote_runs import RemoteRuns
from studio_setup.terminal.channel import Channel

if TYPE_CHECKING:
    import requests
    from mypy_boto3_sagemaker import SageMakerClient


@dataclass(frozen=True, slots=True)
class Tools:
    """What reaches outside, handed in by the composition root.

    `knows_run`: did an attempt of ours claim the start of this app, created at that time, for this run? None: nobody
    can tell. Without it, every claim is taken for ours.
    """

    sagemaker: SageMakerClient
    http: requests.Session
    open_channel: OpenChannel = Channel.open
    knows_run: Callable[[App, str, str, Deadline], bool | None] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done: a setup, on an app.

    `claims_start`: it is the one setup of this app start; otherwise it is an ad-hoc run, which claims nothing.
    `force`: replace a claim whose run is over.
    `grace_seconds`: for how long a deleted or unknown app may be an earlier one of that name.
    `shared_space_user`: the user profile to log in as to a space that nobody owns; empty for none.
    `trigger`, `event_id`: what asked for it, for the log.
    `is_probe`: stop when the app is ready to keep a run; claim nothing, run nothing.
    """

    app: App
    setup: Setup
    claims_start: bool = True
    force: bool = False
    grace_seconds: float = 60.0
    shared_space_user: str = ""
    trigger: Trigger = Trigger.OPERATOR
    event_id: str = ""
    is_probe: bool = False


def set_up(job: Job, tools: Tools, deadline: Deadline) -> SetupReport:
    """Carry `job` out and report; every `SetupError` becomes the report's outcome, code and reason.

    Of a setup that claims the app start, the first and the last line of the log are written here too.
    """
    run = _SetupRun(job, tools, deadline)
    with log.log_context(run.log_fields):
        if job.claims_start:
            log.SETUP_STARTED.log(event_id=job.event_id)
        report = run.report()
        if job.claims_start:
            level = logging.ERROR if report.outcome.is_error else logging.INFO
            log.SETUP_FINISHED.log(level, **report.as_dict())
    return report


class _SetupRun:
    """One attempt at a job: what is known of the run so far survives the connections to it."""

    def __init__(self, job: Job, tools: Tools, deadline: Deadline) -> None:
        self._job = job
        self._tools = tools
        self._deadline = deadline
        self._attempt_id = secrets.token_hex(6)
        self._app_created_at = ""
        self._app_start = ""  # until it is known
        self._run_id = ""  # the same
        self._setup_version = job.setup.version
        self._resumed = False
        self._repeated = False
        self._commands: dict[str, CommandRun] = {}

    @property
    def log_fields(self) -> dict[str, object]:
        """What every line of the log has."""
        return {
            **self._job.app.as_dict(),
            "setup_version": self._job.setup.version,
            "trigger": self._job.trigger,
            "attempt": self._attempt_id,
            "run_id": self._run_id,
        }

    def report(self) -> SetupReport:
        """Carry the job out and report."""
        watch = Stopwatch(self._deadline.clock)
        try:
            results = self._carry_out()
            code, reason = (outcomes.PROBED, "") if self._job.is_probe else self._verdict(results)
            outcome = code.outcome
        except SetupError as error:
            results = tuple(command.result for command in self._commands.values())
            code, outcome, reason = error.code, error.code.outcome, str(error)
            if outcome is Outcome.UNFINISHED and not self._run_id:
                outcome = Outcome.UNREACHABLE
        return SetupReport(
            outcome=outcome,
            code=code.name,
            reason=reason,
            app=self._job.app,
            setup_version=self._setup_version,
            trigger=self._job.trigger,
            attempt=self._attempt_id,
            app_created_at=self._app_created_at,
            run_id=self._run_id,
            resumed=self._resumed,
            repeated=self._repeated,
            seconds=watch.seconds,
            commands=results,
        )

    def _carry_out(self) -> tuple[CommandResult, ...]:
        control_plane = ControlPlane(self._tools.sagemaker, self._deadline)
        status = AppStatus(control_plane, self._job.app, self._deadline)
        owner = status.find_owner(self._job.shared_space_user)
        self._app_created_at = status.wait_until_in_service(self._job.grace_seconds)
        login = Login(control_plane, self._job.app, owner, self._deadline)
        connection = Connection(login, Http(self._tools.http), self._tools.open_channel, self._deadline)
        try:
            return connection.through_losses(self._work, status)
        except ConnectionLost as lost:
            raise self._out_of_time(lost) from None

    def _out_of_time(self, lost: ConnectionLost) -> SetupError:
        return OutOfTime(f"The time is up, and the connection is lost: {lost.message}") if self._run_id else lost

    def _work(self, runs: RemoteRuns) -> tuple[CommandResult, ...]:
        """Find or open the run and carry it out; if that is interrupted, the app learns that nobody goes on with it."""
        if self._job.is_probe:
            return ()
        try:
            self._open_run(runs)
            return self._run_commands(runs)
        except KeyboardInterrupt:
            with contextlib.suppress(SetupError):
                runs.interrupt(self._run_id or self._attempt_id)
            raise

    def _run_commands(self, runs: RemoteRuns) -> tuple[CommandResult, ...]:
        """Run or follow every command in turn, until one fails that does not say to go on after it."""
        results = []
        for command in self._job.setup.commands:
            command_run = self._commands.setdefault(command.name, CommandRun(self._run_id, command))
            result = command_run.carry_out(runs)
            results.append(result)
            if not result.succeeded and not command.go_on_after_failure:
                break
        verdict = self._verdict(tuple(results))[0].outcome
        self._repeated = not runs.finish(self._run_id, verdict, self._attempt_id)
        return tuple(results)

    def _open_run(self, runs: RemoteRuns) -> None:
        """Claim this app start, or find the run that has; the second time, check that the run is still there."""
        self._app_start = self._app_start or runs.app_start
        if runs.app_start != self._app_start:
            raise AppReplaced("The app was restarted in the meantime.")
        if self._run_id:
            if not runs.has(self._run_id):
                raise RunLost(f"The folder that kept run {self._run_id} is gone.")
        elif self._job.claims_start:
            self._claim(runs)
        else:
            runs.open_run(self._attempt_id, self._job.setup.version)
            self._note_run(self._attempt_id)

    def _claim(self, runs: RemoteRuns) -> None:
        version = self._job.setup.version
        claim = runs.claim(self._attempt_id, version, force=self._job.force)
        self._resumed = claim.run_id != self._attempt_id
        log.RUN_CLAIMED.log(run_id=claim.run_id, resumed=self._resumed)
        if self._resumed and claim.verdict:
            self._check_origin(claim.run_id)
        if self._resumed and claim.verdict == Outcome.SUCCEEDED:
            self._note_run(claim.run_id)
            self._setup_version = claim.setup_version
            raise AlreadySetUp(f"Run {claim.run_id} has set up this app start already.")
        if claim.setup_version != version:
            raise _claimed_by_other(claim.run_id, claim.verdict)
        self._note_run(claim.run_id)

    def _check_origin(self, run_id: str) -> None:
        """Do not take the word of a claim that the app's owner wrote: nothing would be run, and nobody would know."""
        knows_run = self._tools.knows_run
        if knows_run and knows_run(self._job.app, run_id, self._app_created_at, self._deadline) is False:
            raise UnknownClaim(f"Run {run_id} is said to have set up this app start, and the log does not know it.")

    def _note_run(self, run_id: str) -> None:
        self._run_id = run_id
        log.add_to_context(run_id=run_id)

    def _verdict(self, results: tuple[CommandResult, ...]) -> tuple[Code, str]:
        failures = [result for result in results if not result.succeeded]
        joined = f"joined run {self._run_id}, which another invocation began" if self._resumed else ""
        if not failures:
            return outcomes.SUCCEEDED, joined
        names = ", ".join(result.ending for result in failures)
        return code_of_failure(failures[-1].state), "; ".join(filter(None, [names, joined]))


def _claimed_by_other(run_id: str, verdict: str) -> SetupError:
    if verdict:
        return ClaimedByOtherSetup(f"Run {run_id}, of another version of the commands, ended here: {verdict}.")
    return SetupChanged(f"Run {run_id}, of another version of the commands, is not over.")
