"""From the event of a `CreateApp` call to the app that started. Pure.

The event is EventBridge's "AWS API Call via CloudTrail". CloudTrail writes request parameters in lowerCamelCase; a
failed call carries `errorCode`; a space's app carries `spaceName` instead of `userProfileName`. AWS publishes no
complete sample of this record, so nothing but the names and the app type is relied upon. The patterns are those
of the SageMaker API model: the names end up in URLs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studio_setup.errors import BadInput
from studio_setup.settings import Settings

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_PATTERNS = {
    "domain_id": re.compile(r"d-(-*[a-z0-9]){1,61}"),
    "user_profile_name": _NAME,
    "space_name": _NAME,
    "app_type": re.compile(r"[A-Za-z]{1,40}"),
    "app_name": _NAME,
}
_MAX_NAME_CHARACTERS = 63
_EVENT_ID = re.compile(r"[\w-]{1,64}")


@dataclass(frozen=True, slots=True)
class App:
    """A Studio app, by the names the SageMaker API knows it by: it belongs to a user profile or to a space.

    For the app of a space, `user_profile_name` is whom to log in as; empty means the space's owner.
    """

    domain_id: str
    user_profile_name: str
    app_type: str
    app_name: str
    space_name: str = ""

    def __post_init__(self) -> None:
        """Refuse a name that is no SageMaker name.

        Raises:
            BadInput: names the value and what it must look like.
        """
        optional = "user_profile_name" if self.space_name else "space_name"
        for field, pattern in _PATTERNS.items():
            value = getattr(self, field)
            if field == optional and value == "":
                continue
            if not isinstance(value, str) or not pattern.fullmatch(value) or len(value) > _MAX_NAME_CHARACTERS:
                raise BadInput(f"{value!r:.100} is no {field.replace('_', ' ')}: it must match {pattern.pattern}.")

    @property
    def label(self) -> str:
        """The app in one word, as its ARN ends."""
        return f"{self.domain_id}/{self.space_name or self.user_profile_name}/{self.app_type}/{self.app_name}"

    def as_dict(self) -> dict[str, str]:
        """The names, for the log and the report."""
        return {field: getattr(self, field) for field in _PATTERNS}


@dataclass(frozen=True, slots=True)
class AppStarted:
    """Somebody started this app."""

    app: App
    event_id: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event that starts no setup, and why."""

    code: str
    reason: str


def parse(event: object, settings: Settings) -> AppStarted | Ignored:
    """The app that `event` says was started, or why there is nothing to do."""
    detail = event.get("detail") if isinstance(event, Mapping) else None
    if not isinstance(detail, Mapping):
        return Ignored("not-an-event", "this is no EventBridge event: it has no detail object")
    reason = _why_other_call(detail)
    if reason:
        return Ignored("other-call", reason)
    if detail.get("errorCode") or detail.get("errorMessage"):
        return Ignored(
            "failed-call", f"the CreateApp call itself failed: {detail.get('errorCode') or 'no code'!s:.100}"
        )
    parameters = detail.get("requestParameters")
    if not isinstance(parameters, Mapping):
        return Ignored("not-an-event", "the event has no requestParameters")
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
        return Ignored("other-app-type", f"apps of type {app_type!s:.100} are not set up")
    try:
        app = App(
            domain_id=parameters.get("domainId", ""),
            user_profile_name=parameters.get("userProfileName") or "",
            app_type=app_type,
            app_name=parameters.get("appName", ""),
            space_name=parameters.get("spaceName") or "",
        )
    except BadInput as error:
        return Ignored("bad-name", str(error))
    if settings.domain_id and app.domain_id != settings.domain_id:
        return Ignored("other-domain", f"domain {app.domain_id} is not {settings.domain_id}")
    return AppStarted(app, event_id)
