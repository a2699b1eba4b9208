"""The operator's own AWS configuration: where it comes from, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_setup.model.errors import BadInput

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def sagemaker_client() -> SageMakerClient:
    """A client of the SageMaker API, with the credentials and the region of the shell.

    Raises:
        BadInput: there is no region, there are no credentials, or the configuration cannot be read.
    """
    # Imported here because it takes longer than everything else that `--help` does.
    import boto3  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    from studio_setup.access.control_plane import SDK_CONFIG  # noqa: PLC0415

    try:
        session = boto3.Session()
        if not session.region_name:
            raise BadInput("There is no AWS region; set AWS_DEFAULT_REGION, or choose a profile with AWS_PROFILE.")
        if session.get_credentials() is None:
            raise BadInput("There are no AWS credentials; configure some (aws configure), or set AWS_PROFILE.")
        return session.client("sagemaker", config=SDK_CONFIG)
    except (BotoCoreError, ValueError) as error:
        raise BadInput(f"The AWS configuration is not usable: {error}") from None
