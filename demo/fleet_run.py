"""Brings the fleet to where an administrator finds it, on a deployed stack, and runs `studio-setup` as they do."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from demo.fleet import FAILING, GOING, IN_THE_WAY, LOCK, MISSED, OUTDATED, STARTED_TODAY, TIMING_OUT, Member
from emulator.studio import DOMAIN_ID, LocalStudio
from local_cloud.cloud import ROOT, LocalCloud
from local_cloud.log import lines
from local_cloud.trail import put_event

_LIMIT_SECONDS = 90.0
_POLL_SECONDS = 0.2


class FleetRun:
    """The fleet's apps on a Studio, and the stack whose outputs these are."""

    def __init__(self, studio: LocalStudio, cloud: LocalCloud, outputs: dict[str, str]) -> None:
        self._studio = studio
        self._cloud = cloud
        self._outputs = outputs

    def start_yesterday(self) -> None:
        """Start the app that is set up before the setup changes, and wait for the end of its setup."""
        self._start([OUTDATED], are_noticed=True)
        self._wait_for_setups([OUTDATED])

    def start_today(self) -> None:
        """Start the others, and wait until all that come to an end have done so, Lambda's retries included.

        Nobody hears of the starts of `MISSED`.
        """
        self._start(MISSED, are_noticed=False)
        self._start(STARTED_TODAY, are_noticed=True)
        self._wait_for_setups(STARTED_TODAY)
        self._wait(lambda: self.failures() == len((FAILING, TIMING_OUT)), "the messages in the failure queue")

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which `studio-setup` finds the stack."""
        return self._cloud.environment

    def command(
        self,
        *arguments: str,
        on_line: Callable[[str], object] = lambda _line: None,
        **options: Any,  # noqa: ANN401 (Popen's)
    ) -> tuple[int, str]:
        """Run `studio-setup` with these arguments; its exit status, and what it printed.

        `on_line` gets each line as it comes; `options` are further ones of Popen.
        """
        process = subprocess.Popen(
            [sys.executable, "-m", "studio_setup_cli", *arguments],
            cwd=ROOT / "src",
            env={**self._cloud.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            **{"stderr": subprocess.STDOUT, **options},
        )
        printed = []
        with process:
            try:
                for line in process.stdout or ():
                    printed.append(line)
                    on_line(line.rstrip("\n"))
            except BaseException:
                process.kill()
                raise
        return process.returncode, "".join(printed)

    def set_up_while_one_goes(self, *arguments: str, on_line: Callable[[str], object]) -> tuple[int, str]:
        """Run `studio-setup setup`, one app at a time; the app of `GOING` is deleted after it was listed."""

        def watch(line: str) -> None:
            on_line(line)
            if line.endswith(": begun") and GOING.owner not in line:
                self.delete(GOING)

        return self.command("setup", "--yes", "--max-concurrency", "1", *arguments, on_line=watch)

    def mend(self) -> None:
        """Take out of the way what made setups fail and time out."""
        (self._studio.home_of(FAILING.user) / IN_THE_WAY).unlink()
        (self._studio.home_of(space_name=TIMING_OUT.space) / LOCK).unlink()

    def verify(self, user: str) -> tuple[int, str]:
        """Run `studio-setup verify` for a new user, whose app it starts; the event of that start comes at once."""
        self._studio.add_user_profile(user)
        before = len(self._studio.events)

        def deliver(line: str) -> None:
            if line.startswith("Started "):
                put_event(self._cloud.client("events"), self._studio.events[before])

        return self.command("verify", "--domain-id", DOMAIN_ID, "--user-profile-name", user, on_line=deliver)

    def delete(self, member: Member) -> None:
        """Delete an app, unless it is deleted."""
        self._studio.app(member.user, space_name=member.space or None, app_type=member.app_type).delete()

    def reports(self) -> dict[str, int]:
        """How many attempts at a setup are over, by the user or the space of the app."""
        log = lines(self._cloud.client("logs"), self._outputs["LogGroupName"])
        return Counter(
            str(line.get("space_name") or line.get("user_profile_name"))
            for line in log
            if line.get("message") == "setup.finished"
        )

    def failures(self) -> int:
        """The number of messages in the failure queue."""
        answer = self._cloud.client("sqs").get_queue_attributes(
            QueueUrl=self._outputs["FailureQueueUrl"], AttributeNames=["ApproximateNumberOfMessages"]
        )
        return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def _start(self, members: Sequence[Member], *, are_noticed: bool) -> None:
        """Start these apps, and then put the events of their starts on the bus: CloudTrail takes its time."""
        before = len(self._studio.events)
        apps = [member.start(self._studio) for member in members]
        for app in apps:
            app.wait_until_in_service()
        for event in self._studio.events[before:] if are_noticed else ():
            put_event(self._cloud.client("events"), event)

    def _wait_for_setups(self, members: Sequence[Member]) -> None:
        self._wait(lambda: all(self.reports().get(member.owner) for member in members), "the end of the setups")

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        give_up = time.monotonic() + _LIMIT_SECONDS
        while not condition():
            if time.monotonic() > give_up:
                raise TimeoutError(f"{what} did not come within {_LIMIT_SECONDS:.0f} seconds")
            time.sleep(_POLL_SECONDS)
