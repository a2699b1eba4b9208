"""`studio-setup run` in many apps: which apps are chosen, what is shown, kept and resumed, and the exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emulator.studio import DOMAIN_ID
from studio_setup import App, AppResult, Result, SetupError
from studio_setup.api.connected_app import ConnectedApp
from studio_setup.model import log
from studio_setup.model.errors import AppDeleted, LoginRefused, SsoDomain
from studio_setup.model.report import CommandState
from studio_setup_cli.main import main
from tests.support.fake_aws import FakeAws
from tests.support.scenario import Scenario

SRC = Path(__file__).parents[2] / "src"
NOW = datetime(2026, 11, 1, tzinfo=UTC)
DOMAIN = "d-abcdefghijkl"
Run = Callable[..., tuple[int, str, str]]


def result(output: str = "", exit_status: int | None = 0, state: CommandState = CommandState.EXITED) -> Result:
    """A result of run_many."""
    return Result(exit_status, output, len(output), 0, 0.1, state, "0123456789ab", "/tmp/log")


@dataclass
class Fleet:
    """What run_many meets: by user or space, a result or an error; everywhere else the command prints nothing."""

    outcomes: dict[str, Result | SetupError] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    options: dict[str, Any] = field(default_factory=dict)
    interrupted_at: str = ""

    def run_many(
        self,
        apps: Iterator[ConnectedApp],
        command: str,
        *,
        on_output: Callable[[App, str], object] | None,
        **options: Any,  # noqa: ANN401 (they are looked at as they come)
    ) -> Iterator[AppResult]:
        """Run the command in one app after the other."""
        self.options = {"command": command, **options}
        for one in apps:
            name = one.app.space_name or one.app.user_profile_name
            self.ran.append(name)
            if name == self.interrupted_at:
                with log.log_context(one.app.as_dict()):
                    log.COMMAND_STARTED.log(command="command")
                    log.COMMAND_STOPPED.log(command="command")
                raise KeyboardInterrupt
            outcome = self.outcomes.get(name, result())
            if isinstance(outcome, SetupError):
                yield AppResult(one.app, error=outcome)
                continue
            if on_output and outcome.output:
                on_output(one.app, outcome.output)
            yield AppResult(one.app, outcome)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An AWS in which the apps of alice, bob, carol and of the space team run, and one of Code Editor."""
    fake = FakeAws()
    fake.install(monkeypatch)
    for name in ("alice", "bob", "carol"):
        fake.add_app(App(DOMAIN, name, "JupyterServer", "default"), NOW)
    fake.add_app(App(DOMAIN, "", "JupyterLab", "default", "team"), NOW)
    fake.add_app(App(DOMAIN, "", "CodeEditor", "default", "editor"), NOW)
    return fake


@pytest.fixture
def fleet(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """What the command meets in the apps."""
    assert aws.apps
    fleet = Fleet()
    monkeypatch.setattr("studio_setup_cli.run_many.run_many", fleet.run_many)
    return fleet


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """What runs the command: exit status, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["run", "--command", "pip list", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_all_running_means_every_app_with_terminals(fleet: Fleet, run: Run) -> None:
    """Code Editor has none; the command, its limit and how many at a time reach run_many as given."""
    assert run("--all-running", "--timeout-seconds", "7", "--max-concurrency", "3")[0] == 0
    assert fleet.ran == ["alice", "bob", "carol", "team"]
    assert fleet.options == {"command": "pip list", "timeout_seconds": 7, "max_concurrency": 3}


@pytest.mark.parametrize(
    ("options", "ran"),
    [
        (["--app-type", "JupyterLab"], ["team"]),
        (["--user-profile-name", "bob", "--space-name", "team"], ["bob", "team"]),
    ],
)
def test_all_running_is_narrowed(fleet: Fleet, run: Run, options: list[str], ran: list[str]) -> None:
    """By type, users and spaces."""
    assert run("--all-running", *options)[0] == 0
    assert fleet.ran == ran


def test_all_running_is_narrowed_by_the_apps_name(aws: FakeAws, fleet: Fleet, run: Run) -> None:
    """Only where it is given: without, an app of another name is meant too."""
    aws.add_app(App(DOMAIN, "dave", "JupyterServer", "second"), NOW)
    assert run("--all-running", "--app-name", "second")[0] == 0
    assert fleet.ran == ["dave"]
    run("--all-running")
    assert fleet.ran[1:] == ["alice", "bob", "carol", "dave", "team"]
    assert run("--all-running", "--app-name", "third")[0] == 2


def test_all_running_is_narrowed_by_domain(fleet: Fleet, run: Run) -> None:
    """Where no app is left, that is bad input."""
    code, _, err = run("--all-running", "--domain-id", "d-other")
    assert (code, fleet.ran) == (2, [])
    assert "No running app" in err


def test_named_apps_are_not_looked_up(fleet: Fleet, aws: FakeAws, run: Run) -> None:
    """Repeated names mean the default apps of these users and spaces of the domain."""
    names = ["--user-profile-name", "alice", "--user-profile-name", "dave", "--space-name", "team"]
    assert run("--domain-id", DOMAIN, *names)[0] == 0
    assert fleet.ran == ["alice", "dave", "team"]
    assert aws.operations() == []


@pytest.mark.parametrize(
    "content",
    [
        "# the pilot\nalice\n\nspace:team\nalice\n",
        "\ufeffemail,user_profile_name,space_name\r\na@x,alice,\r\nt@x,owner,team\r\n",
        '"user_profile_name","space_name"\n"alice",""\n\n"owner","team"\n',
    ],
    ids=["lines", "csv", "quoted"],
)
def test_a_file_names_users_and_spaces(fleet: Fleet, run: Run, tmp_path: Path, content: str) -> None:
    """As plain lines or as CSV with a header."""
    (tmp_path / "names").write_text(content)
    assert run("--from-file", str(tmp_path / "names"))[0] == 0
    assert fleet.ran == ["alice", "team"]


@pytest.mark.parametrize("header", ["alice", "user_profile_name"])
def test_a_bad_name_in_line_7_is_reported_as_such(fleet: Fleet, run: Run, tmp_path: Path, header: str) -> None:
    """Nothing is run, nothing is called."""
    (tmp_path / "names").write_text(f"{header}\n" + "bob\n" * 5 + "../evil\nbob\n")
    code, _, err = run("--from-file", str(tmp_path / "names"))
    assert (code, fleet.ran) == (2, [])
    assert "names, line 7: '../evil' is not a valid user profile name" in err


def test_a_field_that_is_too_long_for_csv_is_bad_input(fleet: Fleet, run: Run, tmp_path: Path) -> None:
    """One sentence, and nothing is run."""
    (tmp_path / "names").write_text(f"user_profile_name,note\nalice,{'x' * 200_000}\n")
    code, out, err = run("--from-file", str(tmp_path / "names"))
    assert (code, out, fleet.ran, err.count("\n")) == (2, "", [], 1)
    assert "names is not valid CSV: field larger than field limit" in err


def test_who_is_named_in_the_file_and_has_no_app_is_said(fleet: Fleet, run: Run, tmp_path: Path) -> None:
    """The others' apps are run in; the exit status is that of an app that is not running."""
    (tmp_path / "names").write_text("alice\nnobody\nspace:gone\n")
    code, _, err = run("--from-file", str(tmp_path / "names"))
    assert (code, fleet.ran) == (4, ["alice"])
    assert "nobody has no running app." in err
    assert "space:gone has no running app." in err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--all-running", "--from-file", "x"], "not both"),
        (["--all-running", "--command", "second"], "one --command or one --script"),
        (["--user-profile-name", "a", "--user-profile-name", "b"], "--domain-id"),
        (["--from-file", "/no/such"], "cannot be read"),
        (["--from-file", os.devnull], "names nobody"),
        (["--all-running", "--resume", "/no/such"], "cannot be read"),
        (["--all-running", "--resume", "/dev/zero"], "is not a file of --results"),
        (["--all-running", "--app-type", "CodeEditor"], "no Jupyter terminals"),
        (["--all-running", "--timeout-seconds", "0"], "limit of 0 seconds"),
        (["--all-running", "--max-concurrency", "0"], "--max-concurrency"),
        (["--all-running", "--profile", "nowhere"], "nowhere"),
    ],
)
def test_bad_input_ends_with_2(fleet: Fleet, run: Run, options: list[str], message: str) -> None:
    """One sentence that names it, and nothing is run."""
    code, out, err = run(*options)
    assert (code, out, fleet.ran) == (2, "", [])
    assert message in err


def test_output_is_prefixed_by_app(fleet: Fleet, run: Run) -> None:
    """Each line by its user or space; what went wrong, and how many, is on standard error."""
    fleet.outcomes = {"alice": result("one\ntwo\n"), "bob": result("three", exit_status=3), "team": result("\x1b[1mx")}
    code, out, err = run("--all-running")
    assert out == "alice: one\nalice: two\nbob: three\n"
    assert "bob: failed: exit status 3" in err
    assert code == 6
    code, out, err = run("--all-running", "--max-errors", "1")
    assert (code, out.splitlines()[-1]) == (1, "team: x")
    assert "4 apps: 3 succeeded, 1 failed" in err


def test_apps_of_one_name_are_told_apart(aws: FakeAws, fleet: Fleet, run: Run) -> None:
    """A user with the same name in two domains is shown by the app's label."""
    aws.add_app(App("d-other", "alice", "JupyterServer", "default"), NOW)
    fleet.outcomes = {"alice": result("x")}
    assert "d-other/alice/JupyterServer/default: x\n" in run("--all-running")[1]


def test_grouped_output_is_shown_once_with_its_apps(fleet: Fleet, run: Run) -> None:
    """What most apps gave comes first, the odd one out after it; one that failed is a group of its own."""
    fleet.outcomes = {name: result("2.31\n") for name in ("alice", "carol", "team")}
    fleet.outcomes["bob"] = result("2.29\n")
    _, out, _ = run("--all-running", "--group")
    rule = "-" * 15
    assert out == (
        f"{rule}\nalice, carol, team (3): exit status 0\n{rule}\n2.31\n{rule}\nbob (1): exit status 0\n{rule}\n2.29\n"
    )


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (result(), 0),
        (SsoDomain("no"), 5),
        (AppDeleted("no"), 4),
        (result(exit_status=1), 1),
        (result(exit_status=None, state=CommandState.TIMED_OUT), 1),
        (LoginRefused("no"), 3),
    ],
)
def test_the_exit_status_is_that_of_the_worst_app(
    fleet: Fleet, run: Run, outcome: Result | SetupError, code: int
) -> None:
    """Of all apps, as it is for one; the others succeeded, or were skipped."""
    fleet.outcomes = {"bob": outcome}
    assert run("--all-running", "--max-errors", "9")[0] == code
    fleet.outcomes["alice"] = SsoDomain("no")
    assert run("--all-running", "--max-errors", "9")[0] == (code or 5)


@pytest.mark.parametrize(("max_errors", "ran"), [(0, 1), (1, 2), (2, 4)])
def test_after_more_than_max_errors_no_app_is_begun(fleet: Fleet, run: Run, max_errors: int, ran: int) -> None:
    """The exit status says so, and the apps that were left out are named; apps that are gone are no errors."""
    fleet.outcomes = {"alice": result(exit_status=1), "bob": LoginRefused("no"), "carol": AppDeleted("gone")}
    code, _, err = run("--all-running", "--max-errors", str(max_errors))
    assert len(fleet.ran) == ran
    assert code == (3 if ran == 4 else 6)
    assert ("Not begun: " in err) == (ran < 4)


def test_an_error_in_the_last_app_has_stopped_nothing(fleet: Fleet, run: Run) -> None:
    """Where no app is left out, the exit status is that of the worst app."""
    fleet.outcomes = {"team": result(exit_status=1)}
    assert run("--all-running")[0] == 1


def test_a_dry_run_names_the_apps_and_runs_nothing(fleet: Fleet, run: Run, tmp_path: Path) -> None:
    """Nothing is written either."""
    code, out, err = run("--all-running", "--dry-run", "--results", str(tmp_path / "r"))
    assert (code, fleet.ran, list(tmp_path.iterdir())) == (0, [], [])
    assert out.splitlines()[-1] == f"{DOMAIN}/team/JupyterLab/default"
    assert "pip list" in err


def test_results_are_kept_and_resumed(fleet: Fleet, run: Run, tmp_path: Path) -> None:
    """A line per app; the next time those in which it succeeded are skipped, and the file grows."""
    path = tmp_path / "r.jsonl"
    fleet.outcomes = {"bob": result("oops\n", exit_status=2)}
    assert run("--all-running", "--results", str(path))[0] == 6
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(one["user_profile_name"], one["outcome"], one["output"]) for one in lines] == [
        ("alice", "succeeded", ""),
        ("bob", "failed", "oops\n"),
    ]
    fleet.outcomes, fleet.ran = {}, []
    path.write_text(path.read_text() + '{"app": "d-abc')  # killed while it wrote
    code, _, err = run("--all-running", "--resume", str(path))
    assert (code, fleet.ran) == (0, ["bob", "carol", "team"])
    assert "Skipped, done before: 1 of 4 apps." in err
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 5
    assert "Nothing is left to do." in run("--all-running", "--resume", str(path))[2]
    assert len(fleet.ran) == 3


def test_another_command_is_not_done_by_the_first(fleet: Fleet, run: Run, tmp_path: Path) -> None:
    """--resume with another command skips nothing."""
    path = tmp_path / "r.jsonl"
    run("--all-running", "--results", str(path))
    fleet.ran = []
    (tmp_path / "other.sh").write_text("echo other")
    assert main(["run", "--script", str(tmp_path / "other.sh"), "--all-running", "--resume", str(path)]) == 0
    assert len(fleet.ran) == 4


def test_results_never_overwrite_a_file(fleet: Fleet, run: Run, tmp_path: Path) -> None:
    """The message says how to go on with it."""
    (tmp_path / "r").write_text("mine")
    code, _, err = run("--all-running", "--results", str(tmp_path / "r"))
    assert (code, fleet.ran, (tmp_path / "r").read_text()) == (2, [], "mine")
    assert "--resume" in err


def test_a_line_that_is_not_of_results_is_named(fleet: Fleet, run: Run, tmp_path: Path) -> None:
    """Nothing is run on a guess."""
    (tmp_path / "r").write_text("{}\n")
    code, _, err = run("--all-running", "--resume", str(tmp_path / "r"))
    assert (code, fleet.ran) == (2, [])
    assert "line 1" in err


def test_json_is_one_object(fleet: Fleet, run: Run) -> None:
    """On standard output there is nothing else."""
    fleet.outcomes = {"alice": result("hello\n", exit_status=1)}
    code, out, err = run("--all-running", "--json")
    report = json.loads(out)
    assert code == 6
    assert [(one["app"], one["exit_status"], one["output"]) for one in report["apps"]] == [
        (f"{DOMAIN}/alice/JupyterServer/default", 1, "hello\n")
    ]
    assert len(report["not_begun"]) == 3
    assert "alice: hello" in err


def test_ctrl_c_says_what_was_done_where(fleet: Fleet, run: Run, tmp_path: Path) -> None:
    """Which apps are done, in which the command was ended, and which were not begun; the results so far are kept."""
    fleet.interrupted_at = "bob"
    code, _, err = run("--all-running", "--results", str(tmp_path / "r"))
    assert code == 130
    assert "alice: succeeded" in err
    assert "bob: stopped" in err
    assert "Not begun: carol, team" in err
    assert len((tmp_path / "r").read_text().splitlines()) == 1


@dataclass
class TwoApps:
    """The apps of a user and of a space on the local Studio, named in a file."""

    user: Scenario
    space: Scenario
    names: Path

    def command_line(self, *arguments: str) -> list[str]:
        """The command line as an operator types it in a checkout."""
        domain = ["--domain-id", DOMAIN_ID, "--from-file", str(self.names)]
        return [sys.executable, "-m", "studio_setup_cli", "run", *domain, *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command line and wait for its end."""
        line = self.command_line(*arguments)
        return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, cwd=SRC)


@pytest.fixture
def two_apps(shared_app: Callable[..., Scenario], tmp_path: Path) -> TwoApps:
    """Two apps that run."""
    user, space = shared_app(), shared_app("JupyterLab")
    (tmp_path / "names").write_text(f"{user.place.user}\nspace:{space.place.space}\n")
    return TwoApps(user, space, tmp_path / "names")


def test_two_real_apps_are_prefixed(two_apps: TwoApps) -> None:
    """Each line of both, on standard output."""
    done = two_apps.run("--command", "echo one; echo two")
    assert done.returncode == 0, done.stderr
    names = two_apps.user.place.user, two_apps.space.place.space
    assert sorted(done.stdout.splitlines()) == sorted(f"{name}: {word}" for name in names for word in ("one", "two"))


def test_two_real_apps_are_grouped(two_apps: TwoApps) -> None:
    """What both print is shown once."""
    done = two_apps.run("--group", "--command", "echo same")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("same") == 1
    assert "(2): exit status 0" in done.stdout


def test_ctrl_c_leaves_nothing_in_either_app(two_apps: TwoApps) -> None:
    """No process and no terminal, and it says so."""
    line = two_apps.command_line("--command", "echo begun >> ~/effects; sleep 600")
    running = subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=SRC)
    for one in (two_apps.user, two_apps.space):
        one.wait_for_effect("begun")
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130
    assert stderr.count(": stopped; its process group was ended") == 2
    assert "Traceback" not in stderr
    for one in (two_apps.user, two_apps.space):
        assert one.our_terminals() == []
        assert one.app.processes() == [one.app.jupyter_pid]
