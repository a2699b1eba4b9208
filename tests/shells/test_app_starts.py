"""One start of the app and another: what was claimed, what was lost, and that nothing runs twice in one of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from studio_setup.model.errors import NoWorkspace, RunLost
from studio_setup.model.setup import Command
from studio_setup.runs.command_run import CommandRun
from studio_setup.runs.remote_runs import Claim, RemoteRuns
from tests.support.disks import replaced_files
from tests.support.machines import Machine
from tests.support.remote_commands import RUN, run

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
FIRST_PROCESS = Path("/proc/1/stat")
EMPTY = 'rm -rf "$TMPDIR"/* "$TMPDIR"/.[!.]*'


@contextmanager
def _another_start(machine: Machine, how: Path) -> Iterator[RemoteRuns]:
    """The runs in another start of the app: after another boot, or in a container that began later."""
    content = how.read_text(encoding="ascii")
    if how == BOOT_ID:
        other = content.translate(str.maketrans("0123456789abcdef", "123456789abcdef0"))
    else:
        name, _, rest = content.rpartition(") ")
        fields = rest.split(" ")
        fields[19] = str(int(fields[19]) + 1)
        other = f"{name}) {' '.join(fields)}"
    file = machine.folder / f"another {how.name}"
    file.write_text(other, encoding="ascii")
    with replaced_files({how: file}) as inside, machine.runs(launcher=inside.enter) as runs:
        yield runs


@pytest.fixture(params=[BOOT_ID, FIRST_PROCESS], ids=["boot", "first-process"])
def how(request: pytest.FixtureRequest) -> Path:
    """What tells two starts of an app apart."""
    path: Path = request.param
    return path


def _witnesses(machine: Machine) -> list[Path]:
    folder = machine.home / ".local" / "state" / "studio-setup"
    return sorted(folder.iterdir()) if folder.exists() else []


# Which start it is


def test_a_start_is_told_by_the_boot_the_first_process_and_the_place(runs: RemoteRuns, machine: Machine) -> None:
    """As the kernel says it (proc(5): `starttime` is field 22), with every shell; another place is another app."""
    started = FIRST_PROCESS.read_text(encoding="ascii").rpartition(") ")[2].split(" ")[19]
    boot = BOOT_ID.read_text(encoding="ascii").strip()
    assert runs.app_start == f"{boot}_{started} {machine.temporary}/studio-setup"


def test_another_start_is_another(machine: Machine, how: Path) -> None:
    """Whether the machine or only the container was started again."""
    with machine.runs() as here, _another_start(machine, how) as there:
        assert here.app_start != there.app_start


def test_a_claim_of_another_start_is_void(machine: Machine, how: Path) -> None:
    """A folder that outlives the app keeps the claims of all its starts apart."""
    with machine.runs() as runs:
        runs.claim(RUN, "version", force=False)
        runs.finish(RUN, "succeeded", RUN)
    with _another_start(machine, how) as runs:
        assert runs.claim("other", "version", force=False) == Claim("other", "version", "")
        assert runs.claim("third", "version", force=False) == Claim("other", "version", "")
    with machine.runs() as runs:
        assert runs.claim("fourth", "version", force=False) == Claim(RUN, "version", "succeeded")


def test_what_was_lost_in_another_start_is_not_lost_in_this_one(machine: Machine, how: Path) -> None:
    """An app that was restarted is set up again, although its folder is gone: it always is."""
    with machine.runs() as runs:
        runs.claim(RUN, "version", force=False)
        runs._shell.run(EMPTY)
    (before,) = _witnesses(machine)
    with _another_start(machine, how) as runs:
        assert runs.claim("other", "version", force=False) == Claim("other", "version", "")
    (after,) = _witnesses(machine)
    assert before != after, "only the last start's is kept"


def test_a_claim_that_a_folder_keeps_is_not_lost_when_the_folder_moves(machine: Machine, tmp_path: Path) -> None:
    """Two apps may share a home: each has a folder of its own, and the other's claim does not count for it."""
    with machine.runs() as runs:
        runs.claim(RUN, "version", force=False)
    other = tmp_path / "temporary files of another app"
    other.mkdir()
    with machine.runs(TMPDIR=str(other)) as runs:
        assert runs.claim("other", "version", force=False) == Claim("other", "version", "")


# A run that is lost


def test_a_run_in_a_folder_with_a_long_name_is_lost_like_any_other(machine: Machine, tmp_path: Path) -> None:
    """Wherever the server's TMPDIR is, what is kept of the claim in the home has a short name."""
    deep = tmp_path.joinpath(*["long" * 20] * 3)
    deep.mkdir(parents=True)
    with machine.runs(TMPDIR=str(deep)) as runs:
        runs.claim(RUN, "version", force=False)
        shutil.rmtree(deep / "studio-setup")
    with machine.runs(TMPDIR=str(deep)) as runs, pytest.raises(RunLost):
        runs.claim("other", "version", force=False)


def test_a_command_that_empties_its_own_folder_is_lost_and_never_runs_again(machine: Machine) -> None:
    """Neither this attempt nor the next one runs anything a second time."""
    script = f"echo once >>~/effects; {EMPTY}; sleep 0.1"
    command_run = CommandRun(RUN, Command("one", script, 10))
    with machine.runs() as runs:
        runs.claim(RUN, "version", force=False)
        with pytest.raises(RunLost):
            command_run.carry_out(runs)
        with pytest.raises(RunLost):
            command_run.carry_out(runs)
    with machine.runs() as runs:
        assert not runs.has(RUN)
        with pytest.raises(RunLost):
            command_run.carry_out(runs)
        for attempt in ("second", "third"):
            with pytest.raises(RunLost):
                runs.claim(attempt, "version", force=False)
            assert not runs.has(attempt)
    assert (machine.home / "effects").read_text(encoding="ascii") == "once\n"
    assert machine.left_processes() == {}


def test_force_runs_what_was_lost(machine: Machine) -> None:
    """Somebody has decided so; from then on its run is as any other."""
    with machine.runs() as runs:
        runs.claim(RUN, "version", force=False)
        runs._shell.run(EMPTY)
    with machine.runs() as runs:
        with pytest.raises(RunLost):
            runs.claim("other", "version", force=False)
        assert runs.claim("forced", "version", force=True) == Claim("forced", "version", "")
        assert runs.claim("other", "version", force=False) == Claim("forced", "version", "")
        runs.finish("forced", "succeeded", "forced")
        assert runs.claim("other", "version", force=False) == Claim("forced", "version", "succeeded")


@pytest.mark.parametrize("ask", ["start", "follow", "note_environment", "finish"])
def test_whatever_is_asked_of_a_run_that_is_gone_it_is_lost(runs: RemoteRuns, ask: str) -> None:
    """Nothing is started, noted or finished in a folder that is not there, and no other reason is given."""
    runs.claim("aaa", "version", force=False)
    folder = Path(runs.log_path("aaa", "one")).parent
    shutil.rmtree(folder)
    words = {"start": "one 10", "follow": "one 0 0 0", "note_environment": "one", "finish": "succeeded aaa"}[ask]
    reply = runs._shell.run(f"{ask} aaa {words}", text="true")
    assert (reply.answer, reply.exit_status) == ("run-lost", 1)
    assert not folder.exists()


def test_a_claim_whose_run_is_gone_is_joined_and_lost(machine: Machine) -> None:
    """If only the run's own folder is gone, the claim still stands for it: nothing runs, under whatever name."""
    with machine.runs() as runs:
        runs.claim(RUN, "version", force=False)
        shutil.rmtree(machine.temporary / "studio-setup" / RUN)
        assert runs.claim("other", "version", force=False).run_id == RUN
        with pytest.raises(RunLost):
            CommandRun(RUN, Command("one", "echo >>~/effects")).carry_out(runs)
    assert not (machine.home / "effects").exists()


def test_a_claim_needs_no_place_for_what_is_kept_of_it_elsewhere(machine: Machine) -> None:
    """A home where nothing can be written does not keep an app from being set up; nothing is printed about it."""
    (machine.home / ".local").touch()
    with machine.runs() as runs:
        reply = runs._shell.run(f"claim {RUN} version ''")
        assert (reply.answer, reply.exit_status, reply.text.strip()) == (f"claim {RUN} version -", 0, "")
        assert run(runs, "echo spam").output == b"spam\n"


def test_an_ad_hoc_run_leaves_nothing_elsewhere(machine: Machine) -> None:
    """It claims nothing, so there is nothing to be lost."""
    with machine.runs() as runs:
        runs.open_run(RUN, "version")
        run(runs, "true")
    assert _witnesses(machine) == []


def test_what_is_kept_elsewhere_is_for_the_user_alone(machine: Machine) -> None:
    """The file and its folder can be read by nobody else."""
    with machine.runs("sh", "-c", f"umask 022; exec {machine.shell}") as runs:
        runs.claim(RUN, "version", force=False)
    (witness,) = _witnesses(machine)
    assert [path for path in (witness, witness.parent) if path.stat().st_mode & 0o077] == []


def test_a_claim_that_is_made_while_another_looks_is_not_taken_for_a_lost_one(this_machine: Machine) -> None:
    """Of two at once, the slower one finds the other's claim, at whatever moment it was made."""
    # Right after the first look of this claim, another attempt makes its own.
    meanwhile = 'function [ { builtin [ "$@"; set -- $?; unset -f [; (claim faster version ""); return $1; }'
    with this_machine.runs() as runs:
        runs._shell.run(meanwhile)
        assert runs.claim("slower", "version", force=False) == Claim("faster", "version", "")


def test_a_folder_that_cannot_be_claimed_says_so(machine: Machine) -> None:
    """A claim that cannot be written is not a lost run."""
    with machine.runs() as runs:
        (machine.temporary / "studio-setup" / RUN).touch()
        with pytest.raises(NoWorkspace, match=r"cannot keep a run: .*File exists"):
            runs.claim(RUN, "version", force=False)
