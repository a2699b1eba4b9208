"""The probe: the deployed function does everything that a setup does in an app, except for the commands."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from studio_setup.fleet.apps import Selection, list_running_apps
from studio_setup.fleet.deployed import read_answer
from studio_setup.model.app import KNOWN_APP_TYPES, App
from studio_setup.model.errors import BadInput
from studio_setup.model.outcomes import CODES, PROBED, SPACE_WITHOUT_OWNER, SSO_DOMAIN
from studio_setup.model.request import RequestType, payload_of
from studio_setup.model.text import one_line
from studio_setup_cli.findings import Finding, Level

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sagemaker import SageMakerClient

# Such an app is not set up anyway, and nothing is broken.
_EXCLUDED = {SSO_DOMAIN.name, SPACE_WITHOUT_OWNER.name}


def probed_apps(client: SageMakerClient, name: str) -> list[App]:
    """The running apps of the user or of the space of that name (`space:NAME` means a space alone).

    Raises:
        BadInput: the name is not valid, or has no running app.
    """
    space = name.removeprefix("space:")
    users = () if name.startswith("space:") else (name,)
    found = list_running_apps(client, Selection(user_profile_names=users, space_names=(space,)))
    apps = [one.app for one in found if one.app.app_type in KNOWN_APP_TYPES]
    if not apps:
        raise BadInput(f"{name!r} has no running app to probe; start one.")
    return apps


def probe(client: LambdaClient, function_name: str, app: App) -> Finding:
    """Where the deployed function gets to in that app."""
    check = f"probe of {app.label}"
    payload = payload_of(RequestType.PROBE, {"app": asdict(app)})
    match read_answer(client.invoke(FunctionName=function_name, Payload=payload)):
        case {"code": PROBED.name}:
            return Finding(check, Level.OK, "the function got as far as a shell in the app")
        case {"code": str(code), "reason": str(reason)}:
            remedy = CODES[code].remedy if code in CODES and CODES[code].remedy not in reason else ""
            level = Level.NOTE if code in _EXCLUDED else Level.FAILED
            return Finding(check, level, one_line(f"{code}: {reason}"), remedy)
        case {"errorMessage": str(message)}:
            return Finding(check, Level.FAILED, one_line(f"the function failed: {message}"), "See its log.")
    return Finding(check, Level.FAILED, "the function's answer is garbled", "Deploy this version of Studio Setup.")
