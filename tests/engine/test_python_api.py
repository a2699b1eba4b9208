"""The Python API on the local Studio: run, start, attach, list terminals, many apps at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import studio_setup
from emulator.studio import DOMAIN_ID
from studio_setup import ConnectedApp
from studio_setup.model.errors import AppDeleted, AppReplaced, OutOfTime, RunLost
from studio_setup.model.report import CommandState
from tests.support.scenario import Scenario

ROOT = Path(__file__).parents[2]
WAITS = "echo begun; echo begun >> ~/effects; while [ ! -e ~/go ]; do sleep 0.05; done; echo done"


def _connect(scenario: Scenario) -> ConnectedApp:
    place = scenario.place
    return studio_setup.connect(DOMAIN_ID, user="" if place.space else place.user, space=place.space)


def test_a_command_is_run_in_three_lines(either_app: Scenario) -> None:
    """Output, status and time come back, for either app type, and no terminal stays open."""
    with _connect(either_app) as app:
        result = app.run("echo hello; echo oops >&2")
    assert (str(result), result.exit_status, result.state) == ("hello\noops\n", 0, CommandState.EXITED)
    assert (result.output_bytes, result.left_out_bytes) == (11, 0)
    assert result.seconds is not None
    assert either_app.our_terminals() == []


def test_a_failing_command_raises_unless_it_is_not_to(shared_app: Callable[..., Scenario]) -> None:
    """CommandFailed carries the result; with check=False the result is returned."""
    with _connect(shared_app()) as app:
        with pytest.raises(studio_setup.CommandFailed, match="exit status 3") as failed:
            app.run("echo why; exit 3")
        assert failed.value.result.output == "why\n"
        assert app.run("exit 4", check=False).exit_status == 4


def test_a_script_file_its_variables_and_its_folder(shared_app: Callable[..., Scenario], tmp_path: Path) -> None:
    """A Path is a script; env and cwd are its own, and nothing of them is there in the next call."""
    script = tmp_path / "where.sh"
    script.write_text('#!/bin/sh\nmkdir -p sub; pwd; echo "$GREETING"\n')
    scenario = shared_app()
    (scenario.home / "my folder").mkdir(exist_ok=True)
    with _connect(scenario) as app:
        there = app.run(script, env={"GREETING": "grüß 'dich'"}, cwd="~/my folder")
        assert there.output.splitlines() == [str(scenario.home / "my folder"), "grüß 'dich'"]
        assert app.run('pwd; echo "${GREETING-none}"').output.splitlines() == [str(scenario.home), "none"]
        assert app.run("true", cwd="/not/there", check=False).exit_status == 126


def test_output_comes_as_it_is_printed(shared_app: Callable[..., Scenario]) -> None:
    """on_output gets the text before the command is over: what it does lets the command end."""
    scenario = shared_app()
    heard: list[str] = []

    def hear(text: str) -> None:
        heard.append(text)
        scenario.release()

    with _connect(scenario) as app:
        assert app.run(WAITS, on_output=hear).output == "begun\ndone\n"
    assert heard[0] == "begun\n"


def test_much_output_is_bounded_and_all_of_it_can_be_fetched(
    shared_app: Callable[..., Scenario], tmp_path: Path
) -> None:
    """The result has both ends of it, and the job's log has everything, with progress."""
    progress: list[tuple[int, int]] = []
    with _connect(shared_app()) as app:
        result = app.run("seq 1 50000")
        everything = "".join(f"{number}\n" for number in range(1, 50001)).encode()
        assert result.output_bytes == len(everything)
        assert 0 < result.left_out_bytes < len(everything)
        assert f"[{result.left_out_bytes} bytes left out]" in result.output
        job = app.attach(result.job_id)
        assert job.download_log(tmp_path / "log", lambda *done: progress.append(done)) == len(everything)
    assert (tmp_path / "log").read_bytes() == everything
    assert progress[-1] == (len(everything), len(everything))


def test_a_job_is_found_again_by_its_id(shared_app: Callable[..., Scenario]) -> None:
    """A job outlives the process that started it, and any other process can wait for it."""
    scenario = shared_app()
    code = (
        f"import studio_setup as s; print(s.connect({DOMAIN_ID!r}, user={scenario.place.user!r}).start({WAITS!r}).id)"
    )
    started = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src"
    ).stdout.strip()
    with _connect(scenario) as app:
        job = app.attach(started)
        assert str(job.state) == "running"
        scenario.release()
        assert job.wait().output == "begun\ndone\n"
        assert str(job.state) == "exited"
        assert job.log() == b"begun\ndone\n"


def test_a_job_can_be_stopped(shared_app: Callable[..., Scenario]) -> None:
    """Its process group is ended; waiting for it then says so."""
    with _connect(shared_app()) as app:
        job = app.start("sleep 600")
        job.stop()
        assert job.wait(check=False).state is CommandState.STOPPED


def test_an_unknown_job_is_reported(shared_app: Callable[..., Scenario]) -> None:
    """An id that no job of this app start has is an error, and one that is not an id is bad input."""
    with _connect(shared_app()) as app:
        job = app.attach("0123456789ab")
        for use in (job.wait, job.stop, job.log, lambda: job.state):
            with pytest.raises(RunLost):
                use()
        with pytest.raises(studio_setup.BadInput, match="is not the id of a job"):
            app.attach("../../etc")


def test_terminals_are_listed(shared_app: Callable[..., Scenario]) -> None:
    """The user's are, and ours only while something runs."""
    scenario = shared_app()
    scenario.open_terminal("mine")
    with _connect(scenario) as app:
        assert [(terminal.name, terminal.is_ours) for terminal in app.terminals()] == [("mine", False)]
    scenario.delete_terminal("mine")


def test_no_terminal_of_ours_is_open_between_calls(shared_app: Callable[..., Scenario]) -> None:
    """It is deleted when a call returns or raises, while the connection is kept; one is open while a command runs."""
    scenario = shared_app()
    meanwhile: list[str] = []
    with _connect(scenario) as app:
        app.run("echo x", on_output=lambda _text: meanwhile.extend(scenario.our_terminals()))
        assert (len(meanwhile), scenario.our_terminals()) == (1, [])
        app.run("exit 3", check=False)
        assert scenario.our_terminals() == []
        job = app.start("sleep 600")
        assert scenario.our_terminals() == []
        job.stop()
        assert scenario.our_terminals() == []
        with pytest.raises(RunLost):
            app.attach("0123456789ab").wait()
        assert scenario.our_terminals() == []


def test_threads_share_one_object(shared_app: Callable[..., Scenario]) -> None:
    """Their commands take turns, and each gets its own output."""
    with _connect(shared_app()) as app, ThreadPoolExecutor(3) as pool:
        outputs = list(pool.map(lambda number: app.run(f"echo {number}").output, range(3)))
    assert outputs == ["0\n", "1\n", "2\n"]


def test_a_killed_jupyter_server_does_not_end_a_command(shared_app: Callable[..., Scenario]) -> None:
    """The command goes on, and its result comes all the same."""
    scenario = shared_app()

    def kill(_text: str) -> None:
        scenario.kill_jupyter()
        scenario.release()

    with _connect(scenario) as app:
        assert app.run(WAITS, on_output=kill).output == "begun\ndone\n"


def test_an_app_that_is_restarted_never_runs_a_command_twice(start_app: Callable[..., Scenario]) -> None:
    """The run went with the app, which is an error; the command is not run again in the new one."""
    scenario = start_app()
    with _connect(scenario) as app, pytest.raises((AppDeleted, AppReplaced)):
        app.run(WAITS, timeout_seconds=30, on_output=lambda _text: scenario.restart_app_quickly())
    assert scenario.effects() == ["begun"]
    assert scenario.app.processes() == [scenario.app.jupyter_pid]


def test_a_closed_object_says_so(shared_app: Callable[..., Scenario]) -> None:
    """Using it after close is bad input, with the remedy."""
    app = _connect(shared_app())
    app.close()
    with pytest.raises(studio_setup.BadInput, match="is closed; connect again"):
        app.run("true")


def test_an_app_that_does_not_run_is_an_error_of_the_engine(shared_app: Callable[..., Scenario]) -> None:
    """The error is the engine's own, with its remedy."""
    with (
        studio_setup.connect(DOMAIN_ID, user=shared_app().place.user, app_name="other") as app,
        pytest.raises(AppDeleted),
    ):
        app.run("true")


def test_many_apps_run_one_command(shared_app: Callable[..., Scenario]) -> None:
    """Results come from every app, also from one that cannot be reached."""
    scenarios = [shared_app(), shared_app("JupyterLab")]
    apps = [*map(_connect, scenarios), studio_setup.connect(DOMAIN_ID, user=scenarios[0].place.user, app_name="other")]
    results = {result.app: result for result in studio_setup.run_many(apps, "echo hello", max_concurrency=2)}
    assert [results[app.app].succeeded for app in apps] == [True, True, False]
    assert "no such app" in str(results[apps[2].app].error)


def test_who_stops_taking_results_ends_the_commands(shared_app: Callable[..., Scenario]) -> None:
    """The commands that still run are ended, and their terminals deleted."""
    quick, slow = shared_app("JupyterLab"), shared_app()
    command = "case $HOME in *space*) ;; *) echo begun >> ~/effects; exec sleep 600 ;; esac"
    results = studio_setup.run_many([_connect(quick), _connect(slow)], command)
    assert next(results).app.space_name == quick.place.space
    slow.wait_for_effect("begun")
    results.close()
    assert slow.our_terminals() == []
    assert slow.app.processes() == [slow.app.jupyter_pid]


def test_the_next_app_is_taken_when_there_is_room(shared_app: Callable[..., Scenario]) -> None:
    """Whoever makes the apps can stop making them, once a result says so; what runs is not ended by that."""
    scenarios = [shared_app(), shared_app("JupyterLab")]
    results: list[studio_setup.AppResult] = []

    def until_a_failure() -> Iterator[ConnectedApp]:
        for scenario in scenarios:
            if results:
                return
            yield _connect(scenario)

    for one in studio_setup.run_many(until_a_failure(), "exit 3", max_concurrency=1):
        results.append(one)  # noqa: PERF402 (the generator looks at it meanwhile)
    assert [one.app for one in results] == [scenarios[0].name]


def test_waiting_has_a_limit(shared_app: Callable[..., Scenario]) -> None:
    """A job that is not over in time goes on."""
    scenario = shared_app()
    with _connect(scenario) as app:
        job = app.start(WAITS)
        with pytest.raises(OutOfTime):
            job.wait(timeout_seconds=3)
        scenario.release()
        assert job.wait(timeout_seconds=30).succeeded
