"""The life of the stack: deployed again without changes, changed, deleted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.deployed.test_role import APP, DOMAIN, USER, may
from tests.support.deployment import Deployed

STACK = "studio-setup-two"


@pytest.fixture
def stack(deployed: Deployed) -> Iterator[str]:
    """A stack of the test's own."""
    deployed.deploy(STACK)
    yield STACK
    if _exists(deployed):
        deployed.sam.delete("--stack-name", STACK)


def _exists(deployed: Deployed) -> bool:
    stacks = deployed.cloud.client("cloudformation").describe_stacks()["Stacks"]
    return any(stack["StackName"] == STACK and stack["StackStatus"] != "DELETE_COMPLETE" for stack in stacks)


def test_deploying_again_changes_nothing(deployed: Deployed) -> None:
    """A second deployment without changes succeeds and changes nothing."""
    before = deployed.resources()
    assert "No changes to deploy" in deployed.deploy()
    assert deployed.resources() == before


def test_parameters_change_the_stack_in_place(deployed: Deployed, stack: str) -> None:
    """With DomainId and RuleState=DISABLED, function and queue stay; the role is narrower and the rule is off."""
    before = deployed.resources(stack)
    deployed.deploy(stack, "--parameter-overrides", "DomainId=d-localstudio1 RuleState=DISABLED")
    after = deployed.resources(stack)
    assert {name: after[name] for name in before} == before, "no resource is replaced"
    function = deployed.cloud.client("lambda").get_function_configuration(FunctionName=stack)
    assert function["Environment"]["Variables"]["DOMAIN_ID"] == "d-localstudio1"
    rule = deployed.cloud.client("events").describe_rule(Name=deployed.outputs(stack)["RuleName"])
    assert rule["State"] == "DISABLED"
    assert '"d-localstudio1"' in rule["EventPattern"]
    for action, arn in {
        "sagemaker:CreatePresignedDomainUrl": USER,
        "sagemaker:DescribeApp": APP,
        "sagemaker:DescribeDomain": DOMAIN,
    }.items():
        assert may(deployed, action, arn, stack)
        assert not may(deployed, action, arn.replace("d-localstudio1", "d-another"), stack)
        assert not may(deployed, action, arn.replace("d-localstudio1", "d-localstudio12"), stack)


def test_deleting_leaves_the_trails_bucket_and_nothing_else(deployed: Deployed, stack: str) -> None:
    """`sam delete` succeeds although the trail's bucket is not empty; the bucket and its policy stay."""
    resources, outputs = deployed.resources(stack), deployed.outputs(stack)
    s3, bucket = deployed.cloud.client("s3"), resources["TrailBucket"]
    s3.put_object(Bucket=bucket, Key="AWSLogs/today.json.gz", Body=b"a record")
    deployed.sam.delete("--stack-name", stack)
    assert not _exists(deployed)
    assert _left_of(deployed, stack, outputs["FailureQueueUrl"]) == []
    assert s3.get_object(Bucket=bucket, Key="AWSLogs/today.json.gz")["Body"].read() == b"a record"
    assert "TlsOnly" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicPolicy"]


def _left_of(deployed: Deployed, stack: str, queue: str) -> list[str]:
    """The resources of a deleted stack that still exist, apart from the bucket."""
    client = deployed.cloud.client
    names = [
        *(one["FunctionName"] for one in client("lambda").list_functions()["Functions"]),
        *(one["RoleName"] for one in client("iam").list_roles()["Roles"]),
        *(one["Name"] for one in client("events").list_rules()["Rules"]),
        *(one["logGroupName"] for one in client("logs").describe_log_groups()["logGroups"]),
        *(one["AlarmName"] for one in client("cloudwatch").describe_alarms()["MetricAlarms"]),
        *(one["DashboardName"] for one in client("cloudwatch").list_dashboards()["DashboardEntries"]),
        *(one["Name"] for one in client("cloudtrail").describe_trails()["trailList"]),
        *(url for url in client("sqs").list_queues().get("QueueUrls", []) if url == queue),
    ]
    assert any(name == "studio-setup" for name in names), "the resources of the other stack are listed"
    return [name for name in names if stack in name]
