"""Which apps `studio-setup run` is to run in, those that are named or those that run, and the way into each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from studio_setup import App, BadInput, ConnectedApp, connect
from studio_setup.fleet.apps import Selection, list_running_apps
from studio_setup.model.app import KNOWN_APP_TYPES, app_type_with_terminals
from studio_setup_cli.aws import call_errors, configuration_errors, fleet_config
from studio_setup_cli.names_file import read_names

if TYPE_CHECKING:
    import boto3

OpenSession = Callable[[], "boto3.Session"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The apps to run in, and who was named and has no running app."""

    apps: list[App]
    missing: list[str] = field(default_factory=list)


def named_apps(selection: Selection, app_name: str | None) -> list[App]:
    """The apps of the users and the spaces that are named, whether they run or not.

    Raises:
        BadInput: nobody is named, or the apps have no terminals.
    """
    domain_id, users, spaces = selection.domain_id, selection.user_profile_names, selection.space_names
    if not domain_id:
        raise BadInput("Give --domain-id; or --all-running or --from-file, which look for the apps in every domain.")
    if not users and not spaces:
        raise BadInput("Whose apps are they? Give --user-profile-name, --space-name, --all-running or --from-file.")

    def app_of(user: str, space: str) -> App:
        app_type = app_type_with_terminals(selection.app_type, of_space=bool(space))
        return App(domain_id, user, app_type, "default" if app_name is None else app_name, space)

    if len(users) == len(spaces) == 1:  # the user to log in as to the space
        return [app_of(users[0], spaces[0])]
    return list(dict.fromkeys([app_of(user, "") for user in users] + [app_of("", space) for space in spaces]))


def running_apps(
    selection: Selection, app_name: str | None, names_file: Path | None, open_session: OpenSession
) -> Chosen:
    """The running apps with terminals that are selected, of those in the file if there is one; of any name, or of one.

    Raises:
        BadInput: there are none, the file cannot be read, or AWS refuses to list apps.
    """
    if selection.app_type:
        app_type_with_terminals(selection.app_type, of_space=False)
    if names_file:
        names = read_names(names_file)
        selection = replace(
            selection,
            user_profile_names=tuple(dict.fromkeys(selection.user_profile_names + names.users)),
            space_names=tuple(dict.fromkeys(selection.space_names + names.spaces)),
        )
    apps = [app for app in _listed(selection, open_session()) if app_name in {None, app.app_name}]
    if not apps:
        raise BadInput("No running app with Jupyter terminals is selected; see `studio-setup status`.")
    found_users = {app.user_profile_name for app in apps}
    found_spaces = {app.space_name for app in apps}
    missing = [user for user in selection.user_profile_names if user not in found_users]
    return Chosen(apps, missing + [f"space:{space}" for space in selection.space_names if space not in found_spaces])


def connect_by_name(app: App, session: boto3.Session) -> ConnectedApp:
    """A connection to an app, with the operator's own AWS access."""
    return connect(
        app.domain_id,
        user=app.user_profile_name,
        space=app.space_name,
        app_type=app.app_type,
        app_name=app.app_name,
        session=session,
    )


def _listed(selection: Selection, session: boto3.Session) -> list[App]:
    with configuration_errors():
        client = session.client("sagemaker", config=fleet_config())
    with call_errors():
        running = [one.app for one in list_running_apps(client, selection)]
    return [app for app in running if app.app_type in KNOWN_APP_TYPES]
