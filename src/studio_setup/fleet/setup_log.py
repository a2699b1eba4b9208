"""All that the log has about the setups of one user or space, for somebody who reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from studio_setup.fleet.apps import Selection
from studio_setup.fleet.function_log import FunctionLog, LogLine, all_of, any_of, to_ms, windows_back
from studio_setup.fleet.history import ECHO_CODES
from studio_setup.model import log
from studio_setup.model.app import App
from studio_setup.model.errors import BadInput

# Lines become readable in another order than that of their times.
_OVERLAP_MS = 30_000
_CLOCK_SKEW = timedelta(minutes=10)
_APP_FIELDS = ("domain_id", "user_profile_name", "app_type", "app_name", "space_name")

Attempt = list[LogLine]


class SetupLog:
    """The lines about the apps of a selection, in the order of their times."""

    def __init__(self, function_log: FunctionLog, selection: Selection) -> None:
        self._function_log = function_log
        self._selection = selection
        self._pattern = _pattern(selection)

    def last(self, now: datetime) -> Attempt:
        """The last attempt that did something, or else the last one; empty if there is none."""
        lines: list[LogLine] = []
        attempt: Attempt = []
        for start_ms, end_ms in windows_back(now):
            lines = [*self._lines(start_ms, end_ms), *lines]
            attempt = _newest(lines)
            if attempt and not _is_echo(attempt) and attempt[0].fields["message"] == log.SETUP_STARTED.name:
                break
        return attempt

    def every(self, now: datetime) -> Iterator[LogLine]:
        """Yield every line that the log still has."""
        return self._lines(0, to_ms(now + _CLOCK_SKEW))

    def follow(
        self, shown: Sequence[LogLine], now: Callable[[], datetime], pause: Callable[[], None]
    ) -> Iterator[LogLine]:
        """Yield the lines that come after those that were `shown`, without an end; `pause` waits between two looks.

        After the end of a setup that is what comes from now on: Lambda's retries have reported the same since.
        """
        is_under_way = bool(shown) and shown[-1].fields["message"] != log.SETUP_FINISHED.name
        newest_ms = shown[-1].at_ms if is_under_way else to_ms(now())
        seen = {_identity(line): line.at_ms for line in shown}
        while True:
            for line in self._lines(newest_ms - _OVERLAP_MS, to_ms(now() + _CLOCK_SKEW)):
                if _identity(line) not in seen:
                    seen[_identity(line)] = line.at_ms
                    newest_ms = max(newest_ms, line.at_ms)
                    yield line
            seen = {identity: at_ms for identity, at_ms in seen.items() if at_ms >= newest_ms - _OVERLAP_MS}
            pause()

    def _lines(self, start_ms: int, end_ms: int) -> Iterator[LogLine]:
        for line in self._function_log.lines(self._pattern, start_ms, end_ms):
            match line.fields:
                case {"message": str(), "attempt": str()} if self._selects(line):
                    yield line

    def _selects(self, line: LogLine) -> bool:
        names: dict[str, Any] = {name: line.fields.get(name) for name in _APP_FIELDS}
        try:
            return self._selection.includes(App(**names))
        except BadInput:
            return False


def _pattern(selection: Selection) -> str:
    fields = {
        "domain_id": selection.domain_id,
        "app_type": selection.app_type,
        "user_profile_name": next(iter(selection.user_profile_names), ""),
        "space_name": next(iter(selection.space_names), ""),
    }
    return all_of(*(any_of(name, [value]) for name, value in fields.items() if value))


def _newest(lines: Iterable[LogLine]) -> Attempt:
    """Of the attempts at a setup in these lines, the one that ends last, those that did nothing being last choice."""
    attempts: dict[object, Attempt] = {}
    for line in lines:
        attempts.setdefault(line.fields["attempt"], []).append(line)
    setups = filter(_is_of_a_setup, attempts.values())
    return max(setups, key=lambda attempt: (not _is_echo(attempt), attempt[-1].at_ms), default=[])


def _is_of_a_setup(attempt: Attempt) -> bool:
    """Or is it a probe, which has neither a beginning nor an end nor a run?"""
    ends = {log.SETUP_STARTED.name, log.SETUP_FINISHED.name}
    return any(line.fields["message"] in ends or line.fields.get("run_id") for line in attempt)


def _is_echo(attempt: Attempt) -> bool:
    """Did the attempt find everything done by an earlier one?"""
    end = attempt[-1].fields
    return end.get("repeated") is True or end.get("code") in ECHO_CODES


def _identity(line: LogLine) -> object:
    return line.event_id or (line.at_ms, str(line.fields))
