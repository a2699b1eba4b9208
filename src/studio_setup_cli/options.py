"""Options that several commands have: which stack is meant, and which apps."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from studio_setup.fleet.apps import Selection
from studio_setup.fleet.status import State
from studio_setup_cli.stack import Place

Command = Callable[..., int]


class StateList(click.ParamType[tuple[State, ...]]):
    """States, separated by commas."""

    name = "STATE,…"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[State, ...]:
        """The states that a text names."""
        if isinstance(value, tuple):
            return value
        names = [name.strip() for name in str(value).split(",") if name.strip()]
        for name in names:
            if name not in set(State):
                self.fail(f"{name!r} is not a state; choose from {', '.join(State)}.", param, ctx)
        return tuple(map(State, names))


def stack_options(command: Command) -> Command:
    """Let a command say which stack is meant; it gets `place`."""

    @functools.wraps(command)
    def with_place(*, stack_name: str, region: str, profile: str, **others: Any) -> int:  # noqa: ANN401 (click's)
        return command(place=Place(stack_name, region, profile), **others)

    return with_options(
        aws_options(with_place),
        click.option("--stack-name", default="studio-setup", show_default=True, metavar="NAME", help="The stack."),
    )


def aws_options(command: Command) -> Command:
    """Let a command say which AWS access is meant; it gets `region` and `profile`, empty unless given."""
    return with_options(
        command,
        click.option("--region", default="", metavar="REGION", help="The AWS region, unless it is the shell's."),
        click.option("--profile", default="", metavar="NAME", help="The AWS profile, unless it is the shell's."),
    )


def selection_options(command: Command) -> Command:
    """Let a command narrow which apps are meant; it gets `selection`."""

    @functools.wraps(command)
    def with_selection(
        *,
        domain_id: str,
        app_type: str,
        user_profile_names: tuple[str, ...],
        space_names: tuple[str, ...],
        **others: Any,  # noqa: ANN401 (click's)
    ) -> int:
        return command(selection=Selection(domain_id, app_type, user_profile_names, space_names), **others)

    return with_options(
        with_selection,
        click.option("--domain-id", default="", metavar="ID", help="Only apps of this domain."),
        click.option("--app-type", default="", metavar="TYPE", help="Only apps of this type, such as JupyterLab."),
        click.option(
            "--user-profile-name",
            "user_profile_names",
            multiple=True,
            metavar="NAME",
            help="Only this user's own apps (and those of the spaces that are named); may be repeated.",
        ),
        click.option(
            "--space-name",
            "space_names",
            multiple=True,
            metavar="NAME",
            help="Only this space's apps (and those of the users that are named); may be repeated.",
        ),
    )


def with_options(command: Command, *options: Callable[[Command], Command]) -> Command:
    """The command with these options, in this order in its help."""
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)
