"""Where a Python program begins: an app by its names, with the program's own AWS access."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio_setup.api.connected_app import ConnectedApp
from studio_setup.model.app import App, app_type_with_terminals
from studio_setup.model.errors import BadInput

if TYPE_CHECKING:
    import boto3
    from mypy_boto3_sagemaker import SageMakerClient


def connect(
    domain_id: str,
    *,
    user: str = "",
    space: str = "",
    app_type: str = "",
    app_name: str = "default",
    session: boto3.Session | None = None,
    region: str = "",
) -> ConnectedApp:
    """A user's app (`user`: the name of the user profile) or a space's (`space`), to run commands in.

    `app_type` is JupyterServer, which a user's app is unless given, or JupyterLab, which a space's is. For a space,
    `user` is whom to log in as: its owner unless given. `session` and `region` are the AWS access to use: that of the
    environment unless given. It takes the permissions sagemaker:DescribeDomain, DescribeSpace, DescribeApp and
    CreatePresignedDomainUrl. Nothing is called yet; the app must run, or be about to, when something is.

    From then on boto3, botocore, requests, urllib3 and websocket log in this process only that there was an error, as
    their own lines have URLs and headers, tokens included.

    Raises:
        BadInput: a name is not valid, or there is no region or no credentials.
    """
    if not user and not space:
        raise BadInput("Whose app is it? Give user, space, or both.")
    app = App(domain_id, user, app_type_with_terminals(app_type, of_space=bool(space)), app_name, space)
    # Imported here and below so that importing the package costs nothing.
    from studio_setup.api.app_access import AppAccess  # noqa: PLC0415

    return ConnectedApp(AppAccess(app, _client(session, region)))


def _client(session: boto3.Session | None, region: str) -> SageMakerClient:
    """A client of the SageMaker API, checked as far as that takes no call.

    Raises:
        BadInput: there is no region or no credentials, or the SDK refuses its configuration.
    """
    import boto3  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415

    from studio_setup.access.control_plane import SDK_CONFIG  # noqa: PLC0415

    try:
        session = session or boto3.Session()
        if not (region or session.region_name):
            raise BadInput("There is no AWS region; give region, or set AWS_DEFAULT_REGION.")
        if session.get_credentials() is None:
            raise BadInput("There are no AWS credentials; give a session that has some, or configure them.")
        return session.client("sagemaker", region_name=region or None, config=SDK_CONFIG)
    except (BotoCoreError, ValueError) as error:
        raise BadInput(f"The AWS configuration is not usable: {error}") from None
