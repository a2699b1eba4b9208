"""What `studio-setup setup` is about to do: which apps, with which commands; and the question whether it may."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from studio_setup.fleet.apps import Selection
from studio_setup.fleet.status import AppState, State
from studio_setup.model.app import KNOWN_APP_TYPES, App
from studio_setup.model.errors import BadInput
from studio_setup_cli.aws import call_errors
from studio_setup_cli.look import look_at

if TYPE_CHECKING:
    from studio_setup.fleet.deployed import AppSetup
    from studio_setup.fleet.survey import Sources


@dataclass(frozen=True, slots=True)
class Plan:
    """The apps that are to be set up, how they stand, and what is deployed for each; `only`: the states asked for."""

    only: tuple[State, ...]
    apps: tuple[AppState, ...]
    setups: Mapping[App, AppSetup]

    @property
    def targets(self) -> list[App]:
        """The apps, in order."""
        return [state.app for state in self.apps]


def make_plan(sources: Sources, selection: Selection, only: tuple[State, ...]) -> Plan:
    """How the selected apps stand, those of these states, and what is deployed for them.

    Raises:
        BadInput: nothing is selected, the function does not say what is deployed, or AWS cannot be asked.
    """
    # Imported here because `--help` does without threads.
    from studio_setup.fleet.deployed import NotDescribed, describe_setup  # noqa: PLC0415

    seen = look_at(sources, selection)
    if seen.not_described:
        raise BadInput(f"{seen.not_described} Nothing was set up.")
    # Apps of other types are never set up, whatever is asked for.
    apps = tuple(state for state in seen.apps if state.state in only and state.app.app_type in KNOWN_APP_TYPES)
    try:
        with call_errors():
            described = describe_setup(sources.lambda_client, sources.function_name, [state.app for state in apps])
    except NotDescribed as error:
        raise BadInput(f"{error} Nothing was set up.") from None
    return Plan(only, apps, described.apps)


def print_plan(plan: Plan, *, as_json: bool) -> None:
    """Print the apps with their states, and each distinct setup with its commands and their limits."""
    if as_json:
        click.echo(json.dumps(_as_dict(plan)))
        return
    for line in _lines(plan):
        click.echo(line)


def confirmed(plan: Plan, *, yes: bool) -> bool:
    """May it be done? More than one app is touched only with `--yes`, or when somebody at a terminal says so.

    Raises:
        BadInput: there is nobody to ask.
    """
    if yes or len(plan.apps) <= 1:
        return True
    for line in _lines(plan):
        click.echo(line, err=True)
    if not sys.stdin.isatty():
        raise BadInput(f"{len(plan.apps)} apps would be set up, and there is no terminal to ask at: give --yes.")
    return click.confirm(f"Set up {len(plan.apps)} apps?", err=True)


def _lines(plan: Plan) -> Iterator[str]:
    if not plan.apps:
        yield f"No app is {' or '.join(plan.only)}."
    for setup, apps in _by_setup(plan).items():
        if setup.code:
            yield f"No setup ({setup.code}: {setup.reason}):"
        else:
            yield f"Setup {setup.setup_version}:"
        yield from (f"  command {command.name}, at most {command.timeout_seconds} s" for command in setup.commands)
        yield from (f"  {state.app.label}  {state.state}" for state in apps)


def _by_setup(plan: Plan) -> dict[AppSetup, list[AppState]]:
    by_setup: dict[AppSetup, list[AppState]] = {}
    for state in plan.apps:
        by_setup.setdefault(plan.setups[state.app], []).append(state)
    return by_setup


def _as_dict(plan: Plan) -> dict[str, object]:
    setups = [
        {
            "setup_version": setup.setup_version,
            "code": setup.code,
            "reason": setup.reason,
            "commands": [{"name": one.name, "timeout_seconds": one.timeout_seconds} for one in setup.commands],
            "apps": [state.as_dict() for state in apps],
        }
        for setup, apps in _by_setup(plan).items()
    ]
    return {"apps": len(plan.apps), "setups": setups}
