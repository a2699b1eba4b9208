"""The variables of a command: they reach its script unchanged, once, and nobody else can read them."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from studio_setup.model.report import CommandResult
from studio_setup.model.setup import Command
from studio_setup.runs.command_run import CommandRun
from studio_setup.runs.remote_runs import RemoteRuns
from tests.support.machines import Machine
from tests.support.remote_commands import RUN

VALUES = {
    "EMPTY": "",
    "QUOTES": """it's "quoted" `id` $(id) $HOME \\ \\n %s \\0101""",
    "LINES": "one\n two\t\n\nlast\n",
    "CRLF": "one\r\ntwo\r",
    "LETTERS": "grüß dich ☃ 🎉",
    "BLANKS": "  before and after  ",
    "CONTROL": "".join(map(chr, range(1, 32))) + "\x7f",
    "LONG": "x" * 10_000,
    "_under1": "-n",
}


def _carry_out(runs: RemoteRuns, script: str, environment: dict[str, str], name: str = "one") -> CommandResult:
    return CommandRun(RUN, Command(name, script, 10, environment=environment)).carry_out(runs)


def _output(runs: RemoteRuns, name: str = "one") -> str:
    return Path(runs.log_path(RUN, name)).read_bytes().decode()


def _file(runs: RemoteRuns) -> Path:
    return Path(runs.log_path(RUN, "one")).with_suffix(".environment")


def test_any_value_reaches_a_shell_script(runs: RemoteRuns) -> None:
    """Quotes, line ends, control characters and characters outside ASCII arrive byte for byte."""
    script = "".join(f'printf "%s=" "${name}"\n' for name in VALUES)
    assert _carry_out(runs, script, VALUES).succeeded
    assert _output(runs) == "".join(f"{value}=" for value in VALUES.values())


def test_any_value_reaches_a_python_script(runs: RemoteRuns) -> None:
    """A script for another interpreter finds the same values in its environment."""
    script = (
        "#!/usr/bin/env python3\nimport os, sys\n"
        f"for name in {list(VALUES)}:\n    sys.stdout.buffer.write(os.environb[name.encode()] + b'=')\n"
    )
    assert _carry_out(runs, script, VALUES).succeeded
    assert _output(runs) == "".join(f"{value}=" for value in VALUES.values())


@pytest.mark.parametrize("name", ["answer", "command", "first", "interpreter", "root", "starts", "status", "text"])
def test_a_variable_may_have_the_name_of_one_of_ours(runs: RemoteRuns, name: str) -> None:
    """The script finds its own value, whatever variables the shell that starts it uses."""
    assert _carry_out(runs, f'#!/usr/bin/env sh\nprintf %s "${name}"\n', {name: "-s e"}).succeeded
    assert _output(runs) == "-s e"


def test_a_field_separator_does_not_change_how_the_script_is_started(runs: RemoteRuns) -> None:
    """The interpreter and its argument are found before the variables are set."""
    assert _carry_out(runs, "#!/bin/sh -e\necho spam\n", {"IFS": "/bin"}).succeeded
    assert _output(runs) == "spam\n"


def test_a_variable_replaces_the_apps_own(machine: Machine) -> None:
    """A variable of the command wins over one of the user, and over those that keep programs from asking questions."""
    with machine.runs(SPAM="eggs") as runs:
        runs.open_run(RUN, "version")
        _carry_out(runs, "echo $SPAM $PAGER", {"SPAM": "ham", "PAGER": "less"})
        _carry_out(runs, "echo $SPAM $PAGER", {}, name="two")
        assert (_output(runs), _output(runs, "two")) == ("ham less\n", "eggs cat\n")


def test_a_second_start_changes_nothing(runs: RemoteRuns) -> None:
    """A command that was started keeps the variables it was started with, and so does their file."""
    _carry_out(runs, "echo $X", {"X": "one"})
    file = _file(runs).read_bytes()
    assert _carry_out(runs, "echo $X", {"X": "two"}).succeeded
    assert _output(runs) == "one\n"
    assert _file(runs).read_bytes() == file


def test_only_the_user_can_read_the_variables(machine: Machine) -> None:
    """The file with the variables has mode 0600, even if the user's own files can be read by everybody."""
    with machine.runs("sh", "-c", f"umask 022; exec {machine.shell}") as runs:
        runs.open_run(RUN, "version")
        _carry_out(runs, "umask", {"X": "secret"})
        assert _output(runs).strip() == "0022"
        assert oct(stat.S_IMODE(_file(runs).stat().st_mode)) == oct(0o600)
        readable = [path.name for path in _file(runs).parent.iterdir() if path.stat().st_mode & 0o077]
    assert readable == []


def test_a_command_without_variables_leaves_no_file(runs: RemoteRuns) -> None:
    """Nothing is kept for a command that has no variables of its own."""
    _carry_out(runs, "true", {})
    assert not _file(runs).exists()
