"""What the log says about running apps: which lines count, how far back is read, and how much is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from studio_setup.fleet.apps import RunningApp
from studio_setup.fleet.function_log import FunctionLog, LogLine, from_ms, to_ms
from studio_setup.fleet.history import AppHistory, read_history
from studio_setup.model.app import App
from studio_setup.model.outcomes import Outcome
from tests.support.fake_aws import matches
from tests.support.fleet_lines import OTHER_VERSION, VERSION, Attempt, Fields, at

ALICE = App("d-abcdefghijkl", "alice", "JupyterServer", "default")
TEAM = App("d-abcdefghijkl", "", "JupyterLab", "default", "team")
NOW = at("12:00")
NINE = at("09:00")


@dataclass
class Log(FunctionLog):
    """A log in memory; it keeps what it was asked."""

    logged: list[tuple[datetime, Fields]]
    queries: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    def lines(self, pattern: str, start_ms: int, end_ms: int) -> Iterator[LogLine]:
        """Yield what matches, oldest first."""
        self.queries.append((pattern, from_ms(start_ms), from_ms(end_ms)))
        for logged_at, fields in sorted(self.logged, key=lambda line: line[0]):
            if start_ms <= to_ms(logged_at) <= end_ms and matches(pattern, json.dumps(fields)):
                yield LogLine(to_ms(logged_at), "", fields)


def running(app: App, created_at: datetime) -> RunningApp:
    """An app in service."""
    return RunningApp(app, "InService", created_at)


def history(*logged: tuple[datetime, Fields], app: App = ALICE, created_at: datetime = NINE) -> AppHistory:
    """What is found in a log about an app that was created then."""
    return read_history(Log(list(logged)), [running(app, created_at)], NOW, ignore)[app]


def ignore(_start: datetime, _apps: int) -> None:
    """Nobody listens."""


def test_of_a_start_without_lines_nothing_is_known() -> None:
    """An empty log leaves everything empty."""
    found = history()
    assert (found.started, found.verdict, found.echo) == (None, None, None)


def test_a_start_counts_while_its_end_is_not_in_the_log() -> None:
    """The attempt that has started is known by its time and its version."""
    started = history((at("09:01"), Attempt(ALICE).started())).started
    assert started
    assert (started.at, started.attempt, started.setup_version) == (at("09:01"), "attempt-1", VERSION)


def test_an_end_says_how_it_ended() -> None:
    """Outcome, code, reason, version and time of the end are kept, and the start is over."""
    attempt = Attempt(ALICE, version=OTHER_VERSION)
    found = history((at("09:01"), attempt.started()), (at("09:05"), attempt.finished("command-failed", "one (exit 3)")))
    assert found.started is None
    assert found.verdict
    assert (found.verdict.outcome, found.verdict.code) == (Outcome.FAILED, "command-failed")
    assert (found.verdict.reason, found.verdict.setup_version) == ("one (exit 3)", OTHER_VERSION)
    assert found.verdict.at == at("09:05")


def test_an_end_ends_its_own_attempt_only() -> None:
    """A second event that ends at once leaves the first attempt running."""
    first, second = Attempt(ALICE, "first"), Attempt(ALICE, "second")
    found = history(
        (at("09:01"), first.started()),
        (at("09:02"), second.started()),
        (at("09:03"), second.finished("setup-changed")),
    )
    assert found.started
    assert found.started.attempt == "first"


def test_an_attempt_that_began_in_an_older_window_is_over_all_the_same() -> None:
    """The windows are an hour long and longer; an attempt may lie across the edge of two."""
    attempt = Attempt(ALICE)
    found = history((at("10:59"), attempt.started()), (at("11:01"), attempt.finished("already-set-up")))
    assert found.started is None
    assert found.echo


def test_lines_of_an_earlier_start_do_not_count() -> None:
    """What was logged before the app was created belongs to the start before this one."""
    earlier = Attempt(ALICE)
    found = history((at("08:50"), earlier.started()), (at("08:59"), earlier.finished("succeeded")))
    assert (found.started, found.verdict) == (None, None)


def test_lines_of_an_earlier_start_do_not_count_where_another_app_is_older() -> None:
    """The log is then read from before this start."""
    log = Log([(at("11:30"), Attempt(ALICE).finished("succeeded"))])
    found = read_history(log, [running(ALICE, at("11:40")), running(TEAM, at("08:00"))], NOW, ignore)
    assert found[ALICE].verdict is None


def test_lines_of_other_apps_do_not_count() -> None:
    """A user and a space of the same name, another type, another domain: each is an app of its own."""
    namesake = App(ALICE.domain_id, "", "JupyterServer", "default", "alice")
    others = [
        namesake,
        App(ALICE.domain_id, "alice", "JupyterLab", "default"),
        App(ALICE.domain_id, "alice", "JupyterServer", "second"),
        App("d-other", "alice", "JupyterServer", "default"),
    ]
    found = history(*((at("09:05"), Attempt(other).finished("succeeded")) for other in others))
    assert found.verdict is None
    assert history((at("09:05"), Attempt(namesake).finished("succeeded")), app=namesake).verdict


def test_the_app_of_a_space_is_known_whoever_logs_in_to_it() -> None:
    """The event of a space's app may name a user, which the list of apps does not."""
    with_user = App(TEAM.domain_id, "bob", "JupyterLab", "default", "team")
    assert history((at("09:05"), Attempt(with_user).finished("succeeded")), app=TEAM).verdict


@pytest.mark.parametrize("code", ["already-set-up", "claimed-by-other-setup"])
def test_what_found_the_work_done_is_an_echo(code: str) -> None:
    """It leaves the verdict of the attempt before it, whatever the order of their lines."""
    first, second = Attempt(ALICE, "first"), Attempt(ALICE, "second")
    found = history((at("09:05"), first.finished("succeeded")), (at("09:06"), second.finished(code)))
    assert found.verdict
    assert found.verdict.attempt == "first"
    assert found.echo
    assert found.echo.attempt == "second"


def test_a_verdict_that_is_told_again_is_an_echo() -> None:
    """A retry by Lambda that finds everything over tells the same again, marked `repeated`."""
    found = history((at("09:05"), Attempt(ALICE).finished("command-failed", repeated=True)))
    assert found.verdict is None
    assert found.echo


def test_the_newest_of_each_kind_is_kept() -> None:
    """A setup that was repeated on purpose has a verdict of its own."""
    found = history(
        (at("09:05"), Attempt(ALICE, "first").finished("command-failed")),
        (at("10:05"), Attempt(ALICE, "second").finished("succeeded")),
    )
    assert found.verdict
    assert found.verdict.attempt == "second"


@pytest.mark.parametrize(
    "changed",
    [
        {"message": "setup.ended"},
        {"message": ["setup.finished"]},
        {"outcome": "superb"},
        {"outcome": None},
        {"code": 7},
        {"reason": None},
        {"repeated": "no"},
        {"attempt": {}},
        {"setup_version": None},
        {"domain_id": 1},
        {"user_profile_name": ["alice"]},
        {"space_name": None},
        {"app_type": True},
        {"app_name": {"default": 1}},
    ],
    ids=repr,
)
def test_a_line_of_another_shape_is_left_out(changed: dict[str, Any]) -> None:
    """Whatever is in the log, only what has the shape of our lines is believed."""
    good = Attempt(ALICE).finished("succeeded")

    class Everything(Log):
        def lines(self, pattern: str, start_ms: int, end_ms: int) -> Iterator[LogLine]:
            del pattern, start_ms, end_ms
            return iter([LogLine(to_ms(at("09:05")), "", {**good, **changed}), LogLine(to_ms(at("09:04")), "", {})])

    found = read_history(Everything([]), [running(ALICE, at("09:00"))], NOW, ignore)[ALICE]
    assert (found.started, found.verdict, found.echo) == (None, None, None)


def test_an_ignored_event_has_no_app_and_is_left_out() -> None:
    """Its line has outcome, code and reason only."""
    ignored = {
        "message": "setup.finished",
        "outcome": "skipped",
        "code": "other-call",
        "reason": "…",
        "app": ALICE.label,
    }
    assert history((at("09:05"), ignored)).verdict is None


def test_what_is_kept_of_a_line_is_bounded() -> None:
    """A line of a quarter of a megabyte does not stay in memory."""
    line = Attempt(ALICE, "a" * 1000, "v" * 1000).finished("command-failed", "r" * 3000)
    verdict = history((at("09:05"), line)).verdict
    assert verdict
    assert len(verdict.attempt) + len(verdict.setup_version) + len(verdict.reason) < 1200


def test_attempts_that_never_end_are_forgotten_but_for_the_newest() -> None:
    """However often the function is killed, memory does not grow."""
    found = history(*((at("09:00") + timedelta(seconds=n), Attempt(ALICE, f"a{n}").started()) for n in range(100)))
    assert found.started
    assert found.started.attempt == "a99"
    assert len(found._open) <= 8


def windows(log: Log, apps: Sequence[RunningApp]) -> list[tuple[datetime, datetime]]:
    """The times that are asked for."""
    read_history(log, apps, NOW, ignore)
    return [(start, end) for _, start, end in log.queries]


def test_nothing_is_asked_for_no_apps() -> None:
    """An empty fleet costs no call."""
    assert windows(Log([]), []) == []


def test_reading_stops_as_soon_as_every_app_has_its_verdict() -> None:
    """An app of last year that was set up an hour ago costs one window."""
    log = Log([(at("11:30"), Attempt(ALICE).finished("succeeded"))])
    assert len(windows(log, [running(ALICE, NOW - timedelta(days=300))])) == 1


def test_reading_goes_back_to_the_creation_of_what_was_never_set_up_and_no_further() -> None:
    """The oldest app without a line says how far."""
    asked = windows(Log([]), [running(ALICE, at("06:30"))])
    assert [start for start, _ in asked] == [at("11:00"), at("09:00"), at("06:30")]


def test_the_lines_of_apps_that_are_settled_do_not_make_reading_go_on() -> None:
    """Only the apps that are still open say how far back is read."""
    log = Log([(at("11:30"), Attempt(ALICE).finished("succeeded"))])
    asked = windows(log, [running(ALICE, NOW - timedelta(days=300)), running(TEAM, at("10:30"))])
    assert [start for start, _ in asked] == [at("11:00"), at("10:30")]


def test_an_echo_is_followed_back_to_what_it_echoes() -> None:
    """`already-set-up` says less about the setup than the line of its success."""
    found = history(
        (at("09:05"), Attempt(ALICE, "first", OTHER_VERSION).finished("succeeded")),
        (at("11:30"), Attempt(ALICE, "second").finished("already-set-up")),
    )
    assert found.verdict
    assert found.verdict.setup_version == OTHER_VERSION


def test_few_apps_are_asked_for_by_name() -> None:
    """CloudWatch then answers their lines only, also in a log of ten thousand others."""
    log = Log([])
    read_history(log, [running(ALICE, at("11:30"))], NOW, ignore)
    pattern = log.queries[0][0]
    assert matches(pattern, json.dumps(Attempt(ALICE).started()))
    assert not matches(pattern, json.dumps(Attempt(TEAM).started()))
    assert not matches(pattern, json.dumps(Attempt(ALICE).line("command.started", command="one")))


def test_many_apps_are_asked_for_together() -> None:
    """A pattern has 1024 characters at most."""
    log = Log([])
    apps = [App(ALICE.domain_id, f"user-{number}", "JupyterServer", "default") for number in range(100)]
    read_history(log, [running(app, at("11:30")) for app in apps], NOW, ignore)
    assert matches(log.queries[0][0], json.dumps(Attempt(TEAM).started()))


def test_each_query_is_announced() -> None:
    """Whoever waits sees how far back the log is read, and for how many apps."""
    heard: list[tuple[datetime, int]] = []
    log = Log([(at("11:30"), Attempt(ALICE).finished("succeeded"))])
    apps: Iterable[RunningApp] = [running(ALICE, at("09:00")), running(TEAM, at("10:00"))]
    read_history(log, list(apps), NOW, lambda start, count: heard.append((start, count)))
    assert heard == [(at("11:00"), 2), (at("10:00"), 1)]
