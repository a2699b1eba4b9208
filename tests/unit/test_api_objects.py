"""Results as a program and a notebook see them; jobs and closed connections without an app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from studio_setup import (
    App,
    AppDeleted,
    AppResult,
    BadInput,
    CommandFailed,
    CommandState,
    ConnectedApp,
    Job,
    Result,
    SetupError,
    run_many,
)
from studio_setup.api.app_access import AppAccess

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

RESULT = Result(
    exit_status=0,
    output="<b>5 & 6</b>\n",
    output_bytes=13,
    left_out_bytes=0,
    seconds=1.5,
    state=CommandState.EXITED,
    job_id="0123456789ab",
    log_path="/tmp/runs/0123456789ab/command.log",
)
FAILED = replace(RESULT, exit_status=3)
TIMED_OUT = replace(RESULT, exit_status=None, seconds=None, state=CommandState.TIMED_OUT)
ESCAPED = "<pre>&lt;b&gt;5 &amp; 6&lt;/b&gt;\n</pre>"


@pytest.fixture
def connected(app: App, sagemaker_client: SageMakerClient) -> ConnectedApp:
    """A connection to the app, as `connect` makes it."""
    return ConnectedApp(AppAccess(app, sagemaker_client))


@pytest.mark.parametrize(
    ("result", "html"),
    [
        pytest.param(RESULT, "<details><summary>exited, exit status 0, 1.5 s, 13 bytes", id="succeeded"),
        pytest.param(FAILED, "<details open><summary>exited, exit status 3, 1.5 s, 13 bytes", id="failed"),
        pytest.param(TIMED_OUT, "<details open><summary>timed_out, 13 bytes", id="timed-out"),
    ],
)
def test_a_notebook_shows_a_result_with_its_output_folded_in(result: Result, html: str) -> None:
    """State, status and time are shown, the output is open if the command failed, and nothing in it is markup."""
    assert result._repr_html_() == f"{html}</summary>{ESCAPED}</details>"


def test_nothing_that_a_command_prints_is_markup_for_a_notebook(app: App) -> None:
    """Whatever it closes or opens, it is text; control characters are left out."""
    hostile = "</pre></details><script>alert('x')</script><img src=x onerror=\"alert(1)\">\x1b]0;title\x07\u202e"
    for shown in (replace(RESULT, output=hostile), AppResult(app, error=AppDeleted(hostile))):
        html = shown._repr_html_()
        assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;" in html
        assert "<script" not in html
        assert "<img" not in html
        assert not {"\x1b", "\x07", "\u202e"} & set(html)


def test_a_notebook_is_not_flooded_by_output() -> None:
    """Of long output both ends are shown, and how much is left out."""
    html = replace(RESULT, output="first\n" + "'" * 65_536 + "\nlast")._repr_html_()
    assert len(html) < 128 * 1024
    assert "first\n" in html
    assert "\nlast</pre>" in html
    assert "[49547 characters not shown here]" in html


def test_a_notebook_shows_what_came_of_each_app(app: App) -> None:
    """The app, then the result or the error, and nothing of an error is markup."""
    assert AppResult(app, RESULT)._repr_html_() == f"<b>{app.label}</b> {RESULT._repr_html_()}"
    assert "&lt;i&gt;gone" in AppResult(app, error=AppDeleted("<i>gone"))._repr_html_()


def test_only_exit_status_0_is_success() -> None:
    """A command that was ended has not succeeded, whatever else is known of it."""
    assert [one.succeeded for one in (RESULT, FAILED, TIMED_OUT)] == [True, False, False]
    assert str(RESULT) == RESULT.output


@pytest.mark.parametrize(
    ("result", "how"),
    [pytest.param(FAILED, "exit status 3", id="failed"), pytest.param(TIMED_OUT, "timed out", id="timed-out")],
)
def test_a_failed_command_is_an_error_of_the_engine(result: Result, how: str) -> None:
    """It says how the command ended and what it printed last, and carries the result."""
    error = CommandFailed(result)
    assert isinstance(error, SetupError)
    assert str(error) == f"The command failed ({how}); it printed last: {'<b>5 & 6</b>'!r}."
    assert error.result is result


def test_a_job_is_found_by_an_id_alone(connected: ConnectedApp) -> None:
    """Attaching calls nothing; what is not an id is bad input that shows it."""
    with connected as app:
        assert app.attach("0123456789ab").id == "0123456789ab"
        for wrong in ("", "0123456789AB", "0123456789ab\n", "../../etc/pass"):
            with pytest.raises(BadInput, match="is not the id of a job"):
                app.attach(wrong)


USES: list[Callable[[ConnectedApp, Job], object]] = [
    lambda app, _: app.run("true"),
    lambda app, _: app.start("true"),
    lambda app, _: app.terminals(),
    lambda _, job: job.wait(),
    lambda _, job: job.state,
    lambda _, job: job.stop(),
    lambda _, job: job.log(),
]


@pytest.mark.parametrize("use", USES, ids=["run", "start", "terminals", "wait", "state", "stop", "log"])
def test_a_closed_connection_says_so(connected: ConnectedApp, use: Callable[[ConnectedApp, Job], object]) -> None:
    """Whatever is called afterwards is bad input, with the remedy, also on a job of the connection."""
    job = connected.attach("0123456789ab")
    connected.close()
    with pytest.raises(BadInput, match="is closed; connect again"):
        use(connected, job)


def test_closing_twice_is_no_error(connected: ConnectedApp) -> None:
    """The second time does nothing, also where a `with` statement is what closes it again."""
    with connected as app:
        app.close()
        app.close()


def test_a_concurrency_of_none_is_bad_input(connected: ConnectedApp) -> None:
    """It is said before anything is run."""
    with pytest.raises(BadInput, match="max_concurrency is 0; it must be at least 1"):
        next(run_many([connected], "true", max_concurrency=0))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"timeout_seconds": 0}, id="limit"),
        pytest.param({"env": {"NOT-A-NAME": "x"}}, id="variable"),
        pytest.param({"cwd": "a\0b"}, id="folder"),
        pytest.param({"cwd": Path("/tmp")}, id="folder-as-a-path"),
        pytest.param({"cwd": None}, id="no-folder"),
        pytest.param({"env": {"PORT": 8080}}, id="number-in-a-variable"),
        pytest.param({"env": {8080: "PORT"}}, id="number-as-a-variable"),
        pytest.param({"env": ["PORT=8080"]}, id="variables-as-a-list"),
        pytest.param({"timeout_seconds": "60"}, id="limit-as-a-text"),
        pytest.param({"timeout_seconds": None}, id="no-limit"),
    ],
)
def test_bad_input_is_found_before_anything_is_called(connected: ConnectedApp, options: dict[str, object]) -> None:
    """An invalid limit, variable or folder never gets as far as the app."""
    with connected as app, pytest.raises(BadInput):
        app.run("true", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", [b"true", ["ls", "-l"], None, 5])
def test_a_command_is_a_text_or_a_path(connected: ConnectedApp, command: Any) -> None:  # noqa: ANN401 (of no right type)
    """Anything else is bad input that names the type, also where no type checker looks."""
    with connected as app, pytest.raises(BadInput, match=f"not text but {type(command).__name__}"):
        app.run(command)


@pytest.mark.parametrize("wrong", ["0123456789AB", "0123456789ab\n", None, 123456789012])
def test_what_is_no_id_of_a_job_is_bad_input(connected: ConnectedApp, wrong: Any) -> None:  # noqa: ANN401 (any type)
    """The message shows it."""
    with connected as app, pytest.raises(BadInput, match="is not the id of a job"):
        app.attach(wrong)


def test_a_script_that_is_not_there_is_bad_input(connected: ConnectedApp, tmp_path: Path) -> None:
    """The message names the file."""
    with connected as app, pytest.raises(BadInput, match=r"nothing\.sh"):
        app.run(tmp_path / "nothing.sh")
