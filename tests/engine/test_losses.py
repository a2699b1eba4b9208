"""Whatever is lost during a setup, the run is found again: one effect, and the exit statuses that really happened."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from emulator.state import AppStatus
from studio_setup.model.errors import AppReplaced
from studio_setup.model.outcomes import Outcome
from tests.support.scenario import ONCE, PATIENT, Scenario, statuses
from tests.support.waiting import wait_until

ENDS_WITH_3 = f"{PATIENT}; exit 3"

pytestmark = pytest.mark.usefixtures("poll_often")


def test_a_killed_jupyter_server_loses_nothing(shared_app: Callable[..., Scenario]) -> None:
    """The Jupyter server is killed in mid-command: one effect, the right status."""
    scenario = shared_app()
    setup = scenario.start_setup("echo first >> ~/effects", ENDS_WITH_3)
    scenario.wait_for_effect("started")
    scenario.kill_jupyter()
    scenario.release()
    report = setup.report()
    assert statuses(report) == [0, 3]
    assert scenario.effects() == ["first", *ONCE]


def test_a_dropped_socket_loses_nothing(shared_app: Callable[..., Scenario]) -> None:
    """The websocket is cut three times in mid-command: one effect, the right status."""
    scenario = shared_app()
    setup = scenario.start_setup(ENDS_WITH_3)
    scenario.wait_for_effect("started")
    for _ in range(3):
        wait_until(lambda: scenario.app.drop_websockets() > 0, "a websocket to cut")
    scenario.release()
    assert statuses(setup.report()) == [3]
    assert scenario.effects() == ONCE


def test_a_killed_invocation_is_resumed_by_the_next(shared_app: Callable[..., Scenario]) -> None:
    """The invoking process is killed: the command goes on, and the next invocation reports how it ended."""
    scenario = shared_app()
    commands = ("echo first >> ~/effects", ENDS_WITH_3)
    first = scenario.invoke(*commands)
    scenario.wait_for_effect("started")
    first.kill()
    first.communicate()
    second = scenario.start_setup(*commands)
    scenario.release()
    report = second.report()
    assert statuses(report) == [0, 3]
    assert report.resumed
    assert not report.repeated
    assert scenario.effects() == ["first", *ONCE]
    scenario.delete_terminals()


def test_a_command_that_ends_while_nobody_is_connected_has_its_status(shared_app: Callable[..., Scenario]) -> None:
    """Its exit status is found later, and it does not run again."""
    scenario = shared_app()
    first = scenario.invoke(ENDS_WITH_3)
    scenario.wait_for_effect("started")
    first.kill()
    first.communicate()
    scenario.release()
    scenario.wait_for_effect("ended")
    report = scenario.set_up(ENDS_WITH_3)
    assert statuses(report) == [3]
    assert scenario.effects() == ONCE
    scenario.delete_terminals()


def test_out_of_time_is_unfinished_and_the_next_attempt_carries_on(shared_app: Callable[..., Scenario]) -> None:
    """When our time is up the command goes on; the outcome is `unfinished`, an error, and a retry resumes the run."""
    scenario = shared_app()
    first = scenario.set_up(ENDS_WITH_3, limit_seconds=4)
    assert first.outcome is Outcome.UNFINISHED
    assert first.outcome.is_error
    scenario.release()
    second = scenario.set_up(ENDS_WITH_3)
    assert statuses(second) == [3]
    assert second.run_id == first.run_id
    assert scenario.effects() == ONCE


def test_the_same_event_twice_at_once_has_one_effect(shared_app: Callable[..., Scenario]) -> None:
    """Two invocations for one app start: one effect, one outcome, and the second says that it joined the run."""
    scenario = shared_app()
    commands = ("echo one >> ~/effects", "sleep 1; echo two >> ~/effects")
    both = [scenario.start_setup(*commands) for _ in range(2)]
    reports = sorted((setup.report() for setup in both), key=lambda report: report.resumed)
    assert scenario.effects() == ["one", "two"]
    assert [report.outcome for report in reports] == [Outcome.SUCCEEDED, Outcome.SUCCEEDED]
    assert [report.resumed for report in reports] == [False, True]
    assert sorted(report.repeated for report in reports) == [False, True]
    assert "joined run" in reports[1].reason


def test_the_same_event_twice_in_a_row_has_one_effect(shared_app: Callable[..., Scenario]) -> None:
    """The second of two invocations finds the app set up, skips, and says so."""
    scenario = shared_app()
    command = "echo one >> ~/effects"
    assert scenario.set_up(command).outcome is Outcome.SUCCEEDED
    second = scenario.set_up(command)
    assert second.outcome is Outcome.SKIPPED
    assert second.code == "already-set-up"
    assert scenario.effects() == ["one"]


def test_a_failed_setup_is_reported_again_and_not_run_again(shared_app: Callable[..., Scenario]) -> None:
    """A retry of a failed setup reports the failure again, marked as repeated, and runs nothing."""
    scenario = shared_app()
    command = "echo one >> ~/effects; exit 9"
    assert not scenario.set_up(command).repeated
    second = scenario.set_up(command)
    assert second.outcome is Outcome.FAILED
    assert statuses(second) == [9]
    assert second.repeated
    assert scenario.effects() == ["one"]


def test_the_next_start_of_the_app_is_set_up_again(start_app: Callable[..., Scenario]) -> None:
    """A claim lasts exactly as long as the app start it is for."""
    scenario = start_app()
    command = "echo one >> ~/effects"
    scenario.set_up(command)
    scenario.restart_app_quickly()
    assert scenario.set_up(command).outcome is Outcome.SUCCEEDED
    assert scenario.effects() == ["one", "one"]


def test_another_setup_version_does_not_run_on_an_app_start_that_is_set_up(shared_app: Callable[..., Scenario]) -> None:
    """A new setup version waits for the next app start, unless it is forced by hand."""
    scenario = shared_app()
    scenario.set_up("exit 1")
    assert scenario.set_up("echo new >> ~/effects").code == "claimed-by-other-setup"
    assert scenario.effects() == []
    assert scenario.set_up("echo new >> ~/effects", force=True).outcome is Outcome.SUCCEEDED
    assert scenario.effects() == ["new"]


def test_deleting_the_app_during_the_setup_is_no_error(start_app: Callable[..., Scenario]) -> None:
    """The user deletes the app during the setup: the outcome is `app_gone`, which is not an error."""
    scenario = start_app()
    setup = scenario.start_setup(ENDS_WITH_3)
    scenario.wait_for_effect("started")
    scenario.app.delete()
    report = setup.report()
    assert report.outcome is Outcome.APP_GONE
    assert not report.outcome.is_error


def test_an_app_restarted_during_the_setup_is_left_to_its_own_event(start_app: Callable[..., Scenario]) -> None:
    """The user restarts the app during the setup: the older run does nothing to the newer app."""
    scenario = start_app()
    setup = scenario.start_setup(ENDS_WITH_3, "echo wrong >> ~/effects")
    scenario.wait_for_effect("started")
    scenario.restart_app_quickly()
    scenario.release()
    report = setup.report()
    assert report.outcome is Outcome.APP_GONE
    assert report.code in {AppReplaced.code.name, "app-deleted"}
    assert scenario.effects() == ["started"]


def test_an_app_that_fails_to_start_is_reported_with_sagemakers_reason(start_app: Callable[..., Scenario]) -> None:
    """The outcome is `app_gone`, with the reason that DescribeApp gives."""
    scenario = start_app(ready=False, failure_reason="ResourceLimitExceeded: no more of these")
    report = scenario.set_up("true")
    assert report.outcome is Outcome.APP_GONE
    assert report.code == "app-failed"
    assert "no more of these" in report.reason


def test_the_previous_start_is_not_mistaken_for_this_one(start_app: Callable[..., Scenario]) -> None:
    """After the event, DescribeApp says Deleted and Pending for a while: the setup still waits for the app."""
    scenario = start_app(described_as=(AppStatus.DELETED, AppStatus.PENDING))
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED


def test_the_presigned_url_is_requested_only_when_the_app_is_in_service(start_app: Callable[..., Scenario]) -> None:
    """Opening one earlier can start an app, which would be another event."""
    scenario = start_app(ready=False, start_delay_seconds=3)
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED
    calls = [
        name
        for name, parameters in scenario.studio.api_calls
        if parameters.get("UserProfileName") == scenario.place.user
    ]
    assert calls.count("CreatePresignedDomainUrl") == 1
    assert calls.index("CreatePresignedDomainUrl") > calls.index("DescribeApp") + 1


def test_jupyter_may_answer_later_than_the_app_is_in_service(start_app: Callable[..., Scenario]) -> None:
    """An app that is InService need not have a server that answers yet."""
    scenario = start_app(http_delay_seconds=3)
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED


def test_a_users_own_terminals_are_left_alone(shared_app: Callable[..., Scenario]) -> None:
    """A terminal that the user has opened is still there afterwards."""
    scenario = shared_app()
    scenario.open_terminal("1")
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED
    assert scenario.app.terminals() == ["1"]


def test_someone_typing_into_our_terminal_does_not_matter(shared_app: Callable[..., Scenario]) -> None:
    """Lines and half lines typed by somebody else do not change the outcome."""
    scenario = shared_app()
    setup = scenario.start_setup(ENDS_WITH_3)
    scenario.wait_for_effect("started")
    for text in ("ls\r", "echo hal", "\x03", "\r\r\r", "cat /etc/passwd\r", "sn=9\r"):
        scenario.type_into_our_terminal(text)
    scenario.release()
    assert statuses(setup.report()) == [3]


def test_someone_closing_our_terminal_does_not_matter(shared_app: Callable[..., Scenario]) -> None:
    """The user deletes our terminal in the Running panel: a new one is opened and the run goes on."""
    scenario = shared_app()
    setup = scenario.start_setup(ENDS_WITH_3)
    scenario.wait_for_effect("started")
    scenario.delete_terminals()
    scenario.release()
    assert statuses(setup.report()) == [3]
    assert scenario.effects() == ONCE


def test_a_script_may_restart_the_jupyter_server(shared_app: Callable[..., Scenario]) -> None:
    """A command that restarts the server succeeds if the restart does, and the next command runs."""
    scenario = shared_app()
    before = scenario.app.jupyter_pid
    report = scenario.set_up(
        "supervisorctl -c /etc/supervisor/conf.d/supervisord.conf restart jupyterlabserver", "echo on >> ~/effects"
    )
    assert statuses(report) == [0, 0]
    assert scenario.app.jupyter_pid != before
    assert scenario.effects() == ["on"]


def test_a_new_login_follows_a_session_that_ended(shared_app: Callable[..., Scenario]) -> None:
    """Studio ends our session in mid-command: we log in again and go on."""
    scenario = shared_app()
    setup = scenario.start_setup(ENDS_WITH_3)
    scenario.wait_for_effect("started")
    scenario.studio.end_sessions()
    scenario.app.drop_websockets()
    scenario.release()
    assert statuses(setup.report()) == [3]
    assert scenario.effects() == ONCE


def test_a_terminal_that_a_killed_invocation_left_open_is_deleted(
    shared_app: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invocation that is killed early leaves a terminal that does not end by itself; the next one deletes it."""
    monkeypatch.setattr("studio_setup.access.terminals.ABANDONED_SECONDS", -2)  # Date is in seconds
    scenario = shared_app()
    for name in ("studiosetup0123456789abcdef", "studiosetupmine", "mine", "1"):
        scenario.open_terminal(name)
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED
    assert sorted(scenario.app.terminals()) == ["1", "mine", "studiosetupmine"]
    scenario.delete_terminal("studiosetupmine")


def test_throttled_calls_are_retried(shared_app: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch) -> None:
    """A setup waits until its calls are accepted."""
    monkeypatch.setattr("studio_setup.access.backoff.FIRST_ROUND_SECONDS", 0.5)
    scenario = shared_app()
    scenario.studio.fail_next("CreatePresignedDomainUrl", "ThrottlingException", "Rate exceeded", times=2)
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED


def test_a_refused_call_is_unreachable(shared_app: Callable[..., Scenario]) -> None:
    """Where the presigned URL is denied, the reason names the call and its error code."""
    scenario = shared_app()
    scenario.studio.fail_next("CreatePresignedDomainUrl", "AccessDeniedException", "not yours")
    report = scenario.set_up("true")
    assert report.outcome is Outcome.UNREACHABLE
    assert "AccessDeniedException" in report.reason


def test_the_report_of_an_invocation_is_plain_json(shared_app: Callable[..., Scenario]) -> None:
    """The report of an invocation in another process can be read back."""
    invocation = shared_app().invoke("echo hello")
    report = json.loads(invocation.communicate()[0])
    assert report["outcome"] == "succeeded"
    assert report["commands"][0]["output_bytes"] == 6
