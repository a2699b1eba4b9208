"""What a setup is: commands with names, limits and scripts, checked before anything runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from studio_setup.model.errors import BadInput

MAX_SCRIPT_BYTES = 256 * 1024
MAX_TIMEOUT_SECONDS = 12 * 3600
MAX_ENVIRONMENT_BYTES = 32 * 1024
_COMMAND_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Command:
    """One step of a setup: a script that bash runs (or what its `#!` line says) in the user's home.

    `timeout_seconds` is its own limit, at which its whole process group is ended. The setup stops at the first command
    that fails, unless that command has `go_on_after_failure`. CRLF line ends become LF. `environment` has variables for
    the script on top of the app's own; `cwd` is the folder it runs in, below the home unless it begins with a slash.
    Without `log_output`, what it prints stays in the app: the log has its length and the exit status.
    """

    name: str
    script: str
    timeout_seconds: int = 600
    go_on_after_failure: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    cwd: str = ""
    log_output: bool = True

    def __post_init__(self) -> None:
        """Check the name, the limit and the script.

        Raises:
            BadInput: one of them is not valid; the message has the value and the remedy.
        """
        if not _COMMAND_NAME.fullmatch(self.name):
            raise BadInput(f"{self.name!r} is not a valid command name: it must match {_COMMAND_NAME.pattern}.")
        self._check_types()
        if not 1 <= self.timeout_seconds <= MAX_TIMEOUT_SECONDS:
            raise BadInput(
                f"Command {self.name!r} has a limit of {self.timeout_seconds} seconds;"
                f" it must be from 1 to {MAX_TIMEOUT_SECONDS}."
            )
        object.__setattr__(self, "script", self.script.replace("\r\n", "\n"))
        self._check_script()
        self._check_environment()

    def _check_types(self) -> None:
        """Check what nobody's type checker may have seen: a notebook has none."""
        texts = {"The script": self.script, "The folder": self.cwd}
        texts |= {f"The variable {name!r}": value for name, value in self.environment.items()}
        for what, value in texts.items():
            if not isinstance(value, str):
                raise BadInput(f"{what} of command {self.name!r} is not text but {type(value).__name__}; give a str.")
        if not isinstance(self.timeout_seconds, int | float):
            raise BadInput(f"The limit of command {self.name!r} is {self.timeout_seconds!r:.100}; give seconds.")

    def _check_script(self) -> None:
        if not self.script.strip():
            raise BadInput(f"The script of command {self.name!r} is empty; give it at least one line.")
        if "\0" in self.script:
            raise BadInput(f"The script of command {self.name!r} is not text: it has a NUL character.")
        if not _is_text(self.script):
            raise BadInput(f"The script of command {self.name!r} is not text in UTF-8.")
        size_bytes = len(self.script.encode())
        if size_bytes > MAX_SCRIPT_BYTES:
            raise BadInput(
                f"The script of command {self.name!r} has {size_bytes} bytes, more than {MAX_SCRIPT_BYTES};"
                " let it fetch the rest."
            )

    def _check_environment(self) -> None:
        for name, value in self.environment.items():
            if not isinstance(name, str) or not _VARIABLE_NAME.fullmatch(name):
                raise BadInput(
                    f"Command {self.name!r} has the variable {name!r}: it must match {_VARIABLE_NAME.pattern}."
                )
            if "\0" in value or not _is_text(value):
                raise BadInput(f"The variable {name!r} of command {self.name!r} is not text.")
        if not re.fullmatch(r"[^\0\r\n]{0,1000}", self.cwd) or not _is_text(self.cwd):
            raise BadInput(f"Command {self.name!r} has the folder {self.cwd!r:.100}, which is not the path of one.")
        size_bytes = sum(len(name) + len(value.encode()) for name, value in self.environment.items())
        if size_bytes > MAX_ENVIRONMENT_BYTES:
            raise BadInput(
                f"The environment of command {self.name!r} has {size_bytes} bytes, more than {MAX_ENVIRONMENT_BYTES};"
                " put long values into a file."
            )


@dataclass(frozen=True, slots=True)
class Setup:
    """Commands in order: the hard-coded setup of an app, or what somebody runs in it by hand."""

    commands: tuple[Command, ...]

    def __post_init__(self) -> None:
        """Check that there are commands, each with a name of its own.

        Raises:
            BadInput: there are none, or two have the same name; the message has the name.
        """
        if not self.commands:
            raise BadInput("The setup has no commands; give it at least one.")
        twice = [name for name, count in Counter(command.name for command in self.commands).items() if count > 1]
        if twice:
            raise BadInput(f"The setup has more than one command named {', '.join(twice)}; rename one.")

    @property
    def version(self) -> str:
        """The setup version: a digest of the commands; the same commands have the same version."""
        text = json.dumps([asdict(command) for command in self.commands], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_script(path: Path) -> str:
    """The text of a script file.

    Raises:
        BadInput: the file is missing, unreadable or not UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"Script {str(path)!r} is not text in UTF-8; save it as such.") from None
    except OSError as error:
        raise BadInput(f"Script {str(path)!r} cannot be read: {error.strerror}.") from None
