"""`studio-setup verify`, here against the local cloud: it starts an app, follows its setup and reports the outcome."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from emulator.state import AuthMode
from emulator.studio import DOMAIN_ID
from local_cloud.cloud import ROOT
from tests.support.deployment import Deployed, Event
from tests.support.waiting import wait_until


@pytest.mark.parametrize("in_space", [False, True], ids=["JupyterServer", "JupyterLab"])
def test_a_setup_is_followed_to_its_outcome(
    deployed: Deployed, set_up_with: Callable[..., None], in_space: bool
) -> None:
    """It shows what the function logs about the app and ends with 0; while the app runs it refuses to check again."""
    set_up_with("echo done by the setup")
    owner = deployed.studio.add_user_profile(f"verified-{in_space}")
    space = deployed.studio.add_space("verified-space", owner) if in_space else ""
    options = ["--space-name", space] if space else ["--user-profile-name", owner]
    check = start(deployed, *options)
    deployed.deliver(event_of(deployed, space or owner))
    output, _ = check.communicate(timeout=60)
    assert check.returncode == 0, output
    assert "done by the setup" in output
    assert "succeeded: succeeded" in output
    output, _ = start(deployed, *options).communicate(timeout=60)
    assert "is InService; delete it in Studio first" in output


def test_a_failed_setup_is_a_failed_check(deployed: Deployed, set_up_with: Callable[..., None]) -> None:
    """Any outcome but success is reported, and ends with 1."""
    set_up_with("exit 4")
    user = deployed.studio.add_user_profile("verified-in-vain")
    check = start(deployed, "--user-profile-name", user)
    deployed.deliver(event_of(deployed, user))
    output, _ = check.communicate(timeout=60)
    assert check.returncode == 1, output
    assert "The check failed: the outcome is failed, command-failed" in output
    deployed.take_failure()


def test_what_cannot_be_checked_is_named(deployed: Deployed) -> None:
    """A stack that does not exist and a domain in SSO mode end the check before an app is started."""
    events = len(deployed.studio.events)
    unknown, _ = start(deployed, "--user-profile-name", "alice", "--stack-name", "no-such-stack").communicate(
        timeout=60
    )
    assert "no-such-stack" in unknown
    deployed.studio.add_domain("d-sso", AuthMode.SSO)
    sso, _ = start(deployed, "--user-profile-name", "alice", domain_id="d-sso").communicate(timeout=60)
    assert "The check failed: domain d-sso is in SSO mode" in sso
    assert len(deployed.studio.events) == events


def start(deployed: Deployed, *options: str, domain_id: str = DOMAIN_ID) -> subprocess.Popen[str]:
    """Start the command as an operator does in a checkout."""
    return subprocess.Popen(
        [sys.executable, "-m", "studio_setup_cli", "verify", "--domain-id", domain_id, *options],
        cwd=ROOT / "src",
        env=deployed.cloud.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def event_of(deployed: Deployed, owner: str) -> Event:
    """The event of the app start of a user or a space, once there is one."""

    def events() -> list[Event]:
        return [
            event
            for event in deployed.studio.events
            if owner in {event["detail"]["requestParameters"].get(name) for name in ("userProfileName", "spaceName")}
        ]

    wait_until(events, f"CreateApp for {owner}")
    return events()[0]
