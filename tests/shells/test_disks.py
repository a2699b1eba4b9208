"""Full and read-only disks: whatever happens to the files of the run, the verdict is true."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from studio_setup.model.errors import NoWorkspace
from studio_setup.model.report import CommandResult, CommandState
from studio_setup.model.setup import Command
from studio_setup.runs.command_run import CommandRun
from studio_setup.runs.remote_runs import Claim, RemoteRuns
from tests.support.disks import Disks, small_disks
from tests.support.machines import Machine
from tests.support.remote_commands import RUN, follow, start, until

FILL = 'cat /dev/zero >"$TMPDIR/fill"; '


@pytest.fixture
def disks(machine: Machine) -> Iterator[Disks]:
    """A machine whose TMPDIR is a disk of two megabytes."""
    with small_disks({machine.temporary: "size=2m,nr_inodes=100"}) as disks, machine.switched_off_after():
        yield disks


@pytest.fixture
def runs(machine: Machine, disks: Disks) -> Iterator[RemoteRuns]:
    """The runs on that disk; one of them holds the claim."""
    with machine.runs(launcher=disks.enter, PATH=machine.hasty_path) as runs:
        runs.claim(RUN, "version", force=False)
        yield runs


def _carry_out(runs: RemoteRuns, script: str, name: str = "one", seconds: int = 10, **environ: str) -> CommandResult:
    return CommandRun(RUN, Command(name, script, seconds, environment=environ)).carry_out(runs)


@pytest.mark.parametrize("status", [0, 3])
def test_a_command_that_fills_the_disk_has_its_own_exit_status(runs: RemoteRuns, status: int) -> None:
    """Its exit status is known; the next command cannot be kept, and the message has the reason and the remedy."""
    result = _carry_out(runs, f"{FILL} exit {status}")
    assert (result.state, result.exit_status) == (CommandState.EXITED, status)
    with pytest.raises(NoWorkspace, match=r"cannot write .*two\.script.*some free space"):
        _carry_out(runs, "true", "two")


def test_after_a_command_that_cleans_up_the_next_one_runs(runs: RemoteRuns) -> None:
    """A disk that was full only for a while makes no difference."""
    assert _carry_out(runs, f'{FILL} rm "$TMPDIR/fill"; exit 4').exit_status == 4
    assert _carry_out(runs, "exit 5", "two").exit_status == 5


def test_at_its_time_limit_a_command_on_a_full_disk_is_ended(runs: RemoteRuns, machine: Machine) -> None:
    """It has timed out, and none of its processes is left."""
    result = _carry_out(runs, f"sleep 601 & {FILL} sleep 602", seconds=1)
    assert result.state is CommandState.TIMED_OUT
    assert not [line for line in machine.processes().values() if "sleep 60" in line]


def test_a_run_is_found_again_on_a_full_disk(runs: RemoteRuns, disks: Disks, machine: Machine) -> None:
    """A new connection needs no space: it finds the run, its exit status and its verdict."""
    _carry_out(runs, f"{FILL} exit 3", X="variables")
    with machine.runs(launcher=disks.enter) as again:
        assert again.has(RUN)
        assert _carry_out(again, f"{FILL} exit 3", X="variables").exit_status == 3
        assert again.finish(RUN, "failed", RUN)
        assert again.claim("later", "version", force=False) == Claim(RUN, "version", "failed")


def test_a_command_is_followed_where_no_file_can_be_made(runs: RemoteRuns, disks: Disks, machine: Machine) -> None:
    """A new connection cannot make its pipe, and learns of the end of a command all the same."""
    start(runs, "one", "until [ -e ~/go ]; do sleep 0.01; done; exit 3")
    assert until(lambda: runs.follow(RUN, "one", 0, 0).state == "running")
    disks.use_up_files(machine.temporary)
    with machine.runs(launcher=disks.enter) as again:
        assert again.follow(RUN, "one", 0, 0).state == "running"
        (machine.home / "go").touch()
        assert follow(again, "one").exit_status == 3


@pytest.mark.parametrize("machine", ["this"], indirect=True)
@pytest.mark.parametrize(("use_up", "needed"), [(Disks.fill, 2), (Disks.use_up_files, 3)], ids=["pages", "files"])
def test_with_very_little_space_a_command_runs_or_does_not_start(
    runs: RemoteRuns, disks: Disks, machine: Machine, use_up: Callable[..., None], needed: int
) -> None:
    """However little is left, the command has its true exit status, or is refused and has not run."""
    ends: list[int | None] = []
    for left in range(needed + 1):
        use_up(disks, machine.temporary, but=left)
        try:
            ends.append(_carry_out(runs, f"echo {left} >>~/effects; exit 7", f"with-{left}").exit_status)
        except NoWorkspace:
            ends.append(None)
    assert ends == [None] * needed + [7]
    assert (machine.home / "effects").read_text() == f"{needed}\n"


def test_variables_that_cannot_be_written_are_named(runs: RemoteRuns, disks: Disks, machine: Machine) -> None:
    """A command whose variables cannot be kept is not started."""
    disks.fill(machine.temporary)
    with pytest.raises(NoWorkspace, match=r"cannot write .*one\.environment.*some free space"):
        _carry_out(runs, "echo spam >~/effect", X="variables")
    assert not (machine.home / "effect").exists()


def test_a_file_that_cannot_be_written_is_named(runs: RemoteRuns, disks: Disks, machine: Machine) -> None:
    """Neither another run nor, if no file can be made at all, a verdict can be kept; the messages say why."""
    disks.fill(machine.temporary)
    with pytest.raises(NoWorkspace, match=r"cannot write .*/other"):
        runs.open_run("other", "version")
    disks.use_up_files(machine.temporary)
    with pytest.raises(NoWorkspace, match="No space left on device"):
        runs.finish(RUN, "succeeded", RUN)


def test_an_app_whose_disk_is_full_cannot_keep_a_run(disks: Disks, machine: Machine) -> None:
    """If the disk is full from the start, that is the reason."""
    disks.fill(machine.temporary)
    with (
        pytest.raises(NoWorkspace, match=r"cannot write .*remote\.[0-9a-f]+\.sh"),
        machine.runs(launcher=disks.enter),
    ):
        pass


def test_an_app_whose_disk_is_read_only_cannot_keep_a_run(machine: Machine) -> None:
    """If nothing can be written, that is the reason."""
    with (
        small_disks({machine.temporary: "ro"}) as disks,
        pytest.raises(NoWorkspace, match="Read-only file system"),
        machine.runs(launcher=disks.enter),
    ):
        pass
