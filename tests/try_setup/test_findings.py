"""What is said about a setup that was tried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from emulator.servers import SERVERS
from studio_setup.model.app import App
from studio_setup.model.errors import BadInput
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import CommandResult, CommandState, SetupReport, Trigger
from studio_setup.model.setup import Command, Setup
from try_setup import findings
from try_setup.home import Changes
from try_setup.options import Wanted
from try_setup.results import TriedApp, TriedStart

APP = App("d-1", "alice", "JupyterServer", "default")
SETUP = Setup((Command("one", "true"),))
RESULT = CommandResult("one", CommandState.EXITED, 0, 1.0, 0, 0, "")
REPORT = SetupReport(Outcome.SUCCEEDED, "succeeded", "", APP, "0", Trigger.OPERATOR, "1", commands=(RESULT,))
START = TriedStart(REPORT, Changes(), {}, (), (), (), None)


def tried(first: TriedStart = START, second: TriedStart = START) -> TriedApp:
    """A setup that was tried."""
    return TriedApp("JupyterServer", SETUP, (first, second))


def start(**result: Any) -> TriedStart:  # noqa: ANN401 (fields of CommandResult)
    """A start whose command ended so."""
    return replace(START, report=replace(REPORT, commands=(replace(RESULT, **result),)))


def test_nothing_is_said_where_nothing_was_found() -> None:
    """Two starts that succeed and change nothing are idempotent, without a warning."""
    assert findings.about_runs(tried()) == []
    assert findings.second_start(tried()).startswith("Idempotent")


def test_a_slow_command_is_named_once() -> None:
    """More than ten seconds, at either start."""
    slow = start(seconds=10.5)
    (warning,) = findings.about_runs(tried(slow, slow))
    assert warning.startswith("one took more than 10 s")
    assert findings.about_runs(tried(start(seconds=10.0))) == []


def test_an_open_terminal_and_a_process_are_named() -> None:
    """With the names by which they can be found."""
    left = replace(START, terminals=("7",), processes=("sleep 300",))
    terminal, process = findings.about_runs(tried(left))
    assert "(7)" in terminal
    assert "sleep 300" in process


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (replace(START, changes=Changes(added=("x",))), "NOT IDEMPOTENT"),
        (start(exit_status=3), "NOT THE SAME: one exit status 0, then exit status 3."),
        (
            replace(START, report=replace(REPORT, outcome=Outcome.FAILED)),
            "the first start succeeded, the second failed",
        ),
    ],
)
def test_a_second_start_that_differs_is_described(second: TriedStart, said: str) -> None:
    """By what differs most: the outcome, an exit status, the home."""
    assert said in findings.second_start(tried(START, second))


def test_a_setup_that_fails_twice_is_not_called_idempotent() -> None:
    """That it changed nothing the second time says nothing for it."""
    failed = replace(START, report=replace(REPORT, outcome=Outcome.FAILED))
    assert findings.second_start(tried(failed, failed)) == "The second start ended the same way."


def test_without_python_39_only_jupyterlab_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is said why, with the remedy."""
    monkeypatch.setitem(
        SERVERS, "notebook6-python39", replace(SERVERS["notebook6"], data=SERVERS["notebook6"].data / "no")
    )
    said: list[str] = []
    assert Wanted().app_types(said.append) == ["JupyterLab"]
    assert "pyenv install 3.9" in said[0]


def test_a_machine_without_namespaces_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the network on it is a remark, with the network off it is bad input."""
    monkeypatch.setattr("try_setup.options.refusal", lambda: "not permitted")
    said: list[str] = []
    Wanted().check_machine(said.append)
    assert "not permitted" in said[0]
    with pytest.raises(BadInput, match="not permitted"):
        Wanted(network=False).check_machine(said.append)
