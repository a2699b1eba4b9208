"""`studio-setup verify`, as far as it can be tested without a deployment: bad input, and which log lines count."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from studio_setup.fleet.function_log import LogLine
from studio_setup.model.app import App
from studio_setup_cli import verify
from studio_setup_cli.main import main
from studio_setup_cli.stack import Place
from tests.support.fake_account import Account

APP = App("d-abc", "alice", "JupyterServer", "default")
OTHER_APP = App("d-abc", "bob", "JupyterServer", "default")


def log(*batches: list[dict[str, Any]]) -> Callable[[], list[LogLine]]:
    """A log whose lines arrive in these batches."""
    arriving = iter(batches)
    return lambda: [LogLine(0, "", fields) for fields in next(arriving, [])]


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


def test_a_stack_that_is_not_there_is_named_with_its_region(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As with every other command: bad input, with the options that lead elsewhere. No app is started."""
    aws = Account()
    aws.install(monkeypatch)
    options = ["--domain-id", "d-abc", "--user-profile-name", "alice", "--stack-name", "other", "--region", "eu-west-1"]
    assert main(["verify", *options]) == 2
    assert "There is no stack 'other' in eu-west-1; give --stack-name, --region" in capsys.readouterr().err
    assert "CreateApp" not in aws.operations()


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

    def check(place: Place, app: App, _stream: object) -> dict[str, Any]:
        asked.append((place, app))
        return report

    monkeypatch.setattr(verify, "_check", check)
    options = ["--domain-id", "d-abc", "--user-profile-name", "alice", "--region", "eu-west-1", "--profile", "p"]
    assert main(["verify", *options, "--stack-name", "mine", "--json"]) == status
    said = capsys.readouterr()
    assert json.loads(said.out) == report
    assert "some-code" in said.err or "The app is set up." in said.err
    assert asked == [(Place("mine", "eu-west-1", "p"), APP)]


def starts_apps(aws: Account, *, fields: list[dict[str, Any]]) -> None:
    """Let apps be started, of which the function then logs these lines."""

    def create_app(_request: object) -> dict[str, Any]:
        for line in fields:
            aws.add_line(datetime.now(UTC), line)
        return {"AppArn": "arn:aws:sagemaker:us-east-1:111122223333:app/d-abc/alice/JupyterServer/default"}

    aws.says("DescribeApp", {"Status": "Deleted"})
    aws.others["CreateApp"] = create_app


OF_ALICE = ["--domain-id", "d-abc", "--user-profile-name", "alice"]


def test_only_what_is_logged_of_this_start_counts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An end that was logged just before is that of the start before; the log is asked for this app alone."""
    aws = Account()
    aws.install(monkeypatch)
    aws.add_line(datetime.now(UTC), {**finished("failed", "0"), "code": "command-failed", "reason": "old"})
    new = [started(APP, "1"), {**finished("succeeded", "1"), "code": "succeeded", "reason": ""}]
    starts_apps(aws, fields=[finished("failed", "2", OTHER_APP), *new])
    assert main(["verify", *OF_ALICE]) == 0
    out = capsys.readouterr().out
    assert "Account 111122223333, region us-east-1." in out
    assert "succeeded: succeeded" in out
    patterns = {params["filterPattern"] for operation, params in aws.calls if operation == "FilterLogEvents"}
    assert patterns == {f'{{ (($.app = "{APP.label}")) }}'}


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("FilterLogEvents", "logs:FilterLogEvents"),
        ("DescribeDomain", "sagemaker:DescribeDomain"),
        ("DescribeApp", "sagemaker:DescribeApp"),
        ("CreateApp", "sagemaker:CreateApp"),
    ],
)
def test_a_missing_permission_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], operation: str, permission: str
) -> None:
    """As with every other command: one sentence, exit status 2."""
    aws = Account()
    aws.install(monkeypatch)
    starts_apps(aws, fields=[])
    aws.refuse(operation, "AccessDeniedException")
    assert main(["verify", *OF_ALICE, "--json"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-1] == (
        f"studio-setup: You may not call {operation}: it takes the permission {permission}."
    )


def test_expired_credentials_are_said_to_be_expired(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signing in again is the remedy."""
    aws = Account()
    aws.install(monkeypatch)
    aws.refuse("GetCallerIdentity", "ExpiredToken")
    assert main(["verify", *OF_ALICE]) == 2
    assert "The AWS credentials have expired (ExpiredToken); sign in again." in capsys.readouterr().err
