"""The deployed rule, tested with real events: it matches the app starts that it should, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.deployment import Deployed

STARTS = {
    "jupyter-server-started",
    "jupyter-server-named-started",
    "shared-space-jupyter-server-started",
    "space-jupyterlab-started",
    "sso-domain-started",
}


@pytest.fixture
def events(events_folder: Path) -> dict[str, dict[str, Any]]:
    """The sample events, by the names of their files."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in events_folder.glob("*.json")}


@pytest.fixture
def matched(deployed: Deployed) -> Iterator[str]:
    """A queue that is the rule's target in place of the function."""
    bus, sqs, rule = deployed.cloud.client("events"), deployed.cloud.client("sqs"), deployed.outputs()["RuleName"]
    (target,) = bus.list_targets_by_rule(Rule=rule)["Targets"]
    queue = sqs.create_queue(QueueName="matched")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus.remove_targets(Rule=rule, Ids=[target["Id"]])
    bus.put_targets(Rule=rule, Targets=[{**target, "Id": "probe", "Arn": arn}])
    yield queue
    bus.remove_targets(Rule=rule, Ids=["probe"])
    bus.put_targets(Rule=rule, Targets=[target])
    sqs.delete_queue(QueueUrl=queue)


def _arrived(deployed: Deployed, queue: str) -> list[dict[str, Any]]:
    sqs, found = deployed.cloud.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
    return found


def test_the_rule_matches_app_starts_and_nothing_else(
    deployed: Deployed, matched: str, events: dict[str, dict[str, Any]]
) -> None:
    """Of the sample events, those of app starts reach the target, each once and complete."""
    for event in events.values():
        deployed.deliver(event)
    arrived = _arrived(deployed, matched)
    by_id = {event["detail"]["eventID"]: name for name, event in events.items()}
    assert sorted(by_id[event["detail"]["eventID"]] for event in arrived) == sorted(STARTS)
    for event in arrived:
        sent = events[by_id[event["detail"]["eventID"]]]
        assert {key: event[key] for key in ("source", "detail-type", "detail")} == {
            key: sent[key] for key in ("source", "detail-type", "detail")
        }


def test_the_function_is_the_only_target(deployed: Deployed) -> None:
    """The rule passes the whole event to the function, and events that it cannot deliver to the failure queue."""
    bus, sqs, outputs = deployed.cloud.client("events"), deployed.cloud.client("sqs"), deployed.outputs()
    (target,) = bus.list_targets_by_rule(Rule=outputs["RuleName"])["Targets"]
    function = deployed.cloud.client("lambda").get_function_configuration(FunctionName=outputs["FunctionName"])
    queue = sqs.get_queue_attributes(QueueUrl=outputs["FailureQueueUrl"], AttributeNames=["QueueArn"])
    assert target["Arn"] == function["FunctionArn"]
    assert target["DeadLetterConfig"]["Arn"] == queue["Attributes"]["QueueArn"]
    assert not {"Input", "InputPath", "InputTransformer"} & target.keys()
