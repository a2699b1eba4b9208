"""How the function is run, retried, logged and given up."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.api import lint_file
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from studio_setup.model.app import KNOWN_APP_TYPES
from studio_setup.model.settings import Settings
from tests.support.stack import TEMPLATE

if TYPE_CHECKING:
    from tests.support.stack import Stack
    from tests.support.stack_fixtures import Deploy

PROJECT_TAG = {"Key": "Project", "Value": "studio-setup"}
DENY_WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def test_cfn_lint_finds_nothing() -> None:
    """The template is valid CloudFormation after SAM's transformation, without a warning."""
    assert [str(match) for match in lint_file(TEMPLATE)] == []


def test_the_function_as_it_runs(default_stack: Stack) -> None:
    """A current Python on arm64, for as long as Lambda allows, with only the settings that the handler reads."""
    function = default_stack.properties("StudioSetupFunction")
    assert function["Handler"] == "studio_setup.handler.lambda_handler"
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["Timeout"] == 900
    assert function["MemorySize"] == 256
    assert function["Environment"] == {
        "Variables": {"DOMAIN_ID": "", "APP_TYPES": "JupyterServer,JupyterLab", "SHARED_SPACE_USER": ""}
    }


def test_the_domain_reaches_the_function(deploy: Deploy) -> None:
    """DomainId narrows the function too, not only rule and role."""
    function = deploy(DomainId="d-abcdefghijkl").properties("StudioSetupFunction")
    assert function["Environment"]["Variables"]["DOMAIN_ID"] == "d-abcdefghijkl"


def test_template_and_code_agree(deploy: Deploy, template: dict[str, Any]) -> None:
    """The handler is where the template says, understands its environment, and supports every app type on offer."""
    function = deploy(DomainId="d-abcdefghijkl", SharedSpaceUser="ann").properties("StudioSetupFunction")
    module, _, name = function["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))
    settings = Settings.from_env(function["Environment"]["Variables"])
    assert settings == Settings(("JupyterServer", "JupyterLab"), domain_id="d-abcdefghijkl", shared_space_user="ann")
    assert set(template["Parameters"]["AppTypes"]["AllowedValues"]) == set(KNOWN_APP_TYPES)


def test_an_event_lives_long_enough_for_all_attempts(default_stack: Stack) -> None:
    """Lambda retries twice, and keeps an event for three full attempts and the pauses between them."""
    (config,) = default_stack.of_type("AWS::Lambda::EventInvokeConfig").values()
    properties = config["Properties"]
    three_attempts = 3 * default_stack.properties("StudioSetupFunction")["Timeout"] + 60 + 120
    assert properties["MaximumRetryAttempts"] == 2
    assert properties["MaximumEventAgeInSeconds"] >= three_attempts
    assert properties["DestinationConfig"] == {"OnFailure": {"Destination": "FailureQueue.Arn"}}
    assert properties["FunctionName"] == "StudioSetupFunction"


def test_the_log_is_json_and_expires(deploy: Deploy) -> None:
    """The log goes as JSON to a group of the stack's own, kept as long as asked for."""
    stack = deploy(LogRetentionInDays="14")
    assert stack.properties("StudioSetupFunction")["LoggingConfig"] == {
        "LogGroup": "StudioSetupLogGroup",
        "LogFormat": "JSON",
        "ApplicationLogLevel": "INFO",
        "SystemLogLevel": "INFO",
    }
    group = stack.properties("StudioSetupLogGroup")
    assert group["LogGroupName"] == "/aws/lambda/studio-setup"
    assert group["RetentionInDays"] == "14"
    assert "KmsKeyId" not in group


def test_the_log_may_be_encrypted_with_another_key(deploy: Deploy) -> None:
    """LogKmsKeyArn encrypts the log with that key."""
    key = "arn:aws:kms:us-east-1:111122223333:key/0e0f1a2b-0000-4000-8000-000000000000"
    assert deploy(LogKmsKeyArn=key).properties("StudioSetupLogGroup")["KmsKeyId"] == key


def test_the_failure_queue_is_encrypted_and_keeps_messages_for_two_weeks(default_stack: Stack) -> None:
    """The failure queue is encrypted and keeps its messages as long as SQS can."""
    queue = default_stack.properties("FailureQueue")
    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_the_queue_takes_only_tls_and_only_this_rule(default_stack: Stack) -> None:
    """Plain HTTP is refused to everybody; of the services only EventBridge may send, for this rule."""
    policy = default_stack.properties("FailureQueuePolicy")
    refuse, admit = policy["PolicyDocument"]["Statement"]
    assert policy["Queues"] == ["FailureQueue"]
    assert refuse == {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": "FailureQueue.Arn",
        "Condition": DENY_WITHOUT_TLS,
    }
    assert admit["Effect"] == "Allow"
    assert admit["Principal"] == {"Service": "events.amazonaws.com"}
    assert admit["Action"] == "sqs:SendMessage"
    assert admit["Condition"] == {"ArnEquals": {"aws:SourceArn": "StudioSetupFunctionAppStarted.Arn"}}


def test_concurrency_is_reserved_only_on_request(deploy: Deploy) -> None:
    """0 reserves nothing (and does not stop the function); a number is passed on."""
    assert "ReservedConcurrentExecutions" not in deploy().properties("StudioSetupFunction")
    limited = deploy(ReservedConcurrency="5").properties("StudioSetupFunction")
    assert limited["ReservedConcurrentExecutions"] == "5"


def test_the_function_is_in_a_vpc_only_on_request(deploy: Deploy) -> None:
    """Subnets and security groups put the function into a VPC; one without the other goes to Lambda, which refuses."""
    subnets, groups = "subnet-0123456789abcdef0,subnet-0123456789abcdef1", "sg-0123456789abcdef0"
    assert "VpcConfig" not in deploy().properties("StudioSetupFunction")
    both = deploy(SubnetIds=subnets, SecurityGroupIds=groups).properties("StudioSetupFunction")
    assert both["VpcConfig"] == {"SubnetIds": subnets.split(","), "SecurityGroupIds": [groups]}
    for half in ({"SubnetIds": subnets}, {"SecurityGroupIds": groups}):
        assert "VpcConfig" in deploy(**half).properties("StudioSetupFunction")


@pytest.mark.parametrize(
    ("parameter", "accepted", "refused"),
    [
        ("SubnetIds", ["", "subnet-0123456789abcdef0", "subnet-01234567"], ["subnet-", "vpc-01234567", "*"]),
        ("SecurityGroupIds", ["", "sg-0123456789abcdef0"], ["sg-", "default", "sg-0123456789abcdef0 "]),
        ("SharedSpaceUser", ["", "ann", "ann-2"], ["-ann", "ann/*", "ann b"]),
        ("AlarmEmail", ["", "ops@example.com"], ["ops", "ops@example", "a@b.c d", "a@@b.c"]),
        (
            "AlarmTopicArn",
            ["", "arn:aws:sns:us-east-1:111122223333:ops", "arn:aws-cn:sns:cn-north-1:111122223333:ops"],
            ["ops", "arn:aws:sqs:us-east-1:111122223333:ops", "arn:aws:sns:us-east-1:111122223333:ops:sub"],
        ),
        ("LogKmsKeyArn", ["", "arn:aws:kms:us-east-1:111122223333:key/0e0f1a2b"], ["alias/aws/logs", "0e0f1a2b"]),
    ],
)
def test_a_malformed_value_is_refused_at_deployment(
    template: dict[str, Any], parameter: str, accepted: list[str], refused: list[str]
) -> None:
    """A value that AWS would refuse in the middle of a deployment is refused at its beginning."""
    pattern = template["Parameters"][parameter]["AllowedPattern"]
    assert [value for value in accepted if not re.fullmatch(pattern, value)] == []
    assert [value for value in refused if re.fullmatch(pattern, value)] == []


def test_every_parameter_has_its_place_in_the_console(template: dict[str, Any]) -> None:
    """Each parameter is in exactly one group."""
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(template["Parameters"])


def test_every_resource_that_can_be_tagged_has_the_project_tag(deploy: Deploy, template: dict[str, Any]) -> None:
    """Costs and owners are found by the tag Project; only the rules have none, because SAM makes them."""
    stack = deploy(AlarmEmail="ops@example.com", ReconcileSchedule="rate(1 hour)")
    assert stack.resources.keys() == template["Resources"].keys(), "every optional part is there"
    untagged = set()
    for name, resource in stack.resources.items():
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", resource["Type"]).schema
        if "Tags" in schema["properties"] and PROJECT_TAG not in resource["Properties"].get("Tags", []):
            untagged.add(name)
    assert untagged == {"StudioSetupFunctionAppStarted", "ReconcileFunctionSchedule"}


def test_the_outputs_name_what_an_operator_needs(deploy: Deploy) -> None:
    """The outputs name function, log, failure queue, rule, dashboard, topic and bucket."""
    stack = deploy(AlarmEmail="ops@example.com")
    assert {name: output["Value"] for name, output in stack.outputs.items()} == {
        "FunctionName": "StudioSetupFunction",
        "LogGroupName": "StudioSetupLogGroup",
        "FailureQueueUrl": "FailureQueue",
        "RuleName": "StudioSetupFunctionAppStarted",
        "DashboardUrl": (
            "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards/dashboard/Dashboard"
        ),
        "AlarmTopicArn": "AlarmTopic",
        "TrailBucketName": "TrailBucket",
    }


def test_every_parameter_is_described_and_constrained(template: dict[str, Any]) -> None:
    """Each parameter has a description, a default and a constraint."""
    for name, parameter in template["Parameters"].items():
        assert parameter["Description"], name
        assert "Default" in parameter, name
        assert parameter.keys() & {"AllowedValues", "AllowedPattern", "MinValue"}, name


@pytest.mark.parametrize(
    ("domain_id", "accepted"),
    [
        ("", True),
        ("d-abcdefghijkl", True),
        ("d-a-1", True),
        ("d-", False),
        ("d-ABC", False),
        ("d-abc/*", False),
        ("*", False),
        ("d-abc-", False),
    ],
)
def test_a_malformed_domain_is_refused_at_deployment(template: dict[str, Any], domain_id: str, accepted: bool) -> None:
    """DomainId ends up in ARNs, so nothing but a domain's id (or nothing) is taken."""
    pattern = template["Parameters"]["DomainId"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, domain_id)) == accepted
