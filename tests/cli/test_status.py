"""`studio-setup status`: what it shows of a fleet, how it is shown, and with which exit status it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta

import pytest

from studio_setup.fleet.status import State
from studio_setup.model.app import App
from studio_setup_cli import status, status_table
from studio_setup_cli.main import main
from tests.support.fake_aws import FakeAws, described
from tests.support.fleet_lines import OTHER_VERSION, VERSION, Attempt
from tests.support.screen import Screen
from tests.support.waiting import wait_until

DOMAIN = "d-abcdefghijkl"
NOW = datetime.now(UTC).replace(second=0, microsecond=0)
AN_HOUR_AGO = NOW - timedelta(hours=1)
YESTERDAY = NOW - timedelta(days=1)
TEAM = App(DOMAIN, "", "JupyterServer", "default", "team")


def user(name: str, app_type: str = "JupyterServer", app_name: str = "default", domain_id: str = DOMAIN) -> App:
    """A user's app."""
    return App(domain_id, name, app_type, app_name)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An AWS with a stack and an empty fleet; nobody waits between two looks at it."""
    fake = FakeAws()
    fake.install(monkeypatch)
    monkeypatch.setattr(status, "_LOOK_AGAIN_SECONDS", 0.0)
    return fake


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """What runs the command: exit status, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(["status", *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


Run = Callable[..., tuple[int, str, str]]


def add(aws: FakeAws, app: App, code: str = "", reason: str = "", version: str = VERSION) -> None:
    """Let an app run since yesterday, whose setup ended so an hour ago; without a code, it has never begun."""
    aws.add_app(app, YESTERDAY)
    if code:
        aws.add_line(AN_HOUR_AGO, Attempt(app, f"attempt-{len(aws.log)}", version).finished(code, reason))


def add_one_of_each_state(aws: FakeAws) -> None:
    """A fleet in which each state is there once."""
    add(aws, user("alice"), "succeeded")
    add(aws, user("bob"), "command-failed", "one (exit status 3)")
    add(aws, user("carol"), "command-timed-out", "two (timed out)")
    add(aws, user("dave"), "succeeded", version=OTHER_VERSION)
    add(aws, user("erin"))
    add(aws, user("frank"), "out-of-time", "The time is up.")
    add(aws, user("grace"), "login-refused", "The URL has expired.")
    add(aws, TEAM, "space-without-owner", "Space team has no owner.")
    aws.add_app(user("heidi"), YESTERDAY)
    aws.add_line(NOW - timedelta(minutes=1), Attempt(user("heidi"), "running").started())


def test_piped_it_is_a_table_of_aligned_text(aws: FakeAws, run: Run) -> None:
    """A heading, a line for each app, those that need somebody first, and a summary; no colour, nothing on stderr."""
    add_one_of_each_state(aws)
    _, out, err = run()
    since = f"{AN_HOUR_AGO:%Y-%m-%d %H:%M}"
    yesterday, just_now = f"{YESTERDAY:%Y-%m-%d %H:%M}", f"{NOW - timedelta(minutes=1):%Y-%m-%d %H:%M}"
    assert err == ""
    *table, summary = out.splitlines()
    assert table == [
        "USER OR SPACE  TYPE           STATE        CODE                 SINCE (UTC)       VERSION           REASON",
        f"bob            JupyterServer  failed       command-failed       {since}  {VERSION}  one (exit status 3)",
        f"carol          JupyterServer  timed-out    command-timed-out    {since}  {VERSION}  two (timed out)",
        f"grace          JupyterServer  unreachable  login-refused        {since}  {VERSION}  The URL has expired.",
        f"frank          JupyterServer  unfinished   out-of-time          {since}  {VERSION}  The time is up.",
        f"erin           JupyterServer  not-set-up   -                    {yesterday}  -                 -",
        f"heidi          JupyterServer  running      -                    {just_now}  {VERSION}  -",
        f"dave           JupyterServer  outdated     succeeded            {since}  {OTHER_VERSION}  -",
        f"alice          JupyterServer  succeeded    succeeded            {since}  {VERSION}  -",
        f"team (space)   JupyterServer  excluded     space-without-owner  {since}  {'-':16}  Space team has no owner.",
    ]
    assert summary == (
        "9 running apps: 1 failed, 1 timed-out, 1 unreachable, 1 unfinished, 1 not-set-up, 1 running, 1 outdated,"
        " 1 succeeded, 1 excluded."
    )


def test_apps_of_several_domains_are_shown_with_their_domains(aws: FakeAws, run: Run) -> None:
    """And an app of a name of its own with that name."""
    add(aws, user("alice"), "succeeded")
    add(aws, user("alice", app_name="second", domain_id="d-other"), "succeeded")
    _, out, _ = run()
    assert re.findall(r"^\S+ +\S+", out, re.MULTILINE)[1:3] == [
        "d-abcdefghijkl/alice  JupyterServer",
        "d-other/alice         JupyterServer/second",
    ]


def test_json_is_one_object(aws: FakeAws, run: Run) -> None:
    """Every app with all that is known of it, and how many there are of each state."""
    add(aws, user("bob"), "command-failed", "one")
    add(aws, user("alice"), "succeeded")
    code, out, err = run("--json", "--only", "failed")
    answer = json.loads(out)
    assert (code, err, out.count("\n")) == (1, "", 1)
    assert answer["states"] == {"failed": 1, "succeeded": 1}
    assert [(app["app"], app["state"], app["code"]) for app in answer["apps"]] == [
        ("d-abcdefghijkl/bob/JupyterServer/default", "failed", "command-failed")
    ]


def test_an_empty_fleet_is_no_failure(aws: FakeAws, run: Run) -> None:
    """At night nobody works."""
    del aws
    assert run() == (0, "0 running apps.\n", "")
    assert json.loads(run("--json")[1]) == {"apps": [], "states": {}}


def test_only_shows_the_states_that_are_named(aws: FakeAws, run: Run) -> None:
    """The summary is of all apps."""
    add_one_of_each_state(aws)
    _, out, _ = run("--only", "failed,outdated")
    assert [line.split()[0] for line in out.splitlines()] == ["USER", "bob", "dave", "9"]


def test_if_none_is_in_the_states_that_are_named_there_is_no_table(aws: FakeAws, run: Run) -> None:
    """The summary alone says what there is instead."""
    add(aws, user("alice"), "succeeded")
    assert run("--only", "failed")[:2] == (0, "1 running app: 1 succeeded.\n")


@pytest.mark.parametrize(
    ("code", "exit_status"),
    [
        ("succeeded", 0),
        ("command-failed", 1),
        ("command-timed-out", 1),
        ("login-refused", 1),
        ("out-of-time", 0),
        ("sso-domain", 0),
        ("", 1),
    ],
)
def test_the_exit_status_says_whether_an_app_needs_somebody(
    aws: FakeAws, run: Run, code: str, exit_status: int
) -> None:
    """It failed, timed out, was out of reach, or has not been set up for over an hour."""
    add(aws, user("alice"), "succeeded")
    add(aws, user("bob"), code)
    assert run()[0] == exit_status


def test_an_app_that_has_just_started_is_no_failure(aws: FakeAws, run: Run) -> None:
    """Its event is on the way."""
    aws.add_app(user("alice"), NOW - timedelta(minutes=5), "Pending")
    assert run()[0] == 0


@pytest.mark.parametrize(
    ("fail_on", "exit_status"), [("outdated", 1), ("failed", 0), ("failed, outdated", 1), ("", 0), ("not-set-up", 1)]
)
def test_which_states_are_failures_can_be_said(aws: FakeAws, run: Run, fail_on: str, exit_status: int) -> None:
    """Also those of apps that are not shown, and of an app that has just started."""
    add(aws, user("alice"), "succeeded", version=OTHER_VERSION)
    aws.add_app(user("bob"), NOW)
    assert run("--fail-on", fail_on, "--only", "succeeded")[0] == exit_status


def test_users_and_spaces_narrow(aws: FakeAws, run: Run) -> None:
    """Only the selected apps are shown, and only their lines are asked for."""
    add_one_of_each_state(aws)
    _, out, _ = run("--user-profile-name", "alice", "--user-profile-name", "bob", "--space-name", "team")
    assert [line.split()[0] for line in out.splitlines()[1:-1]] == ["bob", "alice", "team"]


def test_what_is_not_known_of_the_deployed_setup_is_said(aws: FakeAws, run: Run) -> None:
    """Without it no app can be outdated; the rest is shown as ever."""
    add(aws, user("alice"), "succeeded", version=OTHER_VERSION)
    aws.describe = lambda _request: {"outcome": "skipped", "code": "not-an-event"}
    code, out, err = run()
    assert (code, out.splitlines()[-1]) == (0, "1 running app: 1 succeeded.")
    assert err == (
        "studio-setup: The function studio-setup is of a version that does not describe its setup; deploy this one."
        " No app is shown as outdated.\n"
    )


def test_every_app_is_compared_with_its_own_setup(aws: FakeAws, run: Run) -> None:
    """The setup may depend on the user: what is outdated for one is right for another."""

    def by_user(request: dict[str, object]) -> dict[str, object]:
        answer = described(request)
        answer["setups"][0]["setup_version"] = OTHER_VERSION
        return answer

    add(aws, user("alice"), "succeeded", version=OTHER_VERSION)
    add(aws, user("bob"), "succeeded")
    aws.describe = by_user
    assert run()[1].splitlines()[-1] == "2 running apps: 2 succeeded."


def refused(run: Run, *arguments: str) -> str:
    """The one sentence that is said of what cannot be."""
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert err.count("\n") == 1
    return err


def test_an_unknown_stack_is_named_with_its_region(aws: FakeAws, run: Run) -> None:
    """And with the options that lead elsewhere."""
    del aws
    assert refused(run, "--stack-name", "other") == (
        "studio-setup: There is no stack 'other' in us-east-1; give --stack-name, --region or --profile.\n"
    )


def test_a_region_without_the_stack_is_named(aws: FakeAws, run: Run) -> None:
    """The region of the option counts, not that of the shell."""
    aws.stacks.clear()
    assert "There is no stack 'studio-setup' in eu-west-1;" in refused(run, "--region", "eu-west-1")


def test_a_stack_of_something_else_is_not_taken_for_one_of_ours(aws: FakeAws, run: Run) -> None:
    """Its outputs are others."""
    aws.stacks["website"] = {"BucketName": "pages"}
    said = refused(run, "--stack-name", "website")
    assert "The stack 'website' in us-east-1 has no output FunctionName: it is not one of Studio Setup" in said
    assert "CREATE_COMPLETE" in said


@pytest.mark.parametrize(
    ("operation", "permission"),
    [
        ("DescribeStacks", "cloudformation:DescribeStacks"),
        ("ListApps", "sagemaker:ListApps"),
        ("FilterLogEvents", "logs:FilterLogEvents"),
    ],
)
@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException"])
def test_a_missing_permission_is_named(aws: FakeAws, run: Run, operation: str, permission: str, code: str) -> None:
    """Whoever asks an administrator for it needs its name."""
    add(aws, user("alice"), "succeeded")
    aws.refuse(operation, code)
    assert refused(run) == (f"studio-setup: You may not call {operation}: it takes the permission {permission}.\n")


def test_expired_credentials_are_said_to_be_expired(aws: FakeAws, run: Run) -> None:
    """Signing in again is the remedy."""
    aws.refuse("DescribeStacks", "ExpiredToken")
    assert "The AWS credentials have expired (ExpiredToken); sign in again." in refused(run)


def test_any_other_refusal_is_quoted(aws: FakeAws, run: Run) -> None:
    """On one line, with the API's own code and words."""
    add(aws, user("alice"))
    aws.refuse("FilterLogEvents", "ResourceNotFoundException", "The specified log group\ndoes not exist.")
    assert "call FilterLogEvents: ResourceNotFoundException: The specified log group does not exist." in refused(run)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--domain-id", "D-1"], "'D-1' is not a valid domain id"),
        (["--user-profile-name", "a/b"], "'a/b' is not a valid user profile name"),
        (["--space-name", ""], "is not a valid space name"),
        (["--user-profile-name", "nobody"], "No running app is selected by --user-profile-name nobody."),
        (["--profile", "nobody"], "The AWS configuration is not usable"),
        (["--region", "no region!"], "The AWS configuration is not usable"),
    ],
    ids=repr,
)
def test_bad_input_gets_one_sentence(aws: FakeAws, run: Run, arguments: list[str], message: str) -> None:
    """What cannot be right is named."""
    del aws
    assert message in refused(run, *arguments)


@pytest.mark.parametrize("option", ["--only", "--fail-on"])
def test_a_state_that_does_not_exist_is_refused(aws: FakeAws, run: Run, option: str) -> None:
    """The states there are are named, and nothing is called."""
    code, _, err = run(option, "failed,broken")
    assert code == 2
    assert "'broken' is not a state; choose from failed, timed-out" in " ".join(err.split())
    assert aws.calls == []


def test_watching_ends_when_no_setup_runs(aws: FakeAws, run: Run) -> None:
    """It looks as often as it takes, and shows how things stand then."""
    attempt = Attempt(user("alice"))
    aws.add_app(user("alice"), YESTERDAY)
    aws.add_line(NOW, attempt.started())
    looks: Iterator[int] = iter(range(100))

    def on_call(operation: str) -> None:
        if operation == "ListApps" and next(looks) == 2:
            aws.add_line(NOW, attempt.finished("succeeded"))

    aws.on_call = on_call
    code, out, _ = run("--watch")
    assert (code, out.splitlines()[-1]) == (0, "1 running app: 1 succeeded.")
    assert aws.operations().count("ListApps") == 3


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal with colours."""
    terminal = Screen()
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "160", "LINES": "50"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return terminal


def test_on_a_terminal_the_table_has_colours(aws: FakeAws, run: Run, screen: Screen) -> None:
    """What failed is red, what succeeded is green."""
    add_one_of_each_state(aws)
    with redirect_stdout(screen):
        assert run()[0] == 1
    assert "\x1b[31mfailed\x1b[0m" in screen.getvalue()
    assert "\x1b[32msucceeded\x1b[0m" in screen.getvalue()
    assert [line.split()[0] for line in screen.text.splitlines()[:3]] == ["USER", "bob", "carol"]
    assert screen.text.rstrip().endswith("1 succeeded, 1 excluded.")


def test_on_a_terminal_watching_draws_again_in_place(aws: FakeAws, run: Run, screen: Screen) -> None:
    """The last drawing stays, and is not printed a second time."""
    aws.add_app(user("alice"), YESTERDAY)
    attempt = Attempt(user("alice"))
    aws.add_line(NOW, attempt.started())
    seen: list[str] = []

    def on_call(operation: str) -> None:
        if operation == "ListApps" and len(seen) == 1:
            aws.add_line(NOW, attempt.finished("succeeded"))
        if operation == "ListApps":
            seen.append(screen.text)

    aws.on_call = on_call
    with redirect_stdout(screen):
        assert run("--watch")[0] == 0
    assert "1 running app: 1 running." in seen[1]
    stays = screen.getvalue().rpartition("\x1b[2K")[2]  # after all that was there was erased
    assert stays.count("1 running app: 1 succeeded.") == 1
    assert "1 running." not in stays


def test_watching_draws_what_the_screen_has_room_for(
    aws: FakeAws, run: Run, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table that stays in the end has all apps."""
    monkeypatch.setenv("LINES", "5")
    for number in range(10):
        add(aws, user(f"user-{number}"), "succeeded")
    with redirect_stdout(screen):
        run("--watch")
    drawn, _, stays = screen.getvalue().rpartition("\x1b[2K")
    assert [len(set(re.findall(r"user-\d", text))) for text in (drawn, stays)] == [2, 10]


LEFT_OUT = {40: "TYPE, CODE, SINCE (UTC), VERSION", 80: "TYPE, SINCE (UTC), VERSION", 110: "VERSION"}


@pytest.mark.parametrize("columns", LEFT_OUT)
def test_a_narrow_terminal_has_fewer_columns(
    aws: FakeAws, run: Run, screen: Screen, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """Rather than words that are torn to pieces; it says which are left out."""
    monkeypatch.setenv("COLUMNS", str(columns))
    add_one_of_each_state(aws)
    with redirect_stdout(screen):
        run()
    assert max(map(len, screen.text.splitlines())) <= columns
    table = screen.text.partition(" running apps: ")[0]
    assert {state for state in State if re.search(rf" {state} ", table)} == set(State)
    assert f"No room for {LEFT_OUT[columns]}: --json has all" in " ".join(screen.text.split())


def test_what_is_too_long_is_folded_in_the_reason_alone(
    aws: FakeAws, run: Run, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as there is room for the names."""
    monkeypatch.setenv("COLUMNS", "120")
    space = App(DOMAIN, "", "JupyterLab", "default", "a-space-with-a-name-of-some-length")
    add(aws, space, "space-without-owner", "A long story. " * 20)
    with redirect_stdout(screen):
        run()
    assert f"\n{space.space_name} (space) " in screen.text.replace("\r", "")


def test_watching_on_a_small_terminal_keeps_to_one_line_for_an_app(
    aws: FakeAws, run: Run, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the summary stays in sight; the table that is left in the end has the whole reasons."""
    monkeypatch.setenv("LINES", "12")
    monkeypatch.setenv("COLUMNS", "60")
    for number in range(20):
        add(aws, user(f"user-{number:02}"), "command-failed", "It is a long story, which takes a line or two. The end.")
    with redirect_stdout(screen):
        run("--watch")
    drawings = screen.getvalue().split("\x1b[?25h")[0].split("USER OR SPACE")[1:]
    lines = [drawing.split("\x1b[2K")[0].strip("\r\n").count("\n") + 1 for drawing in drawings]
    assert all(count <= 12 and "20 failed" in drawing for count, drawing in zip(lines, drawings, strict=True))
    assert screen.text.rpartition("USER OR SPACE")[2].count("end.") == 20


def test_very_many_apps_are_not_drawn(aws: FakeAws, run: Run, screen: Screen, monkeypatch: pytest.MonkeyPatch) -> None:
    """To draw ten thousand rows takes longer than to look at ten thousand apps."""
    monkeypatch.setattr(status_table, "_MOST_DRAWN", 9)
    for number in range(10):
        add(aws, user(f"user-{number}"), "succeeded")
    with redirect_stdout(screen):
        run()
    assert screen.getvalue() == screen.text
    assert screen.text.count("user-") == 10


def test_json_on_a_terminal_is_json(aws: FakeAws, run: Run, screen: Screen) -> None:
    """Nothing is drawn around it."""
    add(aws, user("alice"), "succeeded")
    with redirect_stdout(screen):
        run("--json")
    assert json.loads(screen.getvalue())["states"] == {"succeeded": 1}


def test_without_the_library_that_draws_the_table_is_plain(
    aws: FakeAws, run: Run, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command works without the extra that brings the library."""
    monkeypatch.setattr(status_table, "find_spec", lambda _name: None)
    add(aws, user("alice"), "succeeded")
    with redirect_stdout(screen):
        run()
    assert screen.getvalue() == screen.text
    assert "alice" in screen.text


@pytest.mark.parametrize("options", [[], ["--watch"]], ids=["once", "watch"])
def test_a_dumb_terminal_gets_plain_text(
    aws: FakeAws, run: Run, screen: Screen, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    """It can neither move its cursor nor erase a line, as in an editor's shell."""
    monkeypatch.setenv("TERM", "dumb")
    add(aws, user("alice"), "succeeded")
    with redirect_stdout(screen), redirect_stderr(screen):
        run(*options)
    assert screen.getvalue() == screen.text
    assert "\r" not in screen.text
    assert "alice          JupyterServer  succeeded  succeeded  " in screen.text


def test_while_it_reads_it_says_how_far_back_on_a_terminal(aws: FakeAws, run: Run) -> None:
    """On standard error, and nothing of it stays."""
    errors = Screen()
    add(aws, user("alice"))

    def on_call(operation: str) -> None:
        if operation == "FilterLogEvents":
            wait_until(lambda: "waiting for the log since" in errors.text, "the line below", 10)

    aws.on_call = on_call
    with redirect_stderr(errors):
        run()
    assert re.search(r"waiting for the log since \d{4}-\d\d-\d\d \d\d:\d\d UTC \(apps: 1\), \d+ s", errors.text)
    assert errors.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize("state", State)
def test_the_help_names_every_state(run: Run, state: State) -> None:
    """Nobody has to look for them."""
    assert state in " ".join(run("--help")[1].split())
