"""Full and read-only disks: whatever becomes of the run's own files, the verdict is what happened."""

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

RUN = "0123456789ab"
FILL = 'cat /dev/zero >"$TMPDIR/fill"; '


@pytest.fixture
def disks(machine: Machine) -> Iterator[Disks]:
    """A machine whose TMPDIR is a disk of two megabytes."""
    with small_disks({machine.temporary: "size=2m,nr_inodes=100"}) as disks, machine.switched_off_after():
        yield disks


@pytest.fixture
def runs(machine: Machine, disks: Disks) -> Iterator[RemoteRuns]:
    """The runs kept there, one of which holds the claim."""
    with machine.runs(*disks.enter, machine.shell, PATH=machine.hasty_path) as runs:
        runs.claim(RUN, "digest", force=False)
        yield runs


def _carry_out(runs: RemoteRuns, script: str, name: str = "one", seconds: int = 10) -> CommandResult:
    return CommandRun(RUN, Command(name, script, seconds)).carry_out(runs)


@pytest.mark.parametrize("status", [0, 3])
def test_a_command_that_fills_the_disk_has_its_own_exit_status(runs: RemoteRuns, status: int) -> None:
    """Its exit status is known; the next command cannot be kept, which is said with the reason and the remedy."""
    result = _carry_out(runs, f"{FILL} exit {status}")
    assert (result.state, result.exit_status) == (CommandState.EXITED, status)
    with pytest.raises(NoWorkspace, match=r"cannot write .*two\.script.*some room"):
        _carry_out(runs, "true", "two")


def test_a_command_that_tidies_up_is_followed_by_the_next(runs: RemoteRuns) -> None:
    """A disk that was full for a while leaves no trace."""
    assert _carry_out(runs, f'{FILL} rm "$TMPDIR/fill"; exit 4').exit_status == 4
    assert _carry_out(runs, "exit 5", "two").exit_status == 5


def test_at_its_limit_a_command_on_a_full_disk_is_ended(runs: RemoteRuns, machine: Machine) -> None:
    """It counts as timed out, and nothing of it goes on."""
    result = _carry_out(runs, f"sleep 601 & {FILL} sleep 602", seconds=1)
    assert result.state is CommandState.TIMED_OUT
    assert not [line for line in machine.processes().values() if "sleep 60" in line]


def test_a_run_is_found_again_on_a_full_disk(runs: RemoteRuns, disks: Disks, machine: Machine) -> None:
    """A new connection or invocation takes no room: it finds the run, its exit status and its verdict."""
    _carry_out(runs, f"{FILL} exit 3")
    with machine.runs(*disks.enter, machine.shell) as again:
        assert again.has(RUN)
        assert _carry_out(again, f"{FILL} exit 3").exit_status == 3
        assert again.finish(RUN, "failed", RUN)
        assert again.claim("later", "digest", force=False) == Claim(RUN, "digest", "failed")


@pytest.mark.parametrize("machine", ["this"], indirect=True)
@pytest.mark.parametrize(("use_up", "needed"), [(Disks.fill, 4), (Disks.use_names_up, 5)], ids=["pages", "files"])
def test_with_very_little_room_a_command_is_run_or_it_is_not(
    runs: RemoteRuns, disks: Disks, machine: Machine, use_up: Callable[..., None], needed: int
) -> None:
    """However little is left: its true exit status, or no place for it, and then it has not run."""
    ends = []
    for left in range(needed + 1):
        use_up(disks, machine.temporary, but=left)
        try:
            ends.append(_carry_out(runs, f"echo {left} >>~/effects; exit 7", f"with-{left}").exit_status)
        except NoWorkspace:
            ends.append(None)
    assert ends == [None] * needed + [7]
    assert (machine.home / "effects").read_text() == f"{needed}\n"


def test_what_cannot_be_kept_is_named(runs: RemoteRuns, disks: Disks, machine: Machine) -> None:
    """No room for another run's claim, and, where not even a file can be made, none for a verdict."""
    disks.fill(machine.temporary)
    with pytest.raises(NoWorkspace, match=r"cannot write .*/other"):
        runs.open_run("other", "digest")
    disks.use_names_up(machine.temporary)
    with pytest.raises(NoWorkspace, match="No space left on device"):
        runs.finish(RUN, "succeeded", RUN)


def test_a_disk_that_is_full_before_is_no_place(disks: Disks, machine: Machine) -> None:
    """Where there is no room for a run from the start, that is the outcome."""
    disks.fill(machine.temporary)
    with (
        pytest.raises(NoWorkspace, match=r"cannot write .*remote\.[0-9a-f]+\.sh"),
        machine.runs(*disks.enter, machine.shell),
    ):
        pass


def test_a_read_only_disk_is_no_place(machine: Machine) -> None:
    """Where nothing can be written, that is the outcome."""
    with (
        small_disks({machine.temporary: "ro"}) as disks,
        pytest.raises(NoWorkspace, match="Read-only file system"),
        machine.runs(*disks.enter, machine.shell),
    ):
        pass
