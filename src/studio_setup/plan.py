"""What a setup is: commands with names, limits and scripts, checked before anything runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from studio_setup.errors import BadInput

MAX_SCRIPT_BYTES = 256 * 1024
MAX_TIMEOUT_SECONDS = 12 * 3600
_COMMAND_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True)
class Command:
    """One step of a setup: a script that bash runs (or what its `#!` line says) in the user's home.

    `timeout_seconds` is its own limit, at which its whole process group is ended; the setup stops at the first command
    that fails unless that command says `go_on_after_failure`. Line ends are normalised.
    """

    name: str
    script: str
    timeout_seconds: int = 600
    go_on_after_failure: bool = False

    def __post_init__(self) -> None:
        """Refuse what could not run.

        Raises:
            BadInput: names the value and the remedy.
        """
        if not _COMMAND_NAME.fullmatch(self.name):
            raise BadInput(f"{self.name!r} is no command name: it must match {_COMMAND_NAME.pattern}.")
        if not 1 <= self.timeout_seconds <= MAX_TIMEOUT_SECONDS:
            raise BadInput(
                f"Command {self.name!r} has a limit of {self.timeout_seconds} seconds;"
                f" it must be from 1 to {MAX_TIMEOUT_SECONDS}."
            )
        object.__setattr__(self, "script", self.script.replace("\r\n", "\n"))
        self._check_script()

    def _check_script(self) -> None:
        if not self.script.strip():
            raise BadInput(f"The script of command {self.name!r} is empty; give it at least one line.")
        if "\0" in self.script:
            raise BadInput(f"The script of command {self.name!r} is not text: it has a NUL character.")
        try:
            size_bytes = len(self.script.encode())
        except UnicodeEncodeError:
            raise BadInput(f"The script of command {self.name!r} is not text in UTF-8.") from None
        if size_bytes > MAX_SCRIPT_BYTES:
            raise BadInput(
                f"The script of command {self.name!r} has {size_bytes} bytes, more than {MAX_SCRIPT_BYTES};"
                " let it fetch the rest."
            )


@dataclass(frozen=True, slots=True)
class Plan:
    """The commands of a setup, in order."""

    commands: tuple[Command, ...]

    def __post_init__(self) -> None:
        """Refuse an empty setup, and two commands of one name.

        Raises:
            BadInput: names them.
        """
        if not self.commands:
            raise BadInput("The setup has no commands; give it at least one.")
        twice = [name for name, count in Counter(command.name for command in self.commands).items() if count > 1]
        if twice:
            raise BadInput(f"The setup has more than one command named {', '.join(twice)}; rename one.")

    @property
    def digest(self) -> str:
        """Tells two setups apart: the same commands have the same digest."""
        text = json.dumps([asdict(command) for command in self.commands], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_script(path: Path) -> str:
    """The text of a script file.

    Raises:
        BadInput: the file is missing, unreadable or not UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8-sig", errors="strict")
    except UnicodeDecodeError:
        raise BadInput(f"Script {str(path)!r} is not text in UTF-8; save it as such.") from None
    except OSError as error:
        raise BadInput(f"Script {str(path)!r} cannot be read: {error.strerror}.") from None
