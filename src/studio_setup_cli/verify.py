"""`studio-setup verify`: check a deployment by starting an app and following its setup in the function's log.

docs/verify-on-aws.md says what to prepare and what to look at afterwards. It needs the permissions of an administrator
of the domain, creates one app and deletes nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TextIO

import click

from studio_setup.fleet.function_log import FunctionLog, LogLine, all_of, any_of, to_ms
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import BadInput
from studio_setup.model.outcomes import Outcome
from studio_setup_cli.aws import aws_session, call_errors
from studio_setup_cli.options import stack_options
from studio_setup_cli.stack import Place, find_sources
from studio_setup_cli.terminal_view import EventView

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

Fields = dict[str, Any]
# CloudTrail normally delivers within minutes; then the app starts, and a setup takes 15 minutes at most.
_SILENCE_SECONDS = 1200.0
_POLL_SECONDS = 1.0
# How far the clocks of this machine and of CloudWatch Logs may be apart.
_CLOCK_SKEW = timedelta(minutes=5)
_RETRIED = {Outcome.UNFINISHED, Outcome.UNREACHABLE}


class CheckFailed(Exception):
    """The deployment cannot be checked, or its setup did not succeed; the message says why."""


@click.command(epilog="Exit status: 0; 1 if the setup did not succeed or cannot be checked; 2 bad input.")
@click.option("--domain-id", required=True, metavar="ID", help="The domain.")
@click.option("--user-profile-name", default="", metavar="NAME", help="The user whose JupyterServer app to start.")
@click.option("--space-name", default="", metavar="NAME", help="The space whose JupyterLab app to start instead.")
@click.option("--json", "as_json", is_flag=True, help="Print the setup's report as one JSON object.")
@stack_options
def verify(*, place: Place, domain_id: str, user_profile_name: str, space_name: str, as_json: bool) -> int:
    """Check a deployment: start an app and follow its setup in the function's log."""
    if not user_profile_name and not space_name:
        raise BadInput("Whose app is to be started? Give --user-profile-name or --space-name.")
    if space_name:
        app = App(domain_id, "", "JupyterLab", "default", space_name)
    else:
        app = App(domain_id, user_profile_name, "JupyterServer", "default")
    stream = sys.stderr if as_json else sys.stdout
    try:
        with call_errors():
            report = _check(place, app, stream)
    except CheckFailed as error:
        click.echo(f"The check failed: {error}", err=True)
        return 1
    if as_json:
        click.echo(json.dumps(report))
    if report["outcome"] != Outcome.SUCCEEDED:
        said = f"{report['outcome']}, {report['code']}"
        click.echo(f"The check failed: the outcome is {said}; see docs/outcomes.md.", err=True)
        return 1
    what_next = "Now look at it as its user does; docs/verify-on-aws.md says what to look at."
    click.echo(f"The app is set up. {what_next}", stream)
    return 0


def _check(place: Place, app: App, stream: TextIO) -> Fields:
    """Start the app and follow its setup; the report."""
    session = aws_session(place.region, place.profile)
    account = session.client("sts").get_caller_identity()["Account"]
    click.echo(f"Account {account}, region {session.region_name}.", stream)
    sources = find_sources(place)
    click.echo(f"The function of stack {place.stack_name} logs to {sources.function_log.group}.", stream)
    log = _AppLog(sources.function_log, app)
    _refuse_sso(sources.sagemaker, app.domain_id)
    _start_app(sources.sagemaker, app)
    click.echo(f"Started {app.label}. CloudTrail may take some minutes to deliver the event.", stream)
    report = _follow_setup(log.new_lines, app, stream)
    click.echo(f"{report['outcome']}: {report['code']}" + (f": {report['reason']}" if report["reason"] else ""), stream)
    return report


def _refuse_sso(sagemaker: SageMakerClient, domain_id: str) -> None:
    mode = sagemaker.describe_domain(DomainId=domain_id)["AuthMode"]
    if mode != "IAM":
        raise CheckFailed(f"domain {domain_id} is in {mode} mode, so its apps are skipped and cannot be checked.")


def _start_app(sagemaker: SageMakerClient, app: App) -> None:
    """Start the app.

    Raises:
        CheckFailed: it is there already.
    """
    owner: Any = {"SpaceName": app.space_name} if app.space_name else {"UserProfileName": app.user_profile_name}
    names: Any = {"DomainId": app.domain_id, **owner, "AppType": app.app_type, "AppName": app.app_name}
    try:
        status = sagemaker.describe_app(**names)["Status"]
    except sagemaker.exceptions.ResourceNotFound:
        status = "Deleted"
    if status not in {"Deleted", "Failed"}:
        raise CheckFailed(f"app {app.label} is {status}; delete it in Studio first, which ends whatever runs in it.")
    sagemaker.create_app(**names)


class _AppLog:
    """The lines about an app that are logged from now on."""

    def __init__(self, function_log: FunctionLog, app: App) -> None:
        self._function_log = function_log
        self._pattern = all_of(any_of("app", [app.label]))
        self._start_ms = to_ms(datetime.now(UTC) - _CLOCK_SKEW)
        self._seen: set[str] = set()
        self.new_lines()

    def new_lines(self) -> list[LogLine]:
        """The lines that are new since the last call, oldest first."""
        end_ms = to_ms(datetime.now(UTC) + _CLOCK_SKEW)
        lines = self._function_log.lines(self._pattern, self._start_ms, end_ms)
        new = [line for line in lines if line.event_id not in self._seen]
        self._seen |= {line.event_id for line in new}
        return new


def _follow_setup(new_lines: Callable[[], list[LogLine]], app: App, stream: TextIO) -> Fields:
    """Show what the invocations for this app log, until one has an outcome that Lambda does not retry; its report.

    Raises:
        CheckFailed: the log is silent about this app.
    """
    silence = Deadline.after(_SILENCE_SECONDS)
    with EventView(stream, "the function") as view:
        while not silence.expired:
            for fields in (dict(line.fields) for line in new_lines()):
                if fields.get("app") != app.label:
                    continue
                silence = Deadline.after(_SILENCE_SECONDS)
                view.show(str(fields.get("message", "")), fields)
                if fields.get("message") == "setup.finished" and fields["outcome"] not in _RETRIED:
                    return fields
            silence.pause(_POLL_SECONDS)
    raise CheckFailed(f"the function logged nothing about {app.label} for {_SILENCE_SECONDS / 60:.0f} minutes.")
