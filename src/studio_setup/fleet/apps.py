"""The apps that run now, from ListApps.

Sources: ListApps (SageMaker API reference). It keeps rows of deleted apps, so that one name can have several rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from studio_setup.fleet.read_ahead import read_ahead
from studio_setup.model.app import App
from studio_setup.model.errors import BadInput

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker.type_defs import ListAppsRequestPaginateTypeDef

RUNNING_STATUSES = ("InService", "Pending")
_PAGE_SIZE = 100  # the most that ListApps takes
# Up to so many users and spaces, the API is asked for each of them; beyond, for all apps.
_MAX_LISTINGS = 10
_NO_TIME = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which apps are meant; what is empty narrows nothing.

    User profile names select the users' own apps, space names those of the spaces; with both, all of these are meant.
    """

    domain_id: str = ""
    app_type: str = ""
    user_profile_names: tuple[str, ...] = ()
    space_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            BadInput: a name is not valid; the message has the value and the pattern.
        """
        domain_id, app_type = self.domain_id or "d-any", self.app_type or "any"
        for name in self.user_profile_names or ("any",):
            App(domain_id, name, app_type, "any")
        for name in self.space_names:
            App(domain_id, "", app_type, "any", name or " ")

    @property
    def is_everything(self) -> bool:
        """Does it narrow nothing?"""
        return self == Selection()

    def includes(self, app: App) -> bool:
        """Is this app meant?"""
        if self.domain_id not in {"", app.domain_id} or self.app_type not in {"", app.app_type}:
            return False
        if not self.user_profile_names and not self.space_names:
            return True
        if app.space_name:
            return app.space_name in self.space_names
        return app.user_profile_name in self.user_profile_names

    def __str__(self) -> str:
        """The selection as the options that make it."""
        parts = [("--domain-id", self.domain_id), ("--app-type", self.app_type)]
        parts += [("--user-profile-name", name) for name in self.user_profile_names]
        parts += [("--space-name", name) for name in self.space_names]
        return " ".join(f"{option} {value}" for option, value in parts if value)


@dataclass(frozen=True, slots=True)
class RunningApp:
    """An app that is in service, or will be soon; `status` is the API's word.

    The app of a space has no user profile name here: who owns the space is the function's to find out.
    `created_at`: the app's CreationTime; if it was created again within a day of its end, this may be the earlier time.
    """

    app: App
    status: str
    created_at: datetime


def list_running_apps(client: SageMakerClient, selection: Selection) -> list[RunningApp]:
    """The selected apps that run, each once, in the order of their labels."""
    found = {
        running.app: running
        for listing in _listings(selection)
        for running in _running(_rows(client, listing))
        if selection.includes(running.app)
    }
    return sorted(found.values(), key=lambda running: (running.app.label, running.app.space_name))


def _listings(selection: Selection) -> list[ListAppsRequestPaginateTypeDef]:
    """What ListApps is asked for, listing by listing; it takes one user or one space."""
    every: ListAppsRequestPaginateTypeDef = {"PaginationConfig": {"PageSize": _PAGE_SIZE}}
    if selection.domain_id:
        every["DomainIdEquals"] = selection.domain_id
    users, spaces = dict.fromkeys(selection.user_profile_names), dict.fromkeys(selection.space_names)
    names: list[ListAppsRequestPaginateTypeDef] = [{**every, "UserProfileNameEquals": name} for name in users]
    names += [{**every, "SpaceNameEquals": name} for name in spaces]
    return names if 0 < len(names) <= _MAX_LISTINGS else [every]


def _rows(client: SageMakerClient, listing: ListAppsRequestPaginateTypeDef) -> Iterator[Mapping[str, object]]:
    for page in read_ahead(client.get_paginator("list_apps").paginate(**listing)):
        yield from page["Apps"]


def _running(rows: Iterable[Mapping[str, object]]) -> Iterator[RunningApp]:
    """The rows of running apps; a row whose names no app can have is left out."""
    for row in rows:
        status, created_at = str(row.get("Status")), row.get("CreationTime")
        if status not in RUNNING_STATUSES:
            continue
        try:
            app = _app(row)
        except BadInput:
            continue
        yield RunningApp(app, status, created_at if isinstance(created_at, datetime) else _NO_TIME)


def _app(row: Mapping[str, object]) -> App:
    space_name = str(row.get("SpaceName") or "")
    return App(
        domain_id=str(row.get("DomainId")),
        user_profile_name="" if space_name else str(row.get("UserProfileName") or ""),
        app_type=str(row.get("AppType")),
        app_name=str(row.get("AppName")),
        space_name=space_name,
    )
