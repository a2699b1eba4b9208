"""The function's log in CloudWatch Logs, a window of time at a time.

Sources: FilterLogEvents (CloudWatch Logs API reference) and the filter pattern syntax (CloudWatch Logs user guide). A
query is paginated without an end; both of its times are inclusive; a pattern has 1024 characters at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from studio_setup.fleet.read_ahead import read_ahead
from studio_setup.model.json_text import parse_json

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

MAX_PATTERN_CHARACTERS = 1024
FIRST_WINDOW = timedelta(hours=1)
# A line that is logged now may bear a time that is later than this machine's.
_CLOCK_SKEW = timedelta(minutes=10)
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: when it was logged, the id that CloudWatch gave it, and its fields. Nothing in it has been checked."""

    at_ms: int
    event_id: str
    fields: Mapping[str, object]


class FunctionLog:
    """The log group of the deployed function."""

    def __init__(self, client: CloudWatchLogsClient, group: str) -> None:
        self._client = client
        self.group = group

    def lines(self, pattern: str, start_ms: int, end_ms: int) -> Iterator[LogLine]:
        """Yield the lines that `pattern` matches, oldest first; what is not a JSON object is left out.

        A server may match more than the pattern says, so whoever reads the lines looks at them again.
        """
        pages = self._client.get_paginator("filter_log_events").paginate(
            logGroupName=self.group, filterPattern=pattern, startTime=start_ms, endTime=end_ms
        )
        for page in read_ahead(pages):
            for event in page.get("events", []):
                fields = _fields(event.get("message", ""))
                if fields is not None:
                    yield LogLine(event.get("timestamp", 0), event.get("eventId", ""), fields)


def windows_back(now: datetime) -> Iterator[tuple[int, int]]:
    """Start and end, in milliseconds, of windows that go back from now to 1970: an hour, then twice as long each."""
    end, length = to_ms(now + _CLOCK_SKEW), FIRST_WINDOW
    start = now - length
    while start > _EPOCH:
        yield to_ms(start), end
        end, length = to_ms(start) - 1, length * 2
        start -= min(length, start - _EPOCH)
    yield 0, end


def any_of(field: str, values: Iterable[str]) -> str:
    """The part of a filter pattern that asks for one of these values; none of them may have a quote in it."""
    return "(" + " || ".join(f'($.{field} = "{value}")' for value in values) + ")"


def all_of(*parts: str) -> str:
    """The filter pattern that asks for all these parts."""
    return "{ " + " && ".join(parts) + " }"


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def from_ms(milliseconds: int) -> datetime:
    """The moment that many milliseconds after 1970, in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _fields(message: str) -> Mapping[str, object] | None:
    try:
        value = parse_json(message)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
