"""The reconcile function: there only with a schedule, and allowed to do what it needs and nothing else."""

from __future__ import annotations

import importlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from studio_setup.model.settings import ReconcileSettings

if TYPE_CHECKING:
    from tests.support.stack import Stack
    from tests.support.stack_fixtures import Deploy

HOURLY = {"ReconcileSchedule": "rate(1 hour)"}
LOG_GROUPS = "arn:aws:logs:us-east-1:111122223333:log-group"


def _statements(stack: Stack) -> list[dict[str, Any]]:
    (policy,) = stack.properties("ReconcileRole")["Policies"]
    return [
        {key: value for key, value in statement.items() if key != "Sid"}
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def test_it_is_off_unless_there_is_a_schedule(default_stack: Stack, deploy: Deploy) -> None:
    """By default nothing of it exists; a schedule adds function, role, log, rule and alarm, shown on the dashboard."""
    reconciling = deploy(**HOURLY)
    added = reconciling.resources.keys() - default_stack.resources.keys()
    assert {reconciling.resources[name]["Type"] for name in added} == {
        "AWS::Lambda::Function",
        "AWS::Lambda::EventInvokeConfig",
        "AWS::Lambda::Permission",
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
        "AWS::Events::Rule",
        "AWS::CloudWatch::Alarm",
    }
    assert len(added) == 7
    same = default_stack.resources.keys() - {"Dashboard"}
    assert {name: reconciling.resources[name] for name in same} == {
        name: default_stack.resources[name] for name in same
    }


@pytest.mark.parametrize("domain_id", ["", "d-abcdefghijkl"])
def test_its_role_allows_exactly_what_it_needs(deploy: Deploy, domain_id: str) -> None:
    """It lists apps, reads the log of the setups, invokes the setup function and writes its own log."""
    stack = deploy(**HOURLY, DomainId=domain_id)
    assert _statements(stack) == [
        {"Effect": "Allow", "Action": "sagemaker:ListApps", "Resource": "*"},
        {"Effect": "Allow", "Action": "logs:FilterLogEvents", "Resource": f"{LOG_GROUPS}:StudioSetupLogGroup:*"},
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": "StudioSetupFunction.Arn"},
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"{LOG_GROUPS}:ReconcileLogGroup:*",
        },
    ]
    role = stack.properties("ReconcileRole")
    assert "ManagedPolicyArns" not in role
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_it_runs_in_its_own_role_and_is_not_retried(deploy: Deploy) -> None:
    """The next run is the retry, both for Lambda and for EventBridge."""
    stack = deploy(**HOURLY)
    function = stack.properties("ReconcileFunction")
    assert function["Role"] == "ReconcileRole.Arn"
    assert function["FunctionName"] == "studio-setup-reconcile"
    assert function["Timeout"] == 300
    config = stack.properties("ReconcileFunctionEventInvokeConfig")
    assert (config["FunctionName"], config["MaximumRetryAttempts"]) == ("ReconcileFunction", 0)
    (target,) = stack.properties("ReconcileFunctionSchedule")["Targets"]
    assert target["RetryPolicy"] == {"MaximumRetryAttempts": 0}


def test_both_functions_run_the_same_bundle_in_the_same_way(deploy: Deploy) -> None:
    """Only the entry, the time limit and the settings differ."""
    stack = deploy(**HOURLY)
    one, other = stack.properties("StudioSetupFunction"), stack.properties("ReconcileFunction")
    for name in ("Code", "Runtime", "Architectures", "MemorySize", "Tags"):
        assert one[name] == other[name], name


def test_its_log_is_kept_and_encrypted_like_that_of_the_setups(deploy: Deploy) -> None:
    """LogRetentionInDays and LogKmsKeyArn hold for both log groups; the log is JSON."""
    key = "arn:aws:kms:us-east-1:111122223333:key/0e0f1a2b-0000-4000-8000-000000000000"
    stack = deploy(**HOURLY, LogRetentionInDays="14", LogKmsKeyArn=key)
    group = stack.properties("ReconcileLogGroup")
    assert group["LogGroupName"] == "/aws/lambda/studio-setup-reconcile"
    assert (group["RetentionInDays"], group["KmsKeyId"]) == ("14", key)
    logging = stack.properties("ReconcileFunction")["LoggingConfig"]
    assert (logging["LogGroup"], logging["LogFormat"]) == ("ReconcileLogGroup", "JSON")
    assert "KmsKeyId" not in deploy(**HOURLY).properties("ReconcileLogGroup")


def test_the_schedule_invokes_it_and_the_off_switch_holds_for_it(deploy: Deploy) -> None:
    """RuleState=DISABLED starts no setup by way of the schedule either."""
    stack = deploy(**HOURLY)
    rule = stack.properties("ReconcileFunctionSchedule")
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 hour)", "ENABLED")
    assert [target["Arn"] for target in rule["Targets"]] == ["ReconcileFunction.Arn"]
    assert stack.properties("ReconcileFunctionSchedulePermission") == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "ReconcileFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": "ReconcileFunctionSchedule.Arn",
    }
    assert deploy(**HOURLY, RuleState="DISABLED").properties("ReconcileFunctionSchedule")["State"] == "DISABLED"


def test_template_and_code_agree(deploy: Deploy) -> None:
    """The handler is where the template says, and understands its environment."""
    stack = deploy(**HOURLY, DomainId="d-abcdefghijkl", ReconcileAtOnce="7", ReconcileSince="2026-11-25")
    function = stack.properties("ReconcileFunction")
    module, _, name = function["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))
    assert ReconcileSettings.from_env(function["Environment"]["Variables"]) == ReconcileSettings(
        function_name="StudioSetupFunction",
        log_group="StudioSetupLogGroup",
        at_once=7,
        since=datetime(2026, 11, 25, tzinfo=UTC),
        domain_id="d-abcdefghijkl",
    )


@pytest.mark.parametrize(
    ("parameter", "accepted", "refused"),
    [
        (
            "ReconcileSchedule",
            ["", "rate(1 hour)", "rate(15 minutes)", "rate(1 day)", "cron(0 8 ? * MON-FRI *)"],
            ["1 hour", "rate(0 hours)", "rate(hour)", "rate(1 week)", "at(2026-11-25T08:00:00)", "rate(1 hour) "],
        ),
        (
            "ReconcileSince",
            ["", "2026-11-25", "2026-11-25T08:00Z", "2026-11-25T08:00:00", "2026-11-25T08:00:00+01:00"],
            ["yesterday", "25.11.2026", "2026-11", "2026-11-25 08:00", "2026-11-25Z"],
        ),
    ],
)
def test_a_malformed_value_is_refused_at_deployment(
    template: dict[str, Any], parameter: str, accepted: list[str], refused: list[str]
) -> None:
    """What EventBridge or the function would refuse is refused at the beginning of a deployment."""
    pattern = template["Parameters"][parameter]["AllowedPattern"]
    assert [value for value in accepted if not re.fullmatch(pattern, value)] == []
    assert [value for value in refused if re.fullmatch(pattern, value)] == []


@pytest.mark.parametrize(
    "since", ["2026-11-25", "2026-11-25T08:00Z", "2026-11-25T08:00:00", "2026-11-25T08:00:00+01:00"]
)
def test_the_function_understands_each_form_of_a_moment(since: str) -> None:
    """Whatever the template lets through has a time zone then."""
    environment = {"SETUP_FUNCTION": "f", "SETUP_LOG_GROUP": "g", "RECONCILE_AT_ONCE": "1", "RECONCILE_SINCE": since}
    moment = ReconcileSettings.from_env(environment).since
    assert moment is not None
    assert moment.tzinfo is not None
