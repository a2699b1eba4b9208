"""Events go through the deployed rule, function, retries and failure queue."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable

import pytest

from demo.cases import CASES
from tests.support.deployment import Deployed
from tests.support.needs import needs_server
from tests.support.scenario import ONCE, PATIENT
from tests.support.waiting import wait_until

# In the place and the form that remote.sh keeps a claim in: the boot, and the start time of process 1.
FORGED_CLAIM = """
root=$TMPDIR/studio-setup
mkdir -p -m 700 "$root/forged"
read -r boot </proc/sys/kernel/random/boot_id
read -r stat </proc/1/stat
set -- ${stat##*) }
echo forged 0123456789abcdef >"$root/forged/claim"
ln -f "$root/forged/claim" "$root/claim.${boot}_${20}"
ln -sfn "succeeded forged" "$root/forged/over"
"""


@pytest.mark.parametrize("app_type", ["JupyterServer", "JupyterLab"])
def test_an_app_start_ends_in_an_app_that_is_set_up(deployed: Deployed, app_type: str) -> None:
    """With the setup that ships: the event arrives, the function runs, and the user sees what was promised."""
    server = CASES[app_type].server
    start = deployed.start_app(app_type, server=needs_server(server) if server else "")
    deployed.deliver(start.event)
    (report,) = deployed.wait_for_reports(start, 1)
    assert report["outcome"] == "succeeded"
    assert [command["exit_status"] for command in report["commands"]] == [0] * len(report["commands"])
    assert deployed.is_set_up(start)


def test_the_log_is_lines_of_json_with_the_output_in_them(deployed: Deployed, set_up_with: Callable[..., None]) -> None:
    """What a command prints is in CloudWatch Logs while it runs; every line is JSON, with fields to query."""
    set_up_with("echo hello from the app; " + PATIENT)
    start = deployed.start_app()
    deployed.deliver(start.event)
    deployed.wait_for("command.output", start)
    (printed,) = [line for line in deployed.log_of(start) if line.get("message") == "command.output"]
    assert (printed["command"], printed["text"]) == ("step-1", "hello from the app\n")
    assert deployed.reports(start) == [], "the command is still running"
    start.release()
    deployed.wait_for_reports(start, 1)
    assert all("message" in line or "type" in line for line in deployed.log()), "every line is JSON"


def test_the_same_event_twice_has_one_effect(deployed: Deployed, set_up_with: Callable[..., None]) -> None:
    """EventBridge may deliver twice: two invocations at once, one effect, and nothing in the failure queue."""
    set_up_with(PATIENT)
    start = deployed.start_app()
    deployed.deliver(start.event)
    deployed.deliver(start.event)
    deployed.wait_for("run.claimed", start, 2)
    start.release()
    reports = deployed.wait_for_reports(start, 2)
    assert [report["outcome"] for report in reports] == ["succeeded", "succeeded"]
    assert sorted(report["repeated"] for report in reports) == [False, True]
    assert start.effects() == ONCE
    deployed.deliver(start.event)
    last = deployed.wait_for_reports(start, 3)[2]
    assert (last["outcome"], last["code"]) == ("skipped", "already-set-up")
    assert start.effects() == ONCE
    assert deployed.failures() == 0


def test_a_claim_that_the_owner_of_an_app_forged_is_seen(deployed: Deployed, set_up_with: Callable[..., None]) -> None:
    """A start-up file says that the app has been set up; the log knows of no such run, and that is a failure."""
    set_up_with("echo ran >> ~/effects")
    start = deployed.start_app(shell=("/bin/bash",))
    (start.app.home / ".bashrc").write_text(FORGED_CLAIM)
    deployed.deliver(start.event)
    (report,) = deployed.wait_for_reports(start, 1)
    assert (report["outcome"], report["code"], report["repeated"]) == ("failed", "unknown-claim", False)
    assert start.effects() == []
    assert deployed.failures() == 0, "a retry would find the same"


def test_a_failed_command_runs_once_and_its_event_ends_in_the_failure_queue(
    deployed: Deployed, set_up_with: Callable[..., None]
) -> None:
    """Both of Lambda's retries report the same and run nothing; then the failure queue has event and reason."""
    set_up_with("echo ran >> ~/effects; exit 7")
    start = deployed.start_app()
    deployed.deliver(start.event)
    failure = deployed.take_failure()
    reports = deployed.reports(start)
    assert [report["outcome"] for report in reports] == ["failed"] * 3
    assert [report["repeated"] for report in reports] == [False, True, True]
    assert start.effects() == ["ran"]
    assert failure["requestPayload"]["detail"] == start.event["detail"]
    assert failure["responsePayload"]["errorType"] == "SetupFailed"
    assert "step-1 (exit status 7)" in failure["responsePayload"]["errorMessage"]


def test_an_event_in_the_failure_queue_can_be_sent_again(deployed: Deployed, set_up_with: Callable[..., None]) -> None:
    """Access is denied to all three attempts; once it is granted, the event from the queue sets the app up."""
    set_up_with("echo ran >> ~/effects")
    deployed.studio.fail_next("CreatePresignedDomainUrl", "AccessDeniedException", "not yet", times=3)
    start = deployed.start_app()
    deployed.deliver(start.event)
    failure = deployed.take_failure()
    reports = deployed.reports(start)
    assert [report["outcome"] for report in reports] == ["unreachable"] * 3
    assert start.effects() == []
    redrive(deployed, failure)
    assert deployed.wait_for_reports(start, 4)[3]["outcome"] == "succeeded"
    assert start.effects() == ["ran"]
    assert deployed.failures() == 0


def redrive(deployed: Deployed, failure: dict[str, object]) -> None:
    """What README.md says to do with a message of the failure queue."""
    deployed.cloud.client("lambda").invoke(
        FunctionName=deployed.outputs()["FunctionName"],
        InvocationType="Event",
        Payload=json.dumps(failure["requestPayload"]),
    )


def test_out_of_time_is_unfinished_and_the_retry_carries_on(
    deployed: Deployed, set_up_with: Callable[..., None]
) -> None:
    """The function's time is up in mid-command: `unfinished`, and Lambda's retry completes the same run."""
    set_up_with("echo first >> ~/effects", PATIENT, Timeout=30)
    start = deployed.start_app()
    deployed.deliver(start.event)
    (first,) = deployed.wait_for_reports(start, 1)
    assert first["outcome"] == "unfinished"
    start.release()
    second = deployed.wait_for_reports(start, 2)[1]
    assert (second["outcome"], second["run_id"], second["resumed"]) == ("succeeded", first["run_id"], True)
    assert start.effects() == ["first", *ONCE]
    assert deployed.failures() == 0


def test_after_a_function_is_killed_in_mid_command_the_retry_carries_on(
    deployed: Deployed, set_up_with: Callable[..., None]
) -> None:
    """The function's process is killed: Lambda retries, and the retry finds the command, which has gone on."""
    set_up_with(PATIENT)
    start = deployed.start_app()
    deployed.deliver(start.event)
    wait_until(lambda: "started" in start.effects(), "the command")
    for pid in deployed.cloud.processes():
        os.kill(pid, signal.SIGKILL)
    deployed.wait_for("setup.started", start, 2)
    start.release()
    (report,) = deployed.wait_for_reports(start, 1)
    assert (report["outcome"], report["resumed"]) == ("succeeded", True)
    assert start.effects() == ONCE
    assert deployed.failures() == 0
