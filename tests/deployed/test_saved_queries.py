"""What the template's saved queries find in the log of the deployed function.

The local cloud cannot run them (its Logs Insights knows no fields of JSON lines), so tests/support/insights.py does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.deployment import Deployed, Start
from tests.support.insights import Query
from tests.support.scenario import PATIENT
from tests.support.stack import Stack


def ask(deployed: Deployed, stack: Stack, query: str, app: str = "") -> list[dict[str, Any]]:
    """Run a query on the function's log, with the app in place of the placeholder."""
    text = stack.properties(query)["QueryString"]
    return Query(text.replace("d-abcdefghijkl/alice/JupyterServer/default", app)).run(deployed.log())


def label(start: Start) -> str:
    """The app as the log names it."""
    return f"d-localstudio1/{start.space or start.user}/{start.case.app_type}/default"


def test_the_queries_find_what_they_are_for(
    deployed: Deployed, default_stack: Stack, set_up_with: Callable[..., None]
) -> None:
    """Failures, an app's output, the slowest commands, and a setup that has no end yet."""
    set_up_with("echo some output", "exit 7")
    failed = deployed.start_app()
    deployed.deliver(failed.event)
    deployed.take_failure()
    failures = [row for row in ask(deployed, default_stack, "LastFailuresQuery") if row["app"] == label(failed)]
    assert [(row["outcome"], row["code"], row["repeated"]) for row in failures] == [
        ("failed", "command-failed", True),
        ("failed", "command-failed", True),
        ("failed", "command-failed", False),
    ]
    assert "step-2 (exit status 7)" in failures[-1]["reason"]
    output = ask(deployed, default_stack, "OutputOfOneAppQuery", label(failed))
    assert {row["text"] for row in output} == {"some output\n"}
    assert {row["run_id"] for row in output} == {failures[0]["run_id"]}
    slowest = ask(deployed, default_stack, "SlowestCommandsQuery")
    assert {("JupyterServer", "step-1"), ("JupyterServer", "step-2")} <= {
        (row["app_type"], row["command"]) for row in slowest
    }
    seconds = [row["longest_seconds"] for row in slowest]
    assert seconds == sorted(seconds, reverse=True)
    assert all(0 <= row["average_seconds"] <= row["longest_seconds"] for row in slowest)


def test_a_setup_without_an_end_is_found(
    deployed: Deployed, default_stack: Stack, set_up_with: Callable[..., None]
) -> None:
    """It is found as long as its last line is its start, and not any more when it has been reported on."""

    def found() -> set[str]:
        return {row["app"] for row in ask(deployed, default_stack, "StartedNotFinishedQuery")}

    set_up_with(PATIENT)
    start = deployed.start_app()
    deployed.deliver(start.event)
    deployed.wait_for("command.started", start)
    assert label(start) in found()
    start.release()
    deployed.wait_for_reports(start, 1)
    assert label(start) not in found()
