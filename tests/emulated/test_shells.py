"""Whatever shell and start-up files the user has, a command's exit status comes back."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from studio_setup.report import Outcome
from tests.emulated.scenario import Scenario, statuses

SHELLS = ["bash", "dash", "sh", "zsh", "fish"]
BASHRCS = {
    "prints": "echo Welcome; echo 'bash-4.2$ '\n",
    "sleeps": "sleep 2\n",
    "asks": "read -r -p 'Your name? ' name\n",
    "asks-twice": "read -r -p 'Name? ' a; read -r -p 'Sure? ' b\n",
    "rewrites-ps1": "PROMPT_COMMAND='PS1=\"\\t $ \"'\nexport PROMPT_COMMAND\n",
    "set-e": "set -e\n",
    "vi": "set -o vi\n",
    "tmout": "export TMOUT=1\n",
    "aliases": "alias cat=false kill=false cd=false read=false echo=false printf=false\nshopt -s expand_aliases\n",
    "traps": "trap 'echo trapped' DEBUG EXIT ERR INT\n",
    "exec-sh": "exec sh\n",
    "no-echo": "stty -echo raw\n",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_any_shell(start_app: Callable[..., Scenario], shell: str) -> None:
    """The user's shell may be any of these."""
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not on this machine")
    assert statuses(start_app(shell=(program,)).set_up("echo hello", "exit 42")) == [0, 42]


@pytest.mark.parametrize("bashrc", BASHRCS)
def test_any_start_up_file(start_app: Callable[..., Scenario], bashrc: str) -> None:
    """The user's .bashrc may do all this."""
    scenario = start_app(files={".bashrc": BASHRCS[bashrc]}, shell=("/bin/bash",))
    assert statuses(scenario.set_up("echo hello", "exit 42")) == [0, 42]


def test_a_shell_that_ends_by_itself_is_reported(start_app: Callable[..., Scenario]) -> None:
    """A .bashrc that exits makes the app unreachable, soon and with the reason; it does not hang."""
    scenario = start_app(files={".bashrc": "exit 1\n"}, shell=("/bin/bash",))
    report = scenario.set_up("true")
    assert report.outcome is Outcome.UNREACHABLE
    assert report.code == "shell-silent"
    assert report.seconds < 30
