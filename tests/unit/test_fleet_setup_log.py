"""The setups of one user or space in the log: the last one, all of them, and those to come."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import boto3
import pytest

from studio_setup.fleet.apps import Selection
from studio_setup.fleet.function_log import FunctionLog, LogLine
from studio_setup.fleet.setup_log import SetupLog
from studio_setup.model.app import App
from tests.support.fake_aws import OUTPUTS, FakeAws
from tests.support.fleet_lines import Attempt, at

ALICE = App("d-abcdefghijkl", "alice", "JupyterServer", "default")
FIRST, SECOND, THIRD = Attempt(ALICE, "first"), Attempt(ALICE, "second"), Attempt(ALICE, "third")
NOW = at("12:00")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An AWS with an empty log."""
    fake = FakeAws()
    fake.install(monkeypatch)
    return fake


def setup_log(selection: Selection | None = None) -> SetupLog:
    """The log of alice, unless another selection is given."""
    function_log = FunctionLog(boto3.Session().client("logs"), OUTPUTS["LogGroupName"])
    return SetupLog(function_log, selection or Selection(user_profile_names=("alice",)))


def told(lines: list[LogLine]) -> list[tuple[object, object]]:
    """Attempt and event of lines."""
    return [(line.fields["attempt"], line.fields["message"]) for line in lines]


def test_the_last_setup_is_the_last_attempt_from_its_start_to_its_end(aws: FakeAws) -> None:
    """Everything that the attempt logged, in order, and nothing of the one before it."""
    aws.add_line(at("09:00"), FIRST.started())
    aws.add_line(at("09:01"), FIRST.finished("command-failed"))
    aws.add_line(at("10:00"), SECOND.started())
    for second in range(10):
        aws.add_line(at("10:00:30") + timedelta(seconds=second), SECOND.line("command.output", command="one", text="x"))
    aws.add_line(at("10:01"), SECOND.finished("succeeded"))
    events = ["setup.started", *["command.output"] * 10, "setup.finished"]
    assert told(setup_log().last(NOW)) == [("second", event) for event in events]


def test_a_probe_is_not_a_setup(aws: FakeAws) -> None:
    """It has logged in and opened a terminal since; it has no beginning, no end and no run."""
    aws.add_line(at("11:01"), FIRST.started())
    aws.add_line(at("11:02"), FIRST.finished("succeeded"))
    aws.add_line(at("11:30"), SECOND.line("terminal.opened", terminal="studiosetup1", run_id=""))
    assert told(setup_log().last(NOW)) == [("first", "setup.started"), ("first", "setup.finished")]
    aws.log.clear()
    aws.add_line(at("11:30"), SECOND.line("terminal.opened", terminal="studiosetup1", run_id=""))
    assert setup_log().last(NOW) == []


def test_an_attempt_that_lies_across_two_windows_is_whole(aws: FakeAws) -> None:
    """Its start is looked for until it is found."""
    aws.add_line(at("10:59"), FIRST.started())
    aws.add_line(at("11:01"), FIRST.finished("succeeded"))
    assert told(setup_log().last(NOW)) == [("first", "setup.started"), ("first", "setup.finished")]


@pytest.mark.parametrize(
    "echo",
    [
        SECOND.finished("already-set-up"),
        SECOND.finished("claimed-by-other-setup"),
        SECOND.finished("command-failed", repeated=True),
    ],
    ids=["already-set-up", "claimed", "repeated"],
)
def test_an_attempt_that_found_everything_done_is_passed_over(aws: FakeAws, echo: dict[str, object]) -> None:
    """One reads a log to see what happened, and in that attempt nothing did; also if the other is a day older."""
    aws.add_line(at("09:00") - timedelta(days=1), FIRST.started())
    aws.add_line(at("09:01") - timedelta(days=1), FIRST.finished("command-failed"))
    aws.add_line(at("11:50"), SECOND.started())
    aws.add_line(at("11:51"), echo)
    assert told(setup_log().last(NOW)) == [("first", "setup.started"), ("first", "setup.finished")]


def test_if_there_is_nothing_else_it_is_shown_all_the_same(aws: FakeAws) -> None:
    """Something is better than nothing."""
    aws.add_line(at("11:50"), SECOND.started())
    aws.add_line(at("11:51"), SECOND.finished("already-set-up"))
    assert told(setup_log().last(NOW)) == [("second", "setup.started"), ("second", "setup.finished")]


def test_an_attempt_whose_start_the_log_has_no_more_is_shown_from_where_it_goes(aws: FakeAws) -> None:
    """Logs are kept for a time."""
    aws.add_line(at("11:51"), FIRST.finished("succeeded"))
    assert told(setup_log().last(NOW)) == [("first", "setup.finished")]


def test_a_log_without_the_user_is_empty(aws: FakeAws) -> None:
    """Neither other users nor lines without an attempt are shown."""
    aws.add_line(at("11:00"), Attempt(App("d-abcdefghijkl", "bob", "JupyterServer", "default")).started())
    aws.add_line(at("11:00"), {"message": "setup.finished", "user_profile_name": "alice"})
    aws.add_line(at("11:00"), {**FIRST.started(), "app_name": 7})
    assert setup_log().last(NOW) == []


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (Selection(user_profile_names=("alice",)), 2),
        (Selection(user_profile_names=("alice",), app_type="JupyterLab"), 1),
        (Selection(user_profile_names=("alice",), domain_id="d-other"), 0),
        (Selection(space_names=("alice",)), 1),
    ],
    ids=str,
)
def test_the_lines_are_those_of_the_selection(aws: FakeAws, selection: Selection, count: int) -> None:
    """Domain and type narrow further; a space of the user's name is not the user."""
    for app in (
        ALICE,
        App("d-abcdefghijkl", "alice", "JupyterLab", "default"),
        App("d-abcdefghijkl", "alice", "JupyterLab", "default", "alice"),
    ):
        aws.add_line(at("11:00"), Attempt(app).started())
    assert len(list(setup_log(selection).every(NOW))) == count


def test_every_attempt_is_told_oldest_first(aws: FakeAws) -> None:
    """All that the log has, however old."""
    aws.add_line(at("11:00"), SECOND.started())
    aws.add_line(at("11:00") - timedelta(days=2000), FIRST.started())
    assert told(list(setup_log().every(NOW))) == [("first", "setup.started"), ("second", "setup.started")]


def pauses(*steps: Callable[[], object]) -> Callable[[], None]:
    """A pause during which something happens, and then something else."""
    happenings = iter(steps)

    def pause() -> None:
        next(happenings)()

    return pause


def test_what_comes_later_is_told_once_and_in_order(aws: FakeAws) -> None:
    """Each look tells what is new; also what was logged earlier and could not be read until now."""
    aws.add_line(at("11:59:00"), FIRST.started())
    log = setup_log()
    shown = log.last(NOW)
    pause = pauses(
        lambda: aws.add_line(at("11:59:20"), FIRST.line("command.started", command="two")),
        lambda: aws.add_line(at("11:59:10"), FIRST.line("command.started", command="one")),
        lambda: aws.add_line(at("11:59:30"), FIRST.finished("succeeded")),
    )
    new = list(itertools.islice(log.follow(shown, lambda: NOW, pause), 3))
    assert [line.fields.get("command", "end") for line in new] == ["two", "one", "end"]


def test_following_an_empty_log_begins_now(aws: FakeAws) -> None:
    """Who looks before the app starts sees its setup begin."""
    pause = pauses(lambda: None, lambda: aws.add_line(at("12:00:05"), THIRD.started()))
    assert told(list(itertools.islice(setup_log().follow([], lambda: NOW, pause), 1))) == [("third", "setup.started")]
