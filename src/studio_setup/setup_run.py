"""The use case: set one app up, whatever happens on the way.

Every loss ends in the same place: connect again, find the run in the app, go on from there.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from studio_setup.app_event import App
from studio_setup.channel import Channel, WebSocketAddress
from studio_setup.command_run import CommandRun
from studio_setup.deadline import Deadline, Stopwatch
from studio_setup.errors import (
    AlreadySetUp,
    ClaimedByOtherSetup,
    ConnectionLost,
    LoginRefused,
    OutOfTime,
    SetupChanged,
    SetupError,
)
from studio_setup.jupyter import Jupyter
from studio_setup.plan import Plan
from studio_setup.remote_run import RemoteRuns
from studio_setup.report import CommandResult, CommandState, Outcome, SetupReport
from studio_setup.shell import Shell
from studio_setup.studio import Studio

if TYPE_CHECKING:
    import requests
    from mypy_boto3_sagemaker import SageMakerClient

LOG = logging.getLogger(__name__)
_READY_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What reaches outside, handed in by the composition root."""

    sagemaker: SageMakerClient
    http: requests.Session
    open_channel: Callable[[WebSocketAddress, Deadline], Channel] = Channel.open


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done: a plan, on an app.

    `claims_start`: it is the setup of this start of the app, which happens once; otherwise it is an ad-hoc run.
    `grace_seconds`: how long a deleted or unknown app may be the one before.
    """

    app: App
    plan: Plan
    claims_start: bool = True
    force: bool = False
    grace_seconds: float = 60.0


@dataclass(slots=True)
class _Run:
    """What is known of the run so far; it survives the connection."""

    run_id: str = field(default_factory=lambda: secrets.token_hex(6))
    opened: bool = False
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
    return SetupReport(
        outcome=outcome,
        code=code,
        reason=reason,
        app=job.app.as_dict(),
        run_id=run.run_id if run.opened else "",
        resumed=run.resumed,
        repeated=run.repeated,
        seconds=watch.seconds,
        commands=results,
    )


def _carry_out(job: Job, tools: Tools, deadline: Deadline, run: _Run) -> tuple[CommandResult, ...]:
    studio = Studio(tools.sagemaker, job.app, deadline)
    studio.refuse_sso()
    studio.wait_until_in_service(job.grace_seconds)
    connection = _Connection(studio, tools, deadline)
    while True:
        try:
            with connection.open() as runs:
                return _run_commands(job, runs, run)
        except ConnectionLost as lost:
            LOG.warning("connection.lost", extra={"reason": str(lost)})
            if deadline.expired:
                raise _out_of_time(lost, run) from None
        deadline.pause(1.0)
        studio.wait_until_in_service(grace_seconds=0)


def _out_of_time(lost: ConnectionLost, run: _Run) -> SetupError:
    return OutOfTime(f"Our time is up, and the connection is lost: {lost}") if run.opened else lost


class _Connection:
    """A terminal in the app, from the login to our shell; opened again as often as it takes."""

    def __init__(self, studio: Studio, tools: Tools, deadline: Deadline) -> None:
        self._studio = studio
        self._tools = tools
        self._deadline = deadline
        self._base_url = ""
        self._left_terminals: set[str] = set()

    @contextmanager
    def open(self) -> Iterator[RemoteRuns]:
        """Log in unless we are, wait for Jupyter, open a terminal, make its shell ours; delete the terminal after."""
        jupyter = self._ready_jupyter()
        self._left_terminals = {name for name in self._left_terminals if not jupyter.delete_terminal(name)}
        terminal = jupyter.create_terminal()
        try:
            channel = self._tools.open_channel(jupyter.terminal_address(terminal), self._deadline)
            try:
                LOG.info("terminal.opened", extra={"terminal": terminal})
                yield RemoteRuns.prepare(Shell.take_over(channel, self._deadline))
            finally:
                channel.close()
        finally:
            # A number may be somebody else's terminal after a restart of the server: only our own names are kept.
            if not jupyter.delete_terminal(terminal) and not terminal.isdigit():
                self._left_terminals.add(terminal)

    def _ready_jupyter(self) -> Jupyter:
        base_url = self._base_url or self._log_in()
        self._base_url = ""  # a login that does not lead to a ready server is not used again
        jupyter = Jupyter(self._tools.http, base_url, self._deadline)
        jupyter.wait_until_ready(self._deadline.within(_READY_SECONDS))
        self._base_url = base_url
        return jupyter

    def _log_in(self) -> str:
        try:
            return self._studio.log_in(self._tools.http)
        except LoginRefused as refused:
            # The URL may have expired on its way.
            LOG.warning("login.refused", extra={"reason": str(refused)})
            return self._studio.log_in(self._tools.http)


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
    run.repeated = run.repeated or (run.resumed and all(one.was_over for one in run.commands.values()))
    runs.finish(run.run_id, _verdict(tuple(results), run)[0])
    return tuple(results)


def _open_run(job: Job, runs: RemoteRuns, run: _Run) -> None:
    """Claim this start of the app, or find the run that has claimed it."""
    digest = job.plan.digest
    if not job.claims_start:
        runs.open_run(run.run_id, digest)
        run.opened = True
        return
    claim = runs.claim(run.run_id, digest, force=job.force)
    LOG.info("run.claimed", extra={"run_id": claim.run_id, "ours": claim.run_id == run.run_id})
    if claim.run_id == run.run_id:
        run.opened = True
        return
    if claim.verdict == Outcome.SUCCEEDED:
        raise AlreadySetUp(f"Run {claim.run_id} has set this start of the app up already.")
    if claim.digest != digest:
        raise _claimed_by_other(claim.run_id, claim.verdict)
    run.run_id = claim.run_id
    run.opened = run.resumed = True


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
