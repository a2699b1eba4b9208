"""Commands in an app: remote.sh on real shells, with bash, dash and busybox."""

from __future__ import annotations

import os
import select
import shutil
import stat
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from studio_setup.model.report import CommandResult, CommandState
from studio_setup.model.setup import Command
from studio_setup.runs.command_run import CommandRun
from studio_setup.runs.remote_runs import RemoteRuns
from studio_setup.terminal.shell import MAX_TEXT_CHARACTERS, Shell
from tests.shells.test_shell import NASTY
from tests.support.machines import Machine
from tests.support.needs import needs
from tests.support.pty_channel import PtyChannel, fast_deadline
from tests.support.remote_commands import LIMIT_SECONDS, RUN, follow, run, run_together, start, until

# What a command does


def test_an_exit_status_is_the_commands_own(runs: RemoteRuns) -> None:
    """Whatever status a command exits with is the one that is reported."""
    statuses = [0, 1, 42, 126, 127, 130, 143, 255]
    ends = run_together(runs, [f"echo spam; exit {status}\n" for status in statuses])
    assert [(end.state, end.exit_status, end.output) for end in ends] == [
        ("over", status, b"spam\n") for status in statuses
    ]


WAYS_TO_END = {
    "false": 1,
    "set -e\nfalse\ntrue": 1,
    "kill -TERM $$": 143,
    "kill -KILL $$": 137,
    "kill -KILL 0": 137,
    "kill -HUP 0": 129,
    "no-such-program": 127,
    "exec true": 0,
    "(": 2,
    "echo 'never closed": 2,
    "cat <<END\nnever closed": 0,
    "trap 'exit 3' EXIT; true": 3,
}


def test_a_command_may_end_in_any_way(runs: RemoteRuns, machine: Machine) -> None:
    """An exit, a signal to its whole group or a syntax error ends the command, but neither our shell nor its keeper."""
    for progress, (script, status) in zip(run_together(runs, WAYS_TO_END), WAYS_TO_END.items(), strict=True):
        assert (progress.state, progress.exit_status) == ("over", status), script
    assert run(runs, "echo still here", "last").output == b"still here\n"
    assert until(lambda: len(machine.processes()) == 1)


def test_output_is_exact(runs: RemoteRuns) -> None:
    """The output arrives byte for byte: NUL, escape codes, invalid UTF-8, both streams."""
    data = bytes(range(256)) + b"\x1b[31m\x1b]0;t\x07\r\n\xff\xfe" + NASTY.encode() + b"no newline at the end"
    octal = "".join(f"\\{byte:03o}" for byte in data)
    assert run(runs, f"printf '{octal}'; printf err >&2").output == data + b"err"


def test_output_that_looks_like_an_answer_is_output(runs: RemoteRuns) -> None:
    """Prompts and answers that a command prints are not taken for ours."""
    fakes = "bash-4.2$ \nsagemaker-user@studio$ \nfollow over 0 - 1 2 3 eA==\n<0123456789abcdef:1:0:follow over 0>\n"
    for line in range(20):
        fakes += f"<{runs._shell._prompt._nonce}:{line}:0:follow over 0 - 1.0 2.0 0 >\n"
    progress = run(runs, f"cat <<'END'\n{fakes}END\nexit 9\n")
    assert (progress.exit_status, progress.output.decode()) == (9, fakes)


def test_any_part_of_the_output_can_be_fetched(runs: RemoteRuns) -> None:
    """An offset and a count give that part of the output; the size is that of the whole."""
    run(runs, "printf 0123456789")
    parts = [follow(runs, "one", offset, 4) for offset in (0, 4, 8, 10, 12)]
    assert [part.output for part in parts] == [b"0123", b"4567", b"89", b"", b""]
    assert {part.size_bytes for part in parts} == {10}
    assert follow(runs, "one", 0, 0).output == b""


def test_a_command_has_the_users_environment_and_not_our_shells(machine: Machine) -> None:
    """It has the user's variables and those that keep programs from asking questions, but none of our shell's."""
    with machine.runs(SPAM="eggs", TMOUT="300") as runs:
        runs.open_run(RUN, "version")
        lines = run(runs, "env").output.decode().splitlines()
    environ = dict(line.split("=", 1) for line in lines if "=" in line)
    assert environ["SPAM"] == "eggs"
    assert environ["TERM"] == "dumb"
    assert (environ["GIT_TERMINAL_PROMPT"], environ["PIP_NO_INPUT"], environ["PAGER"]) == ("0", "1", "cat")
    assert environ["PWD"] == str(machine.home)
    assert not {"PS1", "PS2", "HISTFILE", "TMOUT", "PROMPT_COMMAND", "ENV", "answer", "text", "sn"} & set(environ)


def test_functions_that_the_user_exports_have_no_effect(machine: Machine) -> None:
    """Where `sh` is bash, it imports functions from the environment; the keeper calls none of them."""
    names = "[ cd command echo kill printf read rm setsid sleep test true umask wait"
    functions = {f"BASH_FUNC_{name}%%": "() { builtin echo spam; return 1; }" for name in names.split()}
    with machine.runs(**functions) as runs:
        runs.open_run(RUN, "version")
        assert run(runs, "exit 42").exit_status == 42
        in_bash = run(runs, "case ${BASH_VERSION:+$SHELLOPTS} in *posix*) exit 1; esac", "two")
    assert in_bash.exit_status == 0, "where there is bash, a script runs in bash, and not in sh"
    assert machine.left_processes() == {}


def test_shell_options_that_the_user_exports_have_no_effect(machine: Machine) -> None:
    """Where `sh` is bash, it takes options from the environment; the keeper runs without them."""
    with machine.runs(SHELLOPTS="errexit:noclobber:noglob:nounset:pipefail") as runs:
        runs.open_run(RUN, "version")
        assert run(runs, "echo spam; exit 42").exit_status == 42
        assert run(runs, "false; echo $SHELLOPTS", "two").exit_status == 0
    assert machine.left_processes() == {}


def test_a_command_has_the_users_umask_and_its_log_is_private(machine: Machine) -> None:
    """Files that a command makes have the user's mode; the files of the run can be read only by the user."""
    with machine.runs("sh", "-c", f"umask 027; exec {machine.shell}") as runs:
        runs.open_run(RUN, "version")
        run(runs, "umask; echo >~/made")
        assert stat.S_IMODE((machine.home / "made").stat().st_mode) == 0o640
        folder = Path(runs.log_path(RUN, "one")).parent
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir(), *folder.parent.iterdir()]
    }
    assert modes[RUN] == 0o700
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


def test_a_script_runs_in_the_interpreter_that_it_names(runs: RemoteRuns) -> None:
    """The interpreter in the first line runs the script, with its argument; CRLF line ends do not matter."""
    assert run(runs, "#!/usr/bin/env python3\nimport sys; print(sys.argv[0][-6:])").exit_status == 0
    assert run(runs, "#!/bin/sh -e\r\nfalse\r\necho on\r\n", "two").exit_status == 1
    assert run(runs, "echo a\r\nif true; then\r\n  echo b\r\nfi\r\n", "three").output == b"a\nb\n"
    assert run(runs, "#!/no/such/interpreter\n", "four").exit_status in {126, 127}


def test_a_script_runs_in_bash_where_there_is_one(this_machine: Machine) -> None:
    """A script that names no interpreter may use the features of bash."""
    with this_machine.runs() as runs:
        runs.open_run(RUN, "version")
        assert run(runs, 'x=(a b); [[ ${x[1]} == b ]] && echo "${BASH_VERSION:+bash}"').output == b"bash\n"


def test_a_script_of_any_size_arrives_whole(runs: RemoteRuns) -> None:
    """A script is typed in as many lines as it takes."""
    sizes = [1, MAX_TEXT_CHARACTERS - 1, MAX_TEXT_CHARACTERS, MAX_TEXT_CHARACTERS + 1, 10_000]
    ends = run_together(runs, [f"cat <<'END' | wc -c\n{'é' * (size // 2)}{'x' * (size % 2)}\nEND\n" for size in sizes])
    assert [int(end.output) for end in ends] == [size + 1 for size in sizes]


def test_a_background_process_does_not_hold_up_its_command(runs: RemoteRuns, machine: Machine) -> None:
    """A command is over when its own process is, even if a child of it goes on and keeps the output open."""
    progress = run(runs, "sleep 60 & echo started")
    assert (progress.exit_status, progress.output) == (0, b"started\n")
    assert "sleep 60" in machine.processes().values()


def test_no_process_of_ours_is_left_when_the_commands_are_over(machine: Machine) -> None:
    """Keepers and watchdogs end with their commands, and our shell with its terminal."""
    with machine.runs() as runs:
        runs.open_run(RUN, "version")
        for name in ("one", "two", "three"):
            run(runs, "true", name)
    assert machine.left_processes() == {}


# Time limits and lost commands: they take a second or so each, so all run at once on every kind of machine

LIMITED = {
    "ends-on-sigterm": "sleep 60 & (sleep 61; sleep 62) & echo spam; sleep 63 | cat; echo never",
    "ignores-signals": "trap '' TERM INT HUP; echo spam; while :; do sleep 0.1; done",
    "child-ignores-signals": "(trap '' TERM; while :; do sleep 0.1; done) & echo spam; sleep 60",
    "stopped": "trap 'echo cleaned up; exit 3' TERM; echo spam; kill -STOP 0",
    "cleans-up": "trap 'echo cleaned up; exit 3' TERM; echo spam; sleep 60 & wait",
}


@dataclass(frozen=True)
class Ends:
    """How commands ended on one kind of machine."""

    results: dict[str, CommandResult]
    answer_about_the_orphan: str
    outputs: dict[str, bytes]
    left_processes: dict[int, str]


def _end_commands(machine: Machine) -> Ends:
    with machine.switched_off_after(), machine.runs(PATH=machine.hasty_path) as runs:
        runs.open_run(RUN, "version")
        for name, script in LIMITED.items():
            start(runs, name, script, 1)
        orphan = "kill -KILL $PPID; until [ -e ~/go ]; do sleep 0.01; done; echo spam"
        start(runs, "orphan", orphan)
        keeper = Path(runs.log_path(RUN, "orphan")).with_suffix(".keeper")
        assert until(lambda: keeper.exists() and keeper.read_text(encoding="ascii").strip())
        keeper_process = Path("/proc", keeper.read_text(encoding="ascii").split()[0])
        assert until(lambda: not keeper_process.exists() or ") Z " in (keeper_process / "stat").read_text())
        answer = runs._shell.run(f"follow {RUN} orphan 0 0 0").answer
        (machine.home / "go").touch()
        commands = [Command("orphan", orphan), *(Command(name, script, 1) for name, script in LIMITED.items())]
        results = {command.name: CommandRun(RUN, command).carry_out(runs) for command in commands}
        outputs = {name: runs.follow(RUN, name, 0, 100).output for name in LIMITED}
        shell = runs._shell.channel
        assert isinstance(shell, PtyChannel)
        shell.close()
        return Ends(results, answer, outputs, machine.left_processes())


@pytest.fixture(scope="module")
def ends_by_kind(tmp_path_factory: pytest.TempPathFactory, path_of_kind: Callable[[str], str]) -> dict[str, Ends]:
    """How commands ended on each kind of machine whose shell is installed here."""
    kinds = {"this": "bash", "bash-as-sh": "bash", "dash": "dash", "busybox": "busybox"}
    machines = {
        kind: Machine(path_of_kind(kind), tmp_path_factory.mktemp("ends"), "bash" if kind == "this" else "sh")
        for kind, program in kinds.items()
        if shutil.which(program)
    }
    with ThreadPoolExecutor() as pool:
        return dict(zip(machines, pool.map(_end_commands, machines.values()), strict=True))


@pytest.fixture(params=["this", "bash-as-sh", "dash", "busybox"])
def ends(request: pytest.FixtureRequest, ends_by_kind: dict[str, Ends]) -> Ends:
    """How commands ended on one kind of machine."""
    needs("bash" if request.param in ("this", "bash-as-sh") else request.param)
    return ends_by_kind[request.param]


@pytest.mark.parametrize("name", LIMITED)
def test_at_its_time_limit_a_command_is_ended(ends: Ends, name: str) -> None:
    """Whether it ends on SIGTERM, ignores it or is stopped, it has timed out, and its output is there."""
    result = ends.results[name]
    assert result.state is CommandState.TIMED_OUT
    assert not result.succeeded
    assert result.output_bytes >= len("spam\n")
    assert result.seconds is not None
    assert 0.9 <= result.seconds < LIMIT_SECONDS


def test_a_command_may_clean_up_at_its_time_limit(ends: Ends) -> None:
    """SIGTERM comes first, also to a stopped command, and SIGKILL only later."""
    assert ends.outputs["cleans-up"] == ends.outputs["stopped"] == b"spam\ncleaned up\n"


def test_a_command_that_killed_its_keeper_is_running_until_it_ends(ends: Ends) -> None:
    """As long as its own process runs, a command is running, even if its exit status will never be known."""
    assert ends.answer_about_the_orphan.startswith("follow running ")


def test_a_command_that_killed_its_keeper_is_lost(ends: Ends) -> None:
    """Its exit status is unknown, so it has not succeeded; its output is there."""
    result = ends.results["orphan"]
    assert (result.state, result.exit_status, result.succeeded) == (CommandState.LOST, None, False)
    assert result.output_bytes == len("spam\n")


def test_no_process_is_left_of_commands_that_were_ended(ends: Ends) -> None:
    """Children, keepers and watchdogs are gone, also those of lost commands."""
    assert ends.left_processes == {}


def test_a_process_id_that_was_reused_is_not_the_command(runs: RemoteRuns, machine: Machine) -> None:
    """A process with the keeper's id but another start time is not ours: it is neither waited for nor ended."""
    folder = Path(runs.log_path(RUN, "one")).parent
    (other,) = machine.processes()
    (folder / "one.keeper").write_text(f"{other} 1\n{other} 1\n\n", encoding="ascii")
    assert runs._shell.run(f"follow {RUN} one 0 0 0").answer.startswith("follow lost ")
    runs.stop(RUN, "one")
    assert set(machine.processes()) == {other}


def test_a_command_can_be_stopped(machine: Machine) -> None:
    """Stopping ends the process group; stopping a command again, or one that does not exist, does no harm."""
    with machine.runs(PATH=machine.hasty_path) as runs:
        runs.open_run(RUN, "version")
        start(runs, "one", "sleep 60 & sleep 61")
        assert until(lambda: len([line for line in machine.processes().values() if "sleep 6" in line]) == 2)
        runs.stop(RUN, "one")
        progress = follow(runs, "one")
        assert (progress.state, progress.ended) == ("over", "stopped")
        runs.stop(RUN, "one")
        runs.stop(RUN, "none")
        assert follow(runs, "one") == progress
    assert machine.left_processes() == {}


def test_a_command_that_is_stopped_at_its_beginning_does_nothing(runs: RemoteRuns, machine: Machine) -> None:
    """Whoever stops a command may be quicker than its keeper, which has not begun to wait for anything yet."""
    runs.stop(RUN, "one")
    start(runs, "one", "echo ran >~/effects")
    progress = follow(runs, "one")
    assert (progress.state, progress.ended) == ("over", "stopped")
    assert not (machine.home / "effects").exists()


# Losses


def test_a_command_that_was_started_is_not_started_again(runs: RemoteRuns, machine: Machine) -> None:
    """A second start changes nothing, whatever its script."""
    for script in ("echo one >>~/effect", "echo two >>~/effect"):
        run(runs, script)
    assert (machine.home / "effect").read_text(encoding="ascii") == "one\n"


def test_a_start_that_is_typed_twice_at_once_starts_once(machine: Machine) -> None:
    """A line that is typed again before the command's keeper is there does not take its script away."""
    with machine.own_shell() as shell:
        runs = RemoteRuns.prepare(shell)
        runs.open_run(RUN, "version")
        for number in range(10):
            line = f"start {RUN} c{number} 60"
            shell.run(f"{line}; {line}", text="echo once; exit 7")
            progress = runs.follow(RUN, f"c{number}", 0, 100)
            while progress.state in {"none", "running"}:
                progress = runs.follow(RUN, f"c{number}", 0, 100)
            assert (progress.state, progress.exit_status, progress.output) == ("over", 7, b"once\n")


def test_two_invocations_at_once_start_a_command_once(machine: Machine) -> None:
    """Over two terminals, the same commands are started at the same moment; each runs once."""
    names = [f"command-{number}" for number in range(5)]
    together = threading.Barrier(2, timeout=LIMIT_SECONDS)
    states: list[tuple[str, int | None]] = []

    def invoke(runs: RemoteRuns) -> None:
        for name in names:
            together.wait()
            start(runs, name, f"echo {name} >>~/effect; exit 6")
        for name in names:
            until = time.monotonic() + LIMIT_SECONDS
            # The keeper may not have written its file yet.
            while (progress := runs.follow(RUN, name, 0, 0)).state in {"none", "running"} and time.monotonic() < until:
                pass
            states.append((progress.state, progress.exit_status))

    with machine.runs() as one, machine.runs() as other:
        one.open_run(RUN, "version")
        threads = [threading.Thread(target=invoke, args=[runs]) for runs in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert states == [("over", 6)] * 2 * len(names)
    assert sorted((machine.home / "effect").read_text(encoding="ascii").split()) == names
    assert machine.left_processes() == {}
    folder = next(machine.temporary.iterdir()) / RUN
    assert {path.name for path in folder.glob("*.script.*")} != set()
    assert len(list(folder.glob("*.script.*"))) == len(names), "the script of the second start is removed"


def test_the_end_of_a_command_wakes_every_attempt_that_follows_it(this_machine: Machine) -> None:
    """Each has a pipe of its own: two that shared one could take the byte that was to wake the other."""
    with this_machine.runs() as one, this_machine.runs() as other, ExitStack() as stack:
        pipes = [Path(runs._shell.run("answer=$nap").answer) for runs in (one, other)]
        assert len(set(pipes)) == 2
        readers = [os.open(pipe, os.O_RDWR | os.O_NONBLOCK) for pipe in pipes]
        for reader in readers:
            stack.callback(os.close, reader)
        one.open_run(RUN, "version")
        start(one, "one", "true")
        assert until(lambda: select.select(readers, [], [], 0)[0] == readers)


def test_the_pipes_of_shells_that_have_ended_are_removed(this_machine: Machine) -> None:
    """A new connection removes what earlier ones left behind, and leaves the pipe of one that is still there."""
    for _ in range(3):
        with this_machine.runs():
            pass
    with this_machine.runs(), this_machine.runs():
        assert len(list(this_machine.temporary.glob("studio-setup/nap.*"))) == 2


def test_ctrl_c_of_somebody_else_does_not_disturb_us(machine: Machine) -> None:
    """If somebody who found our terminal presses Ctrl-C while we wait, we ask again and get the right answer."""
    with machine.terminal() as channel:
        runs = RemoteRuns.prepare(Shell.take_over(channel, fast_deadline(20)))
        runs.open_run(RUN, "version")
        start(runs, "one", "until [ -e ~/go ]; do sleep 0.01; done; exit 7")

        def press() -> None:
            channel.send("\x03")
            (machine.home / "go").touch()

        somebody = threading.Timer(0.1, press)
        somebody.start()
        assert follow(runs, "one").exit_status == 7
        somebody.join()
