"""`studio-setup logs`: the last setup of somebody, as a person reads it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta

import pytest

from studio_setup.model.app import App
from studio_setup.model.report import CommandResult, CommandState
from studio_setup_cli import logs
from studio_setup_cli.main import main
from tests.support.fake_aws import FakeAws
from tests.support.fleet_lines import VERSION, Attempt, Fields
from tests.support.screen import Screen

ALICE = App("d-abcdefghijkl", "alice", "JupyterServer", "default")
TEAM = App("d-abcdefghijkl", "", "JupyterLab", "default", "team")
FIRST, SECOND = Attempt(ALICE, "first"), Attempt(ALICE, "second")
BEGUN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
LOG_PATH = "/tmp/studio-setup-1000/run-1/install.log"
RESULT = CommandResult("install", CommandState.EXITED, 3, 12.5, 120_000, 54_464, LOG_PATH)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An AWS with a stack and an empty log; nobody waits between two looks at it."""
    fake = FakeAws()
    fake.install(monkeypatch)
    monkeypatch.setattr(logs, "_LOOK_AGAIN_SECONDS", 0.0)
    return fake


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """What runs the command: exit status, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["logs", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def story(attempt: Attempt) -> Iterator[Fields]:
    """The lines of an attempt whose second command fails."""
    fetch = CommandResult("fetch", CommandState.EXITED, 0, 1.5, 6, 0, "/tmp/studio-setup-1000/run-1/fetch.log")
    yield attempt.started()
    yield attempt.line("app.waiting", status="Pending", waited_seconds=1.0)
    yield attempt.line("app.in_service", waited_seconds=31.2)
    yield attempt.line("login.done", host="studio.example.org", landing_uri="app", redirects=1)
    yield attempt.line("terminal.opened", terminal="studio-setup-1")
    yield attempt.line("run.claimed", run_id="run-1", resumed=False)
    yield attempt.line("command.started", command="fetch")
    yield attempt.line("command.output", command="fetch", text="hello\n")
    yield attempt.line("command.finished", command="fetch", result=fetch.as_fields())
    yield attempt.line("command.started", command="install")
    yield attempt.line("command.output", command="install", text="a\nb")
    yield attempt.line("command.output_left_out", command="install", left_out_bytes=54_464, log_path=LOG_PATH)
    yield attempt.line("command.output", command="install", text="z\n")
    yield attempt.line("command.finished", command="install", result=RESULT.as_fields())
    yield attempt.finished("command-failed", "install (exit status 3)")


def log(aws: FakeAws, lines: Iterator[Fields], begun: datetime = BEGUN) -> None:
    """Log these lines, one a second."""
    for second, fields in enumerate(lines):
        aws.add_line(begun + timedelta(seconds=second), fields)


def test_the_last_setup_is_told_as_it_happened(aws: FakeAws, run: Run) -> None:
    """When it began and ended, what was waited for, what each command printed, and how it ended."""
    log(aws, story(FIRST))
    code, out, err = run("--user-profile-name", "alice")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{BEGUN:%Y-%m-%d %H:%M:%S} UTC  {ALICE.label}: attempt first at setup {VERSION} begins (event)",
        "The app is in service.",
        "Logged in at studio.example.org.",
        "Opened terminal studio-setup-1.",
        "== fetch",
        "hello",
        "fetch: exited, exit status 0, 1.5 s, 6 bytes",
        "== install",
        "a",
        "b",
        f"[54464 bytes not shown; all of it is in the app: {LOG_PATH}]",
        "z",
        f"install: exited, exit status 3, 12.5 s, 120000 bytes, 54464 not shown: {LOG_PATH}",
        f"{BEGUN + timedelta(seconds=14):%Y-%m-%d %H:%M:%S} UTC  failed, command-failed: install (exit status 3)",
    ]


def test_a_space_has_a_log_too(aws: FakeAws, run: Run) -> None:
    """By its name, whoever logged in to it."""
    log(aws, story(Attempt(TEAM)))
    log(aws, story(FIRST))
    code, out, _ = run("--space-name", "team")
    assert (code, out.splitlines()[0].split()[3]) == (0, f"{TEAM.label}:")


def test_attempts_before_the_last_one_are_shown_with_all(aws: FakeAws, run: Run) -> None:
    """Oldest first; without, only the last one that did something."""
    log(aws, story(FIRST), BEGUN - timedelta(days=3))
    log(aws, story(SECOND))
    log(aws, iter([FIRST.started(), FIRST.finished("already-set-up")]), BEGUN + timedelta(minutes=5))
    count = [run("--user-profile-name", "alice", *more)[1].count(" begins (event)") for more in ([], ["--all"])]
    assert count == [1, 3]


def test_a_setup_that_has_not_ended_is_said_to_go_on(aws: FakeAws, run: Run) -> None:
    """Or to have been killed; its log does not tell which."""
    log(aws, iter([FIRST.started(), FIRST.line("command.started", command="fetch")]))
    assert run("--user-profile-name", "alice")[1].splitlines()[-1] == (
        "It has not ended: it still runs (--follow goes on here), or the function was killed."
    )


def test_the_output_of_one_command_is_that_and_nothing_else(aws: FakeAws, run: Run) -> None:
    """Ready to be piped on."""
    log(aws, story(FIRST))
    assert run("--user-profile-name", "alice", "--output-of", "install") == (0, "a\nb\nz\n", "")


def test_a_command_that_was_not_started_is_refused_with_those_that_were(aws: FakeAws, run: Run) -> None:
    """A typing error is not taken for a command that printed nothing."""
    log(aws, story(FIRST))
    assert run("--user-profile-name", "alice", "--output-of", "instal") == (
        2,
        "",
        "studio-setup: No command 'instal' was started; those that were: fetch, install.\n",
    )


def test_json_is_an_object_a_line(aws: FakeAws, run: Run) -> None:
    """Every line of the log with all its fields, and when it was logged."""
    log(aws, story(FIRST))
    lines = [json.loads(line) for line in run("--user-profile-name", "alice", "--json")[1].splitlines()]
    assert [line["message"] for line in lines] == [fields["message"] for fields in story(FIRST)]
    assert lines[0] == {"logged_at": BEGUN.isoformat(), **FIRST.started()}


def test_what_was_logged_is_made_printable(aws: FakeAws, run: Run) -> None:
    """Nothing in a log moves the reader's cursor; a field that is missing is shown as such."""
    line = FIRST.line("command.output", command="a", text="\x1b[2Jred\x07\n")
    log(aws, iter([FIRST.started(), line, FIRST.line("connection.lost"), FIRST.finished("succeeded")]))
    out = run("--user-profile-name", "alice")[1]
    assert out.splitlines()[1:3] == ["red", "Connection lost: ? Connecting again."]


def test_following_goes_on_until_the_setup_is_over(aws: FakeAws, run: Run) -> None:
    """What is there is shown, then what comes, each line once."""
    lines = story(FIRST)
    log(aws, iter([next(lines) for _ in range(8)]))
    moments = (BEGUN + timedelta(seconds=second) for second in range(8, 100))

    def on_call(operation: str) -> None:
        if operation == "FilterLogEvents" and len(aws.calls) > 2:
            for fields in itertools.islice(lines, 1):
                aws.add_line(next(moments), fields)

    aws.on_call = on_call
    code, out, _ = run("--user-profile-name", "alice", "--follow")
    assert code == 0
    assert [out.count(text) for text in (" begins ", "== fetch", "== install", "command-failed:")] == [1, 1, 1, 1]


def test_following_waits_for_the_next_setup_if_the_last_one_is_over(aws: FakeAws, run: Run) -> None:
    """Also if there has been none."""
    coming = iter([SECOND.started(), SECOND.finished("succeeded")])

    def on_call(operation: str) -> None:
        if operation == "FilterLogEvents" and aws.calls[-1][1]["startTime"] > (BEGUN.timestamp() + 60) * 1000:
            for fields in itertools.islice(coming, 1):
                aws.add_line(datetime.now(UTC), fields)

    aws.on_call = on_call
    out = run("--user-profile-name", "alice", "--follow")[1]
    assert [out.count(text) for text in ("attempt second", "UTC  succeeded\n")] == [1, 1]


def test_following_does_not_end_with_a_retry_that_was_over_before(aws: FakeAws, run: Run) -> None:
    """Lambda invokes a failed setup again, which reports the same; whoever follows now waits for the next setup."""
    log(aws, story(FIRST))
    retry = Attempt(ALICE, "retry")
    log(aws, iter([retry.started(), retry.finished("command-failed", repeated=True)]), BEGUN + timedelta(minutes=2))
    coming = iter([SECOND.started(), SECOND.finished("succeeded")])

    def on_call(operation: str) -> None:
        if operation == "FilterLogEvents" and aws.calls[-1][1]["startTime"] > (BEGUN.timestamp() + 600) * 1000:
            for fields in itertools.islice(coming, 1):
                aws.add_line(datetime.now(UTC), fields)

    aws.on_call = on_call
    out = run("--user-profile-name", "alice", "--follow")[1]
    assert [out.count(text) for text in ("attempt first", "attempt retry", "attempt second")] == [1, 0, 1]


def test_on_a_terminal_what_is_waited_for_does_not_stay(aws: FakeAws, run: Run) -> None:
    """The line below is erased before anything is written."""
    screen = Screen()
    log(aws, story(FIRST))
    with redirect_stdout(screen):
        run("--user-profile-name", "alice", "--output-of", "fetch")
    assert screen.text.replace("\r", "") == "hello\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Whose log is it? Give one --user-profile-name or one --space-name."),
        (["--user-profile-name", "alice", "--space-name", "team"], "Whose log is it?"),
        (["--user-profile-name", "alice", "--user-profile-name", "bob"], "Whose log is it?"),
        (["--user-profile-name", "a/b"], "'a/b' is not a valid user profile name"),
        (["--user-profile-name", "alice", "--output-of", "one", "--json"], "Give --output-of or --json, not both."),
        (["--user-profile-name", "alice", "--stack-name", "other"], "There is no stack 'other' in us-east-1"),
        (["--user-profile-name", "nobody"], "The log has no setup of --user-profile-name nobody."),
        (["--user-profile-name", "nobody", "--all"], "The log has no setup of --user-profile-name nobody."),
    ],
    ids=repr,
)
def test_bad_input_gets_one_sentence(aws: FakeAws, run: Run, arguments: list[str], message: str) -> None:
    """What cannot be right is named, with exit status 2 and nothing on standard output."""
    del aws
    code, out, err = run(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_a_missing_permission_is_named(aws: FakeAws, run: Run) -> None:
    """Whoever asks an administrator for it needs its name."""
    aws.refuse("FilterLogEvents", "AccessDeniedException")
    assert run("--user-profile-name", "alice")[2] == (
        "studio-setup: You may not call FilterLogEvents: it takes the permission logs:FilterLogEvents.\n"
    )
