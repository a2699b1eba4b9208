"""What the log says about the setup of running apps: for each, the newest lines that matter.

The log is read backwards, window by window, until every app has a line that settles its state, or everything since its
creation has been read. Lines from before an app's creation belong to an earlier start of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from studio_setup.fleet.apps import RunningApp
from studio_setup.fleet.function_log import (
    MAX_PATTERN_CHARACTERS,
    FunctionLog,
    LogLine,
    all_of,
    any_of,
    from_ms,
    to_ms,
    windows_back,
)
from studio_setup.model import log, outcomes
from studio_setup.model.app import App
from studio_setup.model.outcomes import Outcome

AppNames = tuple[str, str, str, str, str]
OnWindow = Callable[[datetime, int], None]

_EVENTS = (log.SETUP_STARTED.name, log.SETUP_FINISHED.name)
# What an attempt ends with that found the work done, or given up, by an earlier one.
ECHO_CODES = {outcomes.ALREADY_SET_UP.name, outcomes.CLAIMED_BY_OTHER_SETUP.name}
_MAX_OPEN_ATTEMPTS = 8
_MAX_FIELD_CHARACTERS = 64
_MAX_REASON_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class SetupLine:
    """A line `setup.started` or `setup.finished` of an app; `outcome` is None where the attempt has only started."""

    at_ms: int
    attempt: str
    setup_version: str
    outcome: Outcome | None = None
    code: str = ""
    reason: str = ""
    repeated: bool = False

    @property
    def at(self) -> datetime:
        """When it was logged."""
        return from_ms(self.at_ms)

    @property
    def is_echo(self) -> bool:
        """Does it say nothing new, only that an earlier attempt has come to an end?"""
        return self.repeated or self.code in ECHO_CODES


class AppHistory:
    """The newest lines of one app start, whatever order they are read in.

    `verdict`: the newest end of an attempt that says something new; `echo`: the newest one that does not.
    """

    __slots__ = ("_ended", "_open", "created_ms", "echo", "verdict")

    def __init__(self, created_at: datetime) -> None:
        self.created_ms = to_ms(created_at)
        self.verdict: SetupLine | None = None
        self.echo: SetupLine | None = None
        self._open: dict[str, SetupLine] = {}  # attempt → its start, while no end of it is known
        self._ended: set[str] = set()  # attempts whose end is known, and whose start is not yet

    @property
    def started(self) -> SetupLine | None:
        """The newest start of an attempt whose end is not in the log."""
        return max(self._open.values(), key=_time, default=None)

    @property
    def is_settled(self) -> bool:
        """Would older lines change nothing? What an echo refers to is among them."""
        if self.verdict:
            return True
        return self.started is not None and (self.echo is None or self.echo.at_ms < self.started.at_ms)

    def add(self, line: SetupLine) -> None:
        """Take note of a line, unless it is about an earlier start of the app."""
        if line.at_ms < self.created_ms:
            return
        if line.outcome is None:
            self._add_start(line)
            return
        if self._open.pop(line.attempt, None) is None:
            self._ended.add(line.attempt)
        if line.is_echo:
            self.echo = max(self.echo or line, line, key=_time)
        else:
            self.verdict = max(self.verdict or line, line, key=_time)

    def _add_start(self, line: SetupLine) -> None:
        if line.attempt in self._ended:
            self._ended.remove(line.attempt)
            return
        self._open[line.attempt] = line
        if len(self._open) > _MAX_OPEN_ATTEMPTS:
            del self._open[min(self._open.values(), key=_time).attempt]


def read_history(
    function_log: FunctionLog,
    apps: Sequence[RunningApp],
    now: datetime,
    on_window: OnWindow,
) -> dict[App, AppHistory]:
    """What the log has about each of these apps, in memory that grows with their number alone.

    `on_window` hears, before each query, how far back it goes and for how many apps.
    """
    histories = {_names(running.app): AppHistory(running.created_at) for running in apps}
    unsettled = dict(histories)
    for start_ms, end_ms in windows_back(now):
        if not unsettled:
            break
        from_start_ms = max(start_ms, min(history.created_ms for history in unsettled.values()))
        on_window(from_ms(from_start_ms), len(unsettled))
        for line in function_log.lines(_pattern(unsettled), from_start_ms, end_ms):
            _add(unsettled, line)
        unsettled = {
            names: history
            for names, history in unsettled.items()
            if not history.is_settled and history.created_ms < start_ms
        }
    return {running.app: histories[_names(running.app)] for running in apps}


def _pattern(apps: Iterable[AppNames]) -> str:
    """The filter pattern for the lines of these apps; for too many of them, for those of all apps."""
    events = any_of("message", _EVENTS)
    labels = (f"{domain_id}/{space or user}/{app_type}/{name}" for domain_id, space, user, app_type, name in apps)
    narrowed = all_of(events, any_of("app", dict.fromkeys(labels)))
    return narrowed if len(narrowed) <= MAX_PATTERN_CHARACTERS else all_of(events)


def _add(histories: Mapping[AppNames, AppHistory], line: LogLine) -> None:
    """Add a line to the history of its app; what is no line of a setup of these apps is left out."""
    value = line.fields.get
    space_name = value("space_name")
    owner = "" if space_name else value("user_profile_name")
    names = value("domain_id"), space_name, owner, value("app_type"), value("app_name")
    try:
        history = histories.get(cast("AppNames", names))
    except TypeError:  # a list or an object in place of a name
        return
    setup_line = _setup_line(line) if history else None
    if history and setup_line:
        history.add(setup_line)


def _setup_line(line: LogLine) -> SetupLine | None:
    match line.fields:
        case {"message": log.SETUP_STARTED.name, "attempt": str(attempt), "setup_version": str(version)}:
            return SetupLine(line.at_ms, attempt[:_MAX_FIELD_CHARACTERS], version[:_MAX_FIELD_CHARACTERS])
        case {
            "message": log.SETUP_FINISHED.name,
            "attempt": str(attempt),
            "setup_version": str(version),
            "outcome": str(outcome),
            "code": str(code),
            "reason": str(reason),
            "repeated": bool(repeated),
        } if outcome in _OUTCOMES:
            return SetupLine(
                line.at_ms,
                attempt[:_MAX_FIELD_CHARACTERS],
                version[:_MAX_FIELD_CHARACTERS],
                _OUTCOMES[outcome],
                code[:_MAX_FIELD_CHARACTERS],
                reason[:_MAX_REASON_CHARACTERS],
                repeated,
            )
    return None


_OUTCOMES = {str(outcome): outcome for outcome in Outcome}


def _names(app: App) -> AppNames:
    owner = "" if app.space_name else app.user_profile_name
    return app.domain_id, app.space_name, owner, app.app_type, app.app_name


def _time(line: SetupLine) -> int:
    return line.at_ms
