"""Completion in the shell: what the documents say to put into a start-up file, in the shells themselves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from tests.support.needs import needs

ROOT = Path(__file__).parents[2]
# click's own convention ("Shell Completion" in its documentation), as docs/by-hand.md has it.
ON = {
    "bash": 'eval "$(_STUDIO_SETUP_COMPLETE=bash_source studio-setup)"',
    "zsh": 'eval "$(_STUDIO_SETUP_COMPLETE=zsh_source studio-setup)"',
    "fish": "_STUDIO_SETUP_COMPLETE=fish_source studio-setup | source",
}
START = {"bash": ["--norc", "--noprofile", "-i"], "zsh": ["-f", "-i"]}
BEFORE = {"bash": "true", "zsh": "autoload -U compinit; compinit -D -u"}
TAB, START_OF_LINE = "\t", "\x01"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which `studio-setup` is a command."""
    command = tmp_path / "studio-setup"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m studio_setup_cli "$@"\n')
    command.chmod(0o755)
    found = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = f"{tmp_path}:{os.environ['PATH']}"
    return {**found, "PATH": path, "PYTHONPATH": str(ROOT / "src"), "HOME": str(tmp_path), "TERM": "dumb"}


@pytest.mark.parametrize(("typed", "completed"), [("st", "status"), ("status --fail", "status --fail-on")])
@pytest.mark.parametrize("shell", START)
def test_tab_completes_commands_and_options(
    environment: dict[str, str], shell: str, typed: str, completed: str
) -> None:
    """At a real terminal, with the line for the shell's start-up file."""
    with pexpect.spawn(
        needs(shell), START[shell], env=environment, encoding="utf-8", timeout=30, cwd=environment["HOME"]
    ) as terminal:
        terminal.sendline(f"{BEFORE[shell]}; {ON[shell]}; echo re''ady")
        terminal.expect("ready")
        terminal.send(f"studio-setup {typed}{TAB}{START_OF_LINE}echo 'comple''ted': \r")
        terminal.expect(r"completed: (studio-setup [\w -]*\w)\s*\r?\n")
        assert terminal.match
        assert terminal.match[1] == f"studio-setup {completed}"


def test_fish_completes_commands(environment: dict[str, str]) -> None:
    """It says itself what it would complete, each with its help."""
    script = f"{ON['fish']}; complete --do-complete 'studio-setup st'"
    command = [needs("fish"), "--no-config", "--command", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["status"]


@pytest.mark.parametrize("shell", ON)
def test_the_readme_has_the_line_for_each_shell(shell: str) -> None:
    """What is tested here is what is said there."""
    assert ON[shell] in (ROOT / "docs" / "by-hand.md").read_text(encoding="utf-8")
