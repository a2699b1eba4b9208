"""The rule lets through the app starts it should, and nothing else.

The pattern comes from the transformed template and is judged by moto's EventBridge, which really
matches events.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from tests.support.stack import ROOT, Stack

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.stack_fixtures import Deploy

EVENTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "tests/events").glob("*.json")}
STARTS = {
    "jupyter-server-started",
    "jupyter-server-named-started",
    "shared-space-jupyter-server-started",
    "space-jupyterlab-started",
    "sso-domain-started",
}
A_START = EVENTS["jupyter-server-started"]


def _rule(stack: Stack) -> dict[str, Any]:
    (rule,) = stack.of_type("AWS::Events::Rule").values()
    properties: dict[str, Any] = rule["Properties"]
    return properties


def _target(stack: Stack) -> dict[str, Any]:
    (target,) = _rule(stack)["Targets"]
    found: dict[str, Any] = target
    return found


def _entry(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Resources": event["resources"],
    }


def _let_through(stack: Stack, events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give the pattern to a pattern engine with a queue as target; return the details that arrive there."""
    rule = _rule(stack)
    arrived: list[dict[str, Any]] = []
    with mock_aws():
        sqs: Any = boto3.client("sqs")
        bus: Any = boto3.client("events")
        queue = sqs.create_queue(QueueName="matched")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        bus.put_rule(Name="rule", EventPattern=json.dumps(rule["EventPattern"]))
        bus.put_targets(Rule="rule", Targets=[{"Id": "queue", "Arn": arn}])
        for event in events:
            answer = bus.put_events(Entries=[_entry(event)])
            assert answer["FailedEntryCount"] == 0
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                arrived.append(json.loads(message["Body"])["detail"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return arrived


def _names_let_through(stack: Stack) -> set[str]:
    names = {event["detail"]["eventID"]: name for name, event in EVENTS.items()}
    assert len(names) == len(EVENTS), "each event file has an eventID of its own"
    return {names[detail["eventID"]] for detail in _let_through(stack, EVENTS.values())}


def _with(event: dict[str, Any], **detail: str | dict[str, str]) -> dict[str, Any]:
    changed = deepcopy(event)
    changed["detail"].update(detail)
    return changed


def test_the_rule_lets_through_app_starts_and_nothing_else(default_stack: Stack) -> None:
    """Of all example events exactly the successful starts of apps with a Jupyter server reach the function."""
    assert _names_let_through(default_stack) == STARTS


def test_app_types_narrows_the_rule(deploy: Deploy) -> None:
    """With AppTypes only the starts of apps of these types reach the function."""
    assert _names_let_through(deploy(AppTypes="JupyterLab")) == {"space-jupyterlab-started"}
    assert _names_let_through(deploy(AppTypes="JupyterServer")) == STARTS - {"space-jupyterlab-started"}


def test_domain_id_narrows_the_rule(deploy: Deploy) -> None:
    """With DomainId only the starts of that domain reach the function."""
    assert _names_let_through(deploy(DomainId="d-abcdefghijkl")) == STARTS - {"sso-domain-started"}
    assert _names_let_through(deploy(DomainId="d-ssossossosso")) == {"sso-domain-started"}
    assert _names_let_through(deploy(DomainId="d-abcdefghijk")) == set()


@pytest.mark.parametrize(
    "event",
    [
        {**A_START, "source": "my.app"},
        {**A_START, "detail-type": "AWS Service Event via CloudTrail"},
        {**A_START, "detail-type": "AWS Console Action via CloudTrail"},
        _with(A_START, eventSource="amplify.amazonaws.com"),
        _with(A_START, eventName="DeleteApp"),
        _with(A_START, errorCode="ValidationException"),
        _with(A_START, errorCode=""),
        _with(A_START, requestParameters={"domainId": "d-abcdefghijkl"}),
        _with(A_START, requestParameters={"domainId": "d-abcdefghijkl", "appType": "jupyterserver"}),
    ],
    ids=[
        "another source",
        "another detail type",
        "console action",
        "another event source",
        "another call",
        "failed",
        "empty error code",
        "no app type",
        "app type in lower case",
    ],
)
def test_one_difference_keeps_an_event_out(default_stack: Stack, event: dict[str, Any]) -> None:
    """Every condition of the pattern counts: an event that differs in that one does not get through."""
    assert _let_through(default_stack, [A_START]) == [A_START["detail"]]
    assert _let_through(default_stack, [event]) == []


def test_the_rule_can_be_switched_off(deploy: Deploy) -> None:
    """RuleState is the state of the rule, and without it the rule is on."""
    assert _rule(deploy())["State"] == "ENABLED"
    assert _rule(deploy(RuleState="DISABLED"))["State"] == "DISABLED"


def test_the_function_gets_the_whole_event(default_stack: Stack) -> None:
    """The target passes the event on unchanged: the function sees errorCode, eventID and region too."""
    target = _target(default_stack)
    assert target["Arn"] == "StudioSetupFunction.Arn"
    assert not target.keys() & {"InputPath", "Input", "InputTransformer"}


def test_events_that_cannot_be_delivered_are_kept(default_stack: Stack) -> None:
    """Events that EventBridge cannot hand over are retried for an hour, then kept in the failure queue."""
    target = _target(default_stack)
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 3600, "MaximumRetryAttempts": 60}
    assert target["DeadLetterConfig"] == {"Arn": "FailureQueue.Arn"}


def test_only_this_rule_may_invoke_the_function(default_stack: Stack) -> None:
    """Only EventBridge may invoke the function, and only for this rule."""
    (permission,) = default_stack.of_type("AWS::Lambda::Permission").values()
    assert permission["Properties"] == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "StudioSetupFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": "StudioSetupFunctionAppStarted.Arn",
    }
