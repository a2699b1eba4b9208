"""How an app stands: each row of the table in `studio_setup.fleet.status`."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from studio_setup.fleet.apps import RunningApp
from studio_setup.fleet.deployed import AppSetup
from studio_setup.fleet.function_log import LogLine, to_ms
from studio_setup.fleet.history import AppHistory, _setup_line
from studio_setup.fleet.status import AppState, State, needs_somebody, state_of
from studio_setup.model.app import App
from studio_setup.model.outcomes import CODES, Code, Outcome
from tests.support.fleet_lines import OTHER_VERSION, VERSION, Attempt, Fields, at

ALICE = App("d-abcdefghijkl", "alice", "JupyterServer", "default")
RUNNING = RunningApp(ALICE, "InService", at("09:00"))
DEPLOYED = AppSetup(VERSION)
NOW = at("12:00")
LIMIT_SECONDS = 900
FIRST, SECOND, THIRD = Attempt(ALICE, "first"), Attempt(ALICE, "second"), Attempt(ALICE, "third")
OLD = Attempt(ALICE, "old", OTHER_VERSION)

Logged = tuple[datetime, Fields]


def state(*logged: Logged, setup: AppSetup = DEPLOYED) -> AppState:
    """How the app stands if its log has these lines."""
    history = AppHistory(RUNNING.created_at)
    for logged_at, fields in logged:
        line = _setup_line(LogLine(to_ms(logged_at), "", fields))
        assert line, "the line has the shape of the engine's"
        history.add(line)
    return state_of(RUNNING, history, setup, NOW, LIMIT_SECONDS)


def test_an_attempt_within_the_time_limit_runs() -> None:
    """It has started, not ended, and the function cannot have been stopped yet."""
    found = state((at("11:46"), FIRST.started()))
    assert (found.state, found.since, found.setup_version) == (State.RUNNING, at("11:46"), VERSION)


def test_it_runs_whatever_others_have_said_meanwhile() -> None:
    """A second event that was refused says nothing about the first, which goes on."""
    refused = (at("11:51"), SECOND.finished("setup-changed"))
    assert state((at("11:50"), FIRST.started()), (at("11:50"), SECOND.started()), refused).state is State.RUNNING


def test_an_attempt_that_is_older_than_the_time_limit_is_unfinished() -> None:
    """The function was killed, or crashed; the row says so."""
    found = state((at("11:44:59"), FIRST.started()))
    assert (found.state, found.code, found.since) == (State.UNFINISHED, "", at("11:44:59"))
    assert "never ended" in found.reason


def test_what_never_ended_counts_more_than_the_verdict_before_it() -> None:
    """The setup that was asked for again is not done."""
    assert state((at("09:05"), FIRST.finished("succeeded")), (at("10:00"), SECOND.started())).state is State.UNFINISHED


def test_what_never_ended_counts_less_than_the_verdict_after_it() -> None:
    """Lambda's retry made good what the killed attempt left."""
    assert state((at("09:05"), FIRST.started()), (at("09:25"), SECOND.finished("succeeded"))).state is State.SUCCEEDED


def test_an_app_without_lines_is_not_set_up_since_its_creation() -> None:
    """No event came, or none yet."""
    found = state()
    assert (found.state, found.since, found.code, found.setup_version) == (State.NOT_SET_UP, at("09:00"), "", "")


@pytest.mark.parametrize("code", ["other-app-type", "other-domain"])
def test_an_app_that_the_function_does_not_set_up_is_excluded(code: str) -> None:
    """Its type or its domain is not one of those that were asked for."""
    found = state(setup=AppSetup(code=code, reason="not ours"))
    assert (found.state, found.code, found.reason) == (State.EXCLUDED, code, "not ours")


def test_an_app_whose_deployed_setup_is_not_valid_is_not_set_up() -> None:
    """That is nobody's intention, so it is no exclusion; the reason is shown."""
    found = state(setup=AppSetup(code="bad-input", reason="The script is empty."))
    assert (found.state, found.code, found.reason) == (State.NOT_SET_UP, "bad-input", "The script is empty.")


def test_an_app_that_was_set_up_before_it_was_excluded_keeps_its_verdict() -> None:
    """What is in the log has happened."""
    assert state((at("09:05"), FIRST.finished("succeeded")), setup=AppSetup(code="other-domain")).state is (
        State.SUCCEEDED
    )


def test_with_the_deployed_version_a_success_is_a_success() -> None:
    """Time, code and version are those of the line."""
    found = state((at("09:01"), FIRST.started()), (at("09:05"), FIRST.finished("succeeded")))
    assert (found.state, found.code, found.since, found.setup_version) == (
        State.SUCCEEDED,
        "succeeded",
        at("09:05"),
        VERSION,
    )


def test_with_another_version_a_success_is_outdated() -> None:
    """The row shows the version that the app has."""
    found = state((at("09:05"), OLD.finished("succeeded")))
    assert (found.state, found.setup_version) == (State.OUTDATED, OTHER_VERSION)


def test_a_success_is_not_outdated_if_it_is_not_known_what_is_deployed() -> None:
    """Nothing is guessed."""
    assert state((at("09:05"), OLD.finished("succeeded")), setup=AppSetup()).state is State.SUCCEEDED


@pytest.mark.parametrize("code", [code for code in CODES.values() if code.outcome is not Outcome.SKIPPED])
def test_every_outcome_of_a_setup_is_a_state(code: Code) -> None:
    """Code, reason, version and time are those of the line; an app that was gone is another start than this one."""
    states = {
        Outcome.SUCCEEDED: State.SUCCEEDED,
        Outcome.FAILED: State.FAILED,
        Outcome.TIMED_OUT: State.TIMED_OUT,
        Outcome.UNFINISHED: State.UNFINISHED,
        Outcome.UNREACHABLE: State.UNREACHABLE,
        Outcome.APP_GONE: State.NOT_SET_UP,
    }
    found = state((at("09:05"), FIRST.finished(code.name, "because")))
    assert (found.state, found.code, found.reason) == (states[code.outcome], code.name, "because")
    version = "" if found.state is State.NOT_SET_UP else VERSION
    assert (found.setup_version, found.since) == (version, at("09:05"))


@pytest.mark.parametrize("code", ["sso-domain", "space-without-owner"])
def test_what_cannot_be_set_up_is_excluded(code: str) -> None:
    """Nobody did anything wrong."""
    found = state((at("09:05"), FIRST.finished(code, "because")))
    assert (found.state, found.code, found.reason) == (State.EXCLUDED, code, "because")
    assert found.setup_version == "", "it was set up with nothing"


@pytest.mark.parametrize(("first", "expected"), [(FIRST, State.SUCCEEDED), (OLD, State.OUTDATED)])
def test_already_set_up_is_as_the_success_before_it(first: Attempt, expected: State) -> None:
    """Which version set it up is said by that line, not by the attempt that found it set up."""
    found = state((at("09:05"), first.finished("succeeded")), (at("10:00"), SECOND.finished("already-set-up")))
    assert (found.state, found.since, found.setup_version) == (expected, at("09:05"), first.version)


@pytest.mark.parametrize("before", [[], [(at("09:05"), OLD.finished("out-of-time"))], [(at("09:05"), OLD.started())]])
@pytest.mark.parametrize(("version", "expected"), [(VERSION, State.SUCCEEDED), (OTHER_VERSION, State.OUTDATED)])
def test_already_set_up_without_a_success_before_it_says_which_version_did_it(
    before: list[Logged], version: str, expected: State
) -> None:
    """The attempt that set it up was killed before it could say so; the claim in the app has its version."""
    second = replace(SECOND, version=version)
    found = state(*before, (at("10:00"), second.finished("already-set-up", "Run 1 has set it up.")))
    assert (found.state, found.code, found.setup_version) == (expected, "already-set-up", version)
    assert (found.since, found.reason) == (at("10:00"), "Run 1 has set it up.")


@pytest.mark.parametrize(
    ("code", "expected"), [("command-failed", State.FAILED), ("command-timed-out", State.TIMED_OUT)]
)
def test_claimed_by_another_setup_is_as_the_failure_before_it(code: str, expected: State) -> None:
    """A new version does not replace the claim of one that failed; the app is as that one left it."""
    found = state((at("09:05"), OLD.finished(code, "one")), (at("10:00"), FIRST.finished("claimed-by-other-setup")))
    assert (found.state, found.code, found.since, found.setup_version) == (expected, code, at("09:05"), OTHER_VERSION)


@pytest.mark.parametrize("before", [[], [(at("09:05"), OLD.finished("out-of-time"))]])
def test_claimed_by_another_setup_without_a_failure_before_it_is_a_failure(before: list[Logged]) -> None:
    """Had the other one succeeded, the app would be set up already."""
    found = state(*before, (at("10:00"), FIRST.finished("claimed-by-other-setup", "Run 1 ended here: failed.")))
    assert (found.state, found.code, found.setup_version) == (State.FAILED, "claimed-by-other-setup", "")
    assert found.reason == "Run 1 ended here: failed."


def test_what_is_told_again_is_as_it_was_told_first() -> None:
    """A retry that finds everything over does not make the failure newer."""
    repeated = SECOND.finished("command-failed", "one; joined", repeated=True)
    found = state((at("09:05"), FIRST.finished("command-failed", "one")), (at("09:10"), repeated))
    assert (found.state, found.since, found.reason) == (State.FAILED, at("09:05"), "one")


@pytest.mark.parametrize("before", [[], [(at("09:05"), FIRST.finished("out-of-time"))]])
def test_what_is_told_again_counts_where_it_was_not_told_before(before: list[Logged]) -> None:
    """The attempt that would have told it first was killed."""
    repeated = SECOND.finished("command-timed-out", "one", repeated=True)
    found = state(*before, (at("09:10"), repeated))
    assert (found.state, found.since, found.setup_version) == (State.TIMED_OUT, at("09:10"), VERSION)


def test_a_verdict_counts_more_than_an_echo_before_it() -> None:
    """A setup that was forced has the last word."""
    forced = (at("11:00"), THIRD.finished("command-failed"))
    found = state((at("09:05"), FIRST.finished("succeeded")), (at("10:00"), SECOND.finished("already-set-up")), forced)
    assert (found.state, found.since) == (State.FAILED, at("11:00"))


def test_a_reason_is_shown_on_one_printable_line() -> None:
    """What the log has is from outside."""
    assert state((at("09:05"), FIRST.finished("command-failed", "one\n\x1b[31mtwo"))).reason == "one two"


@pytest.mark.parametrize("one", State)
def test_what_needs_somebody(one: State) -> None:
    """A setup that failed, timed out or could not reach the app; or one that has not begun for over an hour."""
    expected = one in {State.FAILED, State.TIMED_OUT, State.UNREACHABLE, State.NOT_SET_UP}
    assert needs_somebody(AppState(RUNNING, one, NOW - timedelta(hours=1, seconds=1)), NOW) is expected


def test_an_app_that_has_just_started_needs_nobody_yet() -> None:
    """CloudTrail, EventBridge and the app itself take their time."""
    assert not needs_somebody(AppState(RUNNING, State.NOT_SET_UP, NOW - timedelta(hours=1)), NOW)


def test_a_state_is_plain_json() -> None:
    """Names, times in ISO 8601, state, code, version and reason."""
    fields = state((at("09:05"), FIRST.finished("command-failed", "one"))).as_dict()
    assert json.loads(json.dumps(fields)) == fields
    assert fields == {
        "app": "d-abcdefghijkl/alice/JupyterServer/default",
        "domain_id": "d-abcdefghijkl",
        "user_profile_name": "alice",
        "space_name": "",
        "app_type": "JupyterServer",
        "app_name": "default",
        "app_status": "InService",
        "app_created_at": "2026-11-22T09:00:00+00:00",
        "state": "failed",
        "code": "command-failed",
        "since": "2026-11-22T09:05:00+00:00",
        "setup_version": VERSION,
        "reason": "one",
    }
