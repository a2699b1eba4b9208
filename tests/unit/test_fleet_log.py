"""The function's log, read in windows of time."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import boto3
import pytest
from botocore.stub import Stubber

from studio_setup.fleet.function_log import FunctionLog, LogLine, all_of, any_of, from_ms, to_ms, windows_back
from tests.support.fake_aws import matches
from tests.support.fleet_lines import at

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

GROUP = "/aws/lambda/studio-setup"
ASKED = {"logGroupName": GROUP, "filterPattern": "{ pattern }", "startTime": 1000, "endTime": 2000}


@pytest.fixture
def logs() -> Iterator[Stubber]:
    """A client of CloudWatch Logs that answers exactly the calls it is told of."""
    with Stubber(boto3.client("logs")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def lines(logs: Stubber) -> list[LogLine]:
    """The lines of one query."""
    return list(FunctionLog(cast("CloudWatchLogsClient", logs.client), GROUP).lines("{ pattern }", 1000, 2000))


def event(message: str, at_ms: int = 1500) -> dict[str, object]:
    """An event as CloudWatch answers it."""
    return {"timestamp": at_ms, "message": message, "eventId": "id-1", "logStreamName": "stream", "ingestionTime": 1600}


def test_a_line_has_its_time_its_id_and_its_fields(logs: Stubber) -> None:
    """What a query finds is read as JSON."""
    logs.add_response("filter_log_events", {"events": [event('{"message": "setup.started"}')]}, ASKED)
    assert lines(logs) == [LogLine(1500, "id-1", {"message": "setup.started"})]


def test_pages_are_read_to_the_end_also_past_empty_ones(logs: Stubber) -> None:
    """An empty page is not the end of a query; only a page without a token is."""
    logs.add_response("filter_log_events", {"events": [event('{"n": 1}')], "nextToken": "a"}, ASKED)
    logs.add_response("filter_log_events", {"events": [], "nextToken": "b"}, {**ASKED, "nextToken": "a"})
    logs.add_response("filter_log_events", {"events": [event('{"n": 2}')]}, {**ASKED, "nextToken": "b"})
    assert [line.fields["n"] for line in lines(logs)] == [1, 2]


@pytest.mark.parametrize(
    "garbage", ["START RequestId: 1", "[1, 2]", '"text"', "{", "{" * 40, '{"n": NaN}', '{"n": ' + "9" * 30 + "}"]
)
def test_what_is_not_an_object_of_json_is_left_out(logs: Stubber, garbage: str) -> None:
    """Lines of Lambda's own, and whatever else is in the log, are passed over."""
    logs.add_response("filter_log_events", {"events": [event(garbage), event('{"n": 1}')]}, ASKED)
    assert [line.fields for line in lines(logs)] == [{"n": 1}]


def test_windows_go_back_from_now_without_a_gap_or_an_overlap() -> None:
    """Each window ends a millisecond before the one after it begins: both times of a query are inclusive."""
    windows = list(windows_back(at("12:00")))
    assert [end for _, end in windows[1:]] == [start - 1 for start, _ in windows[:-1]]
    assert windows[-1][0] == 0


def test_the_first_window_is_the_last_hour_and_what_other_clocks_call_now() -> None:
    """A line may bear a time later than ours."""
    start, end = next(windows_back(at("12:00")))
    assert from_ms(start) == at("11:00")
    assert timedelta() < from_ms(end) - at("12:00") <= timedelta(minutes=10)


def test_windows_grow_so_that_they_are_few() -> None:
    """All time is covered in twenty queries or so."""
    windows = list(itertools.islice(windows_back(at("12:00")), 40))
    lengths = [round((end - start) / 3_600_000, 1) for start, end in windows[1:4]]
    assert lengths == [2, 4, 8]
    assert len(windows) < 22


def test_a_pattern_asks_for_one_of_these_and_one_of_those() -> None:
    """The pattern is CloudWatch's JSON syntax, and matches the lines it is meant for."""
    pattern = all_of(any_of("message", ["a", "b"]), any_of("app", ["x"]))
    assert pattern == '{ (($.message = "a") || ($.message = "b")) && (($.app = "x")) }'
    found = [
        (message, app)
        for message, app in itertools.product("abc", "xy")
        if matches(pattern, json.dumps({"message": message, "app": app}))
    ]
    assert found == [("a", "x"), ("b", "x")]


def test_milliseconds_and_moments_are_the_same_thing() -> None:
    """A time survives the way there and back."""
    assert from_ms(to_ms(at("09:30:15.250"))) == at("09:30:15.250")
