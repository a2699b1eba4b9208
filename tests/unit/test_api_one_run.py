"""A command that is run once: what is said when the time is up depends on whether it was started."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from studio_setup import App, OutOfTime, SetupError
from studio_setup.api.app_access import AppAccess
from studio_setup.api.one_run import OneRun, command_of
from studio_setup.model.errors import AppReplaced, ConnectionLost, RunLost
from studio_setup.model.outcomes import Outcome
from studio_setup.runs.remote_runs import RemoteRuns

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


class _Runs:
    """An app that opens runs, and whose connection is lost when anything is followed."""

    def __init__(self, app_start: str = "first", *, keeps: bool = True) -> None:
        self.app_start = app_start
        self.opened: list[str] = []
        self._keeps = keeps

    def open_run(self, run_id: str, _version: str) -> None:
        self.opened.append(run_id)

    def has(self, _run_id: str) -> bool:
        return self._keeps

    def follow(self, *_: object) -> None:
        raise ConnectionLost("The line is dead.")


class _Access(AppAccess):
    """Access that meets one app after the other, and gives up after the last."""

    def __init__(self, app: App, client: SageMakerClient, met: list[_Runs | SetupError]) -> None:
        super().__init__(app, client)
        self._met = met

    def carry_out(self, work: Callable[[RemoteRuns], Any], seconds: float = 0) -> Any:  # noqa: ANN401
        assert seconds > 0
        for met in self._met:
            if isinstance(met, SetupError):
                raise met
            try:
                work(met)  # type: ignore[arg-type]
            except ConnectionLost as lost:
                last = lost
        raise last


@pytest.mark.parametrize(
    ("met", "error", "outcome"),
    [
        pytest.param([OutOfTime("late")], ConnectionLost, Outcome.UNREACHABLE, id="never-in-the-app"),
        pytest.param([ConnectionLost("lost")], ConnectionLost, Outcome.UNREACHABLE, id="no-connection"),
        pytest.param([_Runs()], OutOfTime, Outcome.UNFINISHED, id="connection-lost-for-good"),
        pytest.param([_Runs(), OutOfTime("late")], OutOfTime, Outcome.UNFINISHED, id="out-of-time"),
        pytest.param([_Runs(), _Runs("second")], AppReplaced, Outcome.APP_GONE, id="app-restarted"),
        pytest.param([_Runs(), _Runs(keeps=False)], RunLost, Outcome.FAILED, id="run-gone"),
    ],
)
def test_a_command_that_was_started_is_told_from_one_that_was_not(
    app: App,
    sagemaker_client: SageMakerClient,
    met: list[_Runs | SetupError],
    error: type[SetupError],
    outcome: Outcome,
) -> None:
    """Out of time means that it may go on; if it never began, the app was unreachable. It is begun once at most."""
    run = OneRun(_Access(app, sagemaker_client, met), command_of("true", 5))
    with pytest.raises(error) as raised:
        run.result(None)
    assert raised.type is error
    assert raised.value.code.outcome is outcome
    assert [one.opened for one in met[1:] if isinstance(one, _Runs)] in ([], [[]])
