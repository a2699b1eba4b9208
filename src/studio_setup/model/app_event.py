"""From the event of a `CreateApp` call to the app that started. Pure.

The event is EventBridge's "AWS API Call via CloudTrail". CloudTrail writes request parameters in lowerCamelCase; a
failed call carries `errorCode`; a space's app carries `spaceName` instead of `userProfileName`. AWS publishes no
complete sample of this record, so nothing but the names and the app type is relied upon.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio_setup.model import outcomes
from studio_setup.model.app import App
from studio_setup.model.errors import BadInput
from studio_setup.model.outcomes import Code
from studio_setup.model.settings import Settings

_EVENT_ID = re.compile(r"[\w-]{1,64}")


@dataclass(frozen=True, slots=True)
class AppStarted:
    """Somebody started this app."""

    app: App
    event_id: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that starts no setup, and why."""

    code: Code
    reason: str


def parse(event: object, settings: Settings) -> AppStarted | Ignored:
    """The app that `event` says was started, or why there is nothing to do."""
    detail = event.get("detail") if isinstance(event, Mapping) else None
    if not isinstance(detail, Mapping):
        return Ignored(outcomes.NOT_AN_EVENT, "this is not an EventBridge event: it has no detail object")
    reason = _why_other_call(detail)
    if reason:
        return Ignored(outcomes.OTHER_CALL, reason)
    if detail.get("errorCode") or detail.get("errorMessage"):
        return Ignored(
            outcomes.FAILED_CALL, f"the CreateApp call itself failed: {detail.get('errorCode') or 'no code'!s:.100}"
        )
    parameters = detail.get("requestParameters")
    if not isinstance(parameters, Mapping):
        return Ignored(outcomes.NOT_AN_EVENT, "the event has no requestParameters")
    event_id = detail.get("eventID")
    known_id = event_id if isinstance(event_id, str) and _EVENT_ID.fullmatch(event_id) else ""
    return _parse_parameters(parameters, settings, known_id)


def _why_other_call(detail: Mapping[str, Any]) -> str:
    source, name = detail.get("eventSource"), detail.get("eventName")
    # AWS Amplify has a CreateApp of its own.
    if source != "sagemaker.amazonaws.com" or name != "CreateApp":
        return f"not SageMaker's CreateApp: {source!s:.100} {name!s:.100}"
    return ""


def _parse_parameters(parameters: Mapping[str, Any], settings: Settings, event_id: str) -> AppStarted | Ignored:
    app_type = parameters.get("appType")
    if app_type not in settings.app_types:
        return Ignored(outcomes.OTHER_APP_TYPE, f"apps of type {app_type!s:.100} are not set up")
    try:
        app = App(
            domain_id=parameters.get("domainId", ""),
            user_profile_name=parameters.get("userProfileName") or "",
            app_type=app_type,
            app_name=parameters.get("appName", ""),
            space_name=parameters.get("spaceName") or "",
        )
    except BadInput as error:
        return Ignored(outcomes.BAD_NAME, str(error))
    if settings.domain_id and app.domain_id != settings.domain_id:
        return Ignored(outcomes.OTHER_DOMAIN, f"domain {app.domain_id} is not {settings.domain_id}")
    return AppStarted(app, event_id)
