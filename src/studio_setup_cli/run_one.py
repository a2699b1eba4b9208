"""`studio-setup run` in one app: its commands one after the other, until one fails.

Output and progress go to standard error, the report to standard output. The exit status tells how it ended.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from studio_setup import App, Command, ConnectedApp, Result, Setup, SetupError
from studio_setup.model import outcomes
from studio_setup.model.deadline import Stopwatch
from studio_setup.model.outcomes import Code
from studio_setup.model.report import CommandResult, SetupReport, Trigger, code_of_failure
from studio_setup_cli.exit_status import EXIT_STATUS
from studio_setup_cli.run_apps import connect_by_name
from studio_setup_cli.terminal_view import TerminalView, command_result

if TYPE_CHECKING:
    import boto3


def run_in_one(app: App, setup: Setup, session: boto3.Session, *, as_json: bool) -> int:
    """Run commands in an app, show what they print and report; the exit status.

    Raises:
        BadInput: the AWS configuration is not usable.
    """
    with connect_by_name(app, session) as connected, TerminalView(sys.stderr) as view:
        report = _OneAppRun(connected, setup, view).report()
    _show(report, as_json=as_json)
    return EXIT_STATUS[report.outcome]


class _OneAppRun:
    """Commands in one app: how those that were run ended."""

    def __init__(self, app: ConnectedApp, setup: Setup, view: TerminalView) -> None:
        self._app = app
        self._setup = setup
        self._view = view
        self._job_id = ""  # of the last command
        self._results: list[CommandResult] = []

    def report(self) -> SetupReport:
        """Run the commands and report; every `SetupError` becomes the report's outcome, code and reason."""
        watch = Stopwatch()
        try:
            code, reason = self._run_commands()
        except SetupError as error:
            code, reason = error.code, str(error)
        return SetupReport(
            outcome=code.outcome,
            code=code.name,
            reason=reason,
            app=self._app.app,
            setup_version=self._setup.version,
            trigger=Trigger.OPERATOR,
            attempt=self._job_id,
            run_id=self._job_id,
            seconds=watch.seconds,
            commands=tuple(self._results),
        )

    def _run_commands(self) -> tuple[Code, str]:
        for command in self._setup.commands:
            self._view.command = command.name
            result = self._app.run(command.script, check=False, timeout_seconds=command.timeout_seconds)
            self._note(command, result)
            if not result.succeeded:
                return code_of_failure(result.state), self._results[-1].ending
        return outcomes.SUCCEEDED, ""

    def _note(self, command: Command, result: Result) -> None:
        self._job_id = result.job_id
        self._results.append(
            CommandResult(
                name=command.name,
                state=result.state,
                exit_status=result.exit_status,
                seconds=result.seconds,
                output_bytes=result.output_bytes,
                left_out_bytes=result.left_out_bytes,
                log_path=result.log_path,
            )
        )


def _show(report: SetupReport, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report.as_dict()))
        return
    for one in report.commands:
        click.echo(command_result(one.as_fields()))
    click.echo(f"{report.outcome}" + (f": {report.reason}" if report.reason else ""))
