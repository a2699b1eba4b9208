"""`studio-setup doctor`: is everything there that setups need, check by check, with the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from studio_setup.model.errors import BadInput
from studio_setup_cli import doctor_checks as checks
from studio_setup_cli.aws import aws_session, configuration_errors, fleet_config, invocation_config
from studio_setup_cli.doctor_probe import probe, probed_apps
from studio_setup_cli.doctor_trail import check_trail
from studio_setup_cli.findings import Finding, Level, looked
from studio_setup_cli.options import stack_options
from studio_setup_cli.stack import Place, Stack, find_stack

if TYPE_CHECKING:
    import boto3

    from studio_setup.model.app import App


@click.command(
    epilog="Exit status: 0; 1 if a check failed; 2 bad input. A check that may not be made is not a failure."
    " Without --probe, nothing is changed and no app is touched."
)
@click.option(
    "--probe",
    "probed",
    default="",
    metavar="USER|SPACE",
    help="Also let the deployed function do everything but the commands in the running apps of this user or space.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@stack_options
def doctor(*, place: Place, probed: str, as_json: bool) -> int:
    """Check the account, the region and the deployed stack: one line per check, with the remedy."""
    found = []
    for finding in _findings(place, probed):
        found.append(finding)
        if not as_json:
            click.echo(str(finding))
    if as_json:
        click.echo(json.dumps({"checks": [finding.as_dict() for finding in found]}))
    return int(any(finding.level is Level.FAILED for finding in found))


def _findings(place: Place, probed: str) -> Iterator[Finding]:
    """The findings as they come; without an account, a region or a stack there is nothing further to look at."""
    try:
        session = aws_session(place.region, place.profile)
    except BadInput as error:
        yield Finding("credentials and region", Level.FAILED, str(error))
        return
    client = partial(_client, session)
    who = looked("credentials", lambda: checks.check_credentials(client("sts")))
    yield who
    yield Finding("region", Level.OK, session.region_name)
    if who.level is Level.FAILED:
        return
    found = looked("stack", lambda: checks.check_stack(client("cloudformation"), place.stack_name))
    yield found
    stack = _stack(client, place, found)
    if not stack:
        return
    for check, look in _looks(client, place, stack, session.region_name).items():
        yield looked(check, look)
    if probed:
        yield from _probe(client, session, stack, probed)


def _client(session: boto3.Session, service: Any) -> Any:  # noqa: ANN401 (the SDK makes it at run time)
    with configuration_errors():
        # The function is throttled for as long as setups use up its reserved concurrency: not worth waiting for.
        return session.client(service, config=fleet_config(attempts=3))


def _stack(client: Callable[[str], Any], place: Place, found: Finding) -> Stack | None:
    if found.level is Level.NOT_PERMITTED:
        return checks.names_by_convention(place.stack_name)
    try:
        return find_stack(client("cloudformation"), place.stack_name)
    except BadInput:
        return None


def _looks(client: Callable[[str], Any], place: Place, stack: Stack, region: str) -> dict[str, Callable[[], Finding]]:
    function = stack.function_name
    unknown = Level.NOT_PERMITTED, "its name is among the stack's outputs"
    return {
        "function": lambda: checks.check_function(client("lambda"), function),
        "version": lambda: checks.check_version(client("lambda"), function),
        "rule": lambda: (
            checks.check_rule(client("events"), stack.rule_name, function)
            if stack.rule_name
            else Finding("rule", *unknown)
        ),
        "trail": lambda: check_trail(client("cloudtrail"), region),
        "domains": lambda: checks.check_domains(client("sagemaker")),
        "concurrency": lambda: checks.check_concurrency(client("lambda")),
        "log group": lambda: checks.check_log_group(client("logs"), stack.log_group_name),
        "failure queue": lambda: (
            checks.check_failure_queue(client("sqs"), stack.failure_queue_url)
            if stack.failure_queue_url
            else Finding("failure queue", *unknown)
        ),
        "alarms": lambda: checks.check_alarms(client("cloudwatch"), place.stack_name),
    }


def _probe(client: Callable[[str], Any], session: boto3.Session, stack: Stack, name: str) -> Iterator[Finding]:
    """What is found in the apps of that name, or why they cannot be listed."""
    apps: list[App] = []

    def list_apps() -> Finding:
        apps.extend(probed_apps(client("sagemaker"), name))
        return Finding("probe", Level.OK, f"apps: {len(apps)}")

    listed = looked("probe", list_apps)
    if not apps:
        yield listed
        return
    # An invocation that was lost on the way is not to be made again: the app may have been touched.
    with configuration_errors():
        function = session.client("lambda", config=invocation_config())
    for app in apps:
        yield looked(f"probe of {app.label}", partial(probe, function, stack.function_name, app))
