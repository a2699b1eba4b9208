"""The use case: set one app up, whatever happens on the way.

Every loss ends in the same place: connect again, find the run in the app, go on from there.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from studio_setup.access.app_status import AppStatus
from studio_setup.access.connection import Connection, OpenChannel
from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.login import Login
from studio_setup.model import outcomes
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline, Stopwatch
from studio_setup.model.errors import (
    AlreadySetUp,
    AppReplaced,
    ClaimedByOtherSetup,
    ConnectionLost,
    OutOfTime,
    SetupChanged,
    SetupError,
)
from studio_setup.model.outcomes import Code, Outcome
from studio_setup.model.report import CommandResult, CommandState, SetupReport
from studio_setup.model.setup import Setup
from studio_setup.runs.command_run import CommandRun
from studio_setup.runs.remote_runs import RemoteRuns
from studio_setup.terminal.channel import Channel

if TYPE_CHECKING:
    import requests
    from mypy_boto3_sagemaker import SageMakerClient

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tools:
    """What reaches outside, handed in by the composition root."""

    sagemaker: SageMakerClient
    http: requests.Session
    open_channel: OpenChannel = Channel.open


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done: a setup, on an app.

    `claims_start`: it is the one setup of this app start; otherwise it is an ad-hoc run, which claims nothing.
    `force`: replace a claim whose run is over.
    `grace_seconds`: for how long a deleted or unknown app may be an earlier one of that name.
    `shared_space_user`: the user profile to log in as to a space that nobody owns; empty for none.
    """

    app: App
    setup: Setup
    claims_start: bool = True
    force: bool = False
    grace_seconds: float = 60.0
    shared_space_user: str = ""


def set_up(job: Job, tools: Tools, deadline: Deadline) -> SetupReport:
    """Carry `job` out and say what came of it; every `SetupError` becomes the report's outcome, code and reason."""
    return _SetupRun(job, tools, deadline).report()


class _SetupRun:
    """One attempt at a job: what is known of the run so far survives the connections to it."""

    def __init__(self, job: Job, tools: Tools, deadline: Deadline) -> None:
        self._job = job
        self._tools = tools
        self._deadline = deadline
        self._attempt_id = secrets.token_hex(6)
        self._run_id = ""  # until it is known
        self._resumed = False
        self._repeated = False
        self._commands: dict[str, CommandRun] = {}

    def report(self) -> SetupReport:
        """Carry the job out and report."""
        watch = Stopwatch(self._deadline.clock)
        try:
            results = self._carry_out()
            code, reason = self._verdict(results)
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
            app=self._job.app.as_dict(),
            run_id=self._run_id,
            resumed=self._resumed,
            repeated=self._repeated,
            seconds=watch.seconds,
            commands=results,
        )

    def _carry_out(self) -> tuple[CommandResult, ...]:
        control_plane = ControlPlane(self._tools.sagemaker, self._deadline)
        status = AppStatus(control_plane, self._job.app, self._deadline)
        status.refuse_sso()
        user = status.find_user(self._job.shared_space_user)
        status.wait_until_in_service(self._job.grace_seconds)
        login = Login(control_plane, self._job.app, user, self._deadline)
        connection = Connection(login, self._tools.http, self._tools.open_channel, self._deadline)
        while True:
            try:
                with connection.open() as runs:
                    return self._run_commands(runs)
            except ConnectionLost as lost:
                LOG.warning("connection.lost", extra={"reason": lost.message})
                if self._deadline.expired:
                    raise self._out_of_time(lost) from None
            connection.pause()
            status.check_in_service()

    def _out_of_time(self, lost: ConnectionLost) -> SetupError:
        return OutOfTime(f"The time is up, and the connection is lost: {lost.message}") if self._run_id else lost

    def _run_commands(self, runs: RemoteRuns) -> tuple[CommandResult, ...]:
        """Run or follow every command in turn, until one fails that does not say to go on after it."""
        self._open_run(runs)
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
        if self._run_id:
            if not runs.has(self._run_id):
                raise AppReplaced("The app was restarted in the meantime.")
        elif self._job.claims_start:
            self._claim(runs)
        else:
            runs.open_run(self._attempt_id, self._job.setup.version)
            self._run_id = self._attempt_id

    def _claim(self, runs: RemoteRuns) -> None:
        version = self._job.setup.version
        claim = runs.claim(self._attempt_id, version, force=self._job.force)
        self._resumed = claim.run_id != self._attempt_id
        LOG.info("run.claimed", extra={"run_id": claim.run_id, "resumed": self._resumed})
        if self._resumed and claim.verdict == Outcome.SUCCEEDED:
            raise AlreadySetUp(f"Run {claim.run_id} has set up this app start already.")
        if claim.setup_version != version:
            raise _claimed_by_other(claim.run_id, claim.verdict)
        self._run_id = claim.run_id

    def _verdict(self, results: tuple[CommandResult, ...]) -> tuple[Code, str]:
        failures = [result for result in results if not result.succeeded]
        joined = f"joined run {self._run_id}, which another invocation began" if self._resumed else ""
        if not failures:
            return outcomes.SUCCEEDED, joined
        names = ", ".join(f"{result.name} ({_how_it_ended(result)})" for result in failures)
        timed_out = failures[-1].state is CommandState.TIMED_OUT
        code = outcomes.COMMAND_TIMED_OUT if timed_out else outcomes.COMMAND_FAILED
        return code, "; ".join(filter(None, [names, joined]))


def _claimed_by_other(run_id: str, verdict: str) -> SetupError:
    if verdict:
        return ClaimedByOtherSetup(f"Run {run_id}, of another version of the commands, ended here: {verdict}.")
    return SetupChanged(f"Run {run_id}, of another version of the commands, is not over.")


def _how_it_ended(result: CommandResult) -> str:
    if result.state is CommandState.EXITED:
        return f"exit status {result.exit_status}"
    return result.state.replace("_", " ")
