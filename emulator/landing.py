"""Where a presigned URL leads: the LandingUri of the request as a path of the front door."""

from __future__ import annotations

import re

from emulator.faults import ApiError
from emulator.jupyter_app import BASE_PATH

PORTAL_PATH = "/studio"


def landing_path(landing_uri: str, space_name: str | None) -> str:
    """Return the path to land on.

    Raises:
        ApiError: the service would refuse this LandingUri.
    """
    if not landing_uri:
        return f"{BASE_PATH}lab"
    portal = re.fullmatch(r"studio::(.*)", landing_uri)
    if portal:
        # A leading slash is accepted and redeems into a broken address, as was measured.
        return f"{PORTAL_PATH}/{portal.group(1)}" if not portal.group(1).startswith("/") else f"/{portal.group(1)}"
    app = re.fullmatch(r"app:([A-Za-z]+):(.*)", landing_uri)
    if not app:
        raise ApiError("ValidationException", f"Invalid LandingUri [{landing_uri}]")
    return _app_path(app.group(1), app.group(2), space_name)


def _app_path(app_type: str, relative_path: str, space_name: str | None) -> str:
    if app_type == "JupyterServer":
        return BASE_PATH + (relative_path or "lab")
    if space_name is None:
        reason = f"Provided app type {app_type} is invalid for provided url type app for personal apps"
        raise ApiError("ValidationException", reason)
    return f"/{app_type.lower()}/default/{relative_path or 'lab'}"
