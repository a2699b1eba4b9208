"""The use case over an app in memory: what is logged, what is reported, and who runs what."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio_setup.model import log
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost
from studio_setup.model.outcomes import CODES, Outcome
from studio_setup.model.report import CommandResult, CommandState, SetupReport, Trigger
from studio_setup.model.setup import Command, Setup
from studio_setup.runs import remote_runs
from studio_setup.setup_run import Job, Tools, set_up
from studio_setup.terminal.channel import WebSocketAddress
from tests.support.in_memory_channel import Behaviour, Fault, InMemoryChannel, InMemoryStudio, Killed

REMOTE_SCRIPT = ": short enough for one line\n"
# The lines of a setup of one command: take over, first line, prepare, claim, start and follow, follow, ..., finish.
LINES_UNTIL_CLAIMED = 3
LINES_UNTIL_STARTED = 4
OK = Behaviour(("out\n",))
# What every log record has by itself.
_PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# What every line of a setup has beside its own fields.
_COMMON = {*App("d-0", "a", "JupyterLab", "b").as_dict(), "setup_version", "trigger", "attempt", "run_id"}


@pytest.fixture(autouse=True)
def _short_remote_script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Make the number of lines that are typed independent of the length of remote.sh."""
    path = tmp_path / "remote.sh"
    path.write_text(REMOTE_SCRIPT, encoding="utf-8")
    monkeypatch.setattr(remote_runs, "REMOTE_SCRIPT", path)


@pytest.fixture(autouse=True)
def _log_at_info(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO, "studio_setup"):
        yield


def _studio(*faults: tuple[int, Fault], **behaviours: Behaviour) -> tuple[InMemoryStudio, Setup]:
    """A Studio in memory, and a setup whose commands behave so."""
    setup = Setup(tuple(Command(name, f"{name}\n", 60, name.startswith("optional")) for name in behaviours))
    by_script = {f"{name}\n": behaviour for name, behaviour in behaviours.items()}
    return InMemoryStudio(by_script, faults, remote_script=REMOTE_SCRIPT), setup


def _tools(studio: InMemoryStudio) -> Tools:
    return Tools(studio.sagemaker, studio.http_session(), studio.open_channel)


def _set_up(studio: InMemoryStudio, setup: Setup, app: App, **of_job: Any) -> SetupReport:  # noqa: ANN401 (as Job's)
    return set_up(Job(app, setup, **of_job), _tools(studio), studio.time.deadline(1000))


def _whole(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    """Each line of the log: its event and all its fields."""
    return [
        (record.msg, {name: value for name, value in vars(record).items() if name not in _PLAIN})
        for record in caplog.records
    ]


def _logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    """Each line of the log: its event and its own fields."""
    return [
        (event, {name: value for name, value in fields.items() if name not in _COMMON})
        for event, fields in _whole(caplog)
    ]


# The log


def test_a_setup_logs_one_line_per_change(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """The log of a setup has these events with these fields, in this order."""
    studio, setup = _studio(one=OK)
    report = _set_up(studio, setup, app, event_id="e-1")
    lines = dict(_logged(caplog))
    assert list(lines) == [
        *("setup.started", "app.in_service", "login.done", "terminal.opened", "run.claimed", "command.started"),
        *("command.output", "command.finished", "setup.finished"),
    ]
    assert lines["setup.started"] == {"event_id": "e-1"}
    assert lines["app.in_service"] == {"waited_seconds": 0.0}
    assert lines["login.done"] == {
        "host": "d-0.studio.us-east-1.sagemaker.aws",
        "landing_uri": "app:JupyterServer:",
        "redirects": 0,
    }
    assert list(lines["terminal.opened"]) == ["terminal"]
    assert lines["run.claimed"] == {"resumed": False}
    assert dict(_whole(caplog))["run.claimed"]["run_id"] == report.run_id
    assert lines["command.started"] == {"command": "one"}
    assert lines["command.output"] == {"command": "one", "text": "out\n"}
    assert lines["command.finished"] == {"command": "one", "result": report.commands[0].as_fields()}
    assert report.commands[0].log_path == f"/tmp/studio-setup/{report.run_id}/one.log"
    assert report.commands[0].seconds == 10.5
    assert dict(_whole(caplog))["setup.finished"] == report.as_dict()


@pytest.mark.parametrize("trigger", Trigger)
def test_every_line_says_whose_it_is(caplog: pytest.LogCaptureFixture, app: App, trigger: Trigger) -> None:
    """Which app, which version of the setup, what asked for it, which attempt, and, once it is known, which run."""
    studio, setup = _studio((LINES_UNTIL_STARTED, Fault.LOST_AFTER), one=OK)
    report = _set_up(studio, setup, app, trigger=trigger)
    lines = _whole(caplog)
    assert "connection.lost" in dict(lines)
    same = {**app.as_dict(), "setup_version": setup.version, "trigger": trigger, "attempt": report.attempt}
    assert [event for event, fields in lines if not same.items() <= fields.items()] == []
    claimed = [event for event, _ in lines].index("run.claimed")
    assert {fields["run_id"] for _, fields in lines[:claimed]} == {""}
    assert {fields["run_id"] for _, fields in lines[claimed:]} == {report.run_id}


def test_each_attempt_at_a_run_has_an_id_of_its_own(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """The lines of two invocations that work on the same run can be told apart."""
    studio, setup = _studio(one=Behaviour(("a", "b", "c")))
    left = set_up(Job(app, setup), _tools(studio), studio.time.deadline(1.5))
    report = _set_up(studio, setup, app)
    assert report.run_id == left.run_id == left.attempt != report.attempt
    finished = [fields for event, fields in _whole(caplog) if event == "setup.finished"]
    assert [fields["attempt"] for fields in finished] == [left.attempt, report.attempt]


@pytest.mark.parametrize(("status", "level"), [(0, logging.INFO), (1, logging.ERROR)])
def test_the_last_line_is_an_error_if_the_outcome_is(
    caplog: pytest.LogCaptureFixture, app: App, status: int, level: int
) -> None:
    """Alarms and searches find it by its level."""
    studio, setup = _studio(one=Behaviour(exit_status=status))
    _set_up(studio, setup, app)
    assert (caplog.records[-1].msg, caplog.records[-1].levelno) == ("setup.finished", level)
    assert {record.levelno for record in caplog.records[:-1]} == {logging.INFO}


def test_a_setup_that_ends_before_it_begins_is_logged_whole(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """Also where nothing was reached, there is a first and a last line, with all that is known."""
    studio, setup = _studio(one=OK)
    studio.sagemaker.describe_domain = lambda **_: {"AuthMode": "SSO"}
    report = _set_up(studio, setup, app)
    assert [event for event, _ in _logged(caplog)] == ["setup.started", "setup.finished"]
    assert caplog.records[-1].__dict__["code"] == report.code == "sso-domain"
    assert (report.app_created_at, report.run_id) == ("", "")


def test_an_ad_hoc_run_is_not_logged_as_a_setup(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """It counts as none, so it has neither the first nor the last line of one; the others are the same."""
    studio, setup = _studio(one=OK)
    report = _set_up(studio, setup, app, claims_start=False)
    events = [event for event, _ in _logged(caplog)]
    assert not {"setup.started", "setup.finished", "run.claimed"} & set(events)
    assert events[-1] == "command.finished"
    assert caplog.records[-1].__dict__["run_id"] == report.run_id


def test_what_is_logged_after_a_setup_is_not_its_own(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """The fields of a setup end with it, whether it returns or is interrupted."""
    studio, setup = _studio((LINES_UNTIL_STARTED, Fault.KILLED_BEFORE), one=OK)
    with pytest.raises(Killed):
        _set_up(studio, setup, app)
    log.APP_WAITING.log(status="Pending", waited_seconds=1.0)
    _set_up(studio, setup, app)
    log.APP_WAITING.log(status="Pending", waited_seconds=1.0)
    waiting = [fields for event, fields in _whole(caplog) if event == "app.waiting"]
    assert waiting == [{"status": "Pending", "waited_seconds": 1.0}] * 2


def test_a_command_is_logged_when_it_is_started(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """Not when the app first answers about it, which may never happen."""
    studio, setup = _studio((LINES_UNTIL_CLAIMED, Fault.SILENT), one=OK)
    set_up(Job(app, setup), _tools(studio), studio.time.deadline(10))
    assert [event for event, _ in _logged(caplog)][-2:] == ["command.started", "setup.finished"]


def test_a_loss_and_the_bytes_left_out_are_logged(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """The log says that the connection was lost, and how much of the output it does not have."""
    studio, setup = _studio((LINES_UNTIL_STARTED + 1, Fault.LOST_AFTER), one=Behaviour(("x" * 100_000,)))
    report = _set_up(studio, setup, app)
    lines = dict(_logged(caplog))
    assert lines["connection.lost"] == {"reason": "The socket broke."}
    assert lines["command.output_left_out"] == {
        "command": "one",
        "left_out_bytes": 100_000 - 64 * 1024,
        "log_path": report.commands[0].log_path,
    }
    assert [name for name, _ in _logged(caplog)].count("command.started") == 1
    assert not report.resumed


# The report


def test_the_reason_names_the_commands_that_failed_and_how(app: App) -> None:
    """Every command that failed is named with how it ended; a run that another invocation began is said to be one."""
    lost, stopped = Behaviour(is_lost=True), Behaviour(ended="stopped", exit_status=143)
    studio, setup = _studio(optional1=Behaviour(exit_status=3), optional2=lost, optional3=stopped, last=OK)
    report = _set_up(studio, setup, app)
    how = "optional1 (exit status 3), optional2 (lost), optional3 (stopped)"
    assert (report.outcome, report.reason) == (Outcome.FAILED, how)
    again = _set_up(studio, setup, app)
    assert again.reason == f"{how}; joined run {report.run_id}, which another invocation began"
    assert (again.resumed, again.repeated, report.resumed, report.repeated) == (True, True, False, False)
    studio, setup = _studio(slow=Behaviour(ended="timed-out", exit_status=143))
    report = _set_up(studio, setup, app)
    assert (report.outcome, report.reason) == (Outcome.TIMED_OUT, "slow (timed out)")


def test_a_report_has_the_app_and_the_time(app: App) -> None:
    """The report has the app, when it was created, and the seconds that the setup took."""
    studio, setup = _studio(one=Behaviour(("a", "b")))
    started = studio.time.now
    report = _set_up(studio, setup, app)
    assert report.app == app
    assert report.app_created_at == "2026-11-22T14:59:30+00:00"
    assert report.seconds == round(studio.time.now - started, 3) > 0


@pytest.mark.parametrize(
    ("has_begun", "code", "beginning"),
    [(True, "out-of-time", "The time is up, and the connection is lost: "), (False, "connection-lost", "")],
    ids=["during-a-run", "before-any-run"],
)
def test_a_loss_at_the_deadline_is_the_reason(app: App, *, has_begun: bool, code: str, beginning: str) -> None:
    """If there is no time to connect again, the loss is the reason; a run that has begun goes on without us."""
    studio, setup = _studio((LINES_UNTIL_STARTED, Fault.LOST_AFTER), one=OK)
    works = [True] * has_begun

    def open_channel(address: WebSocketAddress, deadline: Deadline) -> InMemoryChannel:
        if works:
            works.pop()
            return studio.open_channel(address, deadline)
        studio.time.sleep(deadline.remaining_seconds)
        raise ConnectionLost("The handshake failed.")

    tools = Tools(studio.sagemaker, studio.http_session(), open_channel)
    report = set_up(Job(app, setup), tools, studio.time.deadline(100))
    assert report.code == code
    assert report.reason == f"{beginning}The handshake failed. {CODES[code].remedy}"


def test_a_command_that_was_never_heard_of_has_no_details(app: App) -> None:
    """If the time is up before the first answer about a command, its result says only that it runs."""
    studio, setup = _studio((LINES_UNTIL_CLAIMED, Fault.SILENT), one=OK)
    report = set_up(Job(app, setup), _tools(studio), studio.time.deadline(10))
    assert (report.outcome, report.code) == (Outcome.UNFINISHED, "out-of-time")
    assert report.commands == (CommandResult("one", CommandState.RUNNING, None, None, 0, 0, ""),)


def test_a_command_that_still_runs_is_reported_as_far_as_it_is_known(app: App) -> None:
    """If the time is up while a command runs, the report has what it printed so far, and where its whole log is."""
    studio, setup = _studio(one=Behaviour(("spam\n",) * 100))
    report = set_up(Job(app, setup), _tools(studio), studio.time.deadline(2.5))
    assert report.outcome is Outcome.UNFINISHED
    (printed,) = [len(command.log) for command in studio.now.commands.values()]
    path = f"/tmp/studio-setup/{report.run_id}/one.log"
    # The answer about the last line came too late.
    assert report.commands == (CommandResult("one", CommandState.RUNNING, None, None, printed - 5, 0, path),)


# The app and its user


def test_a_presigned_url_is_asked_for_only_while_the_app_is_in_service(app: App) -> None:
    """Opening a presigned URL too early can start an app, so none is asked for before."""
    studio, setup = _studio(one=OK)
    statuses = iter(["Deleted", "Pending", "Pending", "InService"])
    presigned = studio.sagemaker.create_presigned_domain_url
    calls: list[str] = []

    def describe_app(**_: str) -> dict[str, str]:
        calls.append(next(statuses))
        return {"Status": calls[-1]}

    def create_presigned_domain_url(**parameters: object) -> Any:  # noqa: ANN401 (the API's answer)
        calls.append("presigned")
        return presigned(**parameters)

    studio.sagemaker.describe_app = describe_app
    studio.sagemaker.create_presigned_domain_url = create_presigned_domain_url
    assert _set_up(studio, setup, app).outcome is Outcome.SUCCEEDED
    assert calls == ["Deleted", "Pending", "Pending", "InService", "presigned"]


def test_a_space_without_owner_is_set_up_as_the_shared_space_user() -> None:
    """The user profile that the job has for spaces without an owner is the one that logs in."""
    studio, setup = _studio(one=OK)
    users: list[object] = []
    presigned = studio.sagemaker.create_presigned_domain_url

    def create_presigned_domain_url(**parameters: object) -> Any:  # noqa: ANN401 (the API's answer)
        users.append(parameters["UserProfileName"])
        return presigned()

    studio.sagemaker.describe_space = lambda **_: {}
    studio.sagemaker.create_presigned_domain_url = create_presigned_domain_url
    report = _set_up(studio, setup, App("d-0", "", "JupyterLab", "default", "team"), shared_space_user="bot")
    assert (report.outcome, users) == (Outcome.SUCCEEDED, ["bot"])


@pytest.mark.parametrize(("grace_seconds", "outcome"), [(60, Outcome.SUCCEEDED), (0, Outcome.APP_GONE)])
def test_the_job_says_how_long_a_deleted_app_may_be_an_earlier_one(
    app: App, grace_seconds: float, outcome: Outcome
) -> None:
    """A deleted app is waited for as long as the job's grace."""
    studio, setup = _studio(one=OK)
    statuses = iter(["Deleted", "Pending", "InService"])
    studio.sagemaker.describe_app = lambda **_: {"Status": next(statuses)}
    assert _set_up(studio, setup, app, grace_seconds=grace_seconds).outcome is outcome


# The run and its claim


def test_a_run_that_another_invocation_left_is_resumed(app: App) -> None:
    """The report says whose run it is; once it has succeeded, nothing is left to do."""
    studio, setup = _studio(one=Behaviour(("a", "b", "c")))
    left = set_up(Job(app, setup), _tools(studio), studio.time.deadline(1.5))
    assert left.outcome is Outcome.UNFINISHED
    report = _set_up(studio, setup, app)
    assert (report.outcome, report.run_id, report.resumed) == (Outcome.SUCCEEDED, left.run_id, True)
    assert report.reason == f"joined run {left.run_id}, which another invocation began"
    again = _set_up(studio, setup, app)
    assert again.reason.startswith(f"Run {left.run_id} has set up this app start already.")


def test_an_app_start_that_is_set_up_is_reported_with_the_run_and_version_that_did_it(
    caplog: pytest.LogCaptureFixture, app: App
) -> None:
    """The commands may have changed meanwhile; the last line says what the app has, not what it would have got."""
    studio, setup = _studio(one=OK)
    first = _set_up(studio, setup, app)
    caplog.clear()
    again = _set_up(studio, _studio(two=OK)[1], app)
    assert again.code == "already-set-up"
    assert (again.run_id, again.setup_version) == (first.run_id, setup.version)
    last = vars(caplog.records[-1])
    assert (last["message"], last["run_id"], last["setup_version"]) == ("setup.finished", first.run_id, setup.version)


@pytest.mark.parametrize("is_other_version", [False, True])
def test_a_claim_that_the_log_does_not_know_is_a_failure(app: App, is_other_version: bool) -> None:
    """A claim whose run is over keeps the setup from running, so it must be one of ours; a retry changes nothing."""
    studio, setup = _studio(one=Behaviour(exit_status=1) if is_other_version else OK)
    first = _set_up(studio, setup, app)
    asked: list[tuple[App, str]] = []

    deadline = studio.time.deadline(1000)

    def knows_run(of: App, run_id: str, created_at: str, until: Deadline) -> bool | None:
        assert (created_at, until) == (first.app_created_at, deadline)
        asked.append((of, run_id))
        return answers.pop(0)

    tools = replace(_tools(studio), knows_run=knows_run)
    job = Job(app, _studio(two=OK)[1] if is_other_version else setup)
    answers: list[bool | None] = [False, True, None]
    reports = [set_up(job, tools, deadline) for _ in range(3)]
    taken_for_ours = "claimed-by-other-setup" if is_other_version else "already-set-up"
    assert [report.code for report in reports] == ["unknown-claim", taken_for_ours, taken_for_ours]
    assert (reports[0].outcome, reports[0].repeated) == (Outcome.FAILED, False), "the metric counts it"
    assert asked == [(app, first.run_id)] * 3


def test_a_run_of_our_own_is_not_looked_up(app: App) -> None:
    """Neither the attempt that claims the start nor one that joins a run which is under way asks the log."""
    studio, setup = _studio(one=Behaviour(("a", "b", "c")))

    def knows_run(*_: object) -> bool:
        raise AssertionError

    tools = replace(_tools(studio), knows_run=knows_run)
    assert set_up(Job(app, setup), tools, studio.time.deadline(1.5)).outcome is Outcome.UNFINISHED
    assert set_up(Job(app, setup), tools, studio.time.deadline(1000)).outcome is Outcome.SUCCEEDED


def test_the_run_of_another_version_is_named(app: App) -> None:
    """Whether the run of another setup version is over or not, the reason names it."""
    studio, setup = _studio(one=Behaviour(exit_status=1))
    _, other = _studio(two=OK)
    run_id = _set_up(studio, setup, app).run_id
    assert _set_up(studio, other, app).reason.startswith(
        f"Run {run_id}, of another version of the commands, ended here: failed. "
    )
    studio.now.over.clear()
    assert _set_up(studio, other, app).reason.startswith(
        f"Run {run_id}, of another version of the commands, is not over. "
    )


def test_force_sets_up_again(app: App) -> None:
    """With force, an app start that has been set up is set up again, by a run of its own."""
    studio, setup = _studio(one=OK)
    first = _set_up(studio, setup, app)
    assert _set_up(studio, setup, app).code == "already-set-up"
    again = _set_up(studio, setup, app, force=True)
    assert (again.outcome, again.resumed) == (Outcome.SUCCEEDED, False)
    assert again.run_id != first.run_id
    assert set(studio.now.commands) == {(first.run_id, "one"), (again.run_id, "one")}


def test_an_ad_hoc_run_claims_nothing(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """An ad-hoc run has its place in the app, is found there after a loss, and leaves the app start to the setup."""
    studio, setup = _studio((LINES_UNTIL_STARTED, Fault.LOST_AFTER), one=OK)
    report = _set_up(studio, setup, app, claims_start=False)
    assert "connection.lost" in dict(_logged(caplog))
    assert (report.outcome, report.resumed, report.repeated) == (Outcome.SUCCEEDED, False, False)
    assert studio.now.runs == {report.run_id: setup.version}
    assert studio.now.claimed_by == ""


@pytest.mark.parametrize("was_set_up", [False, True])
def test_a_probe_goes_all_the_way_and_runs_nothing(
    caplog: pytest.LogCaptureFixture, app: App, *, was_set_up: bool
) -> None:
    """It logs in, opens a terminal and prepares the app; it claims nothing, and what was set up does not matter."""
    studio, setup = _studio(one=OK)
    if was_set_up:
        _set_up(studio, setup, app)
    runs = dict(studio.now.runs)
    caplog.clear()
    report = _set_up(studio, setup, app, claims_start=False, is_probe=True)
    assert (report.outcome, report.code, report.reason) == (Outcome.SUCCEEDED, "probed", "")
    assert (report.run_id, report.commands) == ("", ())
    assert studio.now.runs == runs
    assert studio.terminals == {}
    assert [event for event, _ in _logged(caplog)] == ["app.in_service", "login.done", "terminal.opened"]


def test_a_probe_that_does_not_get_through_says_where_it_ended(app: App) -> None:
    """Its report is that of a setup that gets no further."""
    studio, setup = _studio(one=OK)
    studio.sagemaker.describe_domain = lambda **_: {"AuthMode": "SSO"}
    assert _set_up(studio, setup, app, claims_start=False, is_probe=True).code == "sso-domain"


# A run that is lost


@pytest.mark.parametrize("lines", range(LINES_UNTIL_CLAIMED, LINES_UNTIL_CLAIMED + 5))
def test_a_run_whose_folder_is_emptied_is_lost(app: App, lines: int) -> None:
    """Whenever after its claim it happens: nothing runs twice, neither in this attempt nor in the next one."""
    studio, setup = _studio((lines, Fault.EMPTIED), one=Behaviour(("a", "b", "c")), two=OK)
    report = _set_up(studio, setup, app)
    assert (report.outcome, report.code) == (Outcome.FAILED, "run-lost")
    assert studio.emptied
    assert studio.now.commands == {}
    again = _set_up(studio, setup, app)
    assert (again.code, again.run_id) == ("run-lost", "")
    assert studio.now.commands == {}


def test_force_runs_what_was_lost_again(app: App) -> None:
    """Somebody has decided that it may run twice; from then on the run is as any other."""
    studio, setup = _studio(one=OK)
    first = _set_up(studio, setup, app)
    studio.empty()
    assert _set_up(studio, setup, app).code == "run-lost"
    again = _set_up(studio, setup, app, force=True)
    assert (again.outcome, again.resumed) == (Outcome.SUCCEEDED, False)
    assert again.run_id != first.run_id
    assert _set_up(studio, setup, app).code == "already-set-up"


def test_a_run_that_is_gone_after_a_loss_is_lost(app: App) -> None:
    """If the same start of the app does not know the run any more, it is not begun anew."""
    studio, setup = _studio((LINES_UNTIL_STARTED, Fault.LOST_BEFORE), one=Behaviour(("a", "b")))
    opened = studio.open_channel

    def open_channel(address: WebSocketAddress, deadline: Deadline) -> InMemoryChannel:
        if studio.now.commands:
            studio.empty()
        return opened(address, deadline)

    report = set_up(
        Job(app, setup), Tools(studio.sagemaker, studio.http_session(), open_channel), studio.time.deadline(99)
    )
    assert report.code == "run-lost"
    assert report.reason.startswith(f"The folder that kept run {report.run_id} is gone.")


@pytest.mark.parametrize("claims_start", [True, False])
def test_an_app_that_was_restarted_in_the_meantime_is_another_start(app: App, *, claims_start: bool) -> None:
    """Its run was not lost: it belongs to the start before, and the new one has an event of its own."""
    studio, setup = _studio((LINES_UNTIL_STARTED, Fault.REPLACED), one=Behaviour(("a", "b")))
    report = _set_up(studio, setup, app, claims_start=claims_start)
    assert (report.outcome, report.code) == (Outcome.APP_GONE, "app-replaced")
    assert studio.now.runs == {}


class _InterruptedChannel(InMemoryChannel):
    """A channel whose user presses Ctrl-C as soon as a command has been started."""

    def send(self, text: str) -> None:
        super().send(text)
        if "&& follow " in text:
            raise KeyboardInterrupt


def test_ctrl_c_stops_the_command(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """Interrupting the engine ends the command in the app too, and the log says so."""
    studio, setup = _studio(one=Behaviour(("a",) * 100))

    def open_channel(address: WebSocketAddress, _: Deadline) -> InMemoryChannel:
        return _InterruptedChannel(studio, studio.terminals[address.url.rpartition("/")[2]])

    tools = Tools(studio.sagemaker, studio.http_session(), open_channel)
    with pytest.raises(KeyboardInterrupt):
        set_up(Job(app, setup), tools, studio.time.deadline(1000))
    assert [command.was_stopped for command in studio.now.commands.values()] == [True]
    assert ("command.stopped", {"command": "one"}) in _logged(caplog)


class _InterruptedBeforeChannel(InMemoryChannel):
    """A channel whose user presses Ctrl-C as soon as the app start has been claimed."""

    def send(self, text: str) -> None:
        super().send(text)
        if "; claim " in text:
            raise KeyboardInterrupt


def test_a_setup_that_was_interrupted_before_its_first_command_can_be_replaced(app: App) -> None:
    """With force, another version of the commands runs: nobody goes on with the run that holds the claim."""
    studio, setup = _studio(one=OK, two=OK)

    def open_channel(address: WebSocketAddress, _: Deadline) -> InMemoryChannel:
        return _InterruptedBeforeChannel(studio, studio.terminals[address.url.rpartition("/")[2]])

    tools = Tools(studio.sagemaker, studio.http_session(), open_channel)
    with pytest.raises(KeyboardInterrupt):
        set_up(Job(app, setup), tools, studio.time.deadline(1000))
    other = Setup((Command("two", "two\n"),))
    assert _set_up(studio, other, app, force=False).code == "setup-changed"
    report = _set_up(studio, other, app, force=True)
    assert (report.code, report.resumed) == ("succeeded", False)


def test_an_interruption_stays_one_when_the_app_cannot_be_told(app: App) -> None:
    """A connection that is lost at the same moment does not make the engine go on."""
    studio, setup = _studio((LINES_UNTIL_CLAIMED, Fault.LOST_BEFORE), one=OK)

    def open_channel(address: WebSocketAddress, _: Deadline) -> InMemoryChannel:
        return _InterruptedBeforeChannel(studio, studio.terminals[address.url.rpartition("/")[2]])

    tools = Tools(studio.sagemaker, studio.http_session(), open_channel)
    with pytest.raises(KeyboardInterrupt):
        set_up(Job(app, setup), tools, studio.time.deadline(1000))
    assert studio.now.commands == {}
