"""What only a mutation of the code, or a generated stream, has shown to be untested."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from requests.cookies import RequestsCookieJar
from studio_setup.access.studio import Studio, _same_studio

from studio_setup import remote_run
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import AppDeleted, ConnectionLost, NoWorkspace
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import CommandResult, CommandState, SetupReport
from studio_setup.model.setup import Command, Setup
from studio_setup.runs.remote_runs import Progress, RemoteRuns, Start
from studio_setup.setup_run import Job, Tools, set_up
from studio_setup.terminal.channel import WebSocketAddress
from studio_setup.terminal.prompt import PromptFinder, Reply
from studio_setup.terminal.shell import Shell
from tests.support.fakes import FakeTime
from tests.support.in_memory_channel import Behaviour, Fault, InMemoryChannel, InMemoryStudio
from tests.support.machines import Machine
from tests.support.pty_channel import fast_deadline

OK = Behaviour(("out\n",))
# What every log record has by itself.
_PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@pytest.fixture(autouse=True)
def _verbose(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO, "studio_setup"):
        yield


def _studio(*faults: tuple[int, Fault], **behaviours: Behaviour) -> tuple[InMemoryStudio, Setup]:
    """A Studio in memory, and a plan whose commands do this."""
    plan = Setup(tuple(Command(name, f"{name}\n", 60, name.startswith("optional")) for name in behaviours))
    script = remote_run.REMOTE_SCRIPT.read_text(encoding="utf-8")
    does = {f"{name}\n": behaviour for name, behaviour in behaviours.items()}
    return InMemoryStudio(does, faults, remote_script=script), plan


def _set_up(studio: InMemoryStudio, plan: Setup, app: App, **of_job: Any) -> SetupReport:  # noqa: ANN401 (as Job's)
    tools = Tools(studio.sagemaker, studio.http_session(), studio.open_channel)
    return set_up(Job(app, plan, **of_job), tools, studio.time.deadline(1000))


def _logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, dict[str, Any]]]:
    return [
        (record.msg, {name: value for name, value in vars(record).items() if name not in _PLAIN})
        for record in caplog.records
    ]


def test_a_start_that_is_typed_twice_at_once_starts_once(machine: Machine) -> None:
    """A line typed again before its command's keeper is there leaves the command its script."""
    with machine.own_shell() as shell:
        runs = RemoteRuns.prepare(shell)
        runs.open_run("run", "digest")
        for number in range(10):
            start = f"start run c{number} 60"
            shell.run(f"{start}; {start}", text="echo once; exit 7")
            progress = runs.follow("run", f"c{number}", 0, 100)
            while progress.state in {"none", "running"}:
                progress = runs.follow("run", f"c{number}", 0, 100)
            assert (progress.state, progress.exit_status, progress.output) == ("over", 7, b"once\n")


def test_a_setup_logs_one_line_per_change(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """The log of a setup has these events with these facts, in this order."""
    studio, plan = _studio(one=OK)
    report = _set_up(studio, plan, app)
    lines = dict(_logged(caplog))
    assert list(lines) == [
        *("app.in_service", "login.done", "terminal.opened", "run.claimed", "command.started", "command.output"),
        "command.finished",
    ]
    assert lines["app.in_service"] == {"waited_seconds": 0.0}
    assert lines["login.done"] == {"host": "d-0.studio.us-east-1.sagemaker.aws"}
    assert list(lines["terminal.opened"]) == ["terminal"]
    assert lines["run.claimed"] == {"run_id": report.run_id, "resumed": False}
    assert lines["command.started"] == {"command": "one", "state": "running"}
    assert lines["command.output"] == {"command": "one", "text": "out\n"}
    assert lines["command.finished"] == {"command": "one", "result": report.commands[0].as_fields()}
    assert report.commands[0].log_path == f"/tmp/studio-setup/{report.run_id}/one.log"
    assert report.commands[0].seconds == 10.5


def test_a_loss_and_a_gap_are_logged(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """The log says that the connection was lost, and how much of the output it does not have."""
    studio, plan = _studio((9, Fault.LOST_AFTER), one=Behaviour(("x" * 100_000,)))
    report = _set_up(studio, plan, app)
    lines = dict(_logged(caplog))
    assert lines["connection.lost"] == {"reason": "The socket broke."}
    assert lines["command.output_left_out"] == {
        "command": "one",
        "left_out_bytes": 100_000 - 64 * 1024,
        "log_path": report.commands[0].log_path,
    }
    assert [name for name, _ in _logged(caplog)].count("command.started") == 1
    assert not report.resumed


def test_reasons_say_which_commands_failed_and_how(app: App) -> None:
    """Every command that failed is named with its end, and a joined run is said to be one."""
    lost, stopped = Behaviour(is_lost=True), Behaviour(ended="stopped", exit_status=143)
    studio, plan = _studio(optional1=Behaviour(exit_status=3), optional2=lost, optional3=stopped, last=OK)
    report = _set_up(studio, plan, app)
    how = "optional1 (exit status 3), optional2 (lost), optional3 (stopped)"
    assert (report.outcome, report.reason) == (Outcome.FAILED, how)
    again = _set_up(studio, plan, app)
    assert again.reason == f"{how}; joined run {report.run_id}, which another invocation began"
    assert (again.resumed, again.repeated, report.resumed, report.repeated) == (True, True, False, False)
    studio, plan = _studio(slow=Behaviour(ended="timed-out", exit_status=143))
    report = _set_up(studio, plan, app)
    assert (report.outcome, report.reason) == (Outcome.TIMED_OUT, "slow (timed out)")


def test_a_report_says_of_which_app_and_how_long(app: App) -> None:
    """The report names the app, and has the time that the setup took."""
    studio, plan = _studio(one=Behaviour(("a", "b")))
    started = studio.time.now
    report = _set_up(studio, plan, app)
    assert report.app == app.as_dict()
    assert report.seconds == round(studio.time.now - started, 3) > 0


@pytest.mark.parametrize(
    ("has_begun", "code", "beginning"),
    [(True, "out-of-time", "Our time is up, and the connection is lost: "), (False, "connection-lost", "")],
    ids=["during-a-run", "before-any-run"],
)
def test_a_loss_at_the_end_of_our_time_is_told(app: App, *, has_begun: bool, code: str, beginning: str) -> None:
    """If there is no time to connect again, the loss is the reason, and a run that has begun is said to go on."""
    studio, plan = _studio((8, Fault.LOST_AFTER), one=OK)

    works = [True] * has_begun

    def open_channel(address: WebSocketAddress, deadline: Deadline) -> Any:  # noqa: ANN401 (a channel)
        if works:
            works.pop()
            return studio.open_channel(address, deadline)
        studio.time.sleep(deadline.remaining_seconds)
        raise ConnectionLost("The handshake failed.")

    tools = Tools(studio.sagemaker, studio.http_session(), open_channel)
    report = set_up(Job(app, plan), tools, studio.time.deadline(100))
    assert report.code == code
    assert report.reason.startswith(f"{beginning}The handshake failed.")


def test_a_space_of_nobody_is_set_up_as_whom_the_job_names() -> None:
    """The user profile for spaces without an owner gets from the job to the login."""
    studio, plan = _studio(one=OK)
    users: list[str] = []
    presigned = studio.sagemaker.create_presigned_domain_url
    studio.sagemaker.describe_space = lambda **_: {}
    studio.sagemaker.create_presigned_domain_url = lambda **asked: users.append(asked["UserProfileName"]) or presigned()
    report = _set_up(studio, plan, App("d-0", "", "JupyterLab", "default", "team"), shared_space_user="bot")
    assert (report.outcome, users) == (Outcome.SUCCEEDED, ["bot"])


@pytest.mark.parametrize(("grace_seconds", "outcome"), [(60, Outcome.SUCCEEDED), (0, Outcome.APP_GONE)])
def test_the_app_before_has_the_jobs_grace(app: App, grace_seconds: float, outcome: Outcome) -> None:
    """A deleted app is waited for as long as the job says."""
    studio, plan = _studio(one=OK)
    statuses = iter(["Deleted", "Pending", "InService"])
    studio.sagemaker.describe_app = lambda **_: {"Status": next(statuses)}
    assert _set_up(studio, plan, app, grace_seconds=grace_seconds).outcome is outcome


def test_a_joined_success_says_so(app: App) -> None:
    """A run that an invocation left behind is joined, and the report says whose it is."""
    studio, plan = _studio((14, Fault.REPLACED), one=Behaviour(("a", "b", "c")))
    tools = Tools(studio.sagemaker, studio.http_session(), studio.open_channel)
    left = set_up(Job(app, plan), tools, studio.time.deadline(1.5))
    assert left.outcome is Outcome.UNFINISHED
    studio.calm_down()
    report = _set_up(studio, plan, app)
    assert (report.outcome, report.run_id, report.resumed) == (Outcome.SUCCEEDED, left.run_id, True)
    assert report.reason == f"joined run {left.run_id}, which another invocation began"
    again = _set_up(studio, plan, app)
    assert again.reason.startswith(f"Run {left.run_id} has set this start of the app up already.")


def test_another_version_is_told_apart(app: App) -> None:
    """Whether the run of another version is over or not, the reason names it."""
    studio, plan = _studio(one=Behaviour(exit_status=1))
    _, other = _studio(two=OK)
    run_id = _set_up(studio, plan, app).run_id
    assert _set_up(studio, other, app).reason.startswith(
        f"Run {run_id}, of another version of the commands, ended here: failed. "
    )
    studio.now.over.clear()
    assert _set_up(studio, other, app).reason.startswith(
        f"Run {run_id}, of another version of the commands, is not over. "
    )


def test_force_sets_up_again(app: App) -> None:
    """A setup that is over is done again if that is asked for, by a run of its own."""
    studio, plan = _studio(one=OK)
    first = _set_up(studio, plan, app)
    assert _set_up(studio, plan, app).code == "already-set-up"
    again = _set_up(studio, plan, app, force=True)
    assert (again.outcome, again.resumed) == (Outcome.SUCCEEDED, False)
    assert again.run_id != first.run_id
    assert set(studio.now.commands) == {(first.run_id, "one"), (again.run_id, "one")}


def test_a_run_by_hand_claims_nothing(app: App) -> None:
    """An ad-hoc run has its place in the app, with its digest, and leaves the start to whoever sets it up."""
    studio, plan = _studio((13, Fault.LOST_AFTER), one=OK)
    report = _set_up(studio, plan, app, claims_start=False)
    assert (report.outcome, report.resumed, report.repeated) == (Outcome.SUCCEEDED, False, False)
    assert studio.now.runs == {report.run_id: plan.version}
    assert studio.now.claimed_by == ""


class _Impatient(InMemoryChannel):
    """A channel at which a person presses Ctrl-C when a command has been started."""

    def send(self, text: str) -> None:
        super().send(text)
        if "&& follow " in text:
            raise KeyboardInterrupt


def test_ctrl_c_stops_the_command(caplog: pytest.LogCaptureFixture, app: App) -> None:
    """Whoever waits for a command and has enough of it ends it in the app too; the log says so."""
    studio, plan = _studio(one=Behaviour(("a",) * 100))
    tools = Tools(
        studio.sagemaker,
        studio.http_session(),
        lambda address, _: _Impatient(studio, studio.terminals[address.url.rpartition("/")[2]]),  # type: ignore[arg-type,return-value]
    )
    with pytest.raises(KeyboardInterrupt):
        set_up(Job(app, plan), tools, studio.time.deadline(1000))
    assert [command.was_stopped for command in studio.now.commands.values()] == [True]
    assert ("command.stopped", {"command": "one"}) in _logged(caplog)


def test_a_command_of_which_nothing_was_heard_has_no_facts(app: App) -> None:
    """If the time is up before the first word of a command, nothing is made up about it."""
    studio, plan = _studio((7, Fault.SILENT), one=OK)
    tools = Tools(studio.sagemaker, studio.http_session(), studio.open_channel)
    report = set_up(Job(app, plan), tools, studio.time.deadline(10))
    assert (report.outcome, report.code) == (Outcome.UNFINISHED, "out-of-time")
    assert report.commands == (CommandResult("one", CommandState.RUNNING, None, None, 0, 0, ""),)


def test_a_command_that_still_runs_is_reported_as_far_as_it_is_known(app: App) -> None:
    """If the time is up while a command runs, the report has what it printed so far, and where all of it is."""
    studio, plan = _studio(one=Behaviour(("spam\n",) * 100))
    tools = Tools(studio.sagemaker, studio.http_session(), studio.open_channel)
    report = set_up(Job(app, plan), tools, studio.time.deadline(2.5))
    assert report.outcome is Outcome.UNFINISHED
    (printed,) = [len(command.log) for command in studio.now.commands.values()]
    path = f"/tmp/studio-setup/{report.run_id}/one.log"
    # The last look's answer came too late.
    assert report.commands == (CommandResult("one", CommandState.RUNNING, None, None, printed - 5, 0, path),)


def test_leaving_ends_the_shell(machine: Machine) -> None:
    """A shell that is left ends, and its terminal with it."""
    with machine.terminal() as channel:
        Shell.take_over(channel, fast_deadline(20)).leave()  # type: ignore[arg-type]
        assert channel.process.wait(5) == 0


def test_leaving_takes_two_seconds_at_most(fake_time: FakeTime) -> None:
    """A shell that does not end is not waited for, even if our time is up."""
    typed: list[str] = []
    channel: Any = SimpleNamespace(send=typed.append, receive=lambda seconds: fake_time.sleep(min(seconds, 0.5)) or "")
    Shell(channel, fake_time.deadline(0), PromptFinder("n")).leave()
    assert typed == ["\x15exit\r"]
    assert sum(fake_time.slept) == 2


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (Reply(1, "missing setsid", ""), "'missing setsid'"),
        (Reply(1, "", "sh: \x1b[31mNo space\x1b[0m\n"), "'sh: No space'"),
        (Reply(1, "answer", "text"), "'answer text'"),
        (Reply(1, "x" * 10, "y" * 299), f"' {'y' * 299}'"),
        (Reply(1, "x" * 10, "y" * 300), f"'{'y' * 300}'"),
    ],
    ids=["answer", "text", "both", "just-fits", "long"],
)
def test_a_complaint_has_the_last_that_the_app_said(reply: Reply, complaint: str) -> None:
    """What the app answered and printed is in the message, as much as a line of the log should hold."""
    shell: Any = SimpleNamespace(run=lambda _line, **_: reply)
    with pytest.raises(NoWorkspace) as caught:
        RemoteRuns(shell, "/tmp").has("run")
    assert str(caught.value).startswith(f"The app cannot keep a run: {complaint}. ")


def _follow(answer: str, count: int = 100) -> Progress:
    shell: Any = SimpleNamespace(run=lambda _line, **_: Reply(0, answer, ""))
    return RemoteRuns(shell, "/tmp").follow("run", "command", 0, count)


class _Typed:
    """A shell that remembers what is typed into it, and always answers this."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        self.lines: list[tuple[str, str]] = []

    def run(self, line: str, *, text: str) -> Reply:
        """Take a line, with what it finds in `text`."""
        self.lines.append((line, text))
        return Reply(0, self._answer, "")


def test_only_a_start_types_a_script() -> None:
    """The script goes along when a command is to be started, and with nothing else."""
    shell: Any = _Typed("follow running - - 1.00 - 0 ")
    runs = RemoteRuns(shell, "/tmp")
    runs.follow("run", "command", 0, 100, Start("script", 60))
    runs.follow("run", "command", 0, 100)
    other_shell: Any = _Typed("has yes")
    assert RemoteRuns(other_shell, "/tmp").has("run")
    assert [text for _, text in shell.lines + other_shell.lines] == ["script", "", ""]


def test_every_version_of_remote_sh_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The one that another version of us has left in the app is not taken for ours."""
    shell: Any = _Typed("ready /tmp/studio-setup")
    path = tmp_path / "remote.sh"
    monkeypatch.setattr(remote_run, "REMOTE_SCRIPT", path)
    for text in ("echo one", "echo two", "echo one"):
        path.write_text(text, encoding="utf-8")
        RemoteRuns.prepare(shell)
    one, two, one_again = [line.rpartition("prepare ")[2] for line, _ in shell.lines]
    assert one == one_again != two
    assert one.isalnum()


def test_an_answer_about_a_command_is_read_to_the_letter() -> None:
    """State, exit status, end, seconds to the hundredth, size and output are what the app says; `-` says nothing."""
    assert _follow("follow over 143 timed-out 1.004 3.118 5 aGVsbG8=") == Progress(
        "over", 143, "timed-out", 2.11, 5, b"hello"
    )
    assert _follow("follow running - - 1.00 - 0 ") == Progress("running", None, "", None, 0, b"")


@pytest.mark.parametrize("data", ["aGVs!bG8=", "aGVsbG8", "aGVsbG8=x"])
def test_output_that_is_no_base64_is_garbled(data: str) -> None:
    """What somebody prints into an answer is never left out of it silently."""
    with pytest.raises(ConnectionLost, match="garbled"):
        _follow(f"follow over 0 - 1.00 2.00 5 {data}")


def test_a_deleted_app_is_not_waited_for_after_a_loss(app: App, fake_time: FakeTime) -> None:
    """Once the app was in service, a deleted one is not the one before it."""
    sagemaker: Any = SimpleNamespace(describe_app=lambda **_: {"Status": "Deleted"})
    with pytest.raises(AppDeleted):
        Studio(sagemaker, app, fake_time.deadline(100)).check_in_service()
    assert fake_time.slept == []


def test_the_pages_of_the_login_are_not_read(app: App, fake_time: FakeTime) -> None:
    """Redirects are followed by us alone, and where they end the page's body is not fetched."""
    asked: list[dict[str, Any]] = []

    class _Page:
        is_redirect, status_code = False, 200

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            pass

    def get(_url: str, **options: object) -> _Page:
        asked.append(options)
        return _Page()

    url = "https://d-0.studio.us-east-1.sagemaker.aws/jupyter/default/lab"
    sagemaker: Any = SimpleNamespace(create_presigned_domain_url=lambda **_: {"AuthorizedUrl": url})
    session: Any = SimpleNamespace(cookies=RequestsCookieJar(), get=get)
    assert Studio(sagemaker, app, fake_time.deadline(100)).log_in(session) == url.removesuffix("/lab")
    assert asked == [{"timeout": (5.0, 30.0), "allow_redirects": False, "stream": True}]


@pytest.mark.parametrize(
    ("host", "studio_host", "is_same"),
    [
        ("d-0.studio.us-east-1.sagemaker.aws", "d-0.studio.us-east-1.sagemaker.aws", True),
        ("space.studio.us-east-1.sagemaker.aws", "d-0.studio.us-east-1.sagemaker.aws", True),
        ("b.x.example.com", "a.x.example.com", True),
        ("b.example.com", "a.example.com", False),
        ("10.0.0.1", "11.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("localhost", "localhost", True),
        ("x.b.c.d", ".b.c.d", False),
        ("a.x.example.com", "", False),
    ],
)
def test_only_siblings_are_the_same_studio(host: str, studio_host: str, *, is_same: bool) -> None:
    """The login may lead to a sibling of the domain's host, but numbers have none, nor has a whole company's domain."""
    assert _same_studio(host, studio_host) == is_same
