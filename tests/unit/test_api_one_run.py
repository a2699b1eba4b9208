"""A command that is run once: what comes of it, and whether it was started when the time is up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from studio_setup import App, BadInput, CommandState, ConnectedApp, Job, OutOfTime, Result, Setup, SetupError
from studio_setup.api.app_access import AppAccess
from studio_setup.api.one_run import OneRun, command_of
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import AppReplaced, ConnectionLost, LoginExpired, RunLost
from studio_setup.model.outcomes import Outcome
from studio_setup.runs.remote_runs import Progress, RemoteRuns, Start

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


class _Runs:
    """An app that opens runs, and whose connection is lost when anything is followed, unless there is a `progress`."""

    def __init__(self, app_start: str = "first", *, keeps: bool = True, progress: Progress | None = None) -> None:
        self.app_start = app_start
        self.opened: list[tuple[str, str]] = []
        self.started: list[tuple[str, str, Start | None]] = []
        self.finished: list[tuple[str, str, str]] = []
        self._keeps = keeps
        self._progress = progress

    def open_run(self, run_id: str, version: str) -> None:
        self.opened.append((run_id, version))

    def log_path(self, run_id: str, command: str) -> str:
        return f"/{run_id}/{command}.log"

    def finish(self, run_id: str, verdict: str, attempt: str) -> bool:
        self.finished.append((run_id, verdict, attempt))
        return True

    def has(self, _run_id: str) -> bool:
        return self._keeps

    def follow(self, run_id: str, command: str, _offset: int, _count: int, start: Start | None = None) -> Progress:
        self.started.append((run_id, command, start))
        if not self._progress:
            raise ConnectionLost("The line is dead.")
        return self._progress


class _Access(AppAccess):
    """Access that meets one app after the other, and gives up after the last."""

    def __init__(self, app: App, client: SageMakerClient, met: list[_Runs | SetupError]) -> None:
        super().__init__(app, client)
        self._met = met
        self.seconds = 0.0

    def carry_out(self, work: Callable[[RemoteRuns], Any], seconds: float = 0, *, until: Deadline | None = None) -> Any:  # noqa: ANN401
        self.seconds = until.remaining_seconds if until else seconds
        for met in self._met:
            if isinstance(met, SetupError):
                raise met
            try:
                return work(met)  # type: ignore[arg-type]
            except ConnectionLost as lost:
                last = lost
        raise last


BEGIN = pytest.mark.parametrize("begin", [OneRun.start, lambda run: run.result(None)], ids=["start", "result"])


@BEGIN
@pytest.mark.parametrize(
    ("met", "error", "outcome"),
    [
        pytest.param([OutOfTime("late")], ConnectionLost, Outcome.UNREACHABLE, id="never-in-the-app"),
        pytest.param([ConnectionLost("lost")], ConnectionLost, Outcome.UNREACHABLE, id="no-connection"),
        pytest.param([LoginExpired("signed out")], LoginExpired, Outcome.UNREACHABLE, id="login-expired"),
        pytest.param([_Runs()], OutOfTime, Outcome.UNFINISHED, id="connection-lost-for-good"),
        pytest.param([_Runs(), OutOfTime("late")], OutOfTime, Outcome.UNFINISHED, id="out-of-time"),
        pytest.param([_Runs(), _Runs("second")], AppReplaced, Outcome.APP_GONE, id="app-restarted"),
        pytest.param([_Runs(), _Runs(keeps=False)], RunLost, Outcome.FAILED, id="run-gone"),
    ],
)
def test_a_command_that_was_started_is_told_from_one_that_was_not(
    app: App,
    sagemaker_client: SageMakerClient,
    *,
    met: list[_Runs | SetupError],
    error: type[SetupError],
    outcome: Outcome,
    begin: Callable[[OneRun], object],
) -> None:
    """Out of time means that it may go on; if it never began, the app was unreachable. It is begun once at most."""
    run = OneRun(_Access(app, sagemaker_client, met), command_of("true", 5))
    with pytest.raises(error) as raised:
        begin(run)
    assert raised.type is error
    assert raised.value.code.outcome is outcome
    assert [one.opened for one in met[1:] if isinstance(one, _Runs)] in ([], [[]])


def test_a_job_is_started_once_through_a_loss(app: App, sagemaker_client: SageMakerClient) -> None:
    """On the next connection the run is found, and the same command is asked for again, which the app starts once."""
    first, second = _Runs(), _Runs(progress=Progress("running", None, "", None, 0, b""))
    command = command_of("true", 5, "here", {"X": "1"})
    run = OneRun(_Access(app, sagemaker_client, [first, second]), command)
    run.start()
    assert (first.opened, second.opened) == ([(run.id, Setup((command,)).version)], [])
    assert first.started == second.started == [(run.id, "command", Start("true", 5, {"X": "1"}, "here"))]
    assert second.finished == []


@pytest.mark.parametrize(("exit_status", "verdict"), [(0, "succeeded"), (3, "failed")])
def test_a_command_is_followed_to_its_end(
    app: App, sagemaker_client: SageMakerClient, tmp_path: Path, exit_status: int, verdict: str
) -> None:
    """Its output is heard and kept, its run is over then; it has its own limit and our patience with the connection."""
    script = tmp_path / "script.sh"
    script.write_text("echo hello")
    runs, heard = _Runs(progress=Progress("over", exit_status, "", 1.5, 6, b"hello\n")), list[str]()
    access = _Access(app, sagemaker_client, [_Runs(), runs])
    run = OneRun(access, command_of(script, 5))
    assert run.result(heard.append) == Result(
        exit_status=exit_status,
        output="hello\n",
        output_bytes=6,
        left_out_bytes=0,
        seconds=1.5,
        state=CommandState.EXITED,
        job_id=run.id,
        log_path=f"/{run.id}/command.log",
    )
    assert heard == ["hello\n"]
    assert runs.started == [(run.id, "command", Start("echo hello", 5))]
    assert runs.finished == [(run.id, verdict, run.id)]
    assert access.seconds == 905
    assert ConnectedApp(access).attach(run.id).id == run.id


def test_a_command_that_is_followed_ends_when_the_access_does(app: App, sagemaker_client: SageMakerClient) -> None:
    """Whoever closes it from another thread need not wait for the command."""
    access = _Access(app, sagemaker_client, [_Runs(progress=Progress("running", None, "", None, 0, b""))])
    access.close()
    with pytest.raises(BadInput, match="is closed"):
        OneRun(access, command_of("true", 5)).result(None)


@BEGIN
def test_who_runs_out_of_time_learns_by_which_id_the_job_is_found(
    app: App, sagemaker_client: SageMakerClient, begin: Callable[[OneRun], object]
) -> None:
    """Without it, nobody could look at a command that goes on in the app."""
    run = OneRun(_Access(app, sagemaker_client, [_Runs()]), command_of("true", 5))
    with pytest.raises(OutOfTime, match=rf"job {run.id} may go on .*The line is dead"):
        begin(run)


@pytest.mark.parametrize("late", [ConnectionLost("The line is dead."), OutOfTime("late")])
def test_a_job_that_is_not_seen_to_end_in_time_is_out_of_time(
    app: App, sagemaker_client: SageMakerClient, late: SetupError
) -> None:
    """Whether the connection was lost at that moment makes no difference to whoever waits."""
    job = Job(_Access(app, sagemaker_client, [late]), "0123456789ab")
    with pytest.raises(OutOfTime, match=str(late.message)):
        job.wait(timeout_seconds=5)


class _Growing(_Runs):
    """An app whose command prints a megabyte for every look at it."""

    looks = 0

    def follow(self, run_id: str, command: str, offset: int, count: int, start: Start | None = None) -> Progress:  # noqa: ARG002
        self.looks += 1
        return Progress("running", None, "", None, self.looks << 20, b"x" * count)


@pytest.mark.timeout(20)
def test_the_log_of_a_command_that_goes_on_printing_comes_to_an_end(
    app: App, sagemaker_client: SageMakerClient
) -> None:
    """It is what was printed so far; a command can print faster than anybody fetches."""
    seen: list[tuple[int, int]] = []
    job = Job(_Access(app, sagemaker_client, [_Growing()]), "0123456789ab")
    assert job.log(lambda here, there: seen.append((here, there))) == b"x" * (1 << 20)
    assert seen[0] == (32 * 1024, 1 << 20)
    assert seen[-1] == (1 << 20, 1 << 20)
