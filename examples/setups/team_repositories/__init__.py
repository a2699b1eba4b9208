"""Repositories of a team: cloned into each home, kept up to date, and never touched where the user has changed one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from studio_setup import BadInput, Command, read_script

_HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Repository:
    """One repository: its URL, the folder below the home for it, and the branch to follow."""

    url: str
    folder: str
    branch: str = "main"

    def __post_init__(self) -> None:
        """Check that the values can stand on a line.

        Raises:
            BadInput: one is empty, has a space, or leads out of the home.
        """
        for value in (self.url, self.folder, self.branch):
            if not re.fullmatch(r"[^\s-][^\s]*", value) or ".." in value.split("/") or value.startswith("/"):
                raise BadInput(f"{value!r} is no URL, folder below the home or branch of a team's repository.")


def commands(repositories: Sequence[Repository], timeout_seconds: int = 900) -> tuple[Command, ...]:
    """Clone or update these repositories.

    Raises:
        BadInput: the script is missing or not valid.
    """
    lines = "\n".join(f"{one.folder} {one.branch} {one.url}" for one in repositories)
    script = read_script(_HERE / "update_repositories.sh")
    return (Command("update-repositories", script, timeout_seconds, environment={"REPOSITORIES": lines}),)
