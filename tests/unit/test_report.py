"""What came of a setup, as values."""

from __future__ import annotations

import json

import pytest

from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import CommandResult, CommandState, SetupFailed, SetupReport

RESULT = CommandResult(
    name="one",
    state=CommandState.EXITED,
    exit_status=0,
    seconds=1.5,
    output_bytes=100_000,
    left_out_bytes=34_464,
    log_path="/tmp/studio-setup-1000/abc/one.log",
)
IS_ERROR = {
    Outcome.SUCCEEDED: False,
    Outcome.FAILED: True,
    Outcome.TIMED_OUT: True,
    Outcome.UNFINISHED: True,
    Outcome.SKIPPED: False,
    Outcome.APP_GONE: False,
    Outcome.UNREACHABLE: True,
}


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_an_error_or_not(outcome: Outcome) -> None:
    """What failed, or is not done, fails the invocation; what succeeded, is not ours or is gone does not."""
    assert outcome.is_error is IS_ERROR[outcome]


@pytest.mark.parametrize(
    ("state", "exit_status", "succeeded"),
    [
        (CommandState.EXITED, 0, True),
        (CommandState.EXITED, 1, False),
        (CommandState.EXITED, None, False),
        *(
            (state, status, False)
            for state in CommandState
            if state is not CommandState.EXITED
            for status in (0, None, 143)
        ),
    ],
)
def test_only_exit_status_zero_of_a_command_that_ended_by_itself_is_success(
    state: CommandState, exit_status: int | None, succeeded: bool
) -> None:
    """A command that was ended, lost or still runs never counts as done."""
    assert CommandResult("one", state, exit_status, 1.0, 0, 0, "").succeeded is succeeded


def test_a_report_is_plain_json() -> None:
    """The report goes through JSON and comes back the same, so Lambda can return and log it."""
    report = SetupReport(
        Outcome.TIMED_OUT, "command-timed-out", "one", {"domain_id": "d-abc"}, "run", commands=(RESULT,)
    )
    fields = report.as_dict()
    assert json.loads(json.dumps(fields)) == fields
    assert fields == {
        "outcome": "timed_out",
        "code": "command-timed-out",
        "reason": "one",
        "app": {"domain_id": "d-abc"},
        "run_id": "run",
        "resumed": False,
        "repeated": False,
        "seconds": 0.0,
        "commands": [RESULT.as_fields()],
    }


def test_a_result_is_plain_json() -> None:
    """A command's result has its name, state, exit status, seconds and bytes."""
    assert json.loads(json.dumps(RESULT.as_fields())) == {
        "name": "one",
        "state": "exited",
        "exit_status": 0,
        "seconds": 1.5,
        "output_bytes": 100_000,
        "left_out_bytes": 34_464,
        "log_path": "/tmp/studio-setup-1000/abc/one.log",
    }


def test_a_failed_setup_says_what_came_of_it() -> None:
    """The error that Lambda shows has outcome, code and reason in one line, and the report for who catches it."""
    report = SetupReport(Outcome.FAILED, "command-failed", "one (exit status 3)", {})
    failed = SetupFailed(report)
    assert str(failed) == "failed: command-failed: one (exit status 3)"
    assert failed.report is report
