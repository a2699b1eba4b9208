"""The built bundle on Lambda's runtime emulator, in an environment that has what Lambda's has and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.deployment import ONCE, PATIENT, Deployed, with_commands
from tests.support.runtime_emulator import RuntimeEmulator


def test_the_bundle_has_all_it_needs(deployed: Deployed, tmp_path: Path) -> None:
    """The bundle sets an app up, and then answers that it has: cold, then warm."""
    start = deployed.start_app()
    with RuntimeEmulator(deployed.bundle, deployed.cloud, tmp_path / "log") as function:
        report = function.invoke(start.event)
        assert report.get("outcome") == "succeeded", report
        assert deployed.is_set_up(start)
        assert function.invoke(start.event)["code"] == "already-set-up"
        assert [line["message"] for line in function.log()].count("setup.finished") == 2


@pytest.mark.parametrize("dependency", ["websocket", "requests", "idna"])
def test_a_missing_dependency_is_caught(deployed: Deployed, tmp_path: Path, dependency: str) -> None:
    """Without one of its packages the bundle fails: nothing here lends the function what Lambda would not."""
    bundle = tmp_path / "bundle"
    shutil.copytree(deployed.bundle, bundle)
    shutil.rmtree(bundle / dependency)
    with RuntimeEmulator(bundle, deployed.cloud, tmp_path / "log") as function:
        answer = function.invoke({})
    assert answer["errorType"] == "Runtime.ImportModuleError"
    assert f"No module named '{dependency}'" in answer["errorMessage"]


def test_a_timeout_in_mid_command_is_carried_on_by_the_next_attempt(deployed: Deployed, tmp_path: Path) -> None:
    """Lambda kills the function in the middle of a command; the command goes on, and the next attempt reports it.

    The engine stops 20 seconds before its time is up, so that Lambda never has to kill it. Here it is made to believe
    that it has an hour more than it has.
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
    start.app.delete()  # nobody was there to delete the killed one's terminal
