"""`studio-setup setup` and `status`, against the deployed stack: an operator sets up what no event has set up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from emulator.studio import DOMAIN_ID
from local_cloud.cloud import ROOT
from tests.support.deployment import Deployed, Start
from tests.support.waiting import wait_until


def studio_setup(deployed: Deployed, command: str, *starts: Start, options: tuple[str, ...] = ()) -> tuple[int, str]:
    """Call the command for the users of these apps, as an operator does; exit status, and all that it said."""
    users = [option for start in starts for option in ("--user-profile-name", start.user)]
    done = subprocess.run(
        [sys.executable, "-m", "studio_setup_cli", command, "--domain-id", DOMAIN_ID, *users, *options],
        cwd=ROOT / "src",
        env=deployed.cloud.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout


def test_an_app_whose_event_never_came_is_set_up(deployed: Deployed, set_up_with: Callable[..., None]) -> None:
    """Through the deployed function, with what is deployed, once; and `status` says so."""
    set_up_with("echo done >> ~/effects")
    alice, bob = deployed.start_app(), deployed.start_app()
    deployed.deliver(alice.event)
    deployed.wait_for_reports(alice, 1)
    code, said = studio_setup(deployed, "setup", alice, bob, options=("--dry-run",))
    assert (code, bob.effects()) == (0, []), said
    assert "command step-1, at most" in said
    assert f"/{bob.user}/JupyterServer/default  not-set-up" in said
    code, said = studio_setup(deployed, "setup", alice, bob, options=("--yes",))
    assert code == 0, said
    assert said.endswith("1 app: 1 succeeded.\n")
    assert (alice.effects(), bob.effects()) == (["done"], ["done"])
    (report,) = deployed.reports(bob)
    assert (report["trigger"], report["outcome"]) == ("operator", "succeeded")
    code, said = studio_setup(deployed, "status", alice, bob)
    assert code == 0, said
    assert said.endswith("2 running apps: 2 succeeded.\n")


def test_a_setup_that_failed_is_redriven(deployed: Deployed, set_up_with: Callable[..., None]) -> None:
    """What made it fail is mended, the setup is run again, and its message leaves the failure queue."""
    set_up_with("test -e ~/mended")
    start = deployed.start_app()
    deployed.deliver(start.event)
    wait_until(lambda: deployed.failures() == 1, "the message in the failure queue")
    code, said = studio_setup(deployed, "status", start)
    assert code == 1, said
    assert "1 running app: 1 failed." in said
    (start.app.home / "mended").touch()
    code, said = studio_setup(deployed, "setup", start, options=("--only", "failed", "--force", "--yes"))
    assert code == 0, said
    assert f"Failure queue, settled: {DOMAIN_ID}/{start.user}/JupyterServer/default, started " in said
    assert "UTC: failed: command-failed: step-1 (exit status 1)" in said
    assert "Deleted from the failure queue: 1 of 1 messages." in said
    assert messages(deployed) == 0


def messages(deployed: Deployed) -> int:
    """The messages in the failure queue, also those that somebody has received."""
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    queue = deployed.outputs()["FailureQueueUrl"]
    answer = deployed.cloud.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)
    return sum(int(answer["Attributes"][name]) for name in names)
