"""The operator's own AWS access: where it comes from, and what is said when it does not work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from studio_setup.model.errors import BadInput

if TYPE_CHECKING:
    import boto3
    import botocore.exceptions
    from botocore.config import Config

MAX_CONCURRENCY = 100
_REFUSED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
# Operation → the permission it takes
PERMISSIONS = {
    "CreateApp": "sagemaker:CreateApp",
    "DeleteMessage": "sqs:DeleteMessage",
    "DescribeAlarms": "cloudwatch:DescribeAlarms",
    "DescribeApp": "sagemaker:DescribeApp",
    "DescribeDomain": "sagemaker:DescribeDomain",
    "DescribeLogGroups": "logs:DescribeLogGroups",
    "DescribeRule": "events:DescribeRule",
    "DescribeStacks": "cloudformation:DescribeStacks",
    "DescribeTrails": "cloudtrail:DescribeTrails",
    "FilterLogEvents": "logs:FilterLogEvents",
    "GetAccountSettings": "lambda:GetAccountSettings",
    "GetEventSelectors": "cloudtrail:GetEventSelectors",
    "GetFunctionConfiguration": "lambda:GetFunctionConfiguration",
    "GetQueueAttributes": "sqs:GetQueueAttributes",
    "GetTrailStatus": "cloudtrail:GetTrailStatus",
    "Invoke": "lambda:InvokeFunction",
    "ListApps": "sagemaker:ListApps",
    "ListDomains": "sagemaker:ListDomains",
    "ListTargetsByRule": "events:ListTargetsByRule",
    "ReceiveMessage": "sqs:ReceiveMessage",
    "TestEventPattern": "events:TestEventPattern",
}


def is_refused(code: str) -> bool:
    """Is this AWS's code for a permission that is missing?"""
    return code in _REFUSED


def is_expired(code: str) -> bool:
    """Is this AWS's code for credentials that have expired?"""
    return code in _EXPIRED


def aws_session(region: str = "", profile: str = "") -> boto3.Session:
    """The credentials and the region of the shell, or those that are named.

    Raises:
        BadInput: there is no region, there are no credentials, or the configuration cannot be read.
    """
    import boto3  # noqa: PLC0415

    with configuration_errors():
        session = boto3.Session(region_name=region or None, profile_name=profile or None)
        if not session.region_name:
            raise BadInput("There is no AWS region; set AWS_DEFAULT_REGION, or give --region or --profile.")
        if session.get_credentials() is None:
            raise BadInput("There are no AWS credentials; configure some (aws configure), or give --profile.")
    return session


def fleet_config(attempts: int = 10) -> Config:
    """How the SDK is to make calls about many apps: patient with throttling, which `attempts` in all stand for."""
    from botocore.config import Config  # noqa: PLC0415

    return Config(retries={"mode": "standard", "total_max_attempts": attempts}, connect_timeout=5, read_timeout=60)


def invocation_config() -> Config:
    """How the SDK is to wait for the function: longer than it can take (900 s), and never calling it a second time."""
    from botocore.config import Config  # noqa: PLC0415

    # Network devices forget a connection that is silent for some minutes, unless it is kept alive. Each app that is
    # set up at the same time has a connection.
    return Config(
        tcp_keepalive=True,
        connect_timeout=5,
        read_timeout=960,
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=MAX_CONCURRENCY,
    )


@contextmanager
def configuration_errors() -> Iterator[None]:
    """Turn what the SDK says of its configuration into one sentence.

    Raises:
        BadInput: the region, the profile or the configuration file is not usable.
    """
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    try:
        yield
    except (BotoCoreError, ValueError) as error:
        raise BadInput(f"The AWS configuration is not usable: {error}") from None


@contextmanager
def call_errors() -> Iterator[None]:
    """Turn what AWS or the SDK says of a call into one sentence.

    Raises:
        BadInput: a permission is missing, the credentials have expired, the call is refused or cannot be made.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        yield
    except ClientError as error:
        raise BadInput(_refusal(error)) from None
    except BotoCoreError as error:
        raise BadInput(f"AWS cannot be called: {error}; check the network and the region.") from None


def _refusal(error: botocore.exceptions.ClientError) -> str:
    details = error.response.get("Error", {})
    code, operation = details.get("Code", "unknown"), error.operation_name
    if is_refused(code):
        return f"You may not call {operation}: it takes the permission {PERMISSIONS.get(operation, operation)}."
    if is_expired(code):
        return f"The AWS credentials have expired ({code}); sign in again."
    return f"AWS refused the call {operation}: {code}: {details.get('Message', '')}"
