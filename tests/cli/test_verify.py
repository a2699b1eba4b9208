"""`studio-setup verify`, as far as it can be tested without a deployment: bad input, and which log lines count."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from studio_setup.model.app import App
from studio_setup_cli import verify
from studio_setup_cli.main import main

APP = App("d-abc", "alice", "JupyterServer", "default")
OTHER_APP = App("d-abc", "bob", "JupyterServer", "default")


def log(*batches: list[dict[str, Any]]) -> Callable[[], list[dict[str, Any]]]:
    """A log whose lines arrive in these batches."""
    arriving = iter(batches)
    return lambda: next(arriving, [])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "_POLL_SECONDS", 0.01)


def started(app: App, request_id: str) -> dict[str, Any]:
    """The first line of an invocation."""
    return {"message": "setup.started", **app.as_dict(), "requestId": request_id}


def finished(outcome: str, request_id: str, app: App = APP) -> dict[str, Any]:
    """The last line of an invocation."""
    return {"message": "setup.finished", **app.as_dict(), "outcome": outcome, "requestId": request_id}


def output(text: str, request_id: str, app: App = APP) -> dict[str, Any]:
    """A line with a command's output."""
    return {"message": "command.output", **app.as_dict(), "command": "one", "text": text, "requestId": request_id}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--domain-id", "d-abc"], "Give --user-profile-name or --space-name"),
        (["--domain-id", "../d", "--user-profile-name", "alice"], "'../d' is not a valid domain id"),
        (["--domain-id", "d-abc", "--space-name", "a b"], "'a b' is not a valid space name"),
    ],
)
def test_bad_input_is_named(capsys: pytest.CaptureFixture[str], options: list[str], message: str) -> None:
    """What is missing or not valid is named, with exit status 2."""
    assert main(["verify", *options]) == 2
    assert message in capsys.readouterr().err


def test_only_the_lines_of_this_app_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """Other apps that are set up meanwhile do not appear, and their outcome does not count."""
    lines = log(
        [started(OTHER_APP, "2"), output("theirs", "2", OTHER_APP), finished("failed", "2", OTHER_APP)],
        [started(APP, "1"), output("ours", "1"), {"type": "platform.report"}],
        [finished("succeeded", "1")],
    )
    assert verify._follow_setup(lines, APP, sys.stdout)["outcome"] == "succeeded"
    shown = capsys.readouterr().out
    assert "ours" in shown
    assert "theirs" not in shown


@pytest.mark.parametrize("outcome", ["unfinished", "unreachable"])
def test_an_outcome_that_lambda_retries_is_not_the_end(outcome: str) -> None:
    """The retry's outcome is the one that counts."""
    lines = log([started(APP, "1"), finished(outcome, "1")], [started(APP, "1"), finished("succeeded", "1")])
    assert verify._follow_setup(lines, APP, sys.stdout)["outcome"] == "succeeded"


def test_a_silent_log_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """A log without a line about the app ends the check, even if it has lines about others."""
    monkeypatch.setattr(verify, "_SILENCE_SECONDS", 0.2)
    with pytest.raises(verify.CheckFailed, match="logged nothing about d-abc/alice/JupyterServer/default"):
        verify._follow_setup(log([started(OTHER_APP, "2")]), APP, sys.stdout)


@pytest.mark.parametrize(("outcome", "status"), [("succeeded", 0), ("failed", 1)])
def test_the_report_is_one_json_object(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, outcome: str, status: int
) -> None:
    """With --json it stands alone on standard output; the AWS access that is asked for is used."""
    report = {**finished(outcome, "1"), "code": "some-code", "reason": ""}
    asked: list[object] = []

    def check(_session: object, app: App, stack_name: str, _stream: object) -> dict[str, Any]:
        asked.append((app, stack_name))
        return report

    monkeypatch.setattr(verify, "aws_session", lambda *access: asked.append(access))
    monkeypatch.setattr(verify, "_check", check)
    options = ["--domain-id", "d-abc", "--user-profile-name", "alice", "--region", "eu-west-1", "--profile", "p"]
    assert main(["verify", *options, "--stack-name", "mine", "--json"]) == status
    said = capsys.readouterr()
    assert json.loads(said.out) == report
    assert "some-code" in said.err or "The app is set up." in said.err
    assert asked == [("eu-west-1", "p"), (APP, "mine")]
