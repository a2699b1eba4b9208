"""Setting apps up through the deployed function: what is sent, what is made of the answer, how many at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError

from studio_setup.fleet.set_up import (
    MAX_ATTEMPTS,
    THROTTLED_LIMIT_SECONDS,
    DeployedFunction,
    Limits,
    SetUpResult,
    Waits,
    set_up_all,
    set_up_app,
)
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.outcomes import CODES, Outcome
from studio_setup.model.report import Trigger
from studio_setup.model.request import SetUpApp, parse_request
from studio_setup.model.settings import Settings
from studio_setup_cli.aws import invocation_config
from tests.support.fake_aws import FakeAws
from tests.support.fleet_lines import Attempt

ALICE = App("d-abcdefghijkl", "alice", "JupyterServer", "default")
APPS = [App("d-abcdefghijkl", f"user-{number}", "JupyterServer", "default") for number in range(6)]
SetUp = Callable[..., SetUpResult]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An AWS with a function that sets up every app."""
    aws = FakeAws()
    aws.install(monkeypatch)
    return aws


@pytest.fixture
def set_up(aws: FakeAws) -> SetUp:
    """What sets Alice's app up, or another."""
    del aws

    def set_up(app: App = ALICE, *, force: bool = False) -> SetUpResult:
        return set_up_app(DeployedFunction(boto3.Session().client("lambda"), "studio-setup"), app, force=force)

    return set_up


def answer_in_turn(aws: FakeAws, *answers: object) -> None:
    """Let the function answer so, call by call."""
    turns = iter(answers)
    aws.set_up = lambda _request: next(turns)


def report(code: str, reason: str = "", **others: object) -> dict[str, Any]:
    """A report on Alice's app."""
    return {**Attempt(ALICE).finished(code, reason), **others}


def forced(aws: FakeAws) -> list[bool]:
    """The `force` of each request."""
    return [json.loads(params["Payload"])["detail"]["force"] for _, params in aws.calls]


@pytest.mark.parametrize("force", [False, True])
def test_the_request_is_one_that_the_function_takes(aws: FakeAws, set_up: SetUp, force: bool) -> None:
    """It names the app and the operator, and no command."""
    assert set_up(force=force).outcome is Outcome.SUCCEEDED
    ((_, params),) = aws.calls
    request = parse_request(json.loads(params["Payload"]), Settings(("JupyterServer",), ""))
    assert request == SetUpApp(ALICE, force, Trigger.OPERATOR)
    assert params["FunctionName"] == "studio-setup"


def test_the_client_waits_longer_than_the_function_can_take() -> None:
    """And keeps the connection alive meanwhile; a call that is repeated would be a second setup."""
    config: Any = invocation_config()
    assert config.read_timeout > 900
    assert config.tcp_keepalive
    assert config.retries["total_max_attempts"] == 1


def test_what_is_unfinished_is_resumed(aws: FakeAws, set_up: SetUp) -> None:
    """The function is invoked until there is another outcome; the report is the last one."""
    answer_in_turn(aws, report("out-of-time"), report("out-of-time"), report("succeeded"))
    result = set_up()
    assert (result.outcome, result.attempts) == (Outcome.SUCCEEDED, 3)


def test_resuming_has_an_end(aws: FakeAws, set_up: SetUp) -> None:
    """A setup that is never finished is an error in the end."""
    answer_in_turn(aws, *[report("out-of-time", "The time is up.")] * (MAX_ATTEMPTS + 1))
    result = set_up()
    assert (result.outcome, result.reason, result.is_error) == (Outcome.UNFINISHED, "The time is up.", True)
    assert len(aws.calls) == MAX_ATTEMPTS


def test_a_forced_run_is_not_forced_again_when_it_is_resumed(aws: FakeAws, set_up: SetUp) -> None:
    """It may have ended meanwhile, and would begin anew; before there is a run, force still holds."""
    unclaimed, claimed = report("out-of-time", run_id=""), report("out-of-time", run_id="run-1")
    answer_in_turn(aws, unclaimed, claimed, report("succeeded"))
    set_up(force=True)
    assert forced(aws) == [True, True, False]


@pytest.mark.parametrize(
    ("code", "is_error"),
    [
        ("succeeded", False),
        ("already-set-up", False),
        ("sso-domain", False),
        ("app-deleted", False),
        ("command-failed", True),
        ("command-timed-out", True),
        ("login-refused", True),
        ("claimed-by-other-setup", True),
        ("bad-request", True),
    ],
)
def test_an_error_is_what_should_have_been_set_up_and_was_not(
    aws: FakeAws, set_up: SetUp, code: str, is_error: bool
) -> None:
    """An app that is gone, or never set up, is none."""
    answer_in_turn(aws, report(code, "Why."))
    result = set_up()
    assert (result.outcome, result.code, result.reason) == (CODES[code].outcome, code, "Why.")
    assert result.is_error is is_error


def test_a_function_that_fails_is_an_error_with_its_message(aws: FakeAws, set_up: SetUp) -> None:
    """As one printable line of bounded length, whatever it raised."""
    message = "\x1b[31mNo such\nfile\x07 " + "x" * 10_000
    answer_in_turn(aws, {"errorType": "BadInput", "errorMessage": message})
    result = set_up()
    assert (result.outcome, result.is_error, result.report) == (None, True, None)
    assert result.reason.startswith("The function failed: BadInput: No such file xxx")
    assert len(result.reason) < 600
    assert result.reason.isprintable()


def test_a_function_that_times_out_is_an_error(aws: FakeAws, set_up: SetUp) -> None:
    """Lambda names no type then."""
    answer_in_turn(aws, {"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out after 900.00 seconds"})
    assert "Task timed out after 900.00 seconds" in set_up().reason


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "succeeded",
        {},
        {"outcome": "succeeded"},
        {"outcome": "splendid", "code": "succeeded", "reason": ""},
        {"outcome": "succeeded", "code": 1, "reason": ""},
        {"outcome": "succeeded", "code": "succeeded", "reason": None},
        {"outcome": ["succeeded"], "code": "succeeded", "reason": ""},
        {"outcome": "succeeded", "code": "succeeded", "reason": "", "app": "d-other/bob/JupyterServer/default"},
    ],
    ids=repr,
)
def test_an_answer_that_is_no_report_is_an_error(aws: FakeAws, set_up: SetUp, answer: object) -> None:
    """Nothing is taken from it."""
    answer_in_turn(aws, answer)
    result = set_up()
    assert (result.outcome, result.report) == (None, None)
    assert result.reason == ("The function's answer is not a report on this app; deploy this version of Studio Setup.")


def test_a_request_that_is_refused_has_its_reason(aws: FakeAws, set_up: SetUp) -> None:
    """The function begins no attempt then, and its answer names no app."""
    answer_in_turn(aws, {"outcome": "skipped", "code": "bad-request", "reason": "Not ours.", "schema_version": 1})
    result = set_up()
    assert (result.code, result.reason, result.is_error) == ("bad-request", "Not ours.", True)


def test_a_call_that_is_refused_is_an_error_of_this_app(aws: FakeAws, set_up: SetUp) -> None:
    """With the API's own code."""
    aws.refuse("Invoke", "ResourceNotFoundException", "Function not found")
    result = set_up()
    assert (result.outcome, result.attempts) == (None, 1)
    assert "ResourceNotFoundException" in result.reason
    assert len(aws.calls) == 1


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def deadline(self) -> Deadline:
        """As much patience as the command has, on this clock."""
        return Deadline.after(THROTTLED_LIMIT_SECONDS, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.now += seconds


THROTTLED = "ReservedFunctionConcurrentInvocationLimitExceeded"


def throttle(aws: FakeAws, times: int) -> None:
    """Let the first calls be refused because too many run."""
    calls = iter(range(times))

    def on_call(_operation: str) -> None:
        if next(calls, None) is None:
            aws.refused.clear()

    aws.refuse("Invoke", "TooManyRequestsException", THROTTLED)
    aws.on_call = on_call


def test_a_throttled_call_is_made_again_after_a_pause(aws: FakeAws) -> None:
    """Other setups take up the function's concurrency for minutes; nothing has begun, so nothing is begun twice."""
    clock, function = Clock(), DeployedFunction(boto3.Session().client("lambda"), "studio-setup")
    said: list[str] = []
    throttle(aws, 3)
    result = set_up_app(function, ALICE, force=True, waits=Waits(clock.deadline, said.append))
    assert (result.outcome, result.attempts) == (Outcome.SUCCEEDED, 1)
    assert forced(aws) == [True] * 4
    assert len(clock.slept) == 3
    assert all(0 <= seconds <= 30 for seconds in clock.slept)
    assert said == ["the function is throttled (TooManyRequestsException); waiting up to 15 minutes"]


def test_what_stays_throttled_is_an_error_in_the_end(aws: FakeAws) -> None:
    """The limit is said, with the API's own words."""
    clock, function = Clock(), DeployedFunction(boto3.Session().client("lambda"), "studio-setup")
    aws.refuse("Invoke", "TooManyRequestsException", THROTTLED)
    result = set_up_app(function, ALICE, force=False, waits=Waits(clock.deadline))
    assert (result.outcome, result.is_error) == (None, True)
    assert result.reason.startswith("The function was throttled for 15 minutes: TooManyRequestsException: ")
    assert THROTTLED in result.reason
    assert clock.now == THROTTLED_LIMIT_SECONDS


def test_each_attempt_has_its_own_patience(aws: FakeAws) -> None:
    """An attempt that was unfinished has taken as long as the limit already."""
    clock, function = Clock(), DeployedFunction(boto3.Session().client("lambda"), "studio-setup")

    def on_call(_operation: str) -> None:
        aws.refused.clear()
        if len(aws.calls) == 1:
            clock.now += THROTTLED_LIMIT_SECONDS
        if len(aws.calls) == 2:
            aws.refuse("Invoke", "TooManyRequestsException", THROTTLED)

    aws.on_call = on_call
    answer_in_turn(aws, report("out-of-time"), report("succeeded"))
    result = set_up_app(function, ALICE, force=False, waits=Waits(clock.deadline))
    assert (result.outcome, result.attempts) == (Outcome.SUCCEEDED, 2)


def test_a_connection_that_breaks_is_an_error_of_this_app(aws: FakeAws, set_up: SetUp) -> None:
    """What the SDK raises then is no answer of the API; the call is not made again."""

    def on_call(_operation: str) -> None:
        raise ReadTimeoutError(endpoint_url="https://lambda.us-east-1.amazonaws.com")

    aws.on_call = on_call
    assert set_up().reason.startswith("The call failed: ReadTimeoutError: ")
    assert len(aws.calls) == 1


def test_a_result_as_a_dictionary_is_the_report_with_how_it_was_come_by(aws: FakeAws, set_up: SetUp) -> None:
    """Without a report, the app is there all the same."""
    assert set_up().as_dict()["setup_version"] == "0123456789abcdef"
    aws.refuse("Invoke", "ServiceException")
    fields = set_up().as_dict()
    assert (fields["app"], fields["outcome"], fields["attempts"]) == (ALICE.label, None, 1)


def result_of(app: App, outcome: Outcome = Outcome.SUCCEEDED) -> SetUpResult:
    """A result of that outcome."""
    return SetUpResult(app, outcome, str(outcome), "", 1.0, 1)


def test_only_so_many_apps_are_set_up_at_a_time() -> None:
    """And just so many: every one waits until all of them are under way."""
    under_way, most, lock, both = 0, 0, threading.Lock(), threading.Barrier(2, timeout=10)

    def set_up(app: App) -> SetUpResult:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        both.wait()
        with lock:
            under_way -= 1
        return result_of(app)

    done = list(set_up_all(set_up, APPS, Limits(max_concurrency=2, max_errors=0)))
    assert {result.app for result in done} == set(APPS)
    assert most == 2


@pytest.mark.parametrize(("max_errors", "begun"), [(0, 1), (1, 2), (3, 4), (6, 6)])
def test_after_more_errors_than_allowed_no_other_app_is_begun(max_errors: int, begun: int) -> None:
    """Each app fails here, one after another."""
    done = set_up_all(lambda app: result_of(app, Outcome.FAILED), APPS, Limits(1, max_errors))
    assert [result.app for result in done] == APPS[:begun]


def test_what_is_under_way_at_an_error_is_waited_for() -> None:
    """Its result counts like the others."""
    failed = threading.Event()

    def set_up(app: App) -> SetUpResult:
        if app == APPS[0]:
            return result_of(app, Outcome.FAILED)
        assert failed.wait(10)
        return result_of(app)

    done = []
    for result in set_up_all(set_up, APPS, Limits(3, 0)):
        done.append(result.app)
        failed.set()
    assert (done[0], set(done)) == (APPS[0], set(APPS[:3]))


def test_what_was_not_foreseen_is_raised_to_whoever_waits() -> None:
    """A thread that dies silently would be waited for forever."""

    def set_up(_app: App) -> SetUpResult:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(set_up_all(set_up, APPS, Limits(2, 0)))
