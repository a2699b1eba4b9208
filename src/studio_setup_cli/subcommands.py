"""The subcommands, each imported when it is called: `--help` and completion need no more than their names.

Whatever a subcommand imports takes many times as long as showing the help.
"""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword

import click

# Name → what the help of all says of it. The command is `studio_setup_cli.NAME.NAME`; of a word of Python, with a `_`.
_SUMMARIES = {
    "doctor": "Check the account, the region and the deployed stack.",
    "logs": "Show the last setup of one user or space.",
    "run": "Run commands or scripts in a user's app, or one in many apps.",
    "setup": "Set up running apps through the deployed function.",
    "status": "Show how the setup of every running app stands, and why.",
    "try": "Try a setup on this machine, in a checkout.",
    "verify": "Check a deployment: start an app and follow its setup.",
}


class Subcommands(click.Group):
    """A group of all subcommands."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's)
        """Their names, in alphabetical order."""
        return list(_SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 (click's)
        """What stands for a command in lists of them: its name and summary."""
        return click.Command(cmd_name, short_help=_SUMMARIES[cmd_name]) if cmd_name in _SUMMARIES else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command itself that the arguments name, and the other arguments."""
        name, command, others = super().resolve_command(ctx, args)
        if name:
            python_name = f"{name}_" if iskeyword(name) else name
            command = getattr(import_module(f"studio_setup_cli.{python_name}"), python_name)
        return name, command, others
