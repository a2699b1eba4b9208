"""Starts whose event never came: the deployed reconcile function has those apps set up by the setup function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_cloud.cloud import ACCOUNT_ID, REGION
from local_cloud.log import lines
from tests.deployed.test_role import APP, LOG_GROUP, USER, may
from tests.support.deployment import Deployed, Start
from tests.support.scenario import ONCE, PATIENT

FUNCTIONS = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function"
ALLOWED = [
    ("sagemaker:ListApps", "*"),
    ("logs:FilterLogEvents", f"{LOG_GROUP}/studio-setup:*"),
    ("lambda:InvokeFunction", f"{FUNCTIONS}:studio-setup"),
    ("logs:CreateLogStream", f"{LOG_GROUP}/studio-setup-reconcile:log-stream:today"),
    ("logs:PutLogEvents", f"{LOG_GROUP}/studio-setup-reconcile:log-stream:today"),
]
DENIED = [
    ("sagemaker:CreatePresignedDomainUrl", USER),
    ("sagemaker:DescribeApp", APP),
    ("sagemaker:DeleteApp", APP),
    ("logs:FilterLogEvents", f"{LOG_GROUP}/another:*"),
    ("logs:PutLogEvents", f"{LOG_GROUP}/studio-setup:log-stream:today"),
    ("lambda:InvokeFunction", f"{FUNCTIONS}:studio-setup-reconcile"),
    ("lambda:InvokeFunction", f"{FUNCTIONS}:another"),
    ("lambda:UpdateFunctionCode", f"{FUNCTIONS}:studio-setup"),
]


class Reconciler:
    """The deployed reconcile function."""

    def __init__(self, deployed: Deployed) -> None:
        self._deployed = deployed
        self._client = deployed.cloud.client("lambda")
        self._name = deployed.resources()["ReconcileFunction"]
        self._environment = self._client.get_function_configuration(FunctionName=self._name)["Environment"]["Variables"]

    def run(self) -> None:
        """Let it run once, as the schedule does."""
        answer = self._client.invoke(FunctionName=self._name, Payload=b"{}")
        said = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said

    def asked_for(self, start: Start) -> int:
        """How often it has asked for the setup of an app."""
        group = self._deployed.resources()["ReconcileLogGroup"]
        log: list[dict[str, Any]] = lines(self._deployed.cloud.client("logs"), group)
        return sum(line.get("message") == "reconcile.asked" and start.is_of(line) for line in log)

    def configure(self, **environment: str) -> None:
        """Change its settings; without any, back to what was deployed."""
        variables = {**self._environment, **environment}
        self._client.update_function_configuration(FunctionName=self._name, Environment={"Variables": variables})
        self._client.get_waiter("function_updated_v2").wait(FunctionName=self._name)


@pytest.fixture
def reconciler(deployed: Deployed) -> Iterator[Reconciler]:
    """The reconcile function, with the settings that were deployed when the test ends."""
    reconciler = Reconciler(deployed)
    yield reconciler
    reconciler.configure()


def start_without_event(deployed: Deployed, age: timedelta) -> Start:
    """An app of that age whose event has never been delivered."""
    start = deployed.start_app()
    start.app.backdate(age)
    return start


def test_a_missed_start_is_set_up_once_by_the_next_run(
    deployed: Deployed, set_up_with: Callable[..., None], reconciler: Reconciler
) -> None:
    """Two runs in a row have it set up once, and later ones leave it alone."""
    set_up_with(PATIENT)
    start = start_without_event(deployed, timedelta(minutes=11))
    reconciler.run()
    reconciler.run()
    asked = reconciler.asked_for(start)
    assert asked in {1, 2}, "the second run may come before the setup's first line"
    deployed.wait_for("run.claimed", start, asked)
    reconciler.run()
    start.release()
    reports = deployed.wait_for_reports(start, asked)
    assert {(report["outcome"], report["trigger"]) for report in reports} == {("succeeded", "reconcile")}
    reconciler.run()
    assert reconciler.asked_for(start) == asked
    assert start.effects() == ONCE


def test_an_app_that_was_taken_up_or_has_just_started_is_left_alone(
    deployed: Deployed, set_up_with: Callable[..., None], reconciler: Reconciler
) -> None:
    """Its event has come, or may still come."""
    set_up_with("echo ran >> ~/effects")
    taken_up = start_without_event(deployed, timedelta(hours=1))
    deployed.deliver(taken_up.event)
    deployed.wait_for_reports(taken_up, 1)
    young = start_without_event(deployed, timedelta(0))
    reconciler.run()
    assert (reconciler.asked_for(taken_up), reconciler.asked_for(young)) == (0, 0)


def test_reconcile_since_leaves_older_apps_alone(
    deployed: Deployed, set_up_with: Callable[..., None], reconciler: Reconciler
) -> None:
    """Of two missed starts, only the one after that moment is set up."""
    set_up_with("echo ran >> ~/effects")
    older = start_without_event(deployed, timedelta(hours=2))
    newer = start_without_event(deployed, timedelta(hours=1))
    reconciler.configure(RECONCILE_SINCE=(datetime.now(UTC) - timedelta(minutes=90)).isoformat())
    reconciler.run()
    deployed.wait_for_reports(newer, 1)
    assert (reconciler.asked_for(older), reconciler.asked_for(newer)) == (0, 1)
    assert (older.effects(), newer.effects()) == ([], ["ran"])


def test_the_schedule_invokes_the_function(deployed: Deployed) -> None:
    """The rule of the schedule is on, and has the reconcile function as its only target."""
    bus, resources = deployed.cloud.client("events"), deployed.resources()
    rule = bus.describe_rule(Name=resources["ReconcileFunctionSchedule"])
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 day)", "ENABLED")
    (target,) = bus.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"] == f"{FUNCTIONS}:studio-setup-reconcile"


@pytest.mark.parametrize(("action", "resource"), ALLOWED)
def test_what_it_needs_is_allowed(deployed: Deployed, action: str, resource: str) -> None:
    """Each call that the reconcile function makes is allowed."""
    assert may(deployed, action, resource, role="ReconcileRole")


@pytest.mark.parametrize(("action", "resource"), DENIED)
def test_everything_else_is_denied(deployed: Deployed, action: str, resource: str) -> None:
    """It cannot log in to an app, change anything, or read another log."""
    assert not may(deployed, action, resource, role="ReconcileRole")
