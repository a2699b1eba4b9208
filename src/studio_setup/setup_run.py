"""The use case: set one app up, whatever happens on the way.

Every loss ends in the same place: connect again, find the run in the app, go on from there.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from studio_setup.app_event import App
from studio_setup.channel import Channel
from studio_setup.command_run import CommandRun
from studio_setup.connection import Connection, OpenChannel
from studio_setup.deadline import Deadline, Stopwatch
from studio_setup.errors import (
    AlreadySetUp,
    AppReplaced,
    ClaimedByOtherSetup,
    ConnectionLost,
    OutOfTime,
    SetupChanged,
    SetupError,
)
from studio_setup.plan import Plan
from studio_setup.remote_run import RemoteRuns
from studio_setup.report import CommandResult, CommandState, Outcome, SetupReport
from studio_setup.studio import Studio

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
    """What is to be done: a plan, on an app.

    `claims_start`: it is the setup of this start of the app, which happens once; otherwise it is an ad-hoc run.
    `grace_seconds`: how long a deleted or unknown app may be the one before.
    `shared_space_user`: whom to log in as to a space that nobody owns.
    """

    app: App
    plan: Plan
    claims_start: bool = True
    force: bool = False
    grace_seconds: float = 60.0
    shared_space_user: str = ""


@dataclass(slots=True)
class _Run:
    """What is known of the run so far; it survives the connection."""

    attempt: str = field(default_factory=lambda: secrets.token_hex(6))
    run_id: str = ""  # once it is known
    resumed: bool = False
    repeated: bool = False
    commands: dict[str, CommandRun] = field(default_factory=dict)


def set_up(job: Job, tools: Tools, deadline: Deadline) -> SetupReport:
    """Carry `job` out and say what came of it; every `SetupError` becomes the report's outcome, code and reason."""
    watch = Stopwatch(deadline.clock)
    run = _Run()
    try:
        results = _carry_out(job, tools, deadline, run)
        outcome, code, reason = _verdict(results, run)
    except SetupError as error:
        results = tuple(command.result for command in run.commands.values())
        outcome, code, reason = error.outcome, error.code, str(error)
        if outcome is Outcome.UNFINISHED and not run.run_id:
            outcome = Outcome.UNREACHABLE
    return SetupReport(
        outcome=outcome,
        code=code,
        reason=reason,
        app=job.app.as_dict(),
        run_id=run.run_id,
        resumed=run.resumed,
        repeated=run.repeated,
        seconds=watch.seconds,
        commands=results,
    )


def _carry_out(job: Job, tools: Tools, deadline: Deadline, run: _Run) -> tuple[CommandResult, ...]:
    studio = Studio(tools.sagemaker, job.app, deadline)
    studio.refuse_sso()
    studio.find_user(job.shared_space_user)
    studio.wait_until_in_service(job.grace_seconds)
    connection = Connection(studio, tools.http, tools.open_channel, deadline)
    while True:
        try:
            with connection.open() as runs:
                return _run_commands(job, runs, run)
        except ConnectionLost as lost:
            LOG.warning("connection.lost", extra={"reason": str(lost)})
            if deadline.expired:
                raise (
                    OutOfTime(f"Our time is up, and the connection is lost: {lost}") if run.run_id else lost
                ) from None
        connection.pause()
        studio.check_in_service()


def _run_commands(job: Job, runs: RemoteRuns, run: _Run) -> tuple[CommandResult, ...]:
    """Run or follow every command in its turn, until one fails that is not to be gone on after."""
    _open_run(job, runs, run)
    results = []
    for command in job.plan.commands:
        command_run = run.commands.setdefault(command.name, CommandRun(run.run_id, command))
        result = command_run.carry_out(runs)
        results.append(result)
        if not result.succeeded and not command.go_on_after_failure:
            break
    run.repeated = not runs.finish(run.run_id, _verdict(tuple(results), run)[0], run.attempt)
    return tuple(results)


def _open_run(job: Job, runs: RemoteRuns, run: _Run) -> None:
    """Claim this start of the app or find the run that has; the second time, check that it is still there."""
    if run.run_id:
        if not runs.has(run.run_id):
            raise AppReplaced("The app was started anew meanwhile.")
    elif job.claims_start:
        _claim(job, runs, run)
    else:
        runs.open_run(run.attempt, job.plan.digest)
        run.run_id = run.attempt


def _claim(job: Job, runs: RemoteRuns, run: _Run) -> None:
    digest = job.plan.digest
    claim = runs.claim(run.attempt, digest, force=job.force)
    run.resumed = claim.run_id != run.attempt
    LOG.info("run.claimed", extra={"run_id": claim.run_id, "resumed": run.resumed})
    if run.resumed and claim.verdict == Outcome.SUCCEEDED:
        raise AlreadySetUp(f"Run {claim.run_id} has set this start of the app up already.")
    if claim.digest != digest:
        raise _claimed_by_other(claim.run_id, claim.verdict)
    run.run_id = claim.run_id


def _claimed_by_other(run_id: str, verdict: str) -> SetupError:
    if verdict:
        return ClaimedByOtherSetup(f"Run {run_id}, of another version of the commands, ended here: {verdict}.")
    return SetupChanged(f"Run {run_id}, of another version of the commands, is not over.")


def _verdict(results: tuple[CommandResult, ...], run: _Run) -> tuple[Outcome, str, str]:
    failures = [result for result in results if not result.succeeded]
    joined = f"joined run {run.run_id}, which another invocation began" if run.resumed else ""
    if not failures:
        return Outcome.SUCCEEDED, "succeeded", joined
    names = ", ".join(f"{result.name} ({_how_it_ended(result)})" for result in failures)
    timed_out = failures[-1].state is CommandState.TIMED_OUT
    outcome = Outcome.TIMED_OUT if timed_out else Outcome.FAILED
    return (
        outcome,
        "command-timed-out" if timed_out else "command-failed",
        "; ".join(filter(None, [names, joined])),
    )


def _how_it_ended(result: CommandResult) -> str:
    if result.state is CommandState.EXITED:
        return f"exit status {result.exit_status}"
    return result.state.replace("_", " ")
