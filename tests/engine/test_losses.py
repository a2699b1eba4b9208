"""Whatever is lost on the way, the run is found again: one effect, and the exit statuses that really happened."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from emulator.state import AppStatus
from studio_setup.model.errors import AppReplaced
from studio_setup.model.outcomes import Outcome
from tests.support.scenario import Scenario, statuses, wait_until

# Says that it runs, goes on when told to, and leaves an exit status to be found.
PATIENT = "echo started >> ~/effects; while [ ! -e ~/go ]; do sleep 0.05; done; echo ended >> ~/effects; exit 3"
ONCE = ["started", "ended"]


def test_a_killed_jupyter_server_loses_nothing(start_app: Callable[..., Scenario]) -> None:
    """Kill -9 of the Jupyter server in the middle of a command: one effect, the right status."""
    scenario = start_app()
    setup = scenario.set_up_meanwhile("echo first >> ~/effects", PATIENT)
    scenario.wait_for_effect("started")
    scenario.kill_jupyter()
    scenario.release()
    report = setup.report()
    assert statuses(report) == [0, 3]
    assert scenario.effects() == ["first", *ONCE]


def test_a_dropped_socket_loses_nothing(start_app: Callable[..., Scenario]) -> None:
    """The websocket is cut three times in the middle of a command: one effect, the right status."""
    scenario = start_app()
    setup = scenario.set_up_meanwhile(PATIENT)
    scenario.wait_for_effect("started")
    for _ in range(3):
        wait_until(lambda: scenario.app.drop_websockets() > 0)
    scenario.release()
    assert statuses(setup.report()) == [3]
    assert scenario.effects() == ONCE


def test_a_killed_invocation_is_resumed_by_the_next(start_app: Callable[..., Scenario]) -> None:
    """Kill -9 of the invoking process: the command goes on, and the next invocation reports how it ended."""
    scenario = start_app()
    commands = ("echo first >> ~/effects", PATIENT)
    first = scenario.invoke(*commands)
    scenario.wait_for_effect("started")
    first.kill()
    first.communicate()
    second = scenario.set_up_meanwhile(*commands)
    scenario.release()
    report = second.report()
    assert statuses(report) == [0, 3]
    assert report.resumed
    assert not report.repeated
    assert scenario.effects() == ["first", *ONCE]
    # Nobody is there to delete the first one's terminal: it ends by itself, a minute after the last line.
    for name in scenario.app.terminals():
        scenario.delete_terminal(name)


def test_a_command_that_ended_unobserved_has_its_status(start_app: Callable[..., Scenario]) -> None:
    """The command ends while nobody is connected: its status is found later, and it does not run again."""
    scenario = start_app()
    first = scenario.invoke(PATIENT)
    scenario.wait_for_effect("started")
    first.kill()
    first.communicate()
    scenario.release()
    scenario.wait_for_effect("ended")
    report = scenario.set_up(PATIENT)
    assert statuses(report) == [3]
    assert scenario.effects() == ONCE
    for name in scenario.app.terminals():
        scenario.delete_terminal(name)


def test_out_of_time_is_unfinished_and_the_next_attempt_carries_on(start_app: Callable[..., Scenario]) -> None:
    """When our time is up the app goes on; the outcome is unfinished, which is an error, and a retry resumes."""
    scenario = start_app()
    first = scenario.set_up(PATIENT, limit_seconds=4)
    assert first.outcome is Outcome.UNFINISHED
    assert first.outcome.is_error
    scenario.release()
    second = scenario.set_up(PATIENT)
    assert statuses(second) == [3]
    assert second.run_id == first.run_id
    assert scenario.effects() == ONCE


def test_the_same_event_twice_at_once_has_one_effect(start_app: Callable[..., Scenario]) -> None:
    """Two invocations for one start of an app: one effect, one verdict, and the second says that it joined."""
    scenario = start_app()
    commands = ("echo one >> ~/effects", "sleep 1; echo two >> ~/effects")
    both = [scenario.set_up_meanwhile(*commands) for _ in range(2)]
    reports = sorted((setup.report() for setup in both), key=lambda report: report.resumed)
    assert scenario.effects() == ["one", "two"]
    assert [report.outcome for report in reports] == [Outcome.SUCCEEDED, Outcome.SUCCEEDED]
    assert [report.resumed for report in reports] == [False, True]
    assert sorted(report.repeated for report in reports) == [False, True]
    assert "joined run" in reports[1].reason


def test_the_same_event_twice_in_a_row_has_one_effect(start_app: Callable[..., Scenario]) -> None:
    """The second of two invocations finds the start set up, skips, and says so."""
    scenario = start_app()
    command = "echo one >> ~/effects"
    assert scenario.set_up(command).outcome is Outcome.SUCCEEDED
    second = scenario.set_up(command)
    assert second.outcome is Outcome.SKIPPED
    assert second.code == "already-set-up"
    assert scenario.effects() == ["one"]


def test_a_failed_setup_is_reported_again_and_not_run_again(start_app: Callable[..., Scenario]) -> None:
    """A retry of a setup that failed says failed once more, marked as repeated, and runs nothing."""
    scenario = start_app()
    command = "echo one >> ~/effects; exit 9"
    assert not scenario.set_up(command).repeated
    second = scenario.set_up(command)
    assert second.outcome is Outcome.FAILED
    assert statuses(second) == [9]
    assert second.repeated
    assert scenario.effects() == ["one"]


def test_the_next_start_of_the_app_is_set_up_again(start_app: Callable[..., Scenario]) -> None:
    """A claim lives exactly as long as the start of the app it is for."""
    scenario = start_app()
    command = "echo one >> ~/effects"
    scenario.set_up(command)
    scenario.app.delete()
    scenario.start()
    scenario.ready()
    assert scenario.set_up(command).outcome is Outcome.SUCCEEDED
    assert scenario.effects() == ["one", "one"]
    scenario.app.delete()


def test_other_commands_do_not_run_on_a_start_that_is_set_up(start_app: Callable[..., Scenario]) -> None:
    """A new version of the setup waits for the next start, unless it is forced by hand."""
    scenario = start_app()
    scenario.set_up("exit 1")
    assert scenario.set_up("echo new >> ~/effects").code == "claimed-by-other-setup"
    assert scenario.effects() == []
    assert scenario.set_up("echo new >> ~/effects", force=True).outcome is Outcome.SUCCEEDED
    assert scenario.effects() == ["new"]


def test_an_app_deleted_meanwhile_is_gone(start_app: Callable[..., Scenario]) -> None:
    """The user deletes the app during the setup: the outcome is app gone, which is no error, and nothing hangs."""
    scenario = start_app()
    setup = scenario.set_up_meanwhile(PATIENT)
    scenario.wait_for_effect("started")
    scenario.app.delete()
    report = setup.report()
    assert report.outcome is Outcome.APP_GONE
    assert not report.outcome.is_error


def test_an_app_started_anew_meanwhile_is_left_to_its_own_event(start_app: Callable[..., Scenario]) -> None:
    """The user restarts the app during the setup: the older run does nothing to the newer start."""
    scenario = start_app()
    setup = scenario.set_up_meanwhile(PATIENT, "echo wrong >> ~/effects")
    scenario.wait_for_effect("started")
    scenario.restart_app_quickly()
    scenario.release()
    report = setup.report()
    assert report.outcome is Outcome.APP_GONE
    assert report.code in {AppReplaced.code, "app-deleted"}
    assert scenario.effects() == ["started"]
    scenario.app.delete()


def test_an_app_that_fails_to_start_is_gone_with_sagemakers_reason(start_app: Callable[..., Scenario]) -> None:
    """A failed start is reported with its reason."""
    scenario = start_app(ready=False, failure_reason="ResourceLimitExceeded: no more of these")
    report = scenario.set_up("true")
    assert report.outcome is Outcome.APP_GONE
    assert report.code == "app-failed"
    assert "no more of these" in report.reason


def test_the_previous_start_is_not_taken_for_this_one(start_app: Callable[..., Scenario]) -> None:
    """DescribeApp answers Deleted and Pending for a while after the event: the setup waits for the app all the same."""
    scenario = start_app(described_as=(AppStatus.DELETED, AppStatus.PENDING))
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED


def test_the_presigned_url_is_asked_for_only_when_the_app_is_in_service(start_app: Callable[..., Scenario]) -> None:
    """Opening one earlier can start an app, which would be an event for us again."""
    scenario = start_app(ready=False, start_delay_seconds=3)
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED
    calls = [
        name for name, parameters in scenario.studio.api_calls if parameters.get("UserProfileName") == scenario.user
    ]
    assert calls.count("CreatePresignedDomainUrl") == 1
    assert calls.index("CreatePresignedDomainUrl") > calls.index("DescribeApp") + 1


def test_jupyter_may_answer_later_than_the_app_is_in_service(start_app: Callable[..., Scenario]) -> None:
    """InService is not yet a server that answers."""
    scenario = start_app(http_delay_seconds=3)
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED


def test_a_users_own_terminals_are_left_alone(start_app: Callable[..., Scenario]) -> None:
    """A terminal that the user has open is there afterwards, with what runs in it."""
    scenario = start_app()
    scenario.open_terminal("1")
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED
    assert scenario.app.terminals() == ["1"]


def test_someone_typing_into_our_terminal_does_not_matter(start_app: Callable[..., Scenario]) -> None:
    """Lines and half lines typed by somebody else change no verdict."""
    scenario = start_app()
    setup = scenario.set_up_meanwhile(PATIENT)
    scenario.wait_for_effect("started")
    for text in ("ls\r", "echo hal", "\x03", "\r\r\r", "cat /etc/passwd\r", "sn=9\r"):
        scenario.type_into_our_terminal(text)
    scenario.release()
    assert statuses(setup.report()) == [3]


def test_someone_closing_our_terminal_does_not_matter(start_app: Callable[..., Scenario]) -> None:
    """The user deletes our terminal in the Running panel: a new one is opened and the run goes on."""
    scenario = start_app()
    setup = scenario.set_up_meanwhile(PATIENT)
    scenario.wait_for_effect("started")
    for name in scenario.app.terminals():
        scenario.delete_terminal(name)
    scenario.release()
    assert statuses(setup.report()) == [3]
    assert scenario.effects() == ONCE


def test_a_script_may_restart_the_jupyter_server(start_app: Callable[..., Scenario]) -> None:
    """A command that restarts the server under us succeeds if the restart does, and the next one runs."""
    scenario = start_app()
    before = scenario.app.jupyter_pid
    report = scenario.set_up(
        "supervisorctl -c /etc/supervisor/conf.d/supervisord.conf restart jupyterlabserver", "echo on >> ~/effects"
    )
    assert statuses(report) == [0, 0]
    assert scenario.app.jupyter_pid != before
    assert scenario.effects() == ["on"]


def test_a_new_login_follows_a_session_that_ended(start_app: Callable[..., Scenario]) -> None:
    """The front door signs us out in the middle: we sign in again and go on."""
    scenario = start_app()
    setup = scenario.set_up_meanwhile(PATIENT)
    scenario.wait_for_effect("started")
    scenario.studio.end_sessions()
    scenario.app.drop_websockets()
    scenario.release()
    assert statuses(setup.report()) == [3]
    assert scenario.effects() == ONCE


def test_a_terminal_that_a_killed_invocation_has_left_is_deleted(
    start_app: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before its shell ends by itself when forgotten, an invocation leaves a terminal; the next deletes it."""
    monkeypatch.setattr("studio_setup.access.jupyter.ABANDONED_SECONDS", -2)  # the server's date is good to a second
    scenario = start_app()
    for name in ("studiosetupleft", "mine", "1"):
        scenario.open_terminal(name)
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED
    assert sorted(scenario.app.terminals()) == ["1", "mine"]


def test_a_throttled_control_plane_is_waited_for(
    start_app: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setup waits until its calls are taken."""
    monkeypatch.setattr("studio_setup.access.control_plane.THROTTLED_SECONDS", 1.0)
    scenario = start_app()
    scenario.studio.fail_next("CreatePresignedDomainUrl", "ThrottlingException", "Rate exceeded", times=2)
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED


def test_a_refused_control_plane_is_unreachable(start_app: Callable[..., Scenario]) -> None:
    """A denied presigned URL is an error that names the call and the code."""
    scenario = start_app()
    scenario.studio.fail_next("CreatePresignedDomainUrl", "AccessDeniedException", "not yours")
    report = scenario.set_up("true")
    assert report.outcome is Outcome.UNREACHABLE
    assert "AccessDeniedException" in report.reason


def test_an_invocation_report_is_plain_json(start_app: Callable[..., Scenario]) -> None:
    """What a process of its own prints can be read back."""
    invocation = start_app().invoke("echo hello")
    report = json.loads(invocation.communicate()[0])
    assert report["outcome"] == "succeeded"
    assert report["commands"][0]["output_bytes"] == 6
