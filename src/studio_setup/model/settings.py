"""What an operator configures through the function's environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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
