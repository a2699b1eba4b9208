"""`studio-setup setup`: which apps it sets up, what it asks and says, and with which exit status it ends."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from studio_setup.model.app import App
from studio_setup_cli.main import main
from tests.support.fake_aws import FakeAws, described
from tests.support.fleet_lines import OTHER_VERSION, VERSION, Attempt

DOMAIN = "d-abcdefghijkl"
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
AN_HOUR_AGO = NOW - timedelta(hours=1)
YESTERDAY = NOW - timedelta(days=1)
LAST_WEEK = NOW - timedelta(days=7)
Run = Callable[..., tuple[int, str, str]]


def user(name: str, app_type: str = "JupyterServer") -> App:
    """A user's app."""
    return App(DOMAIN, name, app_type, "default")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An AWS with a stack and an empty fleet."""
    fake = FakeAws()
    fake.install(monkeypatch)
    return fake


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """What runs the command, with what somebody types at the terminal, if there is one."""

    def run(*arguments: str, typed: str | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", Keyboard(typed) if typed is not None else io.StringIO())
        code = main(["setup", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


class Keyboard(io.StringIO):
    """What somebody types at a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def add(aws: FakeAws, app: App, code: str = "", version: str = VERSION) -> None:
    """Let an app run since yesterday, whose setup ended so an hour ago; without a code, it has never begun."""
    aws.add_app(app, YESTERDAY)
    if code:
        aws.add_line(AN_HOUR_AGO, Attempt(app, f"attempt-{len(aws.log)}", version).finished(code, "Why."))


def add_fleet(aws: FakeAws) -> None:
    """Two apps that were never set up, and one each that succeeded, failed, and is outdated."""
    add(aws, user("alice"))
    add(aws, user("bob"))
    add(aws, user("carol"), "succeeded")
    add(aws, user("dave"), "command-failed")
    add(aws, user("erin"), "succeeded", OTHER_VERSION)


def requests(aws: FakeAws) -> list[dict[str, Any]]:
    """What the function was asked to set up."""
    asked = [json.loads(params["Payload"]) for operation, params in aws.calls if operation == "Invoke"]
    return [request["detail"] for request in asked if request["detail-type"] == "Set Up App"]


def set_up(aws: FakeAws) -> list[str]:
    """Whose apps were set up."""
    return sorted(request["app"]["user_profile_name"] for request in requests(aws))


def answer(aws: FakeAws, **codes: str) -> None:
    """Let setups end so, user by user; all others succeed."""

    def answered(request: dict[str, Any]) -> object:
        app = App(**request["detail"]["app"])
        line = Attempt(app).finished(codes.get(app.user_profile_name, "succeeded"), "Because.")
        return {**line, "app_created_at": YESTERDAY.isoformat()}

    aws.set_up = answered


def test_what_is_not_set_up_is_set_up_through_the_function(aws: FakeAws, run: Run) -> None:
    """And `status` says so afterwards; the apps that need nothing are left alone."""
    add_fleet(aws)
    code, out, err = run("--yes")
    assert (code, out) == (0, "2 apps: 2 succeeded.\n")
    assert set_up(aws) == ["alice", "bob"]
    assert not any(request["force"] for request in requests(aws))
    assert "[2/2]" in err
    assert f"{user('alice').label}: begun" in err
    assert f"{user('alice').label}: succeeded, 0 s" in err
    assert main(["status", "--fail-on", "not-set-up"]) == 0
    code, out, _ = run("--yes")
    assert (code, out.splitlines()[-1]) == (0, "Nothing to do: no app is not-set-up.")


@pytest.mark.parametrize(
    ("only", "users"),
    [("failed", ["dave"]), ("outdated", ["erin"]), ("not-set-up,failed,outdated", ["alice", "bob", "dave", "erin"])],
)
def test_states_say_which_apps_are_meant(aws: FakeAws, run: Run, only: str, users: list[str]) -> None:
    """Those of `status`; with --force the setup is run again."""
    add_fleet(aws)
    assert run("--only", only, "--force", "--yes")[0] == 0
    assert set_up(aws) == users
    assert all(request["force"] for request in requests(aws))


@pytest.mark.parametrize("code", ["already-set-up", "claimed-by-other-setup"])
def test_app_starts_that_have_had_a_setup_are_said_to_take_force(aws: FakeAws, run: Run, code: str) -> None:
    """Without it nothing is run in them, which is easily overlooked."""
    add_fleet(aws)
    answer(aws, erin=code)
    hint = "App starts that have had a setup, which only --force runs again: 1."
    assert run("--only", "outdated")[2].splitlines()[-1] == hint
    assert hint not in run("--only", "outdated", "--force")[2]
    answer(aws)
    assert "--force" not in run("--only", "not-set-up", "--yes")[2]


def test_users_narrow(aws: FakeAws, run: Run) -> None:
    """One app is set up without a question."""
    add_fleet(aws)
    assert run("--user-profile-name", "alice")[:2] == (0, "1 app: 1 succeeded.\n")
    assert set_up(aws) == ["alice"]


def test_a_dry_run_says_exactly_what_would_be_done(aws: FakeAws, run: Run, tmp_path: Path) -> None:
    """The setup with its version, its commands and their limits, and its apps with their states; nothing is touched."""
    add_fleet(aws)
    results = tmp_path / "results.jsonl"
    code, out, err = run("--only", "not-set-up,failed", "--dry-run", "--results", str(results))
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"Setup {VERSION}:",
        "  command one, at most 60 s",
        f"  {user('dave').label}  failed",
        f"  {user('alice').label}  not-set-up",
        f"  {user('bob').label}  not-set-up",
    ]
    assert set_up(aws) == []
    assert not results.exists()


def test_a_dry_run_has_every_distinct_setup(aws: FakeAws, run: Run) -> None:
    """With --json too, each with its apps."""

    def by_user(request: dict[str, Any]) -> dict[str, Any]:
        found = described(request)
        for setup in found["setups"]:
            if "/bob/" in setup["app"]:
                setup["setup_version"] = OTHER_VERSION
        return found

    add_fleet(aws)
    aws.describe = by_user
    plan = json.loads(run("--dry-run", "--json")[1])
    assert [(one["setup_version"], [app["app"] for app in one["apps"]]) for one in plan["setups"]] == [
        (VERSION, [user("alice").label]),
        (OTHER_VERSION, [user("bob").label]),
    ]
    assert plan["setups"][0]["commands"] == [{"name": "one", "timeout_seconds": 60}]
    assert set_up(aws) == []


@pytest.mark.parametrize(
    ("typed", "exit_status", "users"), [("y\n", 0, ["alice", "bob"]), ("n\n", 1, []), ("\n", 1, [])]
)
def test_it_asks_before_it_touches_more_than_one_app(
    aws: FakeAws, run: Run, typed: str, exit_status: int, users: list[str]
) -> None:
    """Having shown what it would do."""
    add_fleet(aws)
    code, _, err = run(typed=typed)
    assert (code, set_up(aws)) == (exit_status, users)
    assert "command one, at most 60 s" in err
    assert "Set up 2 apps? [y/N]" in err


def test_where_there_is_nobody_to_ask_it_takes_yes(aws: FakeAws, run: Run) -> None:
    """Nothing is done."""
    add_fleet(aws)
    code, out, err = run()
    assert (code, out, set_up(aws)) == (2, "", [])
    assert err.endswith("2 apps would be set up, and there is no terminal to ask at: give --yes.\n")


def test_after_an_error_no_other_app_is_begun(aws: FakeAws, run: Run) -> None:
    """It ends with 6, and says how many apps are left."""
    add_fleet(aws)
    answer(aws, alice="command-failed")
    code, out, err = run("--yes", "--max-concurrency", "1")
    assert (code, out) == (6, "2 apps: 1 failed, 1 not begun because of --max-errors.\n")
    assert set_up(aws) == ["alice"]
    assert f"{user('alice').label}: failed, command-failed, 0 s: Because." in err


def test_errors_that_are_allowed_stop_nothing(aws: FakeAws, run: Run) -> None:
    """It ends with 1 all the same."""
    add_fleet(aws)
    answer(aws, alice="command-failed")
    assert run("--yes", "--max-errors", "1")[0] == 1
    assert set_up(aws) == ["alice", "bob"]


def test_an_app_that_is_gone_is_no_error(aws: FakeAws, run: Run) -> None:
    """It was deleted after the look; nothing is left to be set up."""
    add_fleet(aws)
    answer(aws, alice="app-deleted")
    assert run("--yes", "--max-concurrency", "1")[:2] == (0, "2 apps: 1 app_gone, 1 succeeded.\n")


def test_results_are_appended_as_they_come(aws: FakeAws, run: Run, tmp_path: Path) -> None:
    """A report for each app on a line of its own, also of one without a report; what was there before stays."""

    def answered(request: dict[str, Any]) -> object:
        app = App(**request["detail"]["app"])
        if app.user_profile_name == "bob":
            assert user("alice").label in results.read_text()
            return {"errorType": "Runtime.ExitError", "errorMessage": "exited"}
        return Attempt(app).finished("succeeded")

    results = tmp_path / "results.jsonl"
    results.write_text('{"app": "before"}\n')
    add_fleet(aws)
    aws.set_up = answered
    assert run("--yes", "--max-concurrency", "1", "--results", str(results))[0] == 1
    before, alice, bob = map(json.loads, results.read_text().splitlines())
    assert before == {"app": "before"}
    assert (alice["app"], alice["outcome"], alice["setup_version"]) == (user("alice").label, "succeeded", VERSION)
    assert (bob["app"], bob["outcome"]) == (user("bob").label, None)
    assert bob["reason"] == "The function failed: Runtime.ExitError: exited"


def test_json_is_one_object(aws: FakeAws, run: Run) -> None:
    """Every report, how many there are of each outcome, and the apps that were not begun."""
    add_fleet(aws)
    answer(aws, alice="command-failed")
    code, out, _ = run("--yes", "--json", "--max-concurrency", "1")
    said = json.loads(out)
    assert (code, out.count("\n")) == (6, 1)
    assert [result["app"] for result in said["results"]] == [user("alice").label]
    assert (said["outcomes"], said["not_begun"]) == ({"failed": 1}, [user("bob").label])


def failed_event(name: str, called_at: datetime = YESTERDAY) -> dict[str, Any]:
    """The event of a user's app that was started then."""
    names = {"domainId": DOMAIN, "userProfileName": name, "appType": "JupyterServer", "appName": "default"}
    call = {"eventSource": "sagemaker.amazonaws.com", "eventName": "CreateApp", "requestParameters": names}
    call["eventTime"] = f"{called_at:%Y-%m-%dT%H:%M:%SZ}"
    return {"source": "aws.sagemaker", "detail-type": "AWS API Call via CloudTrail", "detail": call}


def add_failures(aws: FakeAws) -> None:
    """Two apps that failed, with messages about both, an earlier start and others in the failure queue."""
    for name in ("alice", "bob"):
        add(aws, user(name), "command-failed")
    error = {"errorMessage": "failed: command-failed: one"}
    aws.add_failure({"requestPayload": failed_event("alice"), "responsePayload": error})
    aws.add_failure({"requestPayload": failed_event("bob"), "responsePayload": error})
    aws.add_failure(failed_event("alice"), ERROR_CODE="THROTTLING")
    aws.add_failure("nonsense")
    aws.add_failure({"requestPayload": failed_event("alice", LAST_WEEK), "responsePayload": error})
    answer(aws, bob="command-failed")


REDRIVE = ["--only", "failed", "--force", "--max-errors", "9"]


def test_the_messages_of_app_starts_that_are_set_up_now_are_deleted(aws: FakeAws, run: Run) -> None:
    """Each is shown with its app, its time and its error; those of other apps and of earlier starts stay."""
    add_failures(aws)
    code, _, err = run(*REDRIVE, "--yes")
    clock = "%Y-%m-%d %H:%M:%S UTC"
    assert code == 1
    assert [message["MessageId"] for message in aws.queue] == ["message-1", "message-3", "message-4"]
    assert [line for line in err.splitlines() if "ailure queue" in line] == [
        f"Failure queue, settled: {user('alice').label}, started {YESTERDAY:{clock}}: failed: command-failed: one",
        f"Failure queue, kept: {user('bob').label}, started {YESTERDAY:{clock}}: failed: command-failed: one",
        f"Failure queue, settled: {user('alice').label}, started {YESTERDAY:{clock}}: THROTTLING",
        "Failure queue, kept: of no app: no reason given",
        f"Failure queue, kept: {user('alice').label}, started {LAST_WEEK:{clock}}: failed: command-failed: one",
        "Deleted from the failure queue: 2 of 5 messages.",
    ]


@pytest.mark.parametrize(("typed", "left"), [("y\ny\n", 3), ("y\nn\n", 5)])
def test_somebody_at_a_terminal_is_asked_about_the_messages(aws: FakeAws, run: Run, typed: str, left: int) -> None:
    """Without their word nothing is deleted."""
    add_failures(aws)
    _, _, err = run(*REDRIVE, typed=typed)
    assert "Delete the 2 settled from the failure queue? [y/N]" in err
    assert len(aws.queue) == left


@pytest.mark.parametrize(
    "arguments", [["--only", "failed", "--max-errors", "9", "--yes"], ["--only", "not-set-up", "--force", "--yes"]]
)
def test_only_a_redrive_looks_into_the_failure_queue(aws: FakeAws, run: Run, arguments: list[str]) -> None:
    """Others need no permission for it."""
    add_failures(aws)
    run(*arguments)
    assert "ReceiveMessage" not in aws.operations()


def test_a_queue_that_may_not_be_read_takes_a_permission(aws: FakeAws, run: Run) -> None:
    """It is named; what was set up is set up, and was said before. An app that failed decides the exit status."""
    add_failures(aws)
    aws.refuse("ReceiveMessage", "AccessDenied")
    code, out, err = run(*REDRIVE, "--yes", "--max-concurrency", "1")
    assert (code, out) == (1, "2 apps: 1 succeeded, 1 failed.\n")
    assert f"{user('alice').label}: succeeded" in err
    assert err.splitlines()[-1].endswith("it takes the permission sqs:ReceiveMessage.")
    code, out, err = run(*REDRIVE, "--yes", "--user-profile-name", "alice", "--json")
    assert (code, json.loads(out)["outcomes"]) == (2, {"succeeded": 1})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "broken"], "'broken' is not a state; choose from failed"),
        (["--only", ""], "--only names no state."),
        (["--max-concurrency", "0"], "0 is not in the range"),
        (["--max-concurrency", "101"], "101 is not in the range"),
        (["--max-errors", "-1"], "-1 is not in the range"),
        (["--max-errors", "many"], "'many' is not a valid integer"),
        (["--domain-id", "D-1"], "'D-1' is not a valid domain id"),
        (["--stack-name", "other"], "There is no stack 'other' in us-east-1"),
        (["--region", "no region!"], "The AWS configuration is not usable"),
        (["--user-profile-name", "nobody"], "No running app is selected by --user-profile-name nobody."),
        (["--yes", "--results", "/no/such/folder/r.jsonl"], "cannot be written to '/no/such/folder/r.jsonl': No such"),
        (["--yes", "--results", "/"], "The results cannot be written to '/': Is a directory."),
    ],
    ids=repr,
)
def test_bad_input_is_refused_before_anything_is_set_up(
    aws: FakeAws, run: Run, arguments: list[str], message: str
) -> None:
    """The invalid value is named, and the exit status is 2."""
    add_fleet(aws)
    code, out, err = run(*arguments)
    assert (code, out, set_up(aws)) == (2, "", [])
    assert message in " ".join(err.split())
    assert "Traceback" not in err


def test_a_function_that_does_not_know_the_request_sets_nothing_up(aws: FakeAws, run: Run) -> None:
    """An older version would take it for somebody else's event."""
    add_fleet(aws)
    aws.describe = lambda _request: {"outcome": "skipped", "code": "not-an-event"}
    code, _, err = run("--yes")
    assert (code, set_up(aws)) == (2, [])
    assert "is of a version that does not describe its setup; deploy this one." in err


def test_interrupted_it_ends_at_once_and_keeps_what_it_has(aws: FakeAws, run: Run, tmp_path: Path) -> None:
    """The results so far are in the file; the next call begins with what is not set up then."""

    def answered(request: dict[str, Any]) -> object:
        if request["detail"]["app"]["user_profile_name"] == "bob":
            raise KeyboardInterrupt
        return succeeded(request)

    succeeded = aws._set_up
    results = tmp_path / "results.jsonl"
    add_fleet(aws)
    aws.set_up = answered
    code, _, err = run("--yes", "--max-concurrency", "1", "--results", str(results))
    assert (code, err.splitlines()[-1]) == (130, "studio-setup: interrupted.")
    assert [json.loads(line)["app"] for line in results.read_text().splitlines()] == [user("alice").label]
    aws.set_up = None
    assert run("--yes")[:2] == (0, "1 app: 1 succeeded.\n")
    assert set_up(aws) == ["alice", "bob", "bob"]
