"""The product, deployed to the local cloud, so that a test reads as a sentence."""

from __future__ import annotations

import io
import itertools
import json
import shutil
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from demo.cases import CASES, Case
from demo.user import ask, link
from emulator.app_host import StartOptions
from emulator.handles import AppHandle
from emulator.studio import LocalStudio
from local_cloud.cloud import ROOT, LocalCloud
from local_cloud.log import lines
from local_cloud.sam import FUNCTION, Sam
from local_cloud.trail import put_event
from tests.support.log_lines import LogCheck
from tests.support.waiting import wait_until

STACK = "studio-setup"
Event = dict[str, Any]
_USERS = itertools.count(1)


class Start:
    """An app of a user of its own that was started, and the event of its start."""

    def __init__(self, studio: LocalStudio, case: Case, options: StartOptions) -> None:
        self.user = studio.add_user_profile(f"user-{next(_USERS)}")
        self.space = studio.add_space(f"{self.user}-space", self.user) if "SpaceName" in case.owner else None
        self.case = replace(case, owner=self._owner, login={"UserProfileName": self.user, **self._owner})
        created = studio.create_app(self.user, space_name=self.space, app_type=case.app_type, options=options)
        self.app: AppHandle = created.wait_until_in_service()
        self.event: Event = studio.events[-1]
        assert self.is_of(_plain_names(self.event["detail"]["requestParameters"]))

    @property
    def _owner(self) -> dict[str, str]:
        return {"SpaceName": self.space} if self.space else {"UserProfileName": self.user}

    def is_of(self, names: Mapping[str, Any]) -> bool:
        """Do these names, such as a log line's, name this app?"""
        return bool((names.get("space_name") or names.get("user_profile_name")) == (self.space or self.user))

    def effects(self) -> list[str]:
        """The lines that commands have written to the file `effects` in the home."""
        path = self.app.home / "effects"
        return path.read_text().splitlines() if path.exists() else []

    def release(self) -> None:
        """Let a command that waits for `~/go` go on."""
        (self.app.home / "go").touch()


class Deployed:
    """The deployed stack, and the Studio whose apps it sets up."""

    def __init__(self, cloud: LocalCloud, studio: LocalStudio, build: Path) -> None:
        self.cloud = cloud
        self.studio = studio
        self.sam = Sam(cloud)
        self.log_check = LogCheck(cloud.client("logs"))
        self._build = build
        self._started: list[Start] = []

    def deploy(self, stack: str = STACK, *options: str) -> str:
        """Deploy the build with the settings of samconfig.toml; what SAM printed."""
        template = self._build / "template.yaml"
        # SAM looks for its settings beside the template.
        settings = ("--config-file", ROOT / "samconfig.toml")
        return self.sam.deploy(*settings, "--template-file", template, "--stack-name", stack, *options)

    def outputs(self, stack: str = STACK) -> dict[str, str]:
        """The stack's outputs."""
        (found,) = self.cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    def resources(self, stack: str = STACK) -> dict[str, str]:
        """The stack's resources: logical id → physical id."""
        answer = self.cloud.client("cloudformation").describe_stack_resources(StackName=stack)
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in answer["StackResources"]}

    def start_app(self, app_type: str = "JupyterServer", **options: Any) -> Start:  # noqa: ANN401 (StartOptions')
        """Start an app for a user of its own and wait until it is in service; its event is not delivered."""
        start = Start(self.studio, CASES[app_type], StartOptions(**options))
        self._started.append(start)
        return start

    def is_set_up(self, start: Start) -> bool:
        """Does the app show its user what the hard-coded setup promises?"""
        return start.case.is_set_up(ask(start.case, link(self.cloud.client("sagemaker"), start.case)))

    def deliver(self, event: Event) -> None:
        """Put an event on the event bus, as CloudTrail does."""
        put_event(self.cloud.client("events"), event)

    def log(self) -> list[dict[str, Any]]:
        """The function's log."""
        return lines(self.cloud.client("logs"), self.outputs()["LogGroupName"])

    def log_of(self, start: Start) -> list[dict[str, Any]]:
        """The log lines of every invocation for an app."""
        log = self.log()
        ours = {line["requestId"] for line in log if start.is_of(line)}
        return [line for line in log if line.get("requestId", line.get("record", {}).get("requestId")) in ours]

    def reports(self, start: Start) -> list[dict[str, Any]]:
        """The reports on an app so far, in order."""
        return [line for line in self.log_of(start) if line.get("message") == "setup.finished"]

    def wait_for(self, message: str, start: Start, count: int = 1) -> None:
        """Wait until the log has a message about an app that many times."""

        def is_logged() -> bool:
            return [line.get("message") for line in self.log_of(start)].count(message) >= count

        wait_until(is_logged, f"{message} of {start.user}, {count} times")

    def wait_for_reports(self, start: Start, count: int) -> list[dict[str, Any]]:
        """Wait until there are that many reports on an app."""
        self.wait_for("setup.finished", start, count)
        return self.reports(start)

    def end_invocations(self) -> None:
        """Delete every app, which ends the invocations for it; wait for their ends and purge the failure queue."""

        def is_at_rest() -> bool:
            kinds = [line.get("type") for line in self.log()]
            return kinds.count("platform.start") == kinds.count("platform.report")

        while self._started:
            self._started.pop().app.delete()
        wait_until(is_at_rest, "the end of every invocation")
        self.cloud.client("sqs").purge_queue(QueueUrl=self.outputs()["FailureQueueUrl"])

    def take_failure(self) -> dict[str, Any]:
        """Wait for a message in the failure queue, delete it there and return its body."""
        sqs, queue = self.cloud.client("sqs"), self.outputs()["FailureQueueUrl"]
        messages = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20).get("Messages", [])
        assert messages, "the failure queue is empty"
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=messages[0]["ReceiptHandle"])
        return dict(json.loads(messages[0]["Body"]))

    def failures(self) -> int:
        """The number of messages in the failure queue."""
        queue = self.outputs()["FailureQueueUrl"]
        answer = self.cloud.client("sqs").get_queue_attributes(
            QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def change_function(self, bundle: Path, **configuration: Any) -> None:  # noqa: ANN401 (Lambda's)
        """Change the function's code, and its configuration."""
        function = self.cloud.client("lambda")
        name = self.outputs()["FunctionName"]
        function.update_function_code(FunctionName=name, ZipFile=zipped(bundle))
        function.get_waiter("function_updated_v2").wait(FunctionName=name)
        if configuration:
            function.update_function_configuration(FunctionName=name, **configuration)
            function.get_waiter("function_updated_v2").wait(FunctionName=name)

    @property
    def bundle(self) -> Path:
        """The bundle that was built and deployed."""
        return self._build / FUNCTION


def with_commands(bundle: Path, folder: Path, *scripts: str, **command: Any) -> Path:  # noqa: ANN401 (Command's)
    """Copy a bundle into a folder and replace its setup; `command` has options for every command."""
    copy = folder / "bundle"
    shutil.copytree(bundle, copy)
    commands = [f"Command({f'step-{number}'!r}, {script!r}, **{command!r})" for number, script in enumerate(scripts, 1)]
    with (copy / "setups" / "__init__.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\ndef setup_for(_app):\n    return Setup(({', '.join(commands)},))\n")
    return copy


def _plain_names(parameters: dict[str, Any]) -> dict[str, str]:
    return {"space_name": parameters.get("spaceName", ""), "user_profile_name": parameters.get("userProfileName", "")}


def zipped(bundle: Path) -> bytes:
    """The bundle as a ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(bundle.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(bundle))
    return buffer.getvalue()
