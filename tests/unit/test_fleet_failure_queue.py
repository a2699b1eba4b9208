"""The failure queue: whose failures its messages tell of, as Lambda and EventBridge write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from studio_setup.fleet.failure_queue import FailureMessage, FailureQueue, delete_failures, receive_failures
from studio_setup.model.app import App
from tests.support.fake_aws import OUTPUTS, FakeAws

EVENTS = Path(__file__).parents[1] / "events"


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
