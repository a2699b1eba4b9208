"""Commands that misbehave: their exit status is reported, and the next command runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import CommandState
from studio_setup.model.setup import Command
from studio_setup.terminal.shell import Shell
from tests.support.scenario import Scenario, statuses

ENDS = {
    "unbalanced-quote": ("echo 'never closed", 2),
    "unbalanced-backtick": ("echo `date", 2),
    "open-if": ("if true; then", 2),
    "open-parenthesis": ("(", 2),
    "here-document": ("cat <<END >~/here; exit $(wc -l <~/here)\n$HOME\n'\"`exit 9`\\\nEND\n", 2),
    "open-here-document": ("cat <<END\nnever closed", 0),
    "exit": ("exit 3", 3),
    "exit-in-a-function": ("leave() { exit 4; }; leave; exit 5", 4),
    "logout": ("logout", 1),
    "exec": ("exec sh -c 'exit 6'", 6),
    "exec-nothing": ("exec >/dev/null 2>&1 </dev/null; exit 7", 7),
    "set-e": ("set -euo pipefail; false | true; exit 8", 1),
    "trap": ("trap 'exit 9' EXIT; trap '' TERM; exit 1", 9),
    "trap-err": ("trap 'exit 10' ERR; false; exit 1", 10),
    "reads-input": ("read -r x; cat; exit $((11 + ${#x}))", 11),
    "a-child-keeps-the-output": ("sleep 30 & setsid sleep 30 & exit 12", 12),
    "closes-its-output": ("exec 1>&- 2>&-; exit 13", 13),
    "kills-itself": ("kill -KILL $$", 137),
    "kills-its-group": ("sleep 30 & kill -TERM 0; sleep 30", 143),
    "empties-its-log": ("echo spam; : >$(readlink /proc/self/fd/2); exit 14", 14),
    "removes-its-script": ('rm "$0"; exit 15', 15),
    "leaves-nowhere-to-be": ("mkdir ~/gone; cd ~/gone; rmdir ~/gone; exit 16", 16),
    "environment": ("export PATH= HOME=/ TMPDIR=/nowhere SHELL=false PS1=; unset IFS; exit 17", 17),
}


def test_a_command_may_end_in_any_way(either_app: Scenario) -> None:
    """Whatever a command does to itself, its exit status is reported and the next command runs."""
    commands = [Command(name, script, go_on_after_failure=True) for name, (script, _) in ENDS.items()]
    report = either_app.set_up(*commands)
    assert {command.name: command.exit_status for command in report.commands} == {
        name: status for name, (_, status) in ENDS.items()
    }
    assert {command.state for command in report.commands} == {CommandState.EXITED}


def test_a_command_that_does_not_end_is_ended_at_its_limit(start_app: Callable[..., Scenario]) -> None:
    """A command that stops its whole process group and one that prints without end are timed out."""
    scenario = start_app()
    scripts = {"stopped": "sleep 600 & kill -STOP 0", "loud": "while echo spam; do :; done"}
    commands = [Command(name, script, 1, go_on_after_failure=True) for name, script in scripts.items()]
    report = scenario.set_up(*commands, "exit 5")
    assert report.outcome is Outcome.FAILED
    assert [command.state for command in report.commands] == [*[CommandState.TIMED_OUT] * 2, CommandState.EXITED]
    scenario.wait_until_idle()


def test_a_command_may_stop_the_jupyter_server_for_a_while(
    either_app: Scenario, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is silent for longer than we wait (20 seconds, here 1): the run is found again when it goes on."""
    assert Shell.run.__kwdefaults__
    monkeypatch.setitem(Shell.run.__kwdefaults__, "timeout_seconds", 1.0)
    pid = either_app.app.jupyter_pid
    script = f"echo once >>~/effects; kill -STOP {pid}; sleep 2; kill -CONT {pid}; exit 3"
    assert statuses(either_app.set_up(script)) == [3]
    assert "connection.lost" in [record.getMessage() for record in caplog.records]
    assert either_app.effects() == ["once"]
    assert either_app.app.jupyter_pid == pid


def test_what_a_command_leaves_running_goes_on(start_app: Callable[..., Scenario]) -> None:
    """A background child is neither waited for nor ended."""
    scenario = start_app()
    assert statuses(scenario.set_up("sleep 600 & echo $! >~/effects; exit 5")) == [5]
    assert int(scenario.effects()[0]) in scenario.app.processes()
