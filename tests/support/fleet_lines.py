"""Lines of the function's log, as the engine writes them: made from its own report, with what Lambda adds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from studio_setup.model.app import App
from studio_setup.model.outcomes import CODES
from studio_setup.model.report import CommandResult, SetupReport, Trigger

VERSION = "0123456789abcdef"
OTHER_VERSION = "fedcba9876543210"
Fields = dict[str, Any]


@dataclass(frozen=True)
class Attempt:
    """One attempt at the setup of an app, whose lines are wanted."""

    app: App
    name: str = "attempt-1"
    version: str = VERSION
    trigger: Trigger = Trigger.EVENT

    def started(self) -> Fields:
        """The line at its start."""
        return self.line("setup.started", event_id="event-1")

    def finished(
        self, code: str, reason: str = "", *, repeated: bool = False, commands: tuple[CommandResult, ...] = ()
    ) -> Fields:
        """The line at its end, with the outcome of this code."""
        report = SetupReport(
            outcome=CODES[code].outcome,
            code=code,
            reason=reason,
            app=self.app,
            setup_version=self.version,
            trigger=self.trigger,
            attempt=self.name,
            repeated=repeated,
            commands=commands,
        )
        return self.line("setup.finished", **report.as_dict())

    def line(self, event: str, **fields: object) -> Fields:
        """A line of this attempt."""
        common = {"setup_version": self.version, "trigger": str(self.trigger), "attempt": self.name, "run_id": "run-1"}
        lambdas_own = {"timestamp": "2026-11-22T09:00:00Z", "level": "INFO", "requestId": "request-1"}
        return {**lambdas_own, "message": event, **self.app.as_dict(), **common, **fields}


def at(text: str) -> datetime:
    """A time of the day on which the tests' apps run, in UTC."""
    return datetime.fromisoformat(f"2026-11-22T{text}").replace(tzinfo=UTC)
