"""The same engine by hand: `python -m studio_setup run`.

Output and progress go to stderr, the report to stdout. The exit status says what came of it, see EXIT_STATUS.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import signal
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import requests
from botocore.exceptions import BotoCoreError

from studio_setup.app_event import App
from studio_setup.commands import SETUPS
from studio_setup.control_plane import SDK_CONFIG
from studio_setup.deadline import Deadline
from studio_setup.errors import BadInput
from studio_setup.handler import quiet_libraries
from studio_setup.plan import Command, Plan, read_script
from studio_setup.report import Outcome, SetupReport
from studio_setup.settings import KNOWN_APP_TYPES
from studio_setup.setup_run import Job, Tools, set_up
from studio_setup.terminal_view import TerminalView

EXIT_STATUS = {
    Outcome.SUCCEEDED: 0,
    Outcome.FAILED: 1,
    Outcome.TIMED_OUT: 1,
    Outcome.UNFINISHED: 1,
    Outcome.UNREACHABLE: 3,
    Outcome.APP_GONE: 4,
    Outcome.SKIPPED: 5,
}
_USAGE_STATUS = 2
_INTERRUPTED_STATUS = 130
_WAIT_FOR_APP_SECONDS = 900
_AD_HOC_TIMEOUT_SECONDS = 900


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; its exit status."""
    options = _parser().parse_args(arguments)
    quiet_libraries()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with TerminalView(sys.stderr) as view, requests.Session() as http:
            job = Job(_app(options), _plan(options), not _is_ad_hoc(options), options.force, grace_seconds=0)
            logging.getLogger("studio_setup").addHandler(view)
            report = set_up(job, Tools(_sagemaker_client(), http), _deadline(job.plan))
    except BadInput as error:
        print(f"studio_setup: {error}", file=sys.stderr)
        return _USAGE_STATUS
    except KeyboardInterrupt:
        print("studio_setup: interrupted.", file=sys.stderr)
        return _INTERRUPTED_STATUS
    _show(report, as_json=options.json)
    return EXIT_STATUS[report.outcome]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m studio_setup", description="Run commands in a user's Studio app.")
    run = parser.add_subparsers(required=True, metavar="run").add_parser(
        "run",
        help="run commands, scripts or the hard-coded setup",
        epilog="Exit status: 0 succeeded, 1 a command failed or timed out, 2 bad input, 3 could not reach or log in,"
        " 4 app gone or not running, 5 skipped, 130 interrupted.",
    )
    run.add_argument("--domain-id", required=True, metavar="ID")
    run.add_argument("--user-profile-name", metavar="NAME", help="the user; for a space, its owner unless given")
    run.add_argument("--space-name", metavar="NAME", help="the space the app belongs to, if it does")
    run.add_argument("--app-type", metavar="TYPE", help="JupyterServer, or JupyterLab (the default with --space-name)")
    run.add_argument("--app-name", default="default", metavar="NAME")
    what = run.add_mutually_exclusive_group()
    what.add_argument("--command", action="append", metavar="TEXT", help="run this text; may be repeated")
    what.add_argument("--script", action="append", metavar="FILE", type=Path, help="run this file; may be repeated")
    run.add_argument("--timeout-seconds", type=int, metavar="N", help="end each command after N seconds")
    run.add_argument("--force", action="store_true", help="run the setup again although this app start has had it")
    run.add_argument("--json", action="store_true", help="print the report as one JSON object")
    return parser


def _app(options: argparse.Namespace) -> App:
    if not options.user_profile_name and not options.space_name:
        raise BadInput("Whose app is it? Give --user-profile-name, --space-name, or both.")
    return App(
        domain_id=options.domain_id,
        user_profile_name=options.user_profile_name or "",
        app_type=_app_type(options),
        app_name=options.app_name,
        space_name=options.space_name or "",
    )


def _app_type(options: argparse.Namespace) -> str:
    app_type: str = options.app_type or ("JupyterLab" if options.space_name else "JupyterServer")
    if app_type not in KNOWN_APP_TYPES:
        raise BadInput(f"Apps of type {app_type!r} have no Jupyter terminals; it takes: {', '.join(KNOWN_APP_TYPES)}.")
    return app_type


def _is_ad_hoc(options: argparse.Namespace) -> bool:
    return options.command is not None or options.script is not None


def _plan(options: argparse.Namespace) -> Plan:
    """The commands asked for: texts, files, or neither, which means the setup."""
    timeout_seconds = options.timeout_seconds
    if options.command is not None:
        scripts = [(f"command-{number}", text) for number, text in enumerate(options.command, 1)]
    elif options.script is not None:
        scripts = list(zip(_script_names(options.script), map(read_script, options.script), strict=True))
    else:
        return Plan(
            tuple(
                one if timeout_seconds is None else replace(one, timeout_seconds=timeout_seconds)
                for one in SETUPS[_app_type(options)]
            )
        )
    limit_seconds = _AD_HOC_TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
    return Plan(tuple(Command(name, script, limit_seconds) for name, script in scripts))


def _script_names(paths: list[Path]) -> list[str]:
    """Command names from file names, told apart by a number where two are the same."""
    names = [re.sub(r"[^a-z0-9._-]+", "-", path.name.lower()).lstrip("._-")[:50] or "script" for path in paths]
    counts = Counter(names)
    return [f"{number}-{name}" if counts[name] > 1 else name for number, name in enumerate(names, 1)]


def _sagemaker_client() -> Any:  # noqa: ANN401 (the SDK makes it at run time)
    try:
        session = boto3.Session()
        if not session.region_name:
            raise BadInput("There is no AWS region; set AWS_DEFAULT_REGION, or choose a profile with AWS_PROFILE.")
        if session.get_credentials() is None:
            raise BadInput("There are no AWS credentials; configure some (aws configure), or set AWS_PROFILE.")
        return session.client("sagemaker", config=SDK_CONFIG)
    except (BotoCoreError, ValueError) as error:
        raise BadInput(f"The AWS configuration is not usable: {error}") from None


def _deadline(plan: Plan) -> Deadline:
    """Long enough for the app to start and every command to reach its limit."""
    return Deadline.after(_WAIT_FOR_APP_SECONDS + sum(one.timeout_seconds for one in plan.commands))


def _show(report: SetupReport, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_dict()))
        return
    for one in report.commands:
        status = "-" if one.exit_status is None else one.exit_status
        left_out = f", {one.left_out_bytes} not shown: {one.log_path}" if one.left_out_bytes else ""
        print(f"{one.name}: {one.state}, exit status {status}, {one.seconds} s, {one.output_bytes} bytes{left_out}")
    print(f"{report.outcome}" + (f": {report.reason}" if report.reason else ""))
