"""The steps of the demo; each raises an error if something is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from demo.cases import OTHER_SPACE, OTHER_USER, SPACE, Case
from demo.play import play
from demo.screen import Screen
from demo.user import ask, link
from emulator.app_host import StartOptions
from emulator.studio import USER_PROFILE, LocalStudio
from local_cloud.cloud import LocalCloud
from local_cloud.log import follow
from local_cloud.sam import Sam
from local_cloud.trail import Trail

STACK = "studio-setup"
_SILENCE_LIMIT_SECONDS = 60.0


class DemoFailed(Exception):
    """A step did not have the expected result; the message says which."""


def tell(screen: Screen, case: Case, *, keep: bool) -> None:
    """Run all steps; everything is stopped at the end, also after an error."""
    with _studio(screen, case) as studio, cloud_for(screen, studio) as cloud, Trail(cloud) as trail:
        sam = Sam(cloud, screen.progress)
        with screen.step("sam build"):
            sam.build()
        with screen.step("sam deploy --config-env local"):
            sam.deploy()
        outputs = outputs_of(cloud)
        with screen.step(f"A user starts an app: CreateApp {' '.join(case.create_app.values())}"):
            studio.deliver_to(trail)
            cloud.client("sagemaker").create_app(**case.create_app)
            screen.detail("The call's CloudTrail event goes to EventBridge, the rule matches, the function starts.")
        with screen.step(f"The function's log, from CloudWatch Logs {outputs['LogGroupName']}"):
            report = _follow_setup(screen, cloud, outputs["LogGroupName"])
        with screen.step("The report"):
            screen.report(report)
            expect(report["outcome"] == "succeeded", f"the outcome is {report['outcome']}")
        with screen.step("The user opens Studio"):
            _check_as_user(screen, studio, cloud, outputs, case)
        if keep:
            play(screen, cloud, case)
        delete_stack(screen, cloud, sam)


class _Studio(LocalStudio):
    """The local Studio; its events are delivered once there is a trail to deliver them to."""

    def __init__(self, server: str) -> None:
        super().__init__(defaults=StartOptions(start_delay_seconds=2.0, server=server), on_event=self._send)
        self._trail: Trail | None = None

    def deliver_to(self, trail: Trail) -> None:
        """Deliver events to the trail from now on."""
        self._trail = trail

    def _send(self, event: dict[str, Any]) -> None:
        if self._trail:
            self._trail.log(event)


@contextmanager
def _studio(screen: Screen, case: Case) -> Iterator[_Studio]:
    studio = _Studio(case.server)
    with screen.step("A SageMaker Studio on this machine: an API, a front door, real Jupyter servers"):
        studio.__enter__()
        studio.add_domain()
        for user in (USER_PROFILE, OTHER_USER):
            studio.add_user_profile(user)
        studio.add_space(SPACE, USER_PROFILE)
        studio.add_space(OTHER_SPACE, OTHER_USER)
        screen.detail(f"API {studio.sagemaker_endpoint}, front door {studio.front_door_url}")
        screen.detail(case.remark)
    try:
        yield studio
    finally:
        studio.close()


@contextmanager
def cloud_for(screen: Screen, studio: LocalStudio) -> Iterator[LocalCloud]:
    """Start an AWS beside a Studio, as a step."""
    cloud = LocalCloud(studio.sagemaker_endpoint)
    with screen.step("An AWS on this machine: CloudFormation, Lambda, EventBridge, IAM, SQS, Logs"):
        cloud.__enter__()
        screen.detail(cloud.endpoint)
    try:
        yield cloud
    finally:
        cloud.close()


def outputs_of(cloud: LocalCloud) -> dict[str, str]:
    """The outputs of the deployed stack."""
    (stack,) = _stacks(cloud)
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def _stacks(cloud: LocalCloud) -> list[dict[str, Any]]:
    stacks = cloud.client("cloudformation").get_paginator("describe_stacks").paginate().build_full_result()["Stacks"]
    return [stack for stack in stacks if stack["StackName"] == STACK and stack["StackStatus"] != "DELETE_COMPLETE"]


def delete_stack(screen: Screen, cloud: LocalCloud, sam: Sam) -> None:
    """Delete the stack, as a step."""
    with screen.step("sam delete"):
        sam.delete()
        expect(not _stacks(cloud), f"the stack {STACK} is still there")


def _follow_setup(screen: Screen, cloud: LocalCloud, group: str) -> dict[str, Any]:
    """Show the log until the invocation is over; return its report."""
    begun = time.monotonic()
    report: dict[str, Any] = {}
    for line in follow(cloud.client("logs"), group, _SILENCE_LIMIT_SECONDS):
        screen.log_line(line, time.monotonic() - begun)
        if line.get("message") == "setup.finished":
            report = line
        elif line.get("type") == "platform.report":
            expect(bool(report), f"the invocation ended without a report: {line['record']}")
            break
    return report


def _check_as_user(screen: Screen, studio: LocalStudio, cloud: LocalCloud, outputs: dict[str, str], case: Case) -> None:
    answer = ask(case, link(cloud.client("sagemaker"), case))
    expect(case.is_set_up(answer), f"expected that {case.effect}, but {case.endpoint} answers {answer}")
    screen.detail(f"Through Studio's front door: {case.effect}.")
    terminals = studio.app(USER_PROFILE, space_name=case.owner.get("SpaceName"), app_type=case.app_type).terminals()
    screen.detail(f"Terminals left open: {len(terminals)}")
    expect(not terminals, f"terminals are left open: {terminals}")
    queue = cloud.client("sqs").get_queue_attributes(
        QueueUrl=outputs["FailureQueueUrl"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    failures = queue["Attributes"]["ApproximateNumberOfMessages"]
    screen.detail(f"Messages in the failure queue: {failures}")
    expect(failures == "0", "the failure queue is not empty")


def expect(condition: bool, otherwise: str) -> None:
    """Check a condition.

    Raises:
        DemoFailed: the condition does not hold.
    """
    if not condition:
        raise DemoFailed(otherwise)
