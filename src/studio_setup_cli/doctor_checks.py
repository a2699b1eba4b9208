"""The checks of `studio-setup doctor`, each a question to AWS by a client that is handed in; none changes anything.

A check lets the SDK's errors through: `findings.looked` turns them into findings.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from studio_setup.fleet.deployed import NotDescribed, describe_setup
from studio_setup.model.errors import BadInput
from studio_setup.model.json_text import parse_json
from studio_setup.model.version import __version__
from studio_setup_cli.findings import Finding, Level
from studio_setup_cli.stack import Stack, find_stack

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sqs import SQSClient

_FEW_AT_ONCE = 50
_ALARMS = ("failed", "timed-out", "dead-letters", "no-setup", "reconcile")
_REDEPLOY = "Deploy the stack again."


def check_credentials(client: Any) -> Finding:  # noqa: ANN401 (sts)
    """Who is asking?"""
    caller = client.get_caller_identity()
    return Finding("credentials", Level.OK, f"account {caller['Account']}, {caller['Arn']}")


def check_stack(client: CloudFormationClient, name: str) -> Finding:
    """Is the stack there, whole and settled?"""
    try:
        status = client.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        find_stack(client, name)
    except BadInput as error:
        return Finding("stack", Level.FAILED, str(error), "Deploy it, or name the right one.")
    except client.exceptions.ClientError as error:
        # CloudFormation's way of saying that there is none.
        if error.response.get("Error", {}).get("Code") != "ValidationError":
            raise
        said = f"there is no stack {name!r} in {client.meta.region_name}"
        return Finding("stack", Level.FAILED, said, "Deploy it, or give --stack-name, --region or --profile.")
    if "FAILED" in status or "ROLLBACK" in status:
        return Finding("stack", Level.FAILED, f"{name} is in the status {status}", "See its events; deploy it again.")
    return Finding("stack", Level.OK, f"{name}, {status}")


def check_function(client: LambdaClient, name: str) -> Finding:
    """Does the function exist, and can it run?"""
    try:
        found = client.get_function_configuration(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        return Finding("function", Level.FAILED, f"there is no function {name}", _REDEPLOY)
    state, update = found.get("State", "Active"), found.get("LastUpdateStatus", "Successful")
    if state not in {"Active", "Inactive"} or update == "Failed":
        reason = found.get("StateReason") or found.get("LastUpdateStatusReason", "")
        return Finding("function", Level.FAILED, f"{name} is {state}, its update {update}: {reason}", _REDEPLOY)
    return Finding("function", Level.OK, name)


def check_version(client: LambdaClient, name: str) -> Finding:
    """Is the deployed version that of this command?"""
    try:
        deployed = describe_setup(client, name).engine_version or "one that does not say"
    except NotDescribed as error:
        level = Level.NOT_PERMITTED if "AccessDenied" in str(error) else Level.FAILED
        return Finding("version", level, str(error))
    if deployed != __version__:
        said = f"the function's version is {deployed}, that of this command {__version__}"
        return Finding("version", Level.FAILED, said, "Deploy this version, or install the other.")
    return Finding("version", Level.OK, deployed)


def check_rule(client: EventBridgeClient, name: str, function_name: str) -> Finding:
    """Is the rule enabled, does it match an app's start, and does it call the function?"""
    try:
        rule = client.describe_rule(Name=name)
    except client.exceptions.ResourceNotFoundException:
        return Finding("rule", Level.FAILED, f"there is no rule {name}", _REDEPLOY)
    if rule.get("State") == "DISABLED":
        return Finding("rule", Level.FAILED, f"{name} is disabled", "Deploy with RuleState=ENABLED.")
    pattern = rule.get("EventPattern", "{}")
    event = json.dumps(_sample_event(pattern, client.meta.region_name))
    if not client.test_event_pattern(EventPattern=pattern, Event=event)["Result"]:
        return Finding("rule", Level.FAILED, f"{name} does not match the start of an app", _REDEPLOY)
    targets = client.list_targets_by_rule(Rule=name)["Targets"]
    if not any(target["Arn"].endswith(f":function:{function_name}") for target in targets):
        return Finding("rule", Level.FAILED, f"{name} does not call the function", _REDEPLOY)
    return Finding("rule", Level.OK, f"{name} is enabled and matches the start of an app")


def _sample_event(pattern: str, region: str) -> dict[str, object]:
    """The event of an app's start, of a type and in a domain that the pattern names, if it names any."""
    wanted: Any = parse_json(pattern)
    parameters = wanted.get("detail", {}).get("requestParameters", {})
    request = {
        "domainId": _first(parameters, "domainId", "d-abcdefghijkl"),
        "userProfileName": "alice",
        "appType": _first(parameters, "appType", "JupyterServer"),
        "appName": "default",
    }
    call = {"eventSource": "sagemaker.amazonaws.com", "eventName": "CreateApp", "requestParameters": request}
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.sagemaker",
        "account": "111122223333",
        "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "region": region,
        "resources": [],
        "detail": call,
    }


def _first(parameters: Mapping[str, Any], name: str, otherwise: str) -> str:
    return str((parameters.get(name) or [otherwise])[0])


def check_domains(client: SageMakerClient) -> Finding:
    """Do users sign in to the domains in a way that presigned URLs work with?"""
    pages = client.get_paginator("list_domains").paginate()
    ids = [domain["DomainId"] for page in pages for domain in page["Domains"]]
    modes = {domain_id: client.describe_domain(DomainId=domain_id).get("AuthMode", "?") for domain_id in ids}
    said = ", ".join(f"{domain_id}: {mode}" for domain_id, mode in modes.items())
    if not ids:
        return Finding("domains", Level.FAILED, "there is no Studio domain in this region", "Choose another region.")
    if "IAM" not in modes.values():
        remedy = "Use lifecycle configurations there; presigned URLs exist in IAM mode only."
        return Finding("domains", Level.FAILED, said, remedy)
    if set(modes.values()) != {"IAM"}:
        return Finding("domains", Level.NOTE, said, "Apps of domains in SSO mode are skipped.")
    return Finding("domains", Level.OK, said)


def check_concurrency(client: LambdaClient) -> Finding:
    """How many setups can run at the same time, as far as the account goes?"""
    limit = client.get_account_settings()["AccountLimit"]
    left, total = limit.get("UnreservedConcurrentExecutions", 0), limit.get("ConcurrentExecutions", 0)
    said = f"{left} of the account's {total} are not reserved"
    remedy = "Ask AWS for more (Service Quotas, Lambda, concurrent executions)."
    if left < 1:
        return Finding("concurrency", Level.FAILED, said, remedy)
    if left < _FEW_AT_ONCE:
        return Finding("concurrency", Level.NOTE, f"{said}; further starts wait", remedy)
    return Finding("concurrency", Level.OK, said)


def check_log_group(client: CloudWatchLogsClient, name: str) -> Finding:
    """Is the function's log there?"""
    groups = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    found = [group for group in groups if group.get("logGroupName") == name]
    if not found:
        return Finding("log group", Level.FAILED, f"there is no log group {name}", _REDEPLOY)
    days = found[0].get("retentionInDays")
    return Finding("log group", Level.OK, f"{name}, kept for {days} days" if days else f"{name}, kept for ever")


def check_failure_queue(client: SQSClient, url: str) -> Finding:
    """Has no app start been given up?"""
    counts = client.get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    )["Attributes"]
    messages = sum(map(int, counts.values()))
    if messages:
        remedy = "Find the causes with `studio-setup status`, then delete them (docs/operating.md)."
        return Finding("failure queue", Level.FAILED, f"app starts that were given up: {messages}", remedy)
    return Finding("failure queue", Level.OK, "empty")


def check_alarms(client: Any, stack_name: str) -> Finding:  # noqa: ANN401 (cloudwatch)
    """Do the stack's alarms tell anybody?"""
    names = [f"{stack_name}-{name}" for name in _ALARMS]
    alarms = client.describe_alarms(AlarmNames=names)["MetricAlarms"]
    if not alarms:
        return Finding("alarms", Level.FAILED, "the stack's alarms do not exist", _REDEPLOY)
    silent = [one["AlarmName"] for one in alarms if not one.get("ActionsEnabled") or not one.get("AlarmActions")]
    if silent:
        remedy = "Deploy with AlarmEmail or AlarmTopicArn."
        return Finding("alarms", Level.FAILED, f"they tell nobody: {', '.join(silent)}", remedy)
    ringing = [one["AlarmName"] for one in alarms if one.get("StateValue") == "ALARM"]
    if ringing:
        return Finding("alarms", Level.NOTE, f"in alarm: {', '.join(ringing)}", "Their descriptions say what to do.")
    return Finding("alarms", Level.OK, f"{len(alarms)} alarms, each with an action")


def names_by_convention(stack_name: str) -> Stack:
    """What the template names after the stack, for who may not look at the stack; the rest stays unknown."""
    return Stack(stack_name, f"/aws/lambda/{stack_name}", "", "")
