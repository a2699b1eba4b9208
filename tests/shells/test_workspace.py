"""The folder in the app where runs are kept: whose it is, who may read it, what is missing."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from studio_setup.model.errors import NoWorkspace
from studio_setup.runs.remote_runs import RemoteRuns
from tests.support.machines import Machine
from tests.support.needs import needs_root
from tests.support.remote_commands import RUN, follow, run, start


def test_the_folder_is_for_the_user_alone(runs: RemoteRuns, machine: Machine) -> None:
    """The folder is in TMPDIR and has mode 0700."""
    (root,) = machine.temporary.iterdir()
    assert root.name == "studio-setup"
    assert stat.S_IMODE(root.stat().st_mode) == 0o700
    assert runs.log_path(RUN, "one") == f"{root}/{RUN}/one.log"


def test_a_folder_that_others_could_enter_is_closed(machine: Machine) -> None:
    """A folder of ours that was open to others has mode 0700 afterwards."""
    root = machine.temporary / "studio-setup"
    root.mkdir()
    root.chmod(0o777)
    with machine.runs():
        assert stat.S_IMODE(root.stat().st_mode) == 0o700


def test_a_symbolic_link_is_not_followed(machine: Machine, tmp_path: Path) -> None:
    """A link of that name, which somebody else may have made, is refused."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (machine.temporary / "studio-setup").symlink_to(elsewhere)
    with pytest.raises(NoWorkspace, match="not ours"), machine.runs():
        pass
    assert list(elsewhere.iterdir()) == []


def test_a_folder_of_somebody_else_is_refused(machine: Machine) -> None:
    """A folder of that name that belongs to another user is not used."""
    needs_root()
    root = machine.temporary / "studio-setup"
    root.mkdir(mode=0o700)
    os.chown(root, 12345, 12345)
    with pytest.raises(NoWorkspace, match="not ours"), machine.runs():
        pass
    assert list(root.iterdir()) == []


def test_an_app_without_a_writable_folder_says_so(machine: Machine) -> None:
    """If nothing can be written, the message has what the app said, and the remedy."""
    (machine.home / "file").touch()
    place = machine.home / "file" / "below"
    with (
        pytest.raises(
            NoWorkspace, match=r"(?s)cannot keep a run.*writable /tmp \(or the TMPDIR of its Jupyter server\)"
        ) as caught,
        machine.runs(TMPDIR=str(place)),
    ):
        pass
    assert "Not a directory" in str(caught.value)


def test_a_folder_with_a_long_path_is_not_used(machine: Machine) -> None:
    """The path is in every report, so a TMPDIR of more than 380 characters is passed over for /tmp."""
    place = machine.temporary / ("x" * 200) / ("y" * 200)
    place.mkdir(parents=True)
    was_there = Path("/tmp/studio-setup").exists()
    with machine.runs(TMPDIR=str(place)) as runs:
        assert runs.log_path(RUN, "one") == f"/tmp/studio-setup/{RUN}/one.log"
    assert list(place.iterdir()) == []
    if not was_there:
        shutil.rmtree("/tmp/studio-setup")


def test_a_missing_tool_is_named(this_machine: Machine, tmp_path: Path) -> None:
    """The message names the first tool that the app lacks."""
    poor = tmp_path / "poor"
    poor.mkdir()
    for folder in reversed(this_machine.path.split(":")):
        for name in ("env", "sh", "bash", "stty", "chmod", "head", "base64"):
            program = Path(folder, name)
            if program.exists() and not (poor / name).exists():
                (poor / name).symlink_to(program)
    with pytest.raises(NoWorkspace, match="missing ln"), this_machine.runs(PATH=str(poor)):
        pass


def test_preparing_again_changes_nothing(machine: Machine) -> None:
    """Every connection prepares the folder; a command that runs there goes on."""
    with machine.runs() as first, machine.runs() as second:
        first.open_run(RUN, "version")
        start(first, "one", "until [ -e ~/go ]; do sleep 0.01; done")
        RemoteRuns.prepare(second._shell)
        (machine.home / "go").touch()
        assert follow(second, "one").exit_status == 0
    assert machine.left_processes() == {}


@pytest.mark.parametrize("kind", ["link", "somebody-elses"])
def test_a_folder_that_is_not_ours_keeps_its_mode(machine: Machine, tmp_path: Path, kind: str) -> None:
    """Ownership is checked before the mode is changed: neither a link's target nor another user's folder is touched."""
    target = tmp_path / "target"
    target.mkdir()
    target.chmod(0o755)
    if kind == "link":
        (machine.temporary / "studio-setup").symlink_to(target)
    else:
        needs_root()
        target = target.rename(machine.temporary / "studio-setup")
        os.chown(target, 12345, 12345)
    with pytest.raises(NoWorkspace), machine.runs():
        pass
    assert oct(stat.S_IMODE(target.stat().st_mode)) == oct(0o755)


def test_preparing_again_keeps_the_users_umask(this_machine: Machine) -> None:
    """If the line is typed again because its answer was swallowed, our umask is not taken for the user's."""
    with this_machine.own_shell("sh", "-c", "umask 027; exec bash") as shell:
        RemoteRuns.prepare(shell)
        runs = RemoteRuns.prepare(shell)
        runs.open_run(RUN, "version")
        run(runs, "umask >~/umask")
    assert (this_machine.home / "umask").read_text(encoding="ascii") == "0027\n"
