"""The reconcile function has apps set up whose event never came, and leaves everybody else alone."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from studio_setup.fleet.deployed import NotDescribed
from studio_setup.model.app import App
from studio_setup.model.errors import BadInput
from studio_setup.model.report import Trigger
from studio_setup.model.request import SetUpApp, parse_request
from studio_setup.model.settings import Settings
from studio_setup.reconcile import lambda_handler
from tests.support.fake_aws import OUTPUTS, FakeAws, described
from tests.support.fleet_lines import Attempt

DOMAIN = "d-abcdefghijkl"
NOW = datetime.now(UTC)
AN_HOUR_AGO = NOW - timedelta(hours=1)
Members = dict[str, Any]


def user(name: str, app_type: str = "JupyterServer") -> App:
    """A user's app."""
    return App(DOMAIN, name, app_type, "default")


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment that the template gives the function."""
    monkeypatch.setenv("DOMAIN_ID", "")
    monkeypatch.setenv("SETUP_FUNCTION", OUTPUTS["FunctionName"])
    monkeypatch.setenv("SETUP_LOG_GROUP", OUTPUTS["LogGroupName"])
    monkeypatch.setenv("RECONCILE_AT_ONCE", "20")
    monkeypatch.setenv("RECONCILE_SINCE", "")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An AWS with an empty fleet, whose setup function takes every request."""
    fake = FakeAws(describe=_answer)
    fake.install(monkeypatch)
    return fake


def _answer(request: Members) -> Members:
    return described(request) if request["detail-type"] == "Describe Setup" else {}


def _asked(aws: FakeAws) -> list[Members]:
    """The asynchronous invocations so far: their requests."""
    calls = [params for operation, params in aws.calls if operation == "Invoke"]
    return [json.loads(call["Payload"]) for call in calls if call.get("InvocationType") == "Event"]


def _asked_for(aws: FakeAws) -> list[str]:
    """Whose apps a setup was asked for, in that order."""
    names = [request["detail"]["app"] for request in _asked(aws)]
    return [name["space_name"] or name["user_profile_name"] for name in names]


def test_a_missed_start_is_handed_to_the_setup_function(aws: FakeAws) -> None:
    """The request is one that the setup function understands, with the trigger that is in its log then."""
    space_app = App(DOMAIN, "", "JupyterServer", "default", "research")
    aws.add_app(space_app, AN_HOUR_AGO)
    assert lambda_handler({}, None) == {"missed": 1, "asked": 1}
    (request,) = _asked(aws)
    settings = Settings.from_env({})
    assert parse_request(request, settings) == SetUpApp(space_app, force=False, trigger=Trigger.RECONCILE)


@pytest.mark.parametrize("code", ["succeeded", "command-failed", "sso-domain", "control-plane-refused"])
def test_an_app_that_was_taken_up_is_left_alone(aws: FakeAws, code: str) -> None:
    """However its setup ended: what failed is for somebody to look at."""
    aws.add_app(user("alice"), AN_HOUR_AGO)
    aws.add_line(NOW - timedelta(minutes=50), Attempt(user("alice")).finished(code))
    assert lambda_handler({}, None) == {"missed": 0, "asked": 0}
    assert _asked(aws) == []


def test_a_setup_that_runs_is_left_alone(aws: FakeAws) -> None:
    """An attempt that has begun is enough."""
    aws.add_app(user("alice"), AN_HOUR_AGO)
    aws.add_line(NOW - timedelta(minutes=1), Attempt(user("alice")).started())
    lambda_handler({}, None)
    assert _asked(aws) == []


def test_an_event_has_ten_minutes_to_come(aws: FakeAws) -> None:
    """A younger app may still be taken up by the event of its start."""
    now = datetime.now(UTC)  # not when this file was read: the tests before may take a minute
    aws.add_app(user("younger"), now - timedelta(minutes=9))
    aws.add_app(user("older"), now - timedelta(minutes=10))
    lambda_handler({}, None)
    assert _asked_for(aws) == ["older"]


def test_apps_that_the_setup_function_does_not_set_up_are_left_alone(aws: FakeAws) -> None:
    """The setup function itself says which types and domains are its own."""
    aws.add_app(user("alice", "JupyterLab"), AN_HOUR_AGO)
    aws.add_app(user("bob", "CodeEditor"), AN_HOUR_AGO)
    lambda_handler({}, None)
    assert _asked(aws) == []


def test_an_app_whose_setup_is_not_valid_is_left_alone(aws: FakeAws) -> None:
    """It could only fail, each time again."""

    def answer(request: Members) -> Members:
        entry = {"app": user("alice").label, "code": "bad-input", "reason": "A command has no name."}
        return {**_answer(request), "setups": [entry]}

    aws.describe = answer
    aws.add_app(user("alice"), AN_HOUR_AGO)
    lambda_handler({}, None)
    assert _asked(aws) == []


@pytest.mark.parametrize(
    ("since", "asked_for"),
    [
        (NOW - timedelta(hours=3), ["early", "late"]),
        (NOW - timedelta(hours=2), ["early", "late"]),
        (NOW - timedelta(hours=1, minutes=30), ["late"]),
        (NOW, []),
    ],
)
def test_apps_that_started_before_a_moment_are_left_alone(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, since: datetime, asked_for: list[str]
) -> None:
    """Switching it on interrupts nobody who has been at work for long."""
    monkeypatch.setenv("RECONCILE_SINCE", since.isoformat())
    aws.add_app(user("early"), NOW - timedelta(hours=2))
    aws.add_app(user("late"), NOW - timedelta(hours=1))
    lambda_handler({}, None)
    assert _asked_for(aws) == asked_for


def test_no_more_than_so_many_at_once(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that have run longest come first; the others are left to the next run."""
    monkeypatch.setenv("RECONCILE_AT_ONCE", "2")
    for hours, name in ((1, "third"), (3, "first"), (2, "second")):
        aws.add_app(user(name), NOW - timedelta(hours=hours))
    assert lambda_handler({}, None) == {"missed": 3, "asked": 2}
    assert _asked_for(aws) == ["first", "second"]


def test_only_the_apps_of_the_domain_are_listed(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The permission cannot be narrowed to a domain, the call is."""
    monkeypatch.setenv("DOMAIN_ID", DOMAIN)
    aws.add_app(App("d-another", "bob", "JupyterServer", "default"), AN_HOUR_AGO)
    lambda_handler({}, None)
    assert [params["DomainIdEquals"] for operation, params in aws.calls if operation == "ListApps"] == [DOMAIN]
    assert _asked(aws) == []


def test_each_decision_is_a_line_of_the_log(aws: FakeAws, caplog: pytest.LogCaptureFixture) -> None:
    """What was found, each app that a setup was asked for, and what is left."""
    caplog.set_level(logging.INFO)
    aws.add_app(user("alice"), AN_HOUR_AGO)
    aws.add_app(user("bob"), NOW)
    lambda_handler({}, None)
    found, asked, finished = [vars(record) for record in caplog.records if record.name == "studio_setup"]
    assert (found["message"], found["running"], found["missed"]) == ("reconcile.found", 2, 1)
    assert (asked["message"], asked["app"]) == ("reconcile.asked", user("alice").label)
    assert asked["app_created_at"] == AN_HOUR_AGO.isoformat()
    assert (finished["message"], finished["asked"], finished["left"]) == ("reconcile.finished", 1, 0)


@pytest.mark.parametrize(
    ("operation", "error"), [("ListApps", ClientError), ("FilterLogEvents", ClientError), ("Invoke", NotDescribed)]
)
def test_what_cannot_be_known_is_an_error_and_nobody_is_asked(
    aws: FakeAws, caplog: pytest.LogCaptureFixture, operation: str, error: type[Exception]
) -> None:
    """Without the list, the log, or the setup function's word, every app would look missed."""
    aws.add_app(user("alice"), AN_HOUR_AGO)
    aws.refuse(operation, "AccessDeniedException")
    with pytest.raises(error, match="AccessDeniedException") as raised:
        lambda_handler({}, None)
    assert _asked(aws) == []
    failed = vars(caplog.records[-1])
    assert (failed["message"], failed["levelname"], failed["error"]) == (
        "reconcile.failed",
        "ERROR",
        raised.type.__name__,
    )
    assert "AccessDeniedException" in failed["reason"]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SETUP_FUNCTION", "", "SETUP_FUNCTION is not set"),
        ("SETUP_LOG_GROUP", " ", "SETUP_LOG_GROUP is not set"),
        ("RECONCILE_AT_ONCE", "0", "RECONCILE_AT_ONCE is '0'"),
        ("RECONCILE_AT_ONCE", "many", "RECONCILE_AT_ONCE is 'many'"),
        ("RECONCILE_SINCE", "yesterday", "RECONCILE_SINCE is 'yesterday'"),
        ("RECONCILE_SINCE", "2026-02-30", "RECONCILE_SINCE is '2026-02-30'"),
    ],
)
def test_a_setting_that_is_not_valid_is_named(
    aws: FakeAws, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    """Nobody is asked for anything then."""
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=message):
        lambda_handler({}, None)
    assert aws.calls == []
