"""How each running app stands: the list of apps joined with the log and with what is deployed. Pure.

The first row of this table that fits an app decides. "Newest" is said of the lines of this start of the app.

| What the log has | State | Code, version, reason and time are those of |
|---|---|---|
| an attempt that has started, not ended, and is within the function's time limit | running | its start |
| nothing, and the function does not set the app up (its type, its domain) | excluded | what the function answers |
| nothing | not-set-up | the app's creation |
| newest: an attempt that has started and never ended | unfinished | its start |
| newest: ended `succeeded`, with the deployed version | succeeded | that line |
| newest: ended `succeeded`, with another version | outdated | that line |
| newest: ended `failed` | failed | that line |
| newest: ended `timed_out` | timed-out | that line |
| newest: ended `unfinished` (the next attempt resumes the run) | unfinished | that line |
| newest: ended `unreachable` | unreachable | that line |
| newest: ended `app_gone` (it was about the start before this one) | not-set-up | that line, without version |
| newest: ended `skipped` (`sso-domain`, `space-without-owner`) | excluded | that line, without version |
| newest: ended `skipped`, `already-set-up`, after a line `succeeded` | as that line | the line `succeeded` |
| newest: ended `skipped`, `already-set-up`, no such line before | succeeded or outdated, by its version | it |
| newest: ended `skipped`, `claimed-by-other-setup`, after a line `failed` or `timed_out` | as that line | that line |
| newest: ended `skipped`, `claimed-by-other-setup`, no such line before | failed | it, without version |
| newest: ended, marked `repeated`, after a line of the same outcome | as that line | that line |
| newest: ended, marked `repeated`, no such line before | as its outcome says | it |

A line `already-set-up` bears the version of the setup that it found, a line `claimed-by-other-setup` that of its own
attempt; where no line tells of the setup that was found, its attempt was killed before it could. Where it is not known
what is deployed, no app is outdated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from studio_setup.fleet.apps import RunningApp
from studio_setup.fleet.deployed import AppSetup
from studio_setup.fleet.history import AppHistory, SetupLine
from studio_setup.model import outcomes
from studio_setup.model.app import App
from studio_setup.model.outcomes import CODES, Outcome
from studio_setup.model.text import one_line

NOT_SET_UP_IS_FINE_FOR = timedelta(hours=1)
_NEVER_ENDED = "The attempt never ended: the function was killed, or crashed."


class State(StrEnum):
    """How an app stands; what needs somebody comes first."""

    FAILED = "failed"
    TIMED_OUT = "timed-out"
    UNREACHABLE = "unreachable"
    UNFINISHED = "unfinished"
    NOT_SET_UP = "not-set-up"
    RUNNING = "running"
    OUTDATED = "outdated"
    SUCCEEDED = "succeeded"
    EXCLUDED = "excluded"


_STATES = {
    Outcome.SUCCEEDED: State.SUCCEEDED,
    Outcome.FAILED: State.FAILED,
    Outcome.TIMED_OUT: State.TIMED_OUT,
    Outcome.UNFINISHED: State.UNFINISHED,
    Outcome.UNREACHABLE: State.UNREACHABLE,
    Outcome.APP_GONE: State.NOT_SET_UP,
    Outcome.SKIPPED: State.EXCLUDED,
}


@dataclass(frozen=True, slots=True)
class AppState:
    """How a running app stands, since when, and why.

    `setup_version` is what it was set up with, or is being set up with; empty where that is nothing, or not known.
    """

    running: RunningApp
    state: State
    since: datetime
    code: str = ""
    setup_version: str = ""
    reason: str = ""

    @property
    def app(self) -> App:
        """The app."""
        return self.running.app

    def as_dict(self) -> dict[str, str]:
        """The state as plain JSON types."""
        return {
            **self.app.as_dict(),
            "app_status": self.running.status,
            "app_created_at": self.running.created_at.isoformat(),
            "state": self.state,
            "code": self.code,
            "since": self.since.isoformat(),
            "setup_version": self.setup_version,
            "reason": self.reason,
        }


def needs_somebody(app: AppState, now: datetime) -> bool:
    """Has its setup gone wrong for good, or not begun within an hour?"""
    if app.state is State.NOT_SET_UP:
        return now - app.since > NOT_SET_UP_IS_FINE_FOR
    return app.state in {State.FAILED, State.TIMED_OUT, State.UNREACHABLE}


def state_of(
    running: RunningApp, history: AppHistory, setup: AppSetup, now: datetime, time_limit_seconds: float
) -> AppState:
    """How an app stands, by the table above; `setup` is what is deployed for it, empty if that is not known."""
    started = history.started
    if started and now - started.at <= timedelta(seconds=time_limit_seconds):
        return AppState(running, State.RUNNING, started.at, setup_version=started.setup_version)
    line = _decisive(history)
    if line is None:
        return _without_lines(running, setup)
    if line.outcome is None:
        return AppState(running, State.UNFINISHED, line.at, "", line.setup_version, _NEVER_ENDED)
    state, version = _STATES[line.outcome], line.setup_version
    if line.code == outcomes.ALREADY_SET_UP.name:
        state = State.SUCCEEDED
    elif line.code == outcomes.CLAIMED_BY_OTHER_SETUP.name:
        state, version = State.FAILED, ""
    if state in {State.EXCLUDED, State.NOT_SET_UP}:
        version = ""
    if state is State.SUCCEEDED and version and setup.setup_version not in {"", version}:
        state = State.OUTDATED
    return AppState(running, state, line.at, line.code, version, one_line(line.reason))


def _decisive(history: AppHistory) -> SetupLine | None:
    """The newest line; of an echo, the line that it repeats, if the log still has it."""
    lines = [line for line in (history.started, history.verdict, history.echo) if line]
    newest = max(lines, key=lambda line: line.at_ms, default=None)
    verdict = history.verdict
    if newest is history.echo and newest and verdict and verdict.outcome in _echoed(newest):
        return verdict
    return newest


def _echoed(echo: SetupLine) -> set[Outcome | None]:
    """The outcomes that the line before may have had."""
    if echo.code == outcomes.ALREADY_SET_UP.name:
        return {Outcome.SUCCEEDED}
    if echo.code == outcomes.CLAIMED_BY_OTHER_SETUP.name:
        return {Outcome.FAILED, Outcome.TIMED_OUT}
    return {echo.outcome}


def _without_lines(running: RunningApp, setup: AppSetup) -> AppState:
    is_excluded = setup.code in CODES and CODES[setup.code].outcome is Outcome.SKIPPED
    state = State.EXCLUDED if is_excluded else State.NOT_SET_UP
    return AppState(running, state, running.created_at, setup.code, "", setup.reason)
