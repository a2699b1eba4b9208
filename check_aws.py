"""Check a deployment in a real AWS account: start an app, follow its setup in the log, say what came of it.

`docs/verify-on-aws.md` says what to prepare and what to look at. It needs the permissions of an administrator of the
domain, creates one app, deletes nothing, and can be run anywhere: where it runs is what the AWS configuration says.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from demo.screen import Screen
from local_cloud.log import Line, follow, lines

# CloudTrail delivers within minutes as a rule; then the app starts, and the setup has the function's 15 minutes.
_SILENCE_LIMIT_SECONDS = 1200.0
_GONE = {"Deleted", "Failed"}


class NotAsItShouldBe(Exception):
    """Something stands in the way, or did not come out as promised."""


def main() -> int:
    """Check; the exit status."""
    options = _options()
    screen = Screen(sys.stdout)
    try:
        _check(screen, options)
    except (NotAsItShouldBe, TimeoutError, ClientError, BotoCoreError) as error:
        screen.failed(str(error))
        return 1
    screen.done("The app was set up. Now look at it as the user; docs/verify-on-aws.md says at what.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="check_aws.py", description="Check a deployment in your own AWS account.")
    parser.add_argument("--domain-id", required=True)
    parser.add_argument("--user-profile-name", required=True, help="for a space: its owner")
    parser.add_argument("--space-name", help="check a JupyterLab space; without, the user's JupyterServer app")
    parser.add_argument("--stack-name", default="studio-setup")
    return parser.parse_args()


def _check(screen: Screen, options: argparse.Namespace) -> None:
    session: Any = boto3.Session()
    with screen.step("The account"):
        screen.detail(f"account {session.client('sts').get_caller_identity()['Account']}, region {session.region_name}")
    with screen.step(f"The stack {options.stack_name}"):
        outputs = _outputs(session, options.stack_name)
        screen.detail("\n".join(f"{key}: {value}" for key, value in outputs.items()))
    logs, group = session.client("logs"), outputs["LogGroupName"]
    with screen.step("The app"):
        _refuse_sso(session, options.domain_id)
        before = len(lines(logs, group))
        app = _create_app(session, options)
        screen.detail(f"CreateApp was called: {app}")
    with screen.step("The log (nothing comes until CloudTrail has delivered the event: minutes)"):
        report = _follow_setup(screen, follow(logs, group, _SILENCE_LIMIT_SECONDS, skip=before), options)
    with screen.step("The report"):
        screen.report(report)
    if report["outcome"] != "succeeded":
        raise NotAsItShouldBe(f"the outcome is {report['outcome']}, {report['code']}; see docs/outcomes.md")


def _outputs(session: Any, stack_name: str) -> dict[str, str]:  # noqa: ANN401 (an SDK session)
    (stack,) = session.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _refuse_sso(session: Any, domain_id: str) -> None:  # noqa: ANN401
    mode = session.client("sagemaker").describe_domain(DomainId=domain_id)["AuthMode"]
    if mode != "IAM":
        raise NotAsItShouldBe(f"the domain signs in by {mode}: its apps are skipped, there is nothing to check")


def _create_app(session: Any, options: argparse.Namespace) -> dict[str, str]:  # noqa: ANN401
    """Start the app, which must not be there yet."""
    sagemaker = session.client("sagemaker")
    if options.space_name:
        app = {"SpaceName": options.space_name, "AppType": "JupyterLab"}
    else:
        app = {"UserProfileName": options.user_profile_name, "AppType": "JupyterServer"}
    app = {"DomainId": options.domain_id, **app, "AppName": "default"}
    try:
        status = sagemaker.describe_app(**app)["Status"]
    except sagemaker.exceptions.ResourceNotFound:
        status = "Deleted"
    if status not in _GONE:
        raise NotAsItShouldBe(f"the app is {status}; delete it in Studio first, which ends what runs in it: {app}")
    sagemaker.create_app(**app)
    return app


def _follow_setup(screen: Screen, log: Iterator[Line], options: argparse.Namespace) -> Line:
    """Show the log of this app's invocations until there is a verdict."""
    begun, ours = time.monotonic(), set()
    for line in log:
        app = line.get("app", {})
        wanted = app.get("space_name") == (options.space_name or "") and app.get("domain_id") == options.domain_id
        if wanted and (options.space_name or app["user_profile_name"] == options.user_profile_name):
            ours.add(line["requestId"])
        if line.get("requestId") in ours:
            screen.log_line(line, time.monotonic() - begun)
            # What is unfinished or not reached yet, Lambda tries again.
            if line.get("message") == "setup.finished" and line["outcome"] not in {"unfinished", "unreachable"}:
                return line
    raise NotAsItShouldBe("the log ended")


if __name__ == "__main__":
    sys.exit(main())
