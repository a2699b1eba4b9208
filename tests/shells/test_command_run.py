"""One command of a run, carried out on real shells: its result, its log, and what survives a loss."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio_setup.model.report import CommandResult, CommandState
from studio_setup.model.setup import Command
from studio_setup.runs.command_run import HEAD_BYTES, TAIL_BYTES, CommandRun
from studio_setup.runs.remote_runs import Progress, RemoteRuns
from tests.support.machines import Machine
from tests.support.remote_commands import LIMIT_SECONDS, RUN, follow, start, until


def _carry_out(runs: RemoteRuns, script: str, seconds: int = LIMIT_SECONDS) -> CommandResult:
    return CommandRun(RUN, Command("one", script, seconds)).carry_out(runs)


def _logged(log: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [record.__dict__ for record in log.records if record.getMessage() == event]


def _shown(log: pytest.LogCaptureFixture) -> str:
    return "".join(fields["text"] for fields in _logged(log, "command.output"))


def test_nobody_answers_a_commands_questions(runs: RemoteRuns, log: pytest.LogCaptureFixture) -> None:
    """Standard input is /dev/null and there is no terminal, so a command that asks a question does not wait."""
    script = 'readlink /proc/self/fd/0; read -r x || echo "nobody"; (: </dev/tty) 2>/dev/null || echo "no terminal"'
    assert _carry_out(runs, script).exit_status == 0
    assert _shown(log) == "/dev/null\nnobody\nno terminal\n"


# The log


def test_a_command_is_logged_from_start_to_end(runs_here: RemoteRuns, log: pytest.LogCaptureFixture) -> None:
    """Its start, its output as text and its result are logged once each."""
    result = _carry_out(runs_here, "printf '\\033[31mred\\033[0m 1%%\\r100%%\\n'; exit 3")
    assert [fields["command"] for fields in _logged(log, "command.started")] == ["one"]
    assert _shown(log) == "100%\n"
    assert [fields["result"] for fields in _logged(log, "command.finished")] == [result.as_fields()]
    assert (result.state, result.exit_status, result.left_out_bytes) == (CommandState.EXITED, 3, 0)
    assert result.log_path.endswith(f"/{RUN}/one.log")


def test_long_output_is_bounded_in_the_log_and_complete_in_the_app(
    runs: RemoteRuns, log: pytest.LogCaptureFixture
) -> None:
    """Head and tail are logged; the bytes in between are counted exactly, and are in the app."""
    result = _carry_out(runs, "seq 1 200000")
    whole = "".join(f"{number}\n" for number in range(1, 200_001))
    assert result.output_bytes == len(whole)
    assert result.left_out_bytes == len(whole) - HEAD_BYTES - TAIL_BYTES
    assert _shown(log) == whole[:HEAD_BYTES] + whole[-TAIL_BYTES:]
    (left_out,) = _logged(log, "command.output_left_out")
    assert left_out["left_out_bytes"] == result.left_out_bytes
    assert Path(left_out["log_path"]).read_text(encoding="ascii") == whole
    assert left_out["log_path"] == result.log_path


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_the_bound_is_exact(runs_here: RemoteRuns, log: pytest.LogCaptureFixture, more: int) -> None:
    """Output that just fits is logged whole, however fast it came; of one byte more, one byte is left out."""
    size = HEAD_BYTES + TAIL_BYTES + more
    result = _carry_out(runs_here, f"seq 1 1000000 | head -c {size}")
    assert (result.output_bytes, result.left_out_bytes) == (size, max(0, more))
    assert len(_shown(log)) == size - max(0, more)
    assert len(_logged(log, "command.output_left_out")) == max(0, more)


class _NoRuns(RemoteRuns):
    """Runs that cannot be reached."""

    def __init__(self) -> None:
        """Have no shell."""


def test_a_command_that_is_over_needs_no_connection(runs_here: RemoteRuns) -> None:
    """Carried out again, a command that is over gives its result without asking the app."""
    command_run = CommandRun(RUN, Command("one", "exit 4"))
    result = command_run.carry_out(runs_here)
    assert command_run.carry_out(_NoRuns()) is result
    assert command_run.result is result


def test_a_command_survives_its_terminal(machine: Machine, log: pytest.LogCaptureFixture) -> None:
    """After its terminal was hung up, a command is followed to its end over the next one; it runs only once."""
    command_run = CommandRun(
        RUN, Command("one", "echo begin >>~/effect; until [ -e ~/go ]; do sleep 0.01; done; exit 5")
    )
    with machine.runs() as first:
        first.open_run(RUN, "version")
        start(first, "one", "echo begin >>~/effect; until [ -e ~/go ]; do sleep 0.01; done; exit 5")
        assert until((machine.home / "effect").exists)
    (machine.home / "go").touch()
    with machine.runs() as second:
        assert second.has(RUN)
        assert command_run.carry_out(second).exit_status == 5
    assert (machine.home / "effect").read_text(encoding="ascii") == "begin\n"
    assert len(_logged(log, "command.started")) == 1


class _InterruptedRuns(RemoteRuns):
    """Runs whose user presses Ctrl-C while a command is followed."""

    def __init__(self, runs: RemoteRuns, ready: Callable[[], bool]) -> None:
        super().__init__(runs._shell, runs.app_start, runs._root)
        self._ready = ready

    def follow(self, *_: object, **__: object) -> Progress:
        """Be interrupted as soon as the command runs."""
        assert until(self._ready)
        raise KeyboardInterrupt


def test_ctrl_c_ends_the_command_in_the_app(machine: Machine, log: pytest.LogCaptureFixture) -> None:
    """Interrupting the engine ends the command too, with its children, and is logged."""
    with machine.runs(PATH=machine.hasty_path) as runs:
        runs.open_run(RUN, "version")
        start(runs, "one", "sleep 60")
        interrupted = _InterruptedRuns(runs, lambda: "sleep 60" in machine.processes().values())
        with pytest.raises(KeyboardInterrupt):
            _carry_out(interrupted, "sleep 60")
        assert follow(runs, "one").ended == "stopped"
    assert _logged(log, "command.stopped")
    assert machine.left_processes() == {}


def test_a_command_has_its_exit_status_where_sh_is_bash(tmp_path: Path, path_of_kind: Callable[[str], str]) -> None:
    """On a machine whose `sh` is bash (the image of JupyterLab 1), a command runs as on any other."""
    with Machine(path_of_kind("bash-as-sh"), tmp_path).switched_off_after() as machine, machine.runs() as runs:
        runs.open_run(RUN, "version")
        assert _carry_out(runs, "echo spam; exit 3").exit_status == 3
