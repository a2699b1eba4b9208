"""The report of a setup and the results of its commands."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from studio_setup.model.app import App
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import (
    MAX_LOG_PATH_CHARACTERS,
    CommandResult,
    CommandState,
    SetupFailed,
    SetupReport,
    Trigger,
)

APP = App("d-abc", "alice", "JupyterServer", "default")
REPORT = SetupReport(Outcome.SUCCEEDED, "succeeded", "", APP, "version", Trigger.OPERATOR, "attempt")
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
        Outcome.TIMED_OUT,
        "command-timed-out",
        "one",
        APP,
        "version",
        Trigger.EVENT,
        "attempt",
        run_id="run",
        commands=(RESULT,),
    )
    fields = report.as_dict()
    assert json.loads(json.dumps(fields)) == fields
    assert fields == {
        "schema_version": 1,
        "outcome": "timed_out",
        "code": "command-timed-out",
        "reason": "one",
        "app": "d-abc/alice/JupyterServer/default",
        "domain_id": "d-abc",
        "user_profile_name": "alice",
        "space_name": "",
        "app_type": "JupyterServer",
        "app_name": "default",
        "app_created_at": "",
        "setup_version": "version",
        "trigger": "event",
        "attempt": "attempt",
        "run_id": "run",
        "resumed": False,
        "repeated": False,
        "seconds": 0.0,
        "commands": [RESULT.as_fields()],
        "commands_left_out": 0,
    }


@pytest.mark.parametrize(("count", "left_out"), [(0, 0), (1, 0), (99, 0), (100, 0), (101, 1), (1000, 900)])
def test_of_very_many_commands_the_first_and_the_last_ones_are_reported(count: int, left_out: int) -> None:
    """A hundred at most, in their order; the others are counted."""
    results = tuple(replace(RESULT, name=f"c{number}") for number in range(count))
    fields = replace(REPORT, commands=results).as_dict()
    names = [command["name"] for command in fields["commands"]]
    expected = [result.name for result in results]
    assert names == (expected[:50] + expected[-50:] if left_out else expected)
    assert fields["commands_left_out"] == left_out
    assert len(replace(REPORT, commands=results).commands) == count


def test_a_report_is_smaller_than_what_a_destination_takes() -> None:
    """However many commands there are, and whatever they and the reason say: 256 KiB, with every character escaped."""
    largest = replace(
        RESULT,
        name="n" * 63,
        state=CommandState.TIMED_OUT,
        exit_status=255,
        seconds=1234567.89,
        output_bytes=10**18,
        left_out_bytes=10**18,
        log_path="\u2603" * MAX_LOG_PATH_CHARACTERS,
    )
    app = App("d-" + "0" * 61, "a" * 63, "J" * 40, "b" * 63, "c" * 63)
    report = SetupReport(
        Outcome.TIMED_OUT,
        "c" * 40,
        "\u2603" * 10_000,
        app,
        "v" * 16,
        Trigger.RECONCILE,
        "a" * 12,
        "t" * 40,
        "r" * 64,
        commands=(largest,) * 1000,
    )
    assert len(json.dumps(report.as_dict())) < 250 * 1024
    assert len(str(SetupFailed(report))) < 5000


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
    report = replace(REPORT, outcome=Outcome.FAILED, code="command-failed", reason="one (exit status 3)")
    failed = SetupFailed(report)
    assert str(failed) == "failed: command-failed: one (exit status 3)"
    assert failed.report is report


HOSTILE = "</pre></td></details><script>alert('x')</script><img src=x onerror=\"alert(1)\">"


def test_a_notebook_shows_a_report_with_its_commands_folded_in() -> None:
    """App, outcome, code and time are shown, then reason and commands; it is open only if it failed."""
    html = replace(REPORT, seconds=9.5, commands=(RESULT,))._repr_html_()
    assert html.startswith(f"<details><summary>{APP.label}: succeeded, succeeded, 9.5 s</summary><p></p><table>")
    assert "<td>one</td><td>exited</td><td>0</td><td>1.5</td><td>100000</td>" in html
    failed = replace(REPORT, outcome=Outcome.UNREACHABLE, code="login-refused", reason="Nobody is in.")
    assert failed._repr_html_() == (
        f"<details open><summary>{APP.label}: unreachable, login-refused, 0.0 s</summary><p>Nobody is in.</p></details>"
    )


def test_nothing_in_a_report_is_markup_for_a_notebook() -> None:
    """What comes from the app, its reason and the path of a log, is escaped."""
    command = replace(RESULT, log_path=HOSTILE, exit_status=None, seconds=None)
    html = replace(REPORT, reason=HOSTILE, code=HOSTILE, commands=(command,))._repr_html_()
    assert html.count("&lt;script&gt;") == 3
    assert "<script" not in html
    assert "<img" not in html
    assert "<td></td><td></td>" in html


def test_a_notebook_is_not_flooded_by_a_report() -> None:
    """Of very many commands, and of what is long, only so much is shown."""
    commands = tuple(replace(RESULT, name=f"c{number}", log_path="'" * 10_000) for number in range(1000))
    html = replace(REPORT, reason="'" * 100_000, commands=commands)._repr_html_()
    assert len(html) < 1024 * 1024
    assert "<p>900 more commands</p>" in html
