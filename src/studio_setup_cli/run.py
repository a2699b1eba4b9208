"""`studio-setup run`: commands or scripts in one app, with the operator's own permissions.

Output and progress go to standard error, the report to standard output. The exit status tells how it ended.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import click

from studio_setup.model.app import KNOWN_APP_TYPES, App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import BadInput
from studio_setup.model.report import SetupReport
from studio_setup.model.setup import Command, Setup, read_script
from studio_setup_cli.aws import sagemaker_client
from studio_setup_cli.exit_status import EXIT_STATUS
from studio_setup_cli.run_many import Many, Targets, many_options, run_in_many
from studio_setup_cli.terminal_view import TerminalView, command_result

_WAIT_FOR_APP_SECONDS = 900
_AD_HOC_TIMEOUT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class What:
    """What to run: texts or files; `timeout_seconds` is the limit of each."""

    commands: tuple[str, ...]
    scripts: tuple[Path, ...]
    timeout_seconds: int


@click.command(
    epilog="Exit status: 0 succeeded, 1 a command failed or timed out, 2 bad input, 3 could not reach or log in,"
    " 4 app gone or not running, 5 skipped, 6 stopped at --max-errors, 130 interrupted (Ctrl-C, SIGTERM, SIGHUP), 141"
    " nobody reads the output any more; of many apps, the worst. With 130 and 141, what ran in the apps was ended too."
)
@click.option("--domain-id", default="", metavar="ID", help="The domain.")
@click.option(
    "--user-profile-name",
    "users",
    multiple=True,
    metavar="NAME",
    help="The user; for one space, its owner unless given. May be repeated, for many apps.",
)
@click.option(
    "--space-name",
    "spaces",
    multiple=True,
    metavar="NAME",
    help="The space the app belongs to, if it does. May be repeated, for many apps.",
)
@click.option(
    "--app-type", default="", metavar="TYPE", help="JupyterServer, or JupyterLab (default with --space-name)."
)
@click.option("--app-name", default="default", show_default=True, metavar="NAME", help="The app.")
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
    default=_AD_HOC_TIMEOUT_SECONDS,
    show_default=True,
    metavar="N",
    help="End each command after N seconds.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@many_options
def run(
    *,
    many: Many,
    domain_id: str,
    users: tuple[str, ...],
    spaces: tuple[str, ...],
    app_type: str,
    app_name: str,
    commands: tuple[str, ...],
    scripts: tuple[Path, ...],
    timeout_seconds: int,
    as_json: bool,
) -> int:
    """Run commands or scripts in a user's app, or one in many apps. `studio-setup setup` runs the setup."""
    if commands and scripts:
        raise BadInput("Give --command or --script, not both.")
    if many.is_asked_for or len(users) > 1 or len(spaces) > 1:
        targets = Targets(domain_id, app_type, app_name, users, spaces)
        return run_in_many(many, targets, commands, scripts, timeout_seconds, as_json=as_json)
    if not domain_id:
        raise click.UsageError("Missing option '--domain-id'.", click.get_current_context())
    user_profile_name, space_name = "".join(users), "".join(spaces)
    if not user_profile_name and not space_name:
        raise BadInput("Whose app is it? Give --user-profile-name, --space-name, or both.")
    app = App(domain_id, user_profile_name, _app_type(app_type, space_name), app_name, space_name)
    if not commands and not scripts:
        raise BadInput("What is to run? Give --command or --script; for the deployed setup, call `studio-setup setup`.")
    report = _carry_out(app, What(commands, scripts, timeout_seconds))
    _show(report, as_json=as_json)
    return EXIT_STATUS[report.outcome]


def _app_type(given: str, space_name: str) -> str:
    app_type = given or ("JupyterLab" if space_name else "JupyterServer")
    if app_type not in KNOWN_APP_TYPES:
        raise BadInput(f"Apps of type {app_type!r} have no Jupyter terminals; it takes: {', '.join(KNOWN_APP_TYPES)}.")
    return app_type


def _carry_out(app: App, what: What) -> SetupReport:
    # Imported here because they take longer than everything else that `--help` does.
    import requests  # noqa: PLC0415

    from studio_setup.access.library_logs import quiet_libraries  # noqa: PLC0415
    from studio_setup.setup_run import Job, Tools, set_up  # noqa: PLC0415

    quiet_libraries()
    job = Job(app, _setup(what), claims_start=False, grace_seconds=0)
    with TerminalView(sys.stderr) as view, requests.Session() as http:
        tools = Tools(sagemaker_client(), http)
        logging.getLogger("studio_setup").addHandler(view)
        return set_up(job, tools, _deadline(job.setup))


def _setup(what: What) -> Setup:
    if what.commands:
        named = [(f"command-{number}", text) for number, text in enumerate(what.commands, 1)]
    else:
        named = list(zip(script_names(what.scripts), map(read_script, what.scripts), strict=True))
    return Setup(tuple(Command(name, script, what.timeout_seconds) for name, script in named))


def script_names(paths: tuple[Path, ...]) -> list[str]:
    """Command names from file names, told apart by a number where two are the same."""
    names = [re.sub(r"[^a-z0-9._-]+", "-", path.name.lower()).lstrip("._-")[:50] or "script" for path in paths]
    counts = Counter(names)
    return [f"{number}-{name}" if counts[name] > 1 else name for number, name in enumerate(names, 1)]


def _deadline(setup: Setup) -> Deadline:
    """Long enough for the app to start and every command to reach its limit."""
    return Deadline.after(_WAIT_FOR_APP_SECONDS + sum(command.timeout_seconds for command in setup.commands))


def _show(report: SetupReport, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.as_dict()))
        return
    for one in report.commands:
        click.echo(command_result(one.as_fields()))
    click.echo(f"{report.outcome}" + (f": {report.reason}" if report.reason else ""))
