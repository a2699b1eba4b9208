"""The result of a setup: values only, as the log line and the returned dictionary show them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from studio_setup.model.outcomes import Outcome


class CommandState(StrEnum):
    """How far a command got."""

    RUNNING = "running"
    EXITED = "exited"
    TIMED_OUT = "timed_out"  # its own limit; the process group was ended
    STOPPED = "stopped"  # by Ctrl-C
    LOST = "lost"  # gone without an exit status: its keeper in the app was killed


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

    def as_fields(self) -> dict[str, Any]:
        """The result as plain JSON types."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class SetupReport:
    """The outcome of one attempt at a setup.

    `resumed`: another invocation began the run, and this one joined it. `repeated`: there was nothing left to do, and
    the verdict is the one that was reported before.
    """

    outcome: Outcome
    code: str
    reason: str
    app: dict[str, str]
    run_id: str = ""
    resumed: bool = False
    repeated: bool = False
    seconds: float = 0.0
    commands: tuple[CommandResult, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON types."""
        return {**asdict(self), "commands": [asdict(command) for command in self.commands]}


class SetupFailed(Exception):
    """A setup whose outcome is an error: raised so that Lambda sees it; `str()` is the outcome, code and reason."""

    def __init__(self, report: SetupReport) -> None:
        super().__init__(f"{report.outcome}: {report.code}: {report.reason}")
        self.report = report
