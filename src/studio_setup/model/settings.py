"""What an operator configures through the environments of the functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from studio_setup.model.app import KNOWN_APP_TYPES
from studio_setup.model.errors import BadInput


@dataclass(frozen=True, slots=True)
class Settings:
    """Which apps the function sets up."""

    app_types: tuple[str, ...]
    domain_id: str  # empty: any domain
    shared_space_user: str = ""  # the user profile to log in with to a space that nobody owns; empty: skip those

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """The settings in an environment.

        Raises:
            BadInput: APP_TYPES names an app type this cannot set up.
        """
        app_types = tuple(part.strip() for part in environ.get("APP_TYPES", ",".join(KNOWN_APP_TYPES)).split(","))
        for app_type in app_types:
            if app_type not in KNOWN_APP_TYPES:
                raise BadInput(f"APP_TYPES has {app_type!r}; it takes: {', '.join(KNOWN_APP_TYPES)}.")
        return cls(
            app_types=app_types,
            domain_id=environ.get("DOMAIN_ID", "").strip(),
            shared_space_user=environ.get("SHARED_SPACE_USER", "").strip(),
        )


@dataclass(frozen=True, slots=True)
class ReconcileSettings:
    """Which app starts the reconcile function takes care of, and who sets the apps up."""

    function_name: str  # the setup function
    log_group: str  # its log
    at_once: int  # for so many apps a setup is asked for in one go
    since: datetime | None = None  # apps that were created before are left alone; None: all count
    domain_id: str = ""  # empty: any domain

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> ReconcileSettings:
        """The settings in an environment.

        Raises:
            BadInput: a value is missing or not valid.
        """
        return cls(
            function_name=_required(environ, "SETUP_FUNCTION"),
            log_group=_required(environ, "SETUP_LOG_GROUP"),
            at_once=_count(environ, "RECONCILE_AT_ONCE"),
            since=_moment(environ, "RECONCILE_SINCE"),
            domain_id=environ.get("DOMAIN_ID", "").strip(),
        )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise BadInput(f"{name} is not set; it has no default.")
    return value


def _count(environ: Mapping[str, str], name: str) -> int:
    text = _required(environ, name)
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise BadInput(f"{name} is {text!r:.100}; it takes a whole number above 0.")
    return int(text)


def _moment(environ: Mapping[str, str], name: str) -> datetime | None:
    """A moment, in UTC unless it says otherwise; a date alone is its midnight."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{name} is {text!r:.100}; it takes a date or a time such as 2026-11-25T08:00:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
