"""docs/commands.md has every command and every option, with how the command ends."""

from __future__ import annotations

import re

import click
import pytest

from studio_setup_cli.main import cli
from tools.commands_page import commands, page

_ROOT = click.Context(cli, info_name="studio-setup")
_COMMANDS = dict(commands(_ROOT))


def _section(context: click.Context) -> str:
    """What the page says of a command."""
    return page().partition(f"## `studio-setup {context.info_name}`\n")[2].partition("\n## ")[0]


def test_every_command_has_a_section() -> None:
    """They are those that `--help` lists."""
    titles = re.findall(r"^## `studio-setup ([a-z]+)`$", page(), re.MULTILINE)
    assert titles == [context.info_name for context in _COMMANDS.values()] == cli.list_commands(_ROOT)


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda command: _COMMANDS[command].info_name)
def test_every_option_has_a_row(command: click.Command) -> None:
    """A row begins with the option's names, and says what it means."""
    context = _COMMANDS[command]
    rows = dict(re.findall(r"^\| (\S[^|]*) \| (\S[^|]*) \|$", _section(context), re.MULTILINE))
    names = [set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", option)) for option in rows if option.startswith(("`", "<"))]
    assert [name for name in names if name] == [set(option.opts) for option in command.get_params(context)]
    assert all(rows.values())


@pytest.mark.parametrize("command", _COMMANDS, ids=lambda command: _COMMANDS[command].info_name)
def test_every_command_says_how_it_exits(command: click.Command) -> None:
    """In a paragraph of its own."""
    assert "\n**Exit status:** 0" in _section(_COMMANDS[command])
