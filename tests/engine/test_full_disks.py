"""Whole setups on disks that are full or read-only: the outcome is right, or says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from emulator.studio import LocalStudio
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import CommandState
from studio_setup.model.setup import Command
from tests.support.disks import small_disks
from tests.support.scenario import ONCE, PATIENT, Place, Scenario, statuses

FILL = 'cat /dev/zero >"$TMPDIR/fill"; '


@pytest.fixture
def tmpdir(tmp_path: Path) -> Path:
    """The folder of the app's TMPDIR."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    return folder


def test_commands_that_fill_the_disk(start_app: Callable[..., Scenario], either_place: Place, tmpdir: Path) -> None:
    """A command may fill the disk that holds the run: its exit status and its time limit still count."""
    with small_disks({tmpdir: "size=2m"}) as disks:
        scenario = start_app(place=either_place, launcher=disks.enter, environment={"TMPDIR": str(tmpdir)})

        def set_up(command: Command | str, *more: str) -> tuple[Outcome, str, list[int | None]]:
            report = scenario.set_up(command, *more, claims_start=False)
            (disks.inside(tmpdir) / "fill").unlink()
            return report.outcome, report.code, statuses(report)

        assert set_up(f"{FILL} exit 0") == (Outcome.SUCCEEDED, "succeeded", [0])
        assert set_up(f"{FILL} exit 3") == (Outcome.FAILED, "command-failed", [3])
        assert set_up(f"{FILL} exit 0", "echo never >~/effects") == (Outcome.FAILED, "no-workspace", [0, None])
        assert scenario.effects() == []
        assert set_up(Command("endless", f"{FILL} sleep 600 & sleep 601", timeout_seconds=1))[0] is Outcome.TIMED_OUT
        scenario.wait_until_idle()


def test_a_killed_server_on_a_full_disk_loses_nothing(start_app: Callable[..., Scenario], tmpdir: Path) -> None:
    """The Jupyter server is killed once the disk is full: one effect, the right status, and an outcome that is kept."""
    with small_disks({tmpdir: "size=2m"}) as disks:
        scenario = start_app(launcher=disks.enter, environment={"TMPDIR": str(tmpdir)})
        script = f"{FILL} {PATIENT}; exit 3"
        setup = scenario.start_setup(script)
        scenario.wait_for_effect("started")
        scenario.kill_jupyter()
        scenario.release()
        assert statuses(setup.report()) == [3]
        again = scenario.set_up(script)
        assert (again.outcome, again.repeated, statuses(again)) == (Outcome.FAILED, True, [3])
        assert scenario.effects() == ONCE


@pytest.mark.parametrize(("options", "said"), [("size=1m", "cannot write"), ("ro", "Read-only file system")])
def test_without_a_place_for_the_run_it_fails_with_the_remedy(
    start_app: Callable[..., Scenario], tmpdir: Path, options: str, said: str
) -> None:
    """With a TMPDIR that is full or read-only, the code is `no-workspace`; the reason names cause and remedy."""
    with small_disks({tmpdir: options}) as disks:
        scenario = start_app(launcher=disks.enter, environment={"TMPDIR": str(tmpdir)})
        if options != "ro":
            disks.fill(tmpdir)
        report = scenario.set_up("true")
        assert (report.outcome, report.code, report.commands) == (Outcome.FAILED, "no-workspace", ())
        assert said in report.reason
        assert "needs a writable /tmp (or the TMPDIR of its Jupyter server) with some free space" in report.reason


def test_a_full_home_does_not_matter(
    studio: LocalStudio, start_app: Callable[..., Scenario], either_place: Place
) -> None:
    """Nothing of ours is in the home: on a full one, only commands that write there fail."""
    home = studio.home_of(either_place.user, space_name=either_place.space or None)
    with small_disks({home: "size=1m"}) as disks:
        scenario = start_app(place=either_place, launcher=disks.enter)
        disks.fill(home)
        report = scenario.set_up("echo hello", "cat /dev/zero >~/more; exit 0", "echo spam >~/more")
        assert statuses(report) == [0, 0, 1]
        assert [command.state for command in report.commands] == [CommandState.EXITED] * 3
        assert scenario.log(report, "step-1") == b"hello\n"
        assert b"No space left" in scenario.log(report, "step-3")
