"""`studio-setup status`: how the setup of every running app stands."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from studio_setup.fleet.apps import Selection
from studio_setup.fleet.status import AppState, State, needs_somebody
from studio_setup.model.deadline import Stopwatch
from studio_setup_cli.look import look_at
from studio_setup_cli.options import StateList, selection_options, stack_options
from studio_setup_cli.stack import Place, find_sources
from studio_setup_cli.status_table import can_draw, counts_of, draw, print_plain, redrawn

if TYPE_CHECKING:
    from studio_setup.fleet.survey import Survey

_LOOK_AGAIN_SECONDS = 5.0


@click.command(
    epilog=f"States: {', '.join(State)}. Exit status: 0; 1 if an app is in a state of --fail-on; 2 bad input."
    " Permissions: cloudformation:DescribeStacks, sagemaker:ListApps, logs:FilterLogEvents and, to know which setups"
    " are outdated, lambda:InvokeFunction."
)
@selection_options
@click.option("--only", type=StateList(), default=(), help="Show only apps in these states.")
@click.option(
    "--fail-on",
    type=StateList(),
    help="Exit with 1 if a selected app, shown or not, is in one of these states ('' for none). Unless given: failed,"
    " timed-out, unreachable, and not-set-up for over an hour.",
)
@click.option("--watch", is_flag=True, help="Look again and again until no setup runs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@stack_options
def status(
    *,
    place: Place,
    selection: Selection,
    only: tuple[State, ...],
    fail_on: tuple[State, ...] | None,
    watch: bool,
    as_json: bool,
) -> int:
    """Show how the setup of every running app stands, and why.

    SageMaker's list of apps is joined with the log of the deployed function.
    """
    drawn = can_draw(sys.stdout) and not as_json
    look = functools.partial(look_at, find_sources(place), selection, quiet=drawn and watch)
    if drawn and watch:
        with redrawn() as redraw:
            survey = _watch(look, lambda seen: redraw(seen.apps, _shown(seen, only)))
    else:
        survey = _watch(look, lambda _: None) if watch else look()
    if survey.not_described:
        click.echo(f"studio-setup: {survey.not_described} No app is shown as outdated.", err=True)
    if as_json:
        _print_json(survey, only)
    else:
        (draw if drawn else print_plain)(survey.apps, _shown(survey, only))
    now = datetime.now(UTC)
    return int(any(needs_somebody(app, now) if fail_on is None else app.state in fail_on for app in survey.apps))


def _watch(look: Callable[[], Survey], show: Callable[[Survey], object]) -> Survey:
    """Look, and show what is seen, until no setup runs; rest at least as long as a look takes."""
    while True:
        watch = Stopwatch()
        seen = look()
        show(seen)
        if all(app.state is not State.RUNNING for app in seen.apps):
            return seen
        time.sleep(max(_LOOK_AGAIN_SECONDS, watch.seconds))


def _shown(survey: Survey, only: tuple[State, ...]) -> list[AppState]:
    return [app for app in survey.apps if not only or app.state in only]


def _print_json(survey: Survey, only: tuple[State, ...]) -> None:
    apps = [app.as_dict() for app in _shown(survey, only)]
    click.echo(json.dumps({"apps": apps, "states": counts_of(survey.apps)}))
