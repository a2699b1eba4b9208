"""`studio-setup run`: commands or scripts in one app, or one in many, with the operator's own permissions."""

from __future__ import annotations

import functools
import re
from collections import Counter
from pathlib import Path

import click

from studio_setup import BadInput, Command, Setup, read_script
from studio_setup.fleet.apps import Selection
from studio_setup_cli.aws import aws_session
from studio_setup_cli.options import aws_options, selection_options
from studio_setup_cli.run_apps import named_apps
from studio_setup_cli.run_many import Many, many_options, run_in_many
from studio_setup_cli.run_one import run_in_one

_TIMEOUT_SECONDS = 900


@click.command(
    epilog="Exit status: 0 succeeded, 1 a command failed or timed out, 2 bad input, 3 could not reach or log in,"
    " 4 app gone or not running, 5 skipped, 6 stopped at --max-errors, 130 interrupted (Ctrl-C, SIGTERM, SIGHUP), 141"
    " the output cannot be written, or nobody reads it any more; of many apps, the worst. With 130 and 141, what ran in"
    " the apps was ended too."
)
@selection_options
@click.option(
    "--app-name",
    metavar="NAME",
    help="The app's name; unless given, default, or with --all-running and --from-file any.",
)
@click.option("--command", "commands", multiple=True, metavar="TEXT", help="Run this text; may be repeated.")
@click.option(
    "--script",
    "scripts",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Run this file; may be repeated.",
)
@click.option(
    "--timeout-seconds",
    type=int,
    default=_TIMEOUT_SECONDS,
    show_default=True,
    metavar="N",
    help="End each command after N seconds.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@many_options
@aws_options
def run(
    *,
    many: Many,
    selection: Selection,
    app_name: str | None,
    commands: tuple[str, ...],
    scripts: tuple[Path, ...],
    timeout_seconds: int,
    as_json: bool,
    region: str,
    profile: str,
) -> int:
    """Run commands or scripts in a user's app, or one in many apps. `studio-setup setup` runs the setup.

    A user's app is a JupyterServer app and a space's a JupyterLab app, unless --app-type says otherwise. One user
    together with one space is whom to log in as to the space, instead of its owner.
    """
    open_session = functools.partial(aws_session, region, profile)
    if many.is_asked_for or len(selection.user_profile_names) > 1 or len(selection.space_names) > 1:
        setup = _setup(commands, scripts, timeout_seconds)
        return run_in_many(many, setup, selection, app_name, open_session, as_json=as_json)
    (app,) = named_apps(selection, app_name)
    setup = _setup(commands, scripts, timeout_seconds)
    return run_in_one(app, setup, open_session(), as_json=as_json)


def _setup(commands: tuple[str, ...], scripts: tuple[Path, ...], timeout_seconds: int) -> Setup:
    """What is to be run, with a name for each.

    Raises:
        BadInput: there is nothing, or something of it is not valid.
    """
    if bool(commands) == bool(scripts):
        raise BadInput(
            "What is to run? Give --command or --script, one of the two; for the deployed setup, call"
            " `studio-setup setup`."
        )
    if commands:
        named = [(f"command-{number}", text) for number, text in enumerate(commands, 1)]
    else:
        named = list(zip(script_names(scripts), map(read_script, scripts), strict=True))
    return Setup(tuple(Command(name, script, timeout_seconds) for name, script in named))


def script_names(paths: tuple[Path, ...]) -> list[str]:
    """Command names from file names, told apart by a number where two are the same."""
    names = [re.sub(r"[^a-z0-9._-]+", "-", path.name.lower()).lstrip("._-")[:50] or "script" for path in paths]
    counts = Counter(names)
    return [f"{number}-{name}" if counts[name] > 1 else name for number, name in enumerate(names, 1)]
