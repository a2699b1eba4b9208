"""The report of a setup and the results of its commands."""

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
def test_only_a_command_that_exited_with_status_0_succeeded(
    state: CommandState, exit_status: int | None, succeeded: bool
) -> None:
    """A command that was ended, was lost or still runs did not succeed, whatever its exit status."""
    assert CommandResult("one", state, exit_status, 1.0, 0, 0, "").succeeded is succeeded


def test_a_report_is_json() -> None:
    """The report is the same after a round trip through JSON, so Lambda can return and log it."""
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


def test_a_result_is_json() -> None:
    """The result of a command has its name, state, exit status, seconds, bytes and the path of its log."""
    assert json.loads(json.dumps(RESULT.as_fields())) == {
        "name": "one",
        "state": "exited",
        "exit_status": 0,
        "seconds": 1.5,
        "output_bytes": 100_000,
        "left_out_bytes": 34_464,
        "log_path": "/tmp/studio-setup-1000/abc/one.log",
    }


def test_a_failed_setup_says_why() -> None:
    """The error that Lambda shows has outcome, code and reason in one line; the report is an attribute."""
    report = SetupReport(Outcome.FAILED, "command-failed", "one (exit status 3)", {})
    failed = SetupFailed(report)
    assert str(failed) == "failed: command-failed: one (exit status 3)"
    assert failed.report is report
