"""A Studio app, by the names the SageMaker API knows it by."""

from __future__ import annotations

import re
from dataclasses import dataclass

from studio_setup.model.errors import BadInput

# Apps with a Jupyter server, and so with terminals; Code Editor has none.
KNOWN_APP_TYPES = ("JupyterServer", "JupyterLab")

# The patterns of the SageMaker API model (botocore): the names end up in URLs.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_PATTERNS = {
    "domain_id": re.compile(r"d-(-*[a-z0-9]){1,61}"),
    "user_profile_name": _NAME,
    "space_name": _NAME,
    "app_type": re.compile(r"[A-Za-z]{1,40}"),
    "app_name": _NAME,
}
_MAX_NAME_CHARACTERS = 63


@dataclass(frozen=True, slots=True)
class App:
    """A Studio app; it belongs to a user profile or to a space.

    For the app of a space, `user_profile_name` is the user to log in as; empty means the space's owner.
    """

    domain_id: str
    user_profile_name: str
    app_type: str
    app_name: str
    space_name: str = ""

    def __post_init__(self) -> None:
        """Check the names.

        Raises:
            BadInput: a name is not valid; the message has the value and the pattern.
        """
        optional = "user_profile_name" if self.space_name else "space_name"
        for field, pattern in _PATTERNS.items():
            value = getattr(self, field)
            if field == optional and value == "":
                continue
            if not isinstance(value, str) or len(value) > _MAX_NAME_CHARACTERS or not pattern.fullmatch(value):
                raise BadInput(
                    f"{value!r:.100} is not a valid {field.replace('_', ' ')}: it must match {pattern.pattern}."
                )

    @property
    def label(self) -> str:
        """The app as one string, in the form in which its ARN ends."""
        return f"{self.domain_id}/{self.space_name or self.user_profile_name}/{self.app_type}/{self.app_name}"

    def as_dict(self) -> dict[str, str]:
        """The app as one string, and its names one by one, for the log and the report."""
        return {"app": self.label, **{field: getattr(self, field) for field in _PATTERNS}}


def app_type_with_terminals(given: str, *, of_space: bool) -> str:
    """The type of an app to work in: the one that is given, or else what a user's or a space's app is by default.

    Raises:
        BadInput: apps of that type have no terminals.
    """
    app_type = given or ("JupyterLab" if of_space else "JupyterServer")
    if app_type not in KNOWN_APP_TYPES:
        raise BadInput(f"Apps of type {app_type!r} have no Jupyter terminals; it takes: {', '.join(KNOWN_APP_TYPES)}.")
    return app_type
