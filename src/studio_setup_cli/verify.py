"""`studio-setup verify`: check a deployment by starting an app and following its setup in the function's log.

docs/verify-on-aws.md says what to prepare and what to look at afterwards. It needs the permissions of an administrator
of the domain, creates one app and deletes nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TextIO

import click

from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import BadInput
from studio_setup.model.outcomes import Outcome
from studio_setup_cli.aws import aws_session
from studio_setup_cli.options import stack_options
from studio_setup_cli.stack import Place
from studio_setup_cli.terminal_view import EventView

if TYPE_CHECKING:
    import boto3

Line = dict[str, Any]
# CloudTrail normally delivers within minutes; then the app starts, and a setup takes 15 minutes at most.
_SILENCE_SECONDS = 1200.0
_POLL_SECONDS = 1.0
# How far the clocks of this machine and of CloudWatch Logs may be apart.
_CLOCK_SKEW_SECONDS = 300.0
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
    # Imported here because it takes longer than everything else that `--help` does.
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    if not user_profile_name and not space_name:
        raise BadInput("Whose app is to be started? Give --user-profile-name or --space-name.")
    if space_name:
        app = App(domain_id, "", "JupyterLab", "default", space_name)
    else:
        app = App(domain_id, user_profile_name, "JupyterServer", "default")
    stream = sys.stderr if as_json else sys.stdout
    try:
        report = _check(aws_session(place.region, place.profile), app, place.stack_name, stream)
    except (CheckFailed, ClientError, BotoCoreError) as error:
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


def _check(session: boto3.Session, app: App, stack_name: str, stream: TextIO) -> Line:
    """Start the app and follow its setup; the report."""
    client: Any = session.client
    click.echo(f"Account {client('sts').get_caller_identity()['Account']}, region {session.region_name}.", stream)
    group = _log_group(client("cloudformation"), stack_name)
    click.echo(f"The function of stack {stack_name} logs to {group}.", stream)
    log = _Log(client("logs"), group)
    _refuse_sso(client("sagemaker"), app.domain_id)
    _start_app(client("sagemaker"), app)
    click.echo(f"Started {app.label}. CloudTrail may take some minutes to deliver the event.", stream)
    report = _follow_setup(log.new_lines, app, stream)
    click.echo(f"{report['outcome']}: {report['code']}" + (f": {report['reason']}" if report["reason"] else ""), stream)
    return report


def _log_group(cloudformation: Any, stack_name: str) -> str:  # noqa: ANN401 (an SDK client)
    (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if "LogGroupName" not in outputs:
        raise CheckFailed(f"stack {stack_name} is not a deployment of Studio Setup: it has no output LogGroupName.")
    return str(outputs["LogGroupName"])


def _refuse_sso(sagemaker: Any, domain_id: str) -> None:  # noqa: ANN401 (an SDK client)
    mode = sagemaker.describe_domain(DomainId=domain_id)["AuthMode"]
    if mode != "IAM":
        raise CheckFailed(f"domain {domain_id} is in {mode} mode, so its apps are skipped and cannot be checked.")


def _start_app(sagemaker: Any, app: App) -> None:  # noqa: ANN401 (an SDK client)
    """Start the app.

    Raises:
        CheckFailed: it is there already.
    """
    owner = {"SpaceName": app.space_name} if app.space_name else {"UserProfileName": app.user_profile_name}
    names = {"DomainId": app.domain_id, **owner, "AppType": app.app_type, "AppName": app.app_name}
    try:
        status = sagemaker.describe_app(**names)["Status"]
    except sagemaker.exceptions.ResourceNotFound:
        status = "Deleted"
    if status not in {"Deleted", "Failed"}:
        raise CheckFailed(f"app {app.label} is {status}; delete it in Studio first, which ends whatever runs in it.")
    sagemaker.create_app(**names)


class _Log:
    """The lines that are written to a log group from now on."""

    def __init__(self, logs: Any, group: str) -> None:  # noqa: ANN401 (an SDK client)
        self._pages = logs.get_paginator("filter_log_events")
        self._query = {"logGroupName": group, "startTime": int((time.time() - _CLOCK_SKEW_SECONDS) * 1000)}
        self._seen: set[str] = set()
        self.new_lines()

    def new_lines(self) -> list[Line]:
        """The lines that are new since the last call, oldest first; what is not a JSON object is left out."""
        events = [event for page in self._pages.paginate(**self._query) for event in page["events"]]
        new = [event for event in events if event["eventId"] not in self._seen]
        self._seen |= {event["eventId"] for event in new}
        return [line for event in new for line in _parsed(event["message"])]


def _parsed(message: str) -> Iterator[Line]:
    try:
        line = json.loads(message)
    except ValueError:
        return
    if isinstance(line, dict):
        yield line


def _follow_setup(new_lines: Callable[[], list[Line]], app: App, stream: TextIO) -> Line:
    """Show what the invocations for this app log, until one has an outcome that Lambda does not retry; its report.

    Raises:
        CheckFailed: the log is silent about this app.
    """
    silence = Deadline.after(_SILENCE_SECONDS)
    with EventView(stream, "the function") as view:
        while not silence.expired:
            for line in new_lines():
                if line.get("app") != app.label:
                    continue
                silence = Deadline.after(_SILENCE_SECONDS)
                view.show(str(line.get("message", "")), line)
                if line.get("message") == "setup.finished" and line["outcome"] not in _RETRIED:
                    return line
            silence.pause(_POLL_SECONDS)
    raise CheckFailed(f"the function logged nothing about {app.label} for {_SILENCE_SECONDS / 60:.0f} minutes.")
