"""The built bundle on Lambda's runtime emulator, in an environment that has only what Lambda's has."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.deployment import Deployed, with_commands
from tests.support.runtime_emulator import RuntimeEmulator
from tests.support.scenario import ONCE, PATIENT


def test_the_bundle_has_everything_it_needs(deployed: Deployed, tmp_path: Path) -> None:
    """A cold invocation sets an app up; a warm one answers that it is set up already."""
    start = deployed.start_app("JupyterLab")
    with RuntimeEmulator(deployed.bundle, deployed.cloud, tmp_path / "log") as function:
        report = function.invoke(start.event)
        assert report.get("outcome") == "succeeded", report
        assert deployed.is_set_up(start)
        assert function.invoke(start.event)["code"] == "already-set-up"
        assert [line["message"] for line in function.log()].count("setup.finished") == 2


@pytest.mark.parametrize("dependency", ["websocket", "requests", "idna"])
def test_a_missing_dependency_is_caught(deployed: Deployed, tmp_path: Path, dependency: str) -> None:
    """Without one of its packages the bundle fails, so nothing that Lambda lacks is available here."""
    bundle = tmp_path / "bundle"
    shutil.copytree(deployed.bundle, bundle)
    shutil.rmtree(bundle / dependency)
    with RuntimeEmulator(bundle, deployed.cloud, tmp_path / "log") as function:
        answer = function.invoke({})
    assert answer["errorType"] == "Runtime.ImportModuleError"
    assert f"No module named '{dependency}'" in answer["errorMessage"]


def test_after_a_timeout_in_mid_command_the_next_attempt_carries_on(deployed: Deployed, tmp_path: Path) -> None:
    """Lambda kills the function in mid-command; the command goes on, and the next attempt reports how it ended.

    The function normally stops 20 seconds before its time is up, so that Lambda need not kill it. Here its reserve is
    changed so that it believes to have an hour more.
    """
    bundle = with_commands(deployed.bundle, tmp_path, "echo first >> ~/effects", PATIENT)
    handler = bundle / "studio_setup" / "handler.py"
    code = handler.read_text(encoding="utf-8")
    assert "_RESERVE_SECONDS = 20.0" in code
    handler.write_text(code.replace("_RESERVE_SECONDS = 20.0", "_RESERVE_SECONDS = -3600.0"), encoding="utf-8")
    start = deployed.start_app()
    with RuntimeEmulator(bundle, deployed.cloud, tmp_path / "log", timeout_seconds=12) as function:
        assert function.invoke(start.event) == "Task timed out after 12.00 seconds"
        assert start.effects() == ["first", "started"]
        start.release()
        report = function.invoke(start.event)
    assert (report["outcome"], report["resumed"]) == ("succeeded", True)
    assert [command["exit_status"] for command in report["commands"]] == [0, 0]
    assert start.effects() == ["first", *ONCE]
    start.app.delete()  # the killed invocation has left its terminal open
