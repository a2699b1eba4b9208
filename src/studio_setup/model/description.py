"""What the function answers when it is asked to describe its setup: names, limits and versions, and no script. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from studio_setup.model import outcomes
from studio_setup.model.app import App
from studio_setup.model.errors import BadInput
from studio_setup.model.outcomes import Code
from studio_setup.model.report import SCHEMA_VERSION
from studio_setup.model.settings import Settings
from studio_setup.model.setup import Setup
from studio_setup.model.version import __version__

SetupFor = Callable[[App], Setup]


def describe(apps: Sequence[App], settings: Settings, setup_for: SetupFor, time_limit_seconds: float) -> dict[str, Any]:
    """The setup of each app type that is set up, and of each of these apps.

    `time_limit_seconds`: how long an attempt can last. `setups` has the apps in their order, each with its setup
    version and commands, or with the code and the reason why it gets none.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "engine_version": __version__,
        "time_limit_seconds": time_limit_seconds,
        "commands": {app_type: _setup(_any_app(app_type), settings, setup_for) for app_type in settings.app_types},
        "setups": [{"app": app.label, **_setup(app, settings, setup_for)} for app in apps],
    }


def why_not_set_up(app: App, settings: Settings) -> tuple[Code, str] | None:
    """The code and the reason if the function does not set up such apps."""
    if app.app_type not in settings.app_types:
        return outcomes.OTHER_APP_TYPE, f"apps of type {app.app_type} are not set up"
    if settings.domain_id not in {"", app.domain_id}:
        return outcomes.OTHER_DOMAIN, f"domain {app.domain_id} is not {settings.domain_id}"
    return None


def _setup(app: App, settings: Settings, setup_for: SetupFor) -> dict[str, Any]:
    # An app that stands for its whole type is of no domain in particular.
    reason = why_not_set_up(app, settings) if app.domain_id != _ANY_DOMAIN else None
    if reason:
        return {"code": reason[0].name, "reason": reason[1]}
    try:
        setup = setup_for(app)
    except BadInput as error:
        return {"code": error.code.name, "reason": str(error)}
    commands = [{"name": one.name, "timeout_seconds": one.timeout_seconds} for one in setup.commands]
    return {"setup_version": setup.version, "commands": commands}


_ANY_DOMAIN = "d-any"


def _any_app(app_type: str) -> App:
    """An app that nothing but its type singles out."""
    space_name = "any" if app_type == "JupyterLab" else ""
    return App(_ANY_DOMAIN, "" if space_name else "any", app_type, "default", space_name)
