"""The result of a setup: values only, as the log line and the returned dictionary show them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from studio_setup.model.app import App
from studio_setup.model.notebook_html import details, line, table
from studio_setup.model.outcomes import COMMAND_FAILED, COMMAND_TIMED_OUT, Code, Outcome

SCHEMA_VERSION = 1
# The report is one line of the log and the payload of a destination; both take 256 KiB. A command takes 2 KB of that at
# most, nearly all of it for the path of its log.
MAX_COMMANDS_REPORTED = 100
MAX_REASON_CHARACTERS = 4000
MAX_LOG_PATH_CHARACTERS = 300


class Trigger(StrEnum):
    """What asked for a setup."""

    EVENT = "event"  # the app's start
    OPERATOR = "operator"  # somebody, through the deployed function or by hand
    RECONCILE = "reconcile"  # the look for starts whose event never came


class CommandState(StrEnum):
    """How far a command got."""

    RUNNING = "running"
    EXITED = "exited"
    TIMED_OUT = "timed_out"  # its own limit; the process group was ended
    STOPPED = "stopped"  # by Ctrl-C
    LOST = "lost"  # gone without an exit status: its keeper in the app was killed


def how_it_ended(state: CommandState, exit_status: int | None) -> str:
    """How a command ended, in a few words."""
    return f"exit status {exit_status}" if state is CommandState.EXITED else state.replace("_", " ")


def code_of_failure(state: CommandState) -> Code:
    """The code of a command that did not end with exit status 0."""
    return COMMAND_TIMED_OUT if state is CommandState.TIMED_OUT else COMMAND_FAILED


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How one command ended; `exit_status` is None while it is not known."""

    name: str
    state: CommandState
    exit_status: int | None
    seconds: float | None
    output_bytes: int
    left_out_bytes: int  # printed, not logged; the whole log is in the app at `log_path`
    log_path: str

    @property
    def succeeded(self) -> bool:
        """Did it end by itself, with exit status 0?"""
        return self.state is CommandState.EXITED and self.exit_status == 0

    @property
    def ending(self) -> str:
        """The command's name, and how it ended, in a few words."""
        return f"{self.name} ({how_it_ended(self.state, self.exit_status)})"

    def as_fields(self) -> dict[str, Any]:
        """The result as plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SetupReport:
    """The outcome of one attempt at a setup.

    `setup_version` is the digest of the commands (of an app start that is set up already, of those that did it, as
    `run_id` is the run that did), `attempt` an id of this invocation's work on the run,
    `app_created_at` the app's CreationTime (ISO 8601; empty while it is not known). `resumed`: another invocation
    began the run, and this one joined it. `repeated`: there was nothing left to do, and the verdict is the one that
    was reported before.
    """

    outcome: Outcome
    code: str
    reason: str
    app: App
    setup_version: str
    trigger: Trigger
    attempt: str
    app_created_at: str = ""
    run_id: str = ""
    resumed: bool = False
    repeated: bool = False
    seconds: float = 0.0
    commands: tuple[CommandResult, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON types, of bounded size: of very many commands the first and the last ones."""
        shown, left_out = self.commands, len(self.commands) - MAX_COMMANDS_REPORTED
        if left_out > 0:
            shown = self.commands[: MAX_COMMANDS_REPORTED // 2] + self.commands[-MAX_COMMANDS_REPORTED // 2 :]
        return {
            "schema_version": SCHEMA_VERSION,
            "outcome": self.outcome,
            "code": self.code,
            "reason": self.reason[:MAX_REASON_CHARACTERS],
            **self.app.as_dict(),
            "app_created_at": self.app_created_at,
            "setup_version": self.setup_version,
            "trigger": self.trigger,
            "attempt": self.attempt,
            "run_id": self.run_id,
            "resumed": self.resumed,
            "repeated": self.repeated,
            "seconds": self.seconds,
            "commands": [command.as_fields() for command in shown],
            "commands_left_out": max(0, left_out),
        }

    def _repr_html_(self) -> str:
        """How a notebook shows it: outcome and time, with the reason and the commands folded in; open if it failed.

        What the commands printed is not in a report; it is in the log, and in the app at each `log_path`.
        """
        fields = ("name", "state", "exit_status", "seconds", "output_bytes", "log_path")
        shown = self.commands[:MAX_COMMANDS_REPORTED]
        rows = [[getattr(command, field) for field in fields] for command in shown]
        commands = table((field.replace("_", " ") for field in fields), rows) if rows else ""
        left_out = len(self.commands) - len(shown)
        more = f"<p>{left_out} more commands</p>" if left_out else ""
        summary = f"{self.app.label}: {self.outcome}, {self.code}, {self.seconds} s"
        return details(summary, f"<p>{line(self.reason)}</p>{commands}{more}", is_open=self.outcome.is_error)


class SetupFailed(Exception):
    """A setup whose outcome is an error: raised so that Lambda sees it; `str()` is the outcome, code and reason."""

    def __init__(self, report: SetupReport) -> None:
        super().__init__(f"{report.outcome}: {report.code}: {report.reason[:MAX_REASON_CHARACTERS]}")
        self.report = report
