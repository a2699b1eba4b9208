"""What somebody asks of the deployed function by name, beside the events of the rule. Pure.

Only whoever has `lambda:InvokeFunction` can send a request; the rule's pattern cannot match one. Commands never come
from a request: it names an app, and what runs there is what was deployed.

    {"source": "studio-setup", "detail-type": TYPE, "detail": DETAIL}

    TYPE              DETAIL
    "Set Up App"      {"app": APP, "force": false, "trigger": "operator" or "reconcile"}
    "Describe Setup"  {"apps": [APP, ...]}
    "Probe"           {"app": APP}

APP is an object with `domain_id`, `user_profile_name`, `space_name`, `app_type` and `app_name`, as in the log.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from studio_setup.model import outcomes
from studio_setup.model.app import App
from studio_setup.model.app_event import Ignored
from studio_setup.model.description import why_not_set_up
from studio_setup.model.errors import BadInput
from studio_setup.model.report import Trigger
from studio_setup.model.settings import Settings

SOURCE = "studio-setup"
MAX_APPS_DESCRIBED = 200
_APP_FIELDS = {field.name for field in fields(App)}
_TRIGGERS = {Trigger.OPERATOR, Trigger.RECONCILE}


class RequestType(StrEnum):
    """What can be asked of the function."""

    SET_UP_APP = "Set Up App"
    DESCRIBE_SETUP = "Describe Setup"
    PROBE = "Probe"


@dataclass(frozen=True, slots=True)
class SetUpApp:
    """Set this app up, with `force` also if this app start has been set up before."""

    app: App
    force: bool
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class DescribeSetup:
    """Say which commands would run in these apps."""

    apps: tuple[App, ...]


@dataclass(frozen=True, slots=True)
class Probe:
    """Do everything that a setup of this app does, except for its commands."""

    app: App


def payload_of(request_type: RequestType, detail: Mapping[str, object]) -> bytes:
    """What the function is invoked with to ask it for that."""
    return json.dumps({"source": SOURCE, "detail-type": request_type, "detail": detail}).encode()


def is_request(event: object) -> bool:
    """Is it meant as a request, whether or not it is a valid one?"""
    return isinstance(event, Mapping) and event.get("source") == SOURCE


def parse_request(event: Mapping[str, object], settings: Settings) -> SetUpApp | DescribeSetup | Probe | Ignored:
    """The request, or why it is refused."""
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        return Ignored(outcomes.BAD_REQUEST, "it has no detail object")
    try:
        match event.get("detail-type"):
            case RequestType.SET_UP_APP:
                return _set_up_app(detail, settings)
            case RequestType.DESCRIBE_SETUP:
                return _describe_setup(detail)
            case RequestType.PROBE:
                _refuse_others(detail, {"app"})
                return Probe(_ours(detail.get("app"), settings))
            case other:
                return Ignored(outcomes.BAD_REQUEST, f"there is no request {other!r:.100}")
    except BadInput as error:
        return Ignored(outcomes.BAD_REQUEST, str(error))


def _set_up_app(detail: Mapping[str, object], settings: Settings) -> SetUpApp:
    _refuse_others(detail, {"app", "force", "trigger"})
    force, trigger = detail.get("force", False), detail.get("trigger", Trigger.OPERATOR)
    if not isinstance(force, bool):
        raise BadInput(f"force is {force!r:.100}; it must be true or false.")
    if not isinstance(trigger, str) or trigger not in _TRIGGERS:
        raise BadInput(f"trigger is {trigger!r:.100}; it must be operator or reconcile.")
    return SetUpApp(_ours(detail.get("app"), settings), force, Trigger(trigger))


def _describe_setup(detail: Mapping[str, object]) -> DescribeSetup:
    _refuse_others(detail, {"apps"})
    apps = detail.get("apps", [])
    if not isinstance(apps, list) or len(apps) > MAX_APPS_DESCRIBED:
        raise BadInput(f"apps must be a list of at most {MAX_APPS_DESCRIBED} apps.")
    return DescribeSetup(tuple(_app(names) for names in apps))


def _ours(names: object, settings: Settings) -> App:
    app = _app(names)
    reason = why_not_set_up(app, settings)
    if reason:
        raise BadInput(f"This function does not set that app up: {reason[1]}.")
    return app


def _app(names: object) -> App:
    if not isinstance(names, Mapping):
        raise BadInput("app must be an object with the names of an app.")
    _refuse_others(names, _APP_FIELDS)
    return App(**{field: names.get(field, "") for field in _APP_FIELDS})


def _refuse_others(given: Mapping[str, object], known: set[str]) -> None:
    others = sorted(str(name) for name in given.keys() - known)
    if others:
        raise BadInput(f"there is no {others[0]!r:.100} in a request; it takes {', '.join(sorted(known))}.")
