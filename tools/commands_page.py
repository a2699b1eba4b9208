"""Writes docs/commands.md from the command line itself: every command, its options, exit statuses and permissions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc

import click

from studio_setup_cli.main import cli
from try_setup.__main__ import command as try_command

_HEAD = """# Commands

Every command of `studio-setup` with its options, as `studio-setup COMMAND --help` shows them. [By hand](by-hand.md) has
examples of `run`, [The fleet](fleet.md) of the others.

Beside the exit statuses below, every command ends with 130 when it is interrupted, and all but `try` with 141 when
their output cannot be written, or nobody reads it any more.

This page is generated from `src/studio_setup_cli` by `make docs-refresh`; a test checks that it is up to date.
"""
# A subcommand that hands its arguments over → the command that reads them.
_HANDED_OVER = {"try": try_command}
_TABLE = "| Option | Meaning |\n|---|---|\n"
# The parts of what a help text ends with; each is a paragraph here.
_PART = re.compile(r"\s*\b(Exit status|Permissions|States): ")
_EXTRA = re.compile(r" +\[((?:default: |required|x).*)\]$")


def page() -> str:
    """The whole page."""
    root = click.Context(cli, info_name="studio-setup", **cli.context_settings)
    return "\n".join([_HEAD, _section(cli, root), *(_section(*command) for command in commands(root))])


def commands(root: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Each subcommand, with the context that it is called in."""
    for name in cli.list_commands(root):
        _, command, _ = cli.resolve_command(root, [name])
        assert command, name  # noqa: S101 (it is in the list)
        if name in _HANDED_OVER:
            # It does not have the group's names for --help.
            parent = click.Context(cli, info_name=root.info_name)
            yield _HANDED_OVER[name], click.Context(_HANDED_OVER[name], info_name=name, parent=parent)
        else:
            yield command, click.Context(command, info_name=name, parent=root)


def _section(command: click.Command, context: click.Context) -> str:
    """A command: what it does, its options, and what its help ends with."""
    description = re.sub(r"(?<!\n)\n(?!\n)", " ", cleandoc(command.help or ""))
    rows = [_row(*record) for option in command.get_params(context) if (record := option.get_help_record(context))]
    parts = [f"## `{context.command_path}`", description, _TABLE + "\n".join(rows), _ending(command.epilog or "")]
    return "\n\n".join(part for part in parts if part) + "\n"


def _row(option: str, meaning: str) -> str:
    """An option with its value, and its meaning with the default and the range."""
    # A bar would end the cell.
    shown = f"<code>{option.replace('|', '&#124;')}</code>" if "|" in option else f"`{option}`"
    explained = _EXTRA.sub(r" `\1`", meaning)
    return f"| {shown} | {explained} |"


def _ending(epilog: str) -> str:
    """What a help text ends with, a paragraph for each part."""
    return _PART.sub(r"\n\n**\1:** ", epilog).strip()
