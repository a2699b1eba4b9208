"""Whether an attempt of ours made a claim, by the function's own log."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.stub import ANY, Stubber

from studio_setup.fleet import known_claims
from studio_setup.fleet.function_log import FunctionLog
from studio_setup.fleet.known_claims import is_claim_known
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

APP = App("d-abc", "ann", "JupyterServer", "default")
CREATED_AT = "2026-11-25T16:00:00+00:00"
SOME_MINUTES_EARLIER_MS = int(datetime(2026, 11, 25, 15, 50, tzinfo=UTC).timestamp() * 1000)
ASKED = {
    "logGroupName": "group",
    "filterPattern": '{ ($.message = "setup.started") && ($.attempt = "aaa") }',
    "startTime": SOME_MINUTES_EARLIER_MS,
    "endTime": ANY,
}
LOOKS = 6
LINE = {"message": "setup.started", "attempt": "aaa", "app": APP.label}


@pytest.fixture
def logs() -> Iterator[Stubber]:
    """A client of CloudWatch Logs that answers exactly the calls it is told of."""
    with Stubber(boto3.client("logs")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def ask(logs: Stubber) -> Callable[..., bool | None]:
    """Ask for the claim of run aaa, without waiting for the time to pass."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    def ask(created_at: str = CREATED_AT, seconds: float = 600) -> bool | None:
        deadline = Deadline.after(seconds, lambda: now[0], sleep)
        function_log = FunctionLog(cast("CloudWatchLogsClient", logs.client), "group")
        return is_claim_known(lambda: function_log, APP, "aaa", created_at, deadline)

    return ask


def answer(logs: Stubber, *lines: dict[str, Any]) -> None:
    """Let the next call find these lines."""
    logs.add_response("filter_log_events", {"events": [{"message": json.dumps(line)} for line in lines]}, ASKED)


def test_a_line_of_the_log_makes_a_claim_known(logs: Stubber, ask: Callable[..., bool | None]) -> None:
    """It is looked for from the app's creation on, with room for clocks that differ."""
    answer(logs, LINE)
    assert ask() is True


def test_a_line_that_comes_late_is_waited_for(logs: Stubber, ask: Callable[..., bool | None]) -> None:
    """CloudWatch Logs shows a line some seconds after it was written."""
    answer(logs)
    answer(logs)
    answer(logs, LINE)
    assert ask() is True


@pytest.mark.parametrize(
    "other", [{"attempt": "bbb"}, {"app": "d-abc/bob/JupyterServer/default"}, {"message": "run.claimed"}]
)
def test_a_line_of_another_claim_does_not_count(
    logs: Stubber, ask: Callable[..., bool | None], other: dict[str, Any]
) -> None:
    """Neither that of another app, nor that of an attempt that found the claim there."""
    for _ in range(LOOKS):
        answer(logs, LINE | other)
    assert ask() is False


def test_after_half_a_minute_a_claim_is_unknown(
    logs: Stubber, ask: Callable[..., bool | None], caplog: pytest.LogCaptureFixture
) -> None:
    """It is looked for several times, however much time is left."""
    for _ in range(LOOKS):
        answer(logs)
    assert ask() is False
    assert caplog.records == []


@pytest.mark.parametrize(("created_at", "reason"), [(CREATED_AT, "AccessDeniedException"), ("", "ValueError")])
def test_where_nobody_can_tell_the_log_says_so(
    logs: Stubber,
    ask: Callable[..., bool | None],
    caplog: pytest.LogCaptureFixture,
    created_at: str,
    reason: str,
) -> None:
    """A log that cannot be read, or an app without a creation time, is no verdict on the claim."""
    if created_at:
        logs.add_client_error("filter_log_events", "AccessDeniedException")
    assert ask(created_at) is None
    (record,) = caplog.records
    assert (record.msg, vars(record)["run_id"], vars(record)["reason"]) == ("claim.unchecked", "aaa", reason)


def test_shortly_before_the_end_nobody_can_tell(
    ask: Callable[..., bool | None], caplog: pytest.LogCaptureFixture
) -> None:
    """Without the time to wait for a line that comes late, there is no verdict."""
    assert ask(seconds=20) is None
    assert [vars(record)["reason"] for record in caplog.records] == ["TimeoutError"]


def test_a_log_that_does_not_answer_is_given_up(
    ask: Callable[..., bool | None], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looking has a limit of its own, which holds whatever the SDK waits for."""

    def never(seconds: float, _work: object) -> None:
        assert seconds == 30
        raise TimeoutError

    monkeypatch.setattr(known_claims, "call_within", never)
    assert ask() is None
    assert [vars(record)["reason"] for record in caplog.records] == ["TimeoutError"]
