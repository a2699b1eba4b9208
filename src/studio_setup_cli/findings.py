"""What a check of `studio-setup doctor` found, and how a check that cannot look is told from one that fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from studio_setup.model.text import one_line
from studio_setup_cli.aws import PERMISSIONS, is_expired, is_refused

if TYPE_CHECKING:
    import botocore.exceptions

_MAX_LINE_CHARACTERS = 2000


class Level(StrEnum):
    """How a check turned out; only FAILED needs somebody."""

    OK = "ok"
    NOTE = "note"
    NOT_PERMITTED = "not permitted to look"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to do about it, if anything."""

    check: str
    level: Level
    said: str
    remedy: str = ""

    def __str__(self) -> str:
        """The finding as one line."""
        level = self.level.upper() if self.level is Level.FAILED else self.level
        remedy = f" -> {self.remedy}" if self.remedy else ""
        return one_line(f"{level}: {self.check}: {self.said}{remedy}", _MAX_LINE_CHARACTERS)

    def as_dict(self) -> dict[str, str]:
        """The finding for JSON."""
        return {"check": self.check, "level": self.level, "said": self.said, "remedy": self.remedy}


def looked(check: str, look: Callable[[], Finding]) -> Finding:
    """What `look` finds; a refused or failed call is a finding too."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    try:
        return look()
    except ClientError as error:
        return _of_error(check, error)
    except BotoCoreError as error:
        return Finding(check, Level.FAILED, f"AWS cannot be called: {error}", "Check the network and the region.")


def _of_error(check: str, error: botocore.exceptions.ClientError) -> Finding:
    details, operation = error.response.get("Error", {}), error.operation_name
    code = details.get("Code", "unknown")
    if is_refused(code):
        return Finding(check, Level.NOT_PERMITTED, f"it takes the permission {PERMISSIONS.get(operation, operation)}")
    remedy = "The credentials have expired; sign in again." if is_expired(code) else ""
    return Finding(check, Level.FAILED, f"{operation}: {code}: {details.get('Message', '')}", remedy)
