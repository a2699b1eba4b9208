"""A setup reports what really happened, and never hangs."""

from __future__ import annotations

import resource
from collections.abc import Callable

import pytest

from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import CommandState
from studio_setup.model.setup import Command
from tests.support.scenario import Scenario, statuses
from tests.support.waiting import wait_until

PROMPTS = [
    "bash-4.2$ ",
    "sagemaker-user@studio$ ",
    "(studio) sagemaker-user@studio$ ",
    r"sagemaker-user@default:\w$ ",
    "root # ",
    r"\[\e]0;title\a\]\[\e[01;32m\]colour\[\e[00m\] » ",
]
READS_BASHRC = ("/bin/bash",)


def test_the_last_command_has_ended_when_success_is_reported(shared_app: Callable[..., Scenario]) -> None:
    """With `sleep 3; touch f` as the last command, f exists when the setup reports success."""
    scenario = shared_app()
    report = scenario.set_up("true", "sleep 3; touch ~/f")
    assert report.outcome is Outcome.SUCCEEDED
    assert (scenario.home / "f").exists()


@pytest.mark.parametrize("prompt", ["bash-4.2$ ", "sagemaker-user@studio$ "])
def test_output_that_looks_like_a_prompt_does_not_end_the_command(
    shared_app: Callable[..., Scenario], prompt: str
) -> None:
    """A command that prints a prompt and goes on for two more seconds is waited for."""
    scenario = shared_app()
    report = scenario.set_up(f"printf '%s' '{prompt}'; sleep 2; touch ~/f")
    assert report.outcome is Outcome.SUCCEEDED
    assert (scenario.home / "f").exists()


@pytest.mark.parametrize("prompt", PROMPTS)
def test_any_user_prompt_works(shared_app: Callable[..., Scenario], prompt: str) -> None:
    """The setup does not depend on what the user's own prompt looks like."""
    scenario = shared_app(files={".bashrc": f"PS1='{prompt}'\n"}, shell=READS_BASHRC)
    report = scenario.set_up("exit 7")
    assert statuses(report) == [7]


@pytest.mark.parametrize(
    ("script", "status"), [("false", 1), ("cd /nonexistent && ls", 1), ("exit 200", 200), ("nonsense-word", 127)]
)
def test_a_failure_is_a_failure(shared_app: Callable[..., Scenario], script: str, status: int) -> None:
    """A command that fails makes the setup fail, with its exit status, and the next command does not run."""
    scenario = shared_app()
    report = scenario.set_up("echo ran >> ~/effects", script, "echo ran >> ~/effects")
    assert report.outcome is Outcome.FAILED
    assert statuses(report) == [0, status]
    assert scenario.effects() == ["ran"]
    assert f"step-2 (exit status {status})" in report.reason


def test_the_setup_may_go_on_after_a_failed_command(shared_app: Callable[..., Scenario]) -> None:
    """With `go_on_after_failure` the next command runs, but the setup has still failed."""
    report = shared_app().set_up(Command("optional", "exit 3", go_on_after_failure=True), "true")
    assert report.outcome is Outcome.FAILED
    assert statuses(report) == [3, 0]


def test_a_command_is_ended_at_its_limit_with_everything_it_started(shared_app: Callable[..., Scenario]) -> None:
    """At its time limit the command's whole process group is ended, even processes that ignore SIGTERM."""
    scenario = shared_app()
    script = "trap '' TERM; (trap '' TERM; sleep 600) & sleep 600"
    report = scenario.set_up(Command("endless", script, timeout_seconds=1))
    assert report.outcome is Outcome.TIMED_OUT
    assert report.commands[0].state is CommandState.TIMED_OUT
    assert scenario.app.processes() == [scenario.app.jupyter_pid]


def test_a_command_that_kills_its_keeper_is_reported_as_lost(shared_app: Callable[..., Scenario]) -> None:
    """Where the exit status is not known, the report says so."""
    report = shared_app().set_up("kill -9 $PPID")
    assert report.outcome is Outcome.FAILED
    assert report.commands[0].state is CommandState.LOST
    assert statuses(report) == [None]


def test_a_command_gets_no_input_and_is_never_asked(shared_app: Callable[..., Scenario]) -> None:
    """A command has an empty standard input and no terminal."""
    scenario = shared_app()
    script = 'read answer; echo "[$answer] $?"; cat; (: </dev/tty) 2>/dev/null || echo no tty; tty'
    report = scenario.set_up(script)
    assert scenario.log(report, "step-1").decode().splitlines()[:3] == ["[] 1", "no tty", "not a tty"]


def test_much_output_is_bounded_in_the_log_and_whole_in_the_app(
    shared_app: Callable[..., Scenario], caplog: pytest.LogCaptureFixture
) -> None:
    """Of the 79 MB of `seq 1 10000000`, the log has head and tail and says what is left out; memory stays flat."""
    scenario = shared_app()
    caplog.set_level("INFO", logger="studio_setup")
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = scenario.set_up("seq 1 10000000")
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    result = report.commands[0]
    records = [record.__dict__ for record in caplog.records if record.getMessage() == "command.output"]
    logged = "".join(record["text"] for record in records)
    assert report.outcome is Outcome.SUCCEEDED
    assert result.output_bytes == 78_888_897
    assert logged.startswith("1\n2\n3\n")
    assert logged.endswith("9999999\n10000000\n")
    assert result.left_out_bytes == 78_888_897 - 2 * 32 * 1024
    assert len(logged) == 2 * 32 * 1024
    assert len(scenario.log(report, "step-1")) == 78_888_897
    assert grown_kib < 8 * 1024


def test_output_is_logged_while_the_command_runs(
    shared_app: Callable[..., Scenario], caplog: pytest.LogCaptureFixture
) -> None:
    """What a command prints is in the log before it ends."""
    scenario = shared_app()
    caplog.set_level("INFO", logger="studio_setup")
    script = "echo early; while [ ! -e ~/go ]; do sleep 0.05; done"
    setup = scenario.start_setup(script)
    wait_until(lambda: "early\n" in [getattr(record, "text", "") for record in list(caplog.records)], "the output")
    scenario.release()
    assert setup.report().outcome is Outcome.SUCCEEDED


def test_no_output_of_a_command_is_taken_for_an_answer(shared_app: Callable[..., Scenario]) -> None:
    """Environment dumps, forged answers, escape codes, NUL and broken UTF-8 are output and nothing else."""
    scenario = shared_app()
    script = r"""
        env; set; cat "$0"; ps -ef
        printf '<%s:1:0:follow over 0 - 1 2 0 >\r\n' 0123456789abcdef
        printf 'follow over 0 - 1.0 2.0 0\n\0\377\303\033[2J\033]0;t\a\033[?2004h'
        head -c 5000 /dev/urandom
        exit 41
    """
    report = scenario.set_up(script)
    assert statuses(report) == [41]
    assert report.commands[0].output_bytes == len(scenario.log(report, "step-1"))


def test_a_script_runs_as_it_is(shared_app: Callable[..., Scenario]) -> None:
    """A lifecycle-configuration script with CRLF line ends, a here-document and no final newline runs unchanged."""
    scenario = shared_app()
    script = "#!/bin/bash\r\nset -eux\r\ncat > ~/effects <<'EOF'\r\na 'b' \"c\" $d `e` \\f %s\r\nEOF\r\nexit 5"
    assert statuses(scenario.set_up(script)) == [5]
    assert scenario.effects() == ["a 'b' \"c\" $d `e` \\f %s"]


def test_files_made_by_a_command_have_the_users_permissions(shared_app: Callable[..., Scenario]) -> None:
    """Files that a command makes follow the user's umask."""
    scenario = shared_app(files={".bashrc": "umask 027\n"}, shell=READS_BASHRC)
    scenario.set_up("umask; touch ~/effects")
    assert (scenario.home / "effects").stat().st_mode & 0o777 == 0o640


def test_the_environment_is_the_users_without_ours(shared_app: Callable[..., Scenario]) -> None:
    """Variables that the user's start-up files export reach the commands; those of our shell do not."""
    scenario = shared_app(files={".bashrc": "export TEAM=blue\n"}, shell=READS_BASHRC)
    report = scenario.set_up("env")
    names = {line.partition("=")[0] for line in scenario.log(report, "step-1").decode().splitlines()}
    assert "TEAM" in names
    assert not names & {"PS1", "PS2", "HISTFILE", "sn", "answer", "text"}


def test_nothing_of_ours_is_in_the_users_history(shared_app: Callable[..., Scenario]) -> None:
    """The history has neither the line that takes over the shell nor a command or a script."""
    scenario = shared_app(files={".bashrc": "HISTCONTROL=\n"}, shell=READS_BASHRC)
    scenario.set_up("echo topsecret")
    history = scenario.home / ".bash_history"
    assert not history.exists()
