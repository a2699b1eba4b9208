"""The operator's own AWS configuration: where it comes from, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from studio_setup.model.errors import BadInput

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sagemaker import SageMakerClient

# The SDK is imported in functions because that takes longer than everything else that `--help` does.


def aws_session() -> boto3.Session:
    """A session of the SDK, with the credentials and the region of the shell.

    Raises:
        BadInput: there is no region, there are no credentials, or the configuration cannot be read.
    """
    import boto3  # noqa: PLC0415

    with _bad_configuration():
        session = boto3.Session()
        if not session.region_name:
            raise BadInput("There is no AWS region; set AWS_DEFAULT_REGION, or choose a profile with AWS_PROFILE.")
        if session.get_credentials() is None:
            raise BadInput("There are no AWS credentials; configure some (aws configure), or set AWS_PROFILE.")
        return session


def sagemaker_client() -> SageMakerClient:
    """A client of the SageMaker API.

    Raises:
        BadInput: as `aws_session`, or the region is not valid.
    """
    from studio_setup.access.control_plane import SDK_CONFIG  # noqa: PLC0415

    with _bad_configuration():
        return aws_session().client("sagemaker", config=SDK_CONFIG)


@contextmanager
def _bad_configuration() -> Iterator[None]:
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    try:
        yield
    except (BotoCoreError, ValueError) as error:
        raise BadInput(f"The AWS configuration is not usable: {error}") from None
