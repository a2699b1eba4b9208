"""Runs that the app keeps: remote.sh, remote_run and command_run on real shells, with bash, dash and busybox."""

from __future__ import annotations

import logging
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from studio_setup.model.errors import ConnectionLost, NoWorkspace
from studio_setup.model.report import CommandResult, CommandState
from studio_setup.model.setup import Command
from studio_setup.runs.command_run import HEAD_BYTES, TAIL_BYTES, CommandRun
from studio_setup.runs.remote_runs import Claim, Progress, RemoteRuns
from studio_setup.terminal.prompt import Reply
from studio_setup.terminal.shell import Shell
from tests.shells.test_shell import NASTY
from tests.support.machines import Machine
from tests.support.needs import needs, needs_root
from tests.support.pty_channel import PtyChannel, fast_deadline

RUN = "0123456789ab"
LIMIT_SECONDS = 10


@pytest.fixture
def runs(machine: Machine) -> Iterator[RemoteRuns]:
    """The runs kept on a machine, one of which is open."""
    with machine.runs() as runs:
        runs.open_run(RUN, "digest")
        yield runs


@pytest.fixture
def own_runs(this_machine: Machine) -> Iterator[RemoteRuns]:
    """The runs kept on this machine, for what is the same on all."""
    with this_machine.runs() as runs:
        runs.open_run(RUN, "digest")
        yield runs


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log of the engine."""
    caplog.set_level(logging.INFO, "studio_setup")
    return caplog


def _until(condition: Callable[[], object]) -> bool:
    until = time.monotonic() + LIMIT_SECONDS
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.005)
    return True


def _start(runs: RemoteRuns, name: str, script: str, limit_seconds: int = LIMIT_SECONDS) -> None:
    """Start a command and wait for nothing."""
    assert runs._shell.run(f"start {RUN} {name} {limit_seconds}", text=Command(name, script).script).exit_status == 0


def _follow(runs: RemoteRuns, name: str, offset: int = 0, count: int = 16384) -> Progress:
    """Follow a command until it does not run any more."""
    until = time.monotonic() + LIMIT_SECONDS
    while (progress := runs.follow(RUN, name, offset, count)).state == "running":
        assert time.monotonic() < until, "the command does not end"
    return progress


def _run(runs: RemoteRuns, script: str, name: str = "one") -> Progress:
    _start(runs, name, script)
    return _follow(runs, name)


def _run_together(runs: RemoteRuns, scripts: Iterable[str]) -> list[Progress]:
    """Run scripts beside each other."""
    names = []
    for number, script in enumerate(scripts):
        names.append(f"together-{number}")
        _start(runs, names[-1], script)
    return [_follow(runs, name) for name in names]


def _carry_out(runs: RemoteRuns, script: str, seconds: int = LIMIT_SECONDS) -> CommandResult:
    return CommandRun(RUN, Command("one", script, seconds)).carry_out(runs)


def _logged(log: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [record.__dict__ for record in log.records if record.getMessage() == event]


def _shown(log: pytest.LogCaptureFixture) -> str:
    return "".join(fields["text"] for fields in _logged(log, "command.output"))


# What a command does


def test_an_exit_status_is_the_commands_own(runs: RemoteRuns) -> None:
    """Whatever number a command ends with is what is reported."""
    statuses = [0, 1, 42, 126, 127, 130, 143, 255]
    ends = _run_together(runs, [f"echo spam; exit {status}\n" for status in statuses])
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
    """Exiting, being killed with its whole group, or a syntax error ends the command and neither shell nor keeper."""
    for progress, (script, status) in zip(_run_together(runs, WAYS_TO_END), WAYS_TO_END.items(), strict=True):
        assert (progress.state, progress.exit_status) == ("over", status), script
    assert _run(runs, "echo still here", "last").output == b"still here\n"
    assert _until(lambda: len(machine.processes()) == 1)


def test_output_is_exact(runs: RemoteRuns) -> None:
    """What a command prints arrives byte for byte: NUL, escape codes, bytes that are no text, both streams."""
    data = bytes(range(256)) + b"\x1b[31m\x1b]0;t\x07\r\n\xff\xfe" + NASTY.encode() + b"no newline at the end"
    octal = "".join(f"\\{byte:03o}" for byte in data)
    assert _run(runs, f"printf '{octal}'; printf err >&2").output == data + b"err"


def test_output_that_looks_like_answers_is_output(runs: RemoteRuns) -> None:
    """Prompts and answers in a command's output are only its output."""
    fakes = "bash-4.2$ \nsagemaker-user@studio$ \nfollow over 0 - 1 2 3 eA==\n<0123456789abcdef:1:0:follow over 0>\n"
    for line in range(20):
        fakes += f"<{runs._shell._prompt._nonce}:{line}:0:follow over 0 - 1.0 2.0 0 >\n"
    progress = _run(runs, f"cat <<'END'\n{fakes}END\nexit 9\n")
    assert (progress.exit_status, progress.output.decode()) == (9, fakes)


def test_output_is_fetched_from_where_it_was_left(runs: RemoteRuns) -> None:
    """An offset and a count give that part of the output, and the size is all of it."""
    _run(runs, "printf 0123456789")
    parts = [_follow(runs, "one", offset, 4) for offset in (0, 4, 8, 10, 12)]
    assert [part.output for part in parts] == [b"0123", b"4567", b"89", b"", b""]
    assert {part.size_bytes for part in parts} == {10}
    assert _follow(runs, "one", 0, 0).output == b""


def test_nothing_answers_questions(runs: RemoteRuns, log: pytest.LogCaptureFixture) -> None:
    """Standard input is /dev/null and there is no terminal: a command that asks ends instead of waiting."""
    script = 'readlink /proc/self/fd/0; read -r x || echo "nobody"; (: </dev/tty) 2>/dev/null || echo "no terminal"'
    assert _carry_out(runs, script).exit_status == 0
    assert _shown(log) == "/dev/null\nnobody\nno terminal\n"


def test_a_command_has_the_users_environment_and_nothing_of_ours(machine: Machine) -> None:
    """The user's own variables are there, so are the ones that keep programs from asking; our shell's are not."""
    with machine.runs(SPAM="eggs", TMOUT="300") as runs:
        runs.open_run(RUN, "digest")
        lines = _run(runs, "env").output.decode().splitlines()
    environ = dict(line.split("=", 1) for line in lines if "=" in line)
    assert environ["SPAM"] == "eggs"
    assert environ["TERM"] == "dumb"
    assert (environ["GIT_TERMINAL_PROMPT"], environ["PIP_NO_INPUT"], environ["PAGER"]) == ("0", "1", "cat")
    assert environ["PWD"] == str(machine.home)
    assert not {"PS1", "PS2", "HISTFILE", "TMOUT", "PROMPT_COMMAND", "ENV", "answer", "text", "sn"} & set(environ)


def test_functions_that_the_user_exports_are_not_called(machine: Machine) -> None:
    """Where `sh` is bash, it takes functions from the environment: none of them keeps a command for us."""
    names = "[ cd echo kill printf read rm setsid sleep test true umask wait"
    functions = {f"BASH_FUNC_{name}%%": "() { builtin echo spam; return 1; }" for name in names.split()}
    with machine.runs(**functions) as runs:
        runs.open_run(RUN, "digest")
        assert _run(runs, "exit 42").exit_status == 42
    assert machine.left_processes() == {}


def test_options_that_the_user_exports_are_not_ours(machine: Machine) -> None:
    """Where `sh` is bash, it takes options from the environment, and would make a job of what a keeper waits for."""
    with machine.runs(SHELLOPTS="errexit:noclobber:noglob:nounset:pipefail") as runs:
        runs.open_run(RUN, "digest")
        assert _run(runs, "echo spam; exit 42").exit_status == 42
        assert _run(runs, "false; echo $SHELLOPTS", "two").exit_status == 0
    assert machine.left_processes() == {}


def test_a_command_has_the_users_umask_and_the_log_is_private(machine: Machine) -> None:
    """What a command makes has the mode that the user wants; what the run keeps is for the user alone."""
    with machine.runs("sh", "-c", f"umask 027; exec {machine.shell}") as runs:
        runs.open_run(RUN, "digest")
        _run(runs, "umask; echo >~/made")
        assert stat.S_IMODE((machine.home / "made").stat().st_mode) == 0o640
        folder = Path(runs.log_path(RUN, "one")).parent
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.iterdir(), *folder.parent.iterdir()]
    }
    assert modes[RUN] == 0o700
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o077} == {}


def test_a_script_is_what_its_first_line_says(runs: RemoteRuns) -> None:
    """A script for another interpreter is run by it, with its argument; CRLF line ends do not matter."""
    assert _run(runs, "#!/usr/bin/env python3\nimport sys; print(sys.argv[0][-6:])").exit_status == 0
    assert _run(runs, "#!/bin/sh -e\r\nfalse\r\necho on\r\n", "two").exit_status == 1
    assert _run(runs, "echo a\r\nif true; then\r\n  echo b\r\nfi\r\n", "three").output == b"a\nb\n"
    assert _run(runs, "#!/no/such/interpreter\n", "four").exit_status in {126, 127}


def test_a_script_runs_in_bash_where_there_is_one(this_machine: Machine) -> None:
    """A script without a first line of that kind may use what bash has."""
    with this_machine.runs() as runs:
        runs.open_run(RUN, "digest")
        assert _run(runs, 'x=(a b); [[ ${x[1]} == b ]] && echo "${BASH_VERSION:+bash}"').output == b"bash\n"


def test_a_script_of_any_size_arrives(runs: RemoteRuns) -> None:
    """A script is typed in as many lines as it takes and arrives whole."""
    sizes = [1, 2999, 3000, 3001, 10_000]
    ends = _run_together(runs, [f"cat <<'END' | wc -c\n{'é' * (size // 2)}{'x' * (size % 2)}\nEND\n" for size in sizes])
    assert [int(end.output) for end in ends] == [size + 1 for size in sizes]


def test_a_background_child_does_not_hold_the_command(runs: RemoteRuns, machine: Machine) -> None:
    """A command is over when its own process is, though a child of it holds the output open and goes on."""
    progress = _run(runs, "sleep 60 & echo started")
    assert (progress.exit_status, progress.output) == (0, b"started\n")
    assert "sleep 60" in machine.processes().values()


def test_nothing_runs_on_when_a_command_is_over(machine: Machine) -> None:
    """Keeper, watchdog and shell end with what they are for."""
    with machine.runs() as runs:
        runs.open_run(RUN, "digest")
        for name in ("one", "two", "three"):
            _run(runs, "true", name)
    assert machine.left_processes() == {}


# Limits and ends: commands that each need a second or so, all at once on every kind of machine

LIMITED = {
    "polite": "sleep 60 & (sleep 61; sleep 62) & echo spam; sleep 63 | cat; echo never",
    "deaf": "trap '' TERM INT HUP; echo spam; while :; do sleep 0.1; done",
    "deaf-child": "(trap '' TERM; while :; do sleep 0.1; done) & echo spam; sleep 60",
    "stopped": "trap 'echo tidied; exit 3' TERM; echo spam; kill -STOP 0",
    "tidy": "trap 'echo tidied; exit 3' TERM; echo spam; sleep 60 & wait",
}


@dataclass(frozen=True)
class Ends:
    """How commands ended on one kind of machine."""

    results: dict[str, CommandResult]
    answer_of_the_orphan: str
    outputs: dict[str, bytes]
    left_processes: dict[int, str]


def _end_commands(machine: Machine) -> Ends:
    with machine.switched_off_after(), machine.runs(PATH=machine.hasty_path) as runs:
        runs.open_run(RUN, "digest")
        for name, script in LIMITED.items():
            _start(runs, name, script, 1)
        orphan = "kill -KILL $PPID; until [ -e ~/go ]; do sleep 0.01; done; echo spam"
        _start(runs, "orphan", orphan)
        keeper = Path(runs.log_path(RUN, "orphan")).with_suffix(".keeper")
        assert _until(lambda: keeper.exists() and keeper.read_text(encoding="ascii").strip())
        keeper_process = Path("/proc", keeper.read_text(encoding="ascii").split()[0])
        assert _until(lambda: not keeper_process.exists() or ") Z " in (keeper_process / "stat").read_text())
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
    """How commands ended on each kind of machine that there is here."""
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
def test_at_its_limit_a_command_is_ended(ends: Ends, name: str) -> None:
    """Whether it listens to the polite signal, ignores it or is stopped: it counts as timed out, with its output."""
    result = ends.results[name]
    assert result.state is CommandState.TIMED_OUT
    assert not result.succeeded
    assert result.output_bytes >= len("spam\n")
    assert result.seconds is not None
    assert 0.9 <= result.seconds < LIMIT_SECONDS


def test_a_command_may_tidy_up_at_its_limit(ends: Ends) -> None:
    """The signal comes first, also to one that is stopped, force only after it."""
    assert ends.outputs["tidy"] == ends.outputs["stopped"] == b"spam\ntidied\n"


def test_a_command_that_kills_its_keeper_runs_until_it_ends(ends: Ends) -> None:
    """As long as the command itself runs it is running, though nobody will know how it ends."""
    assert ends.answer_of_the_orphan.startswith("follow running ")


def test_a_command_that_killed_its_keeper_is_lost(ends: Ends) -> None:
    """Nobody knows how it ended, and nobody says that it succeeded; its output is there."""
    result = ends.results["orphan"]
    assert (result.state, result.exit_status, result.succeeded) == (CommandState.LOST, None, False)
    assert result.output_bytes == len("spam\n")


def test_nothing_is_left_of_commands_that_were_ended(ends: Ends) -> None:
    """Children, keepers and watchdogs are gone, those of lost commands too."""
    assert ends.left_processes == {}


def test_a_number_that_is_another_process_by_now_is_not_the_command(runs: RemoteRuns, machine: Machine) -> None:
    """A process of the keeper's number that was started at another time is none of ours: not waited for, not ended."""
    folder = Path(runs.log_path(RUN, "one")).parent
    (other,) = machine.processes()
    for name in ("one.keeper", "one.child"):
        (folder / name).write_text(f"{other} 1\n", encoding="ascii")
    assert runs._shell.run(f"follow {RUN} one 0 0 0").answer.startswith("follow lost ")
    runs.stop(RUN, "one")
    assert set(machine.processes()) == {other}


def test_a_command_can_be_stopped(machine: Machine) -> None:
    """Stopping ends the group and counts as stopped; stopping again, or what is not there, does no harm."""
    with machine.runs(PATH=machine.hasty_path) as runs:
        runs.open_run(RUN, "digest")
        _start(runs, "one", "sleep 60 & sleep 61")
        assert _until(lambda: len([line for line in machine.processes().values() if "sleep 6" in line]) == 2)
        runs.stop(RUN, "one")
        progress = _follow(runs, "one")
        assert (progress.state, progress.ended) == ("over", "stopped")
        runs.stop(RUN, "one")
        runs.stop(RUN, "none")
        assert _follow(runs, "one") == progress
    assert machine.left_processes() == {}


class _Interrupted:
    """Runs in which somebody presses Ctrl-C while a command is followed."""

    def __init__(self, runs: RemoteRuns, ready: Callable[[], bool]) -> None:
        self._runs = runs
        self._ready = ready

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 (whatever RemoteRuns has)
        return getattr(self._runs, name)

    def follow(self, *_: Any) -> Progress:  # noqa: ANN401 (nobody looks at them)
        """Be interrupted as soon as the command runs."""
        assert _until(self._ready)
        raise KeyboardInterrupt


def test_ctrl_c_ends_the_command_in_the_app(machine: Machine, log: pytest.LogCaptureFixture) -> None:
    """Who interrupts the engine ends the command too, with its children, and is told."""
    with machine.runs(PATH=machine.hasty_path) as runs:
        runs.open_run(RUN, "digest")
        _start(runs, "one", "sleep 60")
        interrupted = _Interrupted(runs, lambda: "sleep 60" in machine.processes().values())
        with pytest.raises(KeyboardInterrupt):
            _carry_out(interrupted, "sleep 60")  # type: ignore[arg-type]
        assert _follow(runs, "one").ended == "stopped"
    assert _logged(log, "command.stopped")
    assert machine.left_processes() == {}


# The log


def test_the_log_of_a_command_tells_its_story(own_runs: RemoteRuns, log: pytest.LogCaptureFixture) -> None:
    """Started, output as text, finished with the result: each once."""
    result = _carry_out(own_runs, "printf '\\033[31mred\\033[0m 1%%\\r100%%\\n'; exit 3")
    assert [fields["command"] for fields in _logged(log, "command.started")] == ["one"]
    assert _shown(log) == "100%\n"
    assert [fields["result"] for fields in _logged(log, "command.finished")] == [result.as_fields()]
    assert (result.state, result.exit_status, result.left_out_bytes) == (CommandState.EXITED, 3, 0)
    assert result.log_path.endswith(f"/{RUN}/one.log")


def test_much_output_is_bounded_in_the_log_and_whole_in_the_app(
    runs: RemoteRuns, log: pytest.LogCaptureFixture
) -> None:
    """Head and tail are logged, the bytes between are counted exactly and lie in the app."""
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
def test_the_bound_is_exact(own_runs: RemoteRuns, log: pytest.LogCaptureFixture, more: int) -> None:
    """Output that just fits is logged whole, however quick it came; one byte more is one byte left out."""
    size = HEAD_BYTES + TAIL_BYTES + more
    result = _carry_out(own_runs, f"seq 1 1000000 | head -c {size}")
    assert (result.output_bytes, result.left_out_bytes) == (size, max(0, more))
    assert len(_shown(log)) == size - max(0, more)
    assert len(_logged(log, "command.output_left_out")) == max(0, more)


def test_carrying_out_again_asks_nobody(own_runs: RemoteRuns) -> None:
    """A command that is over has its result, also without a connection."""
    command_run = CommandRun(RUN, Command("one", "exit 4"))
    result = command_run.carry_out(own_runs)
    assert command_run.carry_out(None) is result  # type: ignore[arg-type]
    assert command_run.result is result


# Losses


def test_a_command_survives_its_terminal(machine: Machine, log: pytest.LogCaptureFixture) -> None:
    """The terminal is hung up while a command runs; over the next one it is followed to its end, once."""
    command_run = CommandRun(
        RUN, Command("one", "echo begin >>~/effect; until [ -e ~/go ]; do sleep 0.01; done; exit 5")
    )
    with machine.runs() as first:
        first.open_run(RUN, "digest")
        _start(first, "one", "echo begin >>~/effect; until [ -e ~/go ]; do sleep 0.01; done; exit 5")
        assert _until((machine.home / "effect").exists)
    (machine.home / "go").touch()
    with machine.runs() as second:
        assert second.has(RUN)
        assert command_run.carry_out(second).exit_status == 5
    assert (machine.home / "effect").read_text(encoding="ascii") == "begin\n"
    assert len(_logged(log, "command.started")) == 1


def test_a_command_that_was_started_is_not_started_again(runs: RemoteRuns, machine: Machine) -> None:
    """Starting is safe to repeat, whatever the script says the second time."""
    for script in ("echo one >>~/effect", "echo two >>~/effect"):
        _run(runs, script)
    assert (machine.home / "effect").read_text(encoding="ascii") == "one\n"


def test_two_at_once_start_a_command_once(machine: Machine) -> None:
    """Two invocations over two terminals start the same commands at the same moment: each has one effect."""
    names = [f"command-{number}" for number in range(5)]
    together = threading.Barrier(2, timeout=LIMIT_SECONDS)
    states: list[tuple[str, int | None]] = []

    def invoke(runs: RemoteRuns) -> None:
        for name in names:
            together.wait()
            _start(runs, name, f"echo {name} >>~/effect; exit 6")
        for name in names:
            until = time.monotonic() + LIMIT_SECONDS
            # A keeper that is about to write itself down is not there yet.
            while (progress := runs.follow(RUN, name, 0, 0)).state in {"none", "running"} and time.monotonic() < until:
                pass
            states.append((progress.state, progress.exit_status))

    with machine.runs() as one, machine.runs() as other:
        one.open_run(RUN, "digest")
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
    assert len(list(folder.glob("*.script.*"))) == len(names), "the script of the one that came second is removed"


# The claim


def test_the_first_to_claim_has_it(runs: RemoteRuns) -> None:
    """An app's start belongs to the first run that claims it; the others are told whose it is."""
    assert runs.claim("aaa", "digest1", force=False) == Claim("aaa", "digest1", "")
    assert runs.claim("aaa", "digest1", force=False) == Claim("aaa", "digest1", "")
    assert runs.claim("bbb", "digest2", force=False) == Claim("aaa", "digest1", "")


def test_a_claim_has_a_verdict_when_the_run_is_over(runs: RemoteRuns) -> None:
    """Who comes after the end sees how it ended, and does not get the claim."""
    runs.claim("aaa", "digest1", force=False)
    assert runs.finish("aaa", "succeeded", "aaa")
    assert runs.claim("bbb", "digest2", force=False) == Claim("aaa", "digest1", "succeeded")


def test_force_takes_a_claim_that_is_over_only(runs: RemoteRuns) -> None:
    """A run that is under way keeps its claim; one that is over gives way, to one."""
    runs.claim("aaa", "digest1", force=False)
    assert runs.claim("bbb", "digest2", force=True) == Claim("aaa", "digest1", "")
    runs.finish("aaa", "timed_out", "aaa")
    assert runs.claim("bbb", "digest2", force=True) == Claim("bbb", "digest2", "")
    assert runs.claim("ccc", "digest3", force=True) == Claim("bbb", "digest2", "")
    assert runs.claim("aaa", "digest1", force=False) == Claim("bbb", "digest2", "")


def test_of_many_claims_at_once_one_holds(machine: Machine) -> None:
    """Claims made at the same moment over terminals of their own agree on one."""
    claims: list[str] = []
    together = threading.Barrier(3, timeout=LIMIT_SECONDS)

    def claim(run_id: str) -> None:
        with machine.runs() as runs:
            together.wait()
            claims.append(runs.claim(run_id, "digest", force=False).run_id)

    threads = [threading.Thread(target=claim, args=[name]) for name in ("aaa", "bbb", "ccc")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claims) == 3
    assert len(set(claims)) == 1


def test_an_ad_hoc_run_claims_nothing(runs: RemoteRuns) -> None:
    """A run that is only opened is no obstacle to the setup."""
    assert runs.has(RUN)
    assert not runs.has("never-opened")
    assert runs.claim("aaa", "digest1", force=False) == Claim("aaa", "digest1", "")


def test_the_first_verdict_stands(runs: RemoteRuns) -> None:
    """Of several that say a run is over, the first is right, also when it asks again; its attempt knows it was."""
    assert runs.finish(RUN, "failed", "first")
    assert not runs.finish(RUN, "succeeded", "second")
    assert runs.finish(RUN, "failed", "first")
    runs.claim("aaa", "digest1", force=False)
    runs.finish("aaa", "failed", "first")
    runs.finish("aaa", "succeeded", "second")
    assert runs.claim("bbb", "digest2", force=False).verdict == "failed"


# Answers


class _Script:
    """A shell whose replies are known before."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.lines: list[str] = []

    def run(self, line: str, **_: str) -> Reply:
        """Give the next reply, the last one ever after."""
        self.lines.append(line)
        return Reply(0, self._answers.pop(0) if len(self._answers) > 1 else self._answers[0], "typed by somebody")


NO_ANSWER = [
    "",
    "follow over 0 - 1.0 2.0 4",
    "follow over x - 1.0 2.0 4 c3BhbQ==",
    "follow dead 0 - 1.0 2.0 4 c3BhbQ==",
    "afollow over 0 - 1.0 2.0 4 c3BhbQ==",
    f"follow over 0 - 1.0 2.0 {'9' * 19} c3BhbQ==",
    f"follow over 0 - {'9' * 13}.0 2.0 4 c3BhbQ==",
]
CUT_ANSWER = [
    "follow over 0 - 1.0 2.0 4 c3BhbQ==c3BhbQ==",
    "follow over 0 - 1.0 2.0 4 c3Bh",
    "follow over 0 - 1.0 2.0 4 ",
    "follow over 0 - 1.0 2.0 4 c3B.bQ==",
    "follow over 0 - 1.0 2.0 8 c3BhbQ==",
    "follow over 0 - - 2.0 4 c3BhbQ==",
]


@pytest.mark.parametrize("swallowed", NO_ANSWER)
def test_an_answer_that_was_swallowed_is_asked_for_again(swallowed: str) -> None:
    """Where somebody's Ctrl-C came in between, the line is typed again."""
    shell = _Script(swallowed, "follow over 0 - 1.0 2.5 4 c3BhbQ==")
    progress = RemoteRuns(shell, "/tmp/x").follow(RUN, "one", 0, 100)  # type: ignore[arg-type]
    assert progress == Progress("over", 0, "", 1.5, 4, b"spam")
    assert len(shell.lines) == 2


@pytest.mark.parametrize("cut", CUT_ANSWER)
def test_an_answer_that_is_not_whole_is_not_believed(cut: str) -> None:
    """Output that is not as long as the answer says, or is no base64, or an end without a start: a lost connection."""
    with pytest.raises(ConnectionLost, match="garbled"):
        RemoteRuns(_Script(cut), "/tmp/x").follow(RUN, "one", 0, 100)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "ask",
    [
        lambda runs: runs.open_run("aaa", "digest"),
        lambda runs: runs.claim("aaa", "digest", force=False),
        lambda runs: runs.has("aaa"),
        lambda runs: runs.finish("aaa", "succeeded", "aaa"),
        lambda runs: runs.follow("aaa", "one", 0, 0),
        lambda runs: runs.stop("aaa", "one"),
    ],
    ids=["open", "claim", "has", "finish", "follow", "stop"],
)
def test_asking_again_has_an_end(ask: Callable[[RemoteRuns], object]) -> None:
    """An app that never answers as it should cannot keep a run; what it showed instead is in the message."""
    shell = _Script("No space left on device")
    with pytest.raises(NoWorkspace, match="No space left on device typed by somebody"):
        ask(RemoteRuns(shell, "/tmp/x"))  # type: ignore[arg-type]
    assert len(shell.lines) < 10


def test_ctrl_c_of_somebody_does_not_fool_us(machine: Machine) -> None:
    """Somebody who found our terminal presses Ctrl-C while we wait: we ask again, and get the right answer."""
    with machine.terminal() as channel:
        runs = RemoteRuns.prepare(Shell.take_over(channel, fast_deadline(20)))
        runs.open_run(RUN, "digest")
        _start(runs, "one", "until [ -e ~/go ]; do sleep 0.01; done; exit 7")

        def press() -> None:
            channel.send("\x03")
            (machine.home / "go").touch()

        somebody = threading.Timer(0.1, press)
        somebody.start()
        assert _follow(runs, "one").exit_status == 7
        somebody.join()


# The place


def test_the_place_is_for_the_user_alone(runs: RemoteRuns, machine: Machine) -> None:
    """A folder of mode 0700 in TMPDIR."""
    (root,) = machine.temporary.iterdir()
    assert root.name == "studio-setup"
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert runs.log_path(RUN, "one") == f"{root}/{RUN}/one.log"


def test_a_place_that_others_could_enter_is_closed(machine: Machine) -> None:
    """A folder of ours that is open to others is so no longer."""
    root = machine.temporary / "studio-setup"
    root.mkdir()
    root.chmod(0o777)
    with machine.runs():
        assert stat.S_IMODE(root.stat().st_mode) == 0o700


def test_a_link_is_no_place(machine: Machine, tmp_path: Path) -> None:
    """A link of that name, laid by somebody else, is not followed."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (machine.temporary / "studio-setup").symlink_to(elsewhere)
    with pytest.raises(NoWorkspace, match="not ours"), machine.runs():
        pass
    assert list(elsewhere.iterdir()) == []


def test_a_place_of_somebody_else_is_refused(machine: Machine) -> None:
    """A folder of that name that belongs to somebody else is not trusted."""
    needs_root()
    root = machine.temporary / "studio-setup"
    root.mkdir(mode=0o700)
    os.chown(root, 12345, 12345)
    with pytest.raises(NoWorkspace, match="not ours"), machine.runs():
        pass
    assert list(root.iterdir()) == []


def test_an_app_without_a_place_says_so(machine: Machine) -> None:
    """Where nothing can be written, the message has what the app said, and the remedy."""
    (machine.home / "file").touch()
    place = machine.home / "file" / "below"
    with (
        pytest.raises(NoWorkspace, match=r"(?s)cannot keep a run.*writable TMPDIR") as caught,
        machine.runs(TMPDIR=str(place)),
    ):
        pass
    assert "Not a directory" in str(caught.value)


def test_a_missing_tool_is_named(this_machine: Machine, tmp_path: Path) -> None:
    """An app that lacks a tool says which."""
    poor = tmp_path / "poor"
    poor.mkdir()
    for folder in reversed(this_machine.path.split(":")):
        for name in ("env", "sh", "bash", "stty", "chmod", "head", "base64"):
            program = Path(folder, name)
            if program.exists() and not (poor / name).exists():
                (poor / name).symlink_to(program)
    with pytest.raises(NoWorkspace, match="missing ln"), this_machine.runs(PATH=str(poor)):
        pass


def test_preparing_twice_is_preparing_once(machine: Machine) -> None:
    """Every connection prepares the place; what runs there is left alone."""
    with machine.runs() as first, machine.runs() as second:
        first.open_run(RUN, "digest")
        _start(first, "one", "until [ -e ~/go ]; do sleep 0.01; done")
        RemoteRuns.prepare(second._shell)
        (machine.home / "go").touch()
        assert _follow(second, "one").exit_status == 0
    assert machine.left_processes() == {}
