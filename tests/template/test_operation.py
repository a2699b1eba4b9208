"""How the function is run, retried, logged and given up."""

from __future__ import annotations

import importlib
import re
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.api import lint_file

from studio_setup.settings import KNOWN_APP_TYPES, Settings
from tests.template.stack import TEMPLATE

if TYPE_CHECKING:
    from tests.template.conftest import Deploy
    from tests.template.stack import Stack

DENY_WITHOUT_TLS = {"Bool": {"aws:SecureTransport": "false"}}


def test_cfn_lint_has_nothing_to_say() -> None:
    """The template is valid CloudFormation after SAM's transformation, without a warning."""
    assert [str(match) for match in lint_file(TEMPLATE)] == []


def test_the_function_as_it_runs(default_stack: Stack) -> None:
    """A current Python on arm64, for as long as Lambda allows, with the settings the handler reads only."""
    function = default_stack.properties("StudioSetupFunction")
    assert function["Handler"] == "studio_setup.handler.lambda_handler"
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["arm64"]
    assert function["Timeout"] == 900
    assert function["MemorySize"] == 256
    assert function["Environment"] == {"Variables": {"DOMAIN_ID": "", "APP_TYPES": "JupyterServer"}}


def test_the_domain_reaches_the_function(deploy: Deploy) -> None:
    """DomainId narrows the function too, not only rule and role."""
    function = deploy(DomainId="d-abcdefghijkl").properties("StudioSetupFunction")
    assert function["Environment"]["Variables"]["DOMAIN_ID"] == "d-abcdefghijkl"


def test_template_and_code_agree(deploy: Deploy, template: dict[str, Any]) -> None:
    """The handler is where the template says, understands what it is given, and can do all that is offered."""
    function = deploy(DomainId="d-abcdefghijkl").properties("StudioSetupFunction")
    module, _, name = function["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), name))
    settings = Settings.from_env(function["Environment"]["Variables"])
    assert settings == Settings(app_types=("JupyterServer",), domain_id="d-abcdefghijkl")
    assert template["Parameters"]["AppTypes"]["AllowedValues"] == list(KNOWN_APP_TYPES)


def test_every_attempt_may_come_back(default_stack: Stack) -> None:
    """Two retries are wanted, and an event lives long enough for three full attempts with Lambda's pauses."""
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
    assert group == {"LogGroupName": "/aws/lambda/studio-setup", "RetentionInDays": "14"}


def test_the_log_may_have_a_key_of_its_own(deploy: Deploy) -> None:
    """LogKmsKeyArn encrypts the log with that key."""
    key = "arn:aws:kms:us-east-1:111122223333:key/0e0f1a2b-0000-4000-8000-000000000000"
    assert deploy(LogKmsKeyArn=key).properties("StudioSetupLogGroup")["KmsKeyId"] == key


def test_failures_wait_encrypted_for_two_weeks(default_stack: Stack) -> None:
    """The failure queue is encrypted and keeps its messages as long as SQS can."""
    assert default_stack.properties("FailureQueue") == {
        "SqsManagedSseEnabled": True,
        "MessageRetentionPeriod": 14 * 24 * 3600,
    }


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


def test_an_operator_finds_the_parts(default_stack: Stack) -> None:
    """The outputs name function, log, failure queue, rule and bucket."""
    assert {name: output["Value"] for name, output in default_stack.outputs.items()} == {
        "FunctionName": "StudioSetupFunction",
        "LogGroupName": "StudioSetupLogGroup",
        "FailureQueueUrl": "FailureQueue",
        "RuleName": "StudioSetupFunctionAppStarted",
        "TrailBucketName": "TrailBucket",
    }


def test_every_parameter_says_what_it_does_and_refuses_nonsense(template: dict[str, Any]) -> None:
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
