"""`make check-aws`, which nobody can run here against AWS, does its work against this cloud."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from emulator.studio import DOMAIN_ID
from local_cloud.cloud import ROOT
from tests.support.deployment import Deployed, wait_until


def test_it_follows_a_setup_to_its_report(deployed: Deployed, set_up_with: Callable[..., None]) -> None:
    """It starts the app, waits for the event to arrive, shows the run and ends with 0; a second time it refuses."""
    set_up_with("echo done by the setup")
    user = deployed.studio.add_user_profile("checked")
    check = _start(deployed, user)
    wait_until(lambda: bool(_events_of(deployed, user)), "CreateApp")
    deployed.deliver(_events_of(deployed, user)[0])
    output, _ = check.communicate(timeout=60)
    assert check.returncode == 0, output
    assert "done by the setup" in output
    assert "succeeded" in output
    again = _start(deployed, user)
    output, _ = again.communicate(timeout=60)
    assert again.returncode == 1
    assert "the app is InService; delete it in Studio first" in output


def test_a_failed_setup_is_a_failed_check(deployed: Deployed, set_up_with: Callable[..., None]) -> None:
    """Whatever the outcome is but success, it says so and ends with 1."""
    set_up_with("exit 4")
    user = deployed.studio.add_user_profile("checked-in-vain")
    check = _start(deployed, user)
    wait_until(lambda: bool(_events_of(deployed, user)), "CreateApp")
    deployed.deliver(_events_of(deployed, user)[0])
    output, _ = check.communicate(timeout=60)
    assert check.returncode == 1
    assert "the outcome is failed, command-failed" in output
    deployed.take_failure()


def _start(deployed: Deployed, user: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "check_aws.py", "--domain-id", DOMAIN_ID, "--user-profile-name", user],
        cwd=ROOT,
        env=deployed.cloud.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _events_of(deployed: Deployed, user: str) -> list[dict[str, object]]:
    return [
        event
        for event in deployed.studio.events
        if (event["detail"]["requestParameters"] or {}).get("userProfileName") == user
    ]
