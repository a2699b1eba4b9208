"""`studio-setup run`, as an operator uses it at a shell: what it prints, where, and its exit status."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emulator.state import AuthMode
from emulator.studio import DOMAIN_ID, LocalStudio
from studio_setup_cli.main import main
from tests.support.scenario import Scenario

SRC = Path(__file__).parents[2] / "src"


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line and wait for its end."""
    return subprocess.run(
        command_line(*arguments),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=SRC,
        env={**os.environ, **environment},
    )


def command_line(*arguments: str) -> list[str]:
    """The command line as an operator types it in a checkout."""
    return [sys.executable, "-m", "studio_setup_cli", "run", *arguments]


def app_options(scenario: Scenario) -> list[str]:
    """The options that name the app."""
    place = scenario.place
    owner = ["--space-name", place.space] if place.space else ["--user-profile-name", place.user]
    return ["--domain-id", DOMAIN_ID, *owner]


def test_output_is_on_stderr_and_the_report_on_stdout(shared_app: Callable[..., Scenario]) -> None:
    """Output of commands goes to stderr as it comes; stdout has one line per command, and the outcome."""
    done = run(*app_options(shared_app()), "--command", "echo hello; pwd", "--command", "echo oops >&2")
    assert done.returncode == 0
    assert "hello\n" in done.stderr
    assert "oops\n" in done.stderr
    assert done.stdout.splitlines()[-1] == "succeeded"
    assert done.stdout.startswith("command-1: exited, exit status 0")


def test_output_that_the_terminal_has_no_characters_for_is_shown_too(
    shared_app: Callable[..., Scenario], tmp_path: Path
) -> None:
    """What a command prints is up to the app: a character of another encoding than the operator's ends nothing."""
    options = [*app_options(shared_app()), "--results", str(tmp_path / "results")]
    done = run(*options, "--command", r"printf '\xe2\x98\x83\n'", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert r": \u2603" in done.stdout


def test_json_is_exactly_one_object(shared_app: Callable[..., Scenario]) -> None:
    """With --json, stdout is the report and nothing else."""
    done = run(*app_options(shared_app()), "--json", "--command", "exit 3")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["outcome"] == "failed"
    assert report["commands"][0]["exit_status"] == 3


def test_after_a_command_that_fails_no_other_is_run(shared_app: Callable[..., Scenario]) -> None:
    """The report has the commands that were run, by their names, and says which one failed."""
    scenario = shared_app()
    commands = ("true", "exit 3", "echo never >> ~/effects")
    done = run(*app_options(scenario), *(part for command in commands for part in ("--command", command)))
    assert [line.partition(",")[0] for line in done.stdout.splitlines()] == [
        "command-1: exited",
        "command-2: exited",
        "failed: command-2 (exit status 3)",
    ]
    assert scenario.effects() == []
    assert scenario.our_terminals() == []


def test_commands_of_one_call_share_a_login(shared_app: Callable[..., Scenario]) -> None:
    """One presigned URL is asked for, and the login is said once, however many commands there are."""
    scenario = shared_app()
    calls_before = len(scenario.studio.api_calls)  # the app is shared by the tests of this file
    done = run(*app_options(scenario), "--command", "true", "--command", "true", "--command", "true")
    assert done.returncode == 0, done.stderr
    calls = [name for name, _ in scenario.studio.api_calls[calls_before:]]
    assert calls.count("CreatePresignedDomainUrl") == 1
    assert [line.partition(" at ")[0] for line in done.stderr.splitlines()] == [
        "The app is in service.",
        "Logged in",
        "== command-1",
        "== command-2",
        "== command-3",
    ]


def test_a_script_file_is_run(shared_app: Callable[..., Scenario], tmp_path: Path) -> None:
    """--script runs files as they are, in the given order."""
    (tmp_path / "one.sh").write_bytes(b"#!/bin/bash\r\necho $((40 + 2)) >> ~/effects\r\n")
    (tmp_path / "Two Words.sh").write_text("echo two >> ~/effects")
    scenario = shared_app()
    done = run(*app_options(scenario), "--script", str(tmp_path / "one.sh"), "--script", str(tmp_path / "Two Words.sh"))
    assert done.returncode == 0, done.stderr
    assert scenario.effects() == ["42", "two"]


def test_a_command_over_its_limit_ends_with_1(shared_app: Callable[..., Scenario]) -> None:
    """A command that reaches --timeout-seconds is ended, which is a failure."""
    scenario = shared_app()
    done = run(*app_options(scenario), "--timeout-seconds", "1", "--command", "sleep 600")
    assert done.returncode == 1
    assert "timed_out" in done.stdout
    scenario.wait_until_idle()


def test_ad_hoc_runs_ignore_the_claim(shared_app: Callable[..., Scenario]) -> None:
    """A command by hand is not blocked by the setup of the app start, and does not count as one."""
    scenario = shared_app()
    assert run(*app_options(scenario), "--command", "true").returncode == 0
    assert scenario.set_up("echo one >> ~/effects").outcome == "succeeded"
    assert run(*app_options(scenario), "--command", "echo two >> ~/effects").returncode == 0
    assert scenario.effects() == ["one", "two"]


def test_in_a_space_the_app_type_and_the_user_follow_from_its_name(shared_app: Callable[..., Scenario]) -> None:
    """`--space-name` alone means the JupyterLab app of the space, with its owner's login."""
    done = run(*app_options(shared_app("JupyterLab")), "--json", "--command", "echo $SHELL; exit 4")
    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["commands"][0]["exit_status"] == 4


@contextmanager
def running(scenario: Scenario, *, stderr: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    """The command line, while a command of its runs in the app."""
    script = "echo started >> ~/effects; while :; do echo on; sleep 0.1; done"
    with subprocess.Popen(
        command_line(*app_options(scenario), "--command", script),
        stderr=stderr,
        stdout=subprocess.PIPE,
        text=True,
        cwd=SRC,
    ) as process:
        scenario.wait_for_effect("started")
        yield process


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_command_in_the_app(shared_app: Callable[..., Scenario], signal_number: int) -> None:
    """An interrupted run says so, and leaves no process and no terminal in the app."""
    scenario = shared_app()
    with running(scenario) as process:
        process.send_signal(signal_number)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopped command-1" in stderr
    assert stderr.endswith("studio-setup: interrupted.\n")
    assert "Traceback" not in stderr
    assert scenario.app.processes() == [scenario.app.jupyter_pid]


def test_a_terminal_that_hangs_up_ends_the_command_in_the_app(shared_app: Callable[..., Scenario]) -> None:
    """A closed window leaves as little behind as Ctrl-C, although nothing can be shown there any more."""
    scenario = shared_app()
    ours, theirs = pty.openpty()
    with running(scenario, stderr=theirs) as process:
        os.close(theirs)
        os.close(ours)
        for _ in range(2):  # from the terminal, and from the shell in it
            process.send_signal(signal.SIGHUP)
        process.communicate(timeout=30)
    assert process.returncode in {130, 141}
    assert scenario.app.processes() == [scenario.app.jupyter_pid]


def test_output_that_nobody_reads_any_more_ends_the_command_in_the_app(shared_app: Callable[..., Scenario]) -> None:
    """Where its output goes through `head`, which has seen enough, it ends as by Ctrl-C, with the status of SIGPIPE."""
    scenario = shared_app()
    with running(scenario) as process:
        assert process.stderr
        process.stderr.close()
        assert process.wait(timeout=30) == 141
    assert scenario.app.processes() == [scenario.app.jupyter_pid]


def test_a_report_that_nobody_reads_is_no_failure_of_a_command(shared_app: Callable[..., Scenario]) -> None:
    """The exit status is that of SIGPIPE, and there is no traceback."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        command_line(*app_options(shared_app()), "--command", "true"),
        stdout=write_end,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
        cwd=SRC,
    )
    os.close(write_end)
    assert done.returncode == 141
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


def test_on_a_terminal_it_says_what_it_waits_for(shared_app: Callable[..., Scenario]) -> None:
    """On a terminal, a line says what the run is waiting for, and how long it has been."""
    scenario = shared_app()
    ours, theirs = pty.openpty()
    script = "while [ ! -e ~/go ]; do sleep 0.05; done"
    process = subprocess.Popen(
        command_line(*app_options(scenario), "--command", script), stderr=theirs, stdout=subprocess.PIPE, cwd=SRC
    )
    os.close(theirs)
    seen = b""
    while b"waiting for command-1, 1 s" not in seen:
        seen += os.read(ours, 4096)
    scenario.release()
    process.communicate(timeout=30)
    os.close(ours)
    assert process.returncode == 0


def test_an_app_that_does_not_exist_ends_with_4(studio: LocalStudio, start_app: Callable[..., Scenario]) -> None:
    """An app that does not exist or was deleted is named, without waiting for it."""
    scenario = start_app()
    missing = run(*app_options(scenario), "--app-name", "other", "--command", "true")
    assert missing.returncode == 4
    assert "other" in missing.stdout
    scenario.app.delete()
    assert run(*app_options(scenario), "--command", "true").returncode == 4
    assert studio.api_calls[-1][0] == "DescribeApp"


def test_an_unknown_domain_ends_with_3(shared_app: Callable[..., Scenario]) -> None:
    """An unknown domain is named in the message."""
    scenario = shared_app()
    done = run("--domain-id", "d-unknown", "--user-profile-name", scenario.place.user, "--command", "true")
    assert done.returncode == 3
    assert "ResourceNotFound" in done.stdout
    assert "d-unknown" in done.stdout


def test_an_sso_domain_is_skipped_with_5(studio: LocalStudio, shared_app: Callable[..., Scenario]) -> None:
    """In a domain in SSO mode nobody can log in with a presigned URL; the message says what to use instead."""
    shared_app()
    studio.add_domain("d-sso", AuthMode.SSO)
    studio.add_user_profile("sam", "d-sso")
    done = run("--domain-id", "d-sso", "--user-profile-name", "sam", "--command", "true")
    assert done.returncode == 5
    assert "lifecycle configuration" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--domain-id", "../evil", "--user-profile-name", "x"], "is not a valid domain id"),
        (["--domain-id", "d-abc", "--user-profile-name", "a b"], "is not a valid user profile name"),
        (["--domain-id", "d-abc", "--user-profile-name", "x", "--script", "/no/such"], "cannot be read"),
        (["--domain-id", "d-abc", "--user-profile-name", "x", "--command", " "], "is empty"),
        (["--domain-id", "d-abc", "--user-profile-name", "x", "--command", "w", "--timeout-seconds", "0"], "from 1 to"),
        (["--user-profile-name", "x"], "--domain-id"),
        (["--domain-id", "d-abc"], "--user-profile-name"),
        (["--domain-id", "d-abc", "--space-name", "s", "--app-type", "CodeEditor"], "no Jupyter terminals"),
        (["--domain-id", "d-abc", "--user-profile-name", "x", "--command", "w", "--profile", "nowhere"], "nowhere"),
        (["--domain-id", "d-abc", "--user-profile-name", "x", "--command", "w", "--region", "eu west"], "eu west"),
        (["--domain-id", "d-abc", "--user-profile-name", "x", "--command", "w", "--script", "y"], "one of the two"),
    ],
)
def test_bad_input_ends_with_2_before_anything_is_called(
    studio: LocalStudio, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    """The message names the bad input and the remedy; SageMaker is not called."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", studio.sagemaker_endpoint)
    calls = len(studio.api_calls)
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(studio.api_calls) == calls


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"AWS_DEFAULT_REGION": "", "AWS_REGION": ""}, "region"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}, "credentials"),
    ],
)
def test_a_missing_region_or_missing_credentials_end_with_2(
    environment: dict[str, str], message: str, tmp_path: Path
) -> None:
    """The message says what to set."""
    nowhere = str(tmp_path / "nothing")
    environment = {**environment, "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere}
    done = run("--domain-id", "d-abc", "--user-profile-name", "x", "--command", "true", **environment)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_endpoint_that_cannot_be_reached_ends_with_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing listens at the SageMaker endpoint, the report says so after a few tries."""
    monkeypatch.setattr("studio_setup.access.control_plane._BROKEN_SECONDS", (0.01, 0.01))
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", "http://127.0.0.1:1")
    assert main(["run", "--domain-id", DOMAIN_ID, "--user-profile-name", "alice", "--command", "true"]) == 3
    assert "Could not connect to the endpoint URL" in capsys.readouterr().out
