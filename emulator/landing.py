"""Where a presigned URL leads: the request's LandingUri as a host and a path."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emulator.app_kinds import JUPYTER_SERVER, kind_of
from emulator.faults import ApiError
from emulator.hosts import FRONT_DOOR_ADDRESS, PORTAL_ADDRESS

if TYPE_CHECKING:
    from emulator.state import Space


@dataclass(frozen=True, slots=True)
class Landing:
    """The address and path where a login ends."""

    address: str
    path: str


def refuse_without_path(landing_uri: str) -> None:
    """Refuse a LandingUri that names an app and no path in it.

    Raises:
        ApiError: it is such a one.
    """
    if re.fullmatch(r"app:[A-Za-z]+:", landing_uri):
        raise ApiError("ValidationException", f"Invalid LandingUri [{landing_uri}]")


def landing_of(landing_uri: str, space: Space | None) -> Landing:
    """Return where a login ends.

    Raises:
        ApiError: the service would refuse this LandingUri.
    """
    address = space.address if space else FRONT_DOOR_ADDRESS
    if not landing_uri:
        return Landing(address, _app_path(space.app_type if space else JUPYTER_SERVER, ""))
    portal = re.fullmatch(r"studio::(.*)", landing_uri)
    if portal:
        # A leading slash is accepted and leads to a broken URL, as others have measured.
        return Landing(PORTAL_ADDRESS, f"/{portal.group(1)}")
    app = re.fullmatch(r"app:([A-Za-z]+):(.*)", landing_uri)
    if not app:
        raise ApiError("ValidationException", f"Invalid LandingUri [{landing_uri}]")
    app_type, relative_path = app.groups()
    if space is None and app_type != JUPYTER_SERVER:
        reason = f"Provided app type {app_type} is invalid for provided url type app for personal apps"
        raise ApiError("ValidationException", reason)
    return Landing(address, _app_path(app_type, relative_path))


def _app_path(app_type: str, relative_path: str) -> str:
    kind = kind_of(app_type)
    return kind.base_path + (relative_path or kind.page)
