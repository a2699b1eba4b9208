"""The failure queue: whose failures its messages tell of, as Lambda and EventBridge write them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from studio_setup.fleet.failure_queue import (
    FailureMessage,
    FailureQueue,
    delete_failures,
    of_app_starts,
    receive_failures,
)
from studio_setup.model.app import App
from tests.support.fake_aws import OUTPUTS, FakeAws

EVENTS = Path(__file__).parents[1] / "events"
CALLED = datetime(2026, 8, 3, 22, 22, 31, tzinfo=UTC)  # as the event has it


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An AWS with an empty failure queue."""
    aws = FakeAws()
    aws.install(monkeypatch)
    return aws


def receive() -> list[FailureMessage]:
    """The messages of the queue."""
    return receive_failures(queue())


def queue() -> FailureQueue:
    """The queue."""
    return FailureQueue(boto3.Session().client("sqs"), OUTPUTS["FailureQueueUrl"])


def event(user: str = "alice") -> dict[str, Any]:
    """The event of a user's app, as the rule gets it."""
    found: dict[str, Any] = json.loads((EVENTS / "jupyter-server-started.json").read_text())
    found["detail"]["requestParameters"]["userProfileName"] = user
    return found


def app_of(user: str) -> App:
    """The app of that event."""
    names = event()["detail"]["requestParameters"]
    return App(names["domainId"], user, names["appType"], names["appName"])


def test_a_message_of_the_function_has_the_event_and_the_error(aws: FakeAws) -> None:
    """Lambda's destination wraps both."""
    aws.add_failure({"requestPayload": event(), "responsePayload": {"errorMessage": "failed: command-failed: one"}})
    (failure,) = receive()
    assert (failure.app, failure.error) == (app_of("alice"), "failed: command-failed: one")


def test_without_an_answer_the_condition_is_the_error(aws: FakeAws) -> None:
    """An event that is too old never reached the function."""
    aws.add_failure({"requestPayload": event(), "requestContext": {"condition": "EventAgeExceeded"}})
    assert receive()[0].error == "EventAgeExceeded"


def test_a_message_of_the_rule_is_the_bare_event(aws: FakeAws) -> None:
    """EventBridge says why in the message's attributes."""
    aws.add_failure(event("bob"), ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="Not allowed.")
    (failure,) = receive()
    assert (failure.app, failure.error) == (app_of("bob"), "NO_PERMISSIONS: Not allowed.")


def test_a_request_to_set_an_app_up_names_it_too(aws: FakeAws) -> None:
    """What was asked for by name and failed ends here as well."""
    names = {name: value for name, value in app_of("alice").as_dict().items() if name != "app"}
    detail = {"app": names, "trigger": "reconcile"}
    request = {"source": "studio-setup", "detail-type": "Set Up App", "detail": detail}
    aws.add_failure({"requestPayload": request})
    assert receive()[0].app == app_of("alice")


@pytest.mark.parametrize(
    "body", ["", "nonsense", "[1]", "[" * 50_000, '{"requestPayload": 1}', '{"responsePayload": {"errorMessage": 1}}']
)
def test_a_message_of_something_else_is_of_no_app(aws: FakeAws, body: str) -> None:
    """Whatever is in the queue, it is read; and it stays there."""
    aws.add_failure(body)
    assert [(failure.app, failure.error) for failure in receive()] == [(None, "no reason given")]


def test_what_an_error_says_is_made_printable(aws: FakeAws) -> None:
    """And short: it is shown to somebody."""
    aws.add_failure({"requestPayload": event(), "responsePayload": {"errorMessage": "\x1b[31mno\n" + "x" * 9999}})
    (failure,) = receive()
    assert failure.error.startswith("no xxx")
    assert len(failure.error) == 300


def test_all_messages_are_received_and_those_that_are_named_deleted(aws: FakeAws) -> None:
    """SQS gives ten at a time."""
    for number in range(25):
        aws.add_failure(event(f"user-{number}"))
    failures = receive()
    assert len(failures) == 25
    delete_failures(queue(), failures[:24])
    assert [message["Body"] for message in aws.queue] == [json.dumps(event("user-24"))]


def event_at(moment: datetime) -> dict[str, Any]:
    """The event of a start of Alice's app at that time."""
    found = event()
    found["detail"]["eventTime"] = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return found


def requested(**others: object) -> dict[str, Any]:
    """What Lambda's destination gets where a request to set Alice's app up has failed."""
    names = {name: value for name, value in app_of("alice").as_dict().items() if name != "app"}
    detail = {"app": names, "trigger": "reconcile"}
    return {"requestPayload": {"source": "studio-setup", "detail-type": "Set Up App", "detail": detail}, **others}


def settled(created_at: datetime) -> list[int]:
    """Which messages, by number, are about the start of Alice's app that was created then."""
    failures = receive()
    found = of_app_starts(failures, {app_of("alice").label: created_at})
    return [number for number, failure in enumerate(failures) if failure in found]


def test_a_message_says_when_the_app_was_started(aws: FakeAws) -> None:
    """The event has the time of the call, in either kind of message."""
    aws.add_failure({"requestPayload": event()})
    aws.add_failure(event())
    assert [failure.at for failure in receive()] == [CALLED, CALLED]


def test_a_request_that_failed_says_when(aws: FakeAws) -> None:
    """It is about whatever start the app was in then: the record of the failure has the time."""
    aws.add_failure(requested(timestamp="2026-08-03T22:22:31.500Z"))
    assert receive()[0].at == CALLED + timedelta(seconds=0.5)


@pytest.mark.parametrize("seconds", [0, 2, 20])
def test_a_message_is_about_the_app_that_was_created_by_its_call(aws: FakeAws, seconds: float) -> None:
    """An app's creation time is that of the call, or a little later."""
    aws.add_failure({"requestPayload": event()})
    assert settled(CALLED + timedelta(seconds=seconds)) == [0]


def test_messages_of_an_earlier_start_are_not_about_this_one(aws: FakeAws) -> None:
    """Whichever way they came, and whatever is beside them."""
    earlier = CALLED - timedelta(hours=3)
    aws.add_failure({"requestPayload": event_at(earlier)})
    aws.add_failure(event_at(earlier))
    aws.add_failure(requested(timestamp=f"{earlier:%Y-%m-%dT%H:%M:%SZ}"))
    aws.add_failure({"requestPayload": event()})
    assert settled(CALLED + timedelta(seconds=1)) == [3]


def test_where_the_creation_time_is_that_of_an_earlier_start_the_newest_is_meant(aws: FakeAws) -> None:
    """An app that is created again within a day may keep its creation time; its own event is the last one."""
    aws.add_failure({"requestPayload": event()})
    for _ in range(2):
        aws.add_failure({"requestPayload": event_at(CALLED + timedelta(hours=2))})
    assert settled(CALLED) == [1, 2]


def test_messages_of_other_apps_and_of_no_time_are_about_none_of_these_starts(aws: FakeAws) -> None:
    """What cannot be told is not said to be settled."""
    aws.add_failure({"requestPayload": event("bob")})
    aws.add_failure("nonsense")
    aws.add_failure(requested())
    for time in ("", "yesterday", "2026-08-03T22:22:31", 1, None):
        found = event()
        found["detail"]["eventTime"] = time
        aws.add_failure(found)
    assert settled(CALLED) == []
