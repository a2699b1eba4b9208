"""The deployed role allows what the function needs, on the resources it needs it on, and nothing else."""

from __future__ import annotations

import pytest

from local_cloud.cloud import ACCOUNT_ID, REGION
from tests.support.app_arns import app_types, spellings
from tests.support.deployment import STACK, Deployed

SAGEMAKER = f"arn:aws:sagemaker:{REGION}:{ACCOUNT_ID}"
LOG_GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:/aws/lambda"
USER = f"{SAGEMAKER}:user-profile/d-localstudio1/alice"
APP = f"{SAGEMAKER}:app/d-localstudio1/alice/JupyterServer/default"
SET_UP = ("JupyterServer", "JupyterLab")
DOMAIN = f"{SAGEMAKER}:domain/d-localstudio1"
SPACE = f"{SAGEMAKER}:space/d-localstudio1/research"
OWN_STREAM = f"{LOG_GROUP}/studio-setup:log-stream:today"


def app_arn(app_type: str) -> str:
    """The ARN of an app whose type is spelled like this."""
    return APP.replace("JupyterServer", app_type)


ALLOWED = [
    ("sagemaker:CreatePresignedDomainUrl", USER),
    *(("sagemaker:DescribeApp", app_arn(spelling)) for app_type in SET_UP for spelling in sorted(spellings(app_type))),
    ("sagemaker:DescribeDomain", DOMAIN),
    ("sagemaker:DescribeSpace", SPACE),
    ("logs:CreateLogStream", OWN_STREAM),
    ("logs:PutLogEvents", OWN_STREAM),
    ("logs:FilterLogEvents", f"{LOG_GROUP}/studio-setup:log-stream:"),
]
DENIED = [
    ("sagemaker:CreateApp", APP),
    ("sagemaker:DeleteApp", APP),
    ("sagemaker:ListApps", "*"),
    ("sagemaker:CreateUserProfile", USER),
    ("sagemaker:UpdateUserProfile", USER),
    ("sagemaker:DeleteUserProfile", USER),
    ("sagemaker:DescribeUserProfile", USER),
    ("sagemaker:UpdateDomain", DOMAIN),
    ("sagemaker:DeleteDomain", DOMAIN),
    ("sagemaker:UpdateSpace", SPACE),
    ("sagemaker:CreatePresignedNotebookInstanceUrl", f"{SAGEMAKER}:notebook-instance/other"),
    ("sagemaker:CreatePresignedDomainUrl", USER.replace(ACCOUNT_ID, "444455556666")),
    ("sagemaker:CreatePresignedDomainUrl", USER.replace(REGION, "eu-west-1")),
    ("sagemaker:DescribeApp", app_arn("JUPYTERSERVER")),
    *(
        ("sagemaker:DescribeApp", app_arn(spelling))
        for app_type in app_types()
        if app_type not in SET_UP
        for spelling in sorted(spellings(app_type))
    ),
    ("logs:PutLogEvents", f"{LOG_GROUP}/another:log-stream:today"),
    ("logs:CreateLogGroup", f"{LOG_GROUP}/studio-setup"),
    ("logs:DeleteLogGroup", f"{LOG_GROUP}/studio-setup"),
    ("logs:GetLogEvents", OWN_STREAM),
    ("logs:FilterLogEvents", f"{LOG_GROUP}/another:log-stream:"),
    ("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:another"),
    ("s3:GetObject", "arn:aws:s3:::another/key"),
    ("iam:PassRole", f"arn:aws:iam::{ACCOUNT_ID}:role/another"),
    ("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT_ID}:role/another"),
    ("lambda:InvokeFunction", f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:studio-setup"),
    ("ec2:CreateNetworkInterface", "*"),
]


def may(deployed: Deployed, action: str, resource: str, stack: str = STACK, role: str = "StudioSetupRole") -> bool:
    """Does IAM allow this action to the deployed role?"""
    iam = deployed.cloud.client("iam")
    arn = iam.get_role(RoleName=deployed.resources(stack)[role])["Role"]["Arn"]
    (result,) = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=[action], ResourceArns=[resource])[
        "EvaluationResults"
    ]
    return bool(result["EvalDecision"] == "allowed")


@pytest.mark.parametrize(("action", "resource"), ALLOWED)
def test_what_the_function_needs_is_allowed(deployed: Deployed, action: str, resource: str) -> None:
    """Each call that the function makes is allowed on the resources it uses."""
    assert may(deployed, action, resource)


def test_the_failure_queue_takes_its_failures(deployed: Deployed) -> None:
    """Lambda sends failures to this one queue, with the function's role."""
    queue = deployed.outputs()["FailureQueueUrl"]
    asked = deployed.cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = asked["Attributes"]["QueueArn"]
    assert may(deployed, "sqs:SendMessage", arn)
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue"):
        assert not may(deployed, action, arn), action


@pytest.mark.parametrize(("action", "resource"), DENIED)
def test_everything_else_is_denied(deployed: Deployed, action: str, resource: str) -> None:
    """Nothing that others can do with SageMaker, logs, queues, buckets or roles is allowed."""
    assert not may(deployed, action, resource)


def test_the_function_runs_in_that_role(deployed: Deployed) -> None:
    """The role tested here is the function's, and it has no further policies."""
    iam, role = deployed.cloud.client("iam"), deployed.resources()["StudioSetupRole"]
    function = deployed.cloud.client("lambda").get_function_configuration(
        FunctionName=deployed.outputs()["FunctionName"]
    )
    assert function["Role"] == iam.get_role(RoleName=role)["Role"]["Arn"]
    assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
