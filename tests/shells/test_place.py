"""Where in the app runs are kept: that of the Jupyter server, whatever the user's start-up files do."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_setup.runs.remote_runs import Claim, RemoteRuns
from tests.support.disks import Disks, small_disks
from tests.support.machines import Machine
from tests.support.remote_commands import RUN, follow, run, start, until

START_UP_FILES = {
    "a-new-folder-each-time": "export TMPDIR=$(mktemp -d -p ~)",
    "a-folder-that-outlives-the-app": "mkdir -p ~/tmp; export TMPDIR=~/tmp",
    "a-newline": "export TMPDIR='/tmp/a\nb'",
    "an-end-of-our-prompt": "export TMPDIR='/tmp/a>b'",
    "no-folder": "export TMPDIR=/no/such/folder",
    "a-relative-folder": "export TMPDIR=.",
    "nothing": "unset TMPDIR",
    "empty": "export TMPDIR=",
    "read-only": "TMPDIR=~; readonly TMPDIR",
    "another-home": "mkdir -p ~/other; export HOME=~/other",
    "a-shell-in-the-shell": '[ -n "$NESTED" ] || NESTED=1 TMPDIR=~ sh -c \'exec "$0"\' bash; export TMPDIR=~',
    "a-shell-in-another": "[ -n \"$NESTED\" ] || NESTED=1 TMPDIR=~ exec bash -c 'bash; exit'",
    "another-program": "TMPDIR=~ exec sh",
}


def _root(runs: RemoteRuns) -> Path:
    return Path(runs.log_path(RUN, "one")).parents[1]


@pytest.fixture(params=START_UP_FILES)
def machine_with_start_up_file(this_machine: Machine, request: pytest.FixtureRequest) -> Machine:
    """This machine, whose user's .bashrc changes where temporary files go."""
    (this_machine.home / ".bashrc").write_text(START_UP_FILES[request.param] + "\n", encoding="utf-8")
    return this_machine


def test_start_up_files_do_not_move_the_runs(machine_with_start_up_file: Machine) -> None:
    """Runs are in the TMPDIR of the Jupyter server, and what is kept of a claim beside them in its home."""
    machine = machine_with_start_up_file
    with machine.runs() as runs:
        assert runs.claim(RUN, "version", force=False) == Claim(RUN, "version", "")
        assert run(runs, "echo spam").output == b"spam\n"
        assert _root(runs) == machine.temporary / "studio-setup"
    assert (machine.temporary / "studio-setup" / RUN / "one.log").read_bytes() == b"spam\n"
    (witness,) = (machine.home / ".local" / "state" / "studio-setup").iterdir()
    assert witness.read_text(encoding="ascii") == f"{RUN}\n"


def test_the_same_event_twice_runs_once(machine_with_start_up_file: Machine) -> None:
    """The second one finds the run of the first, whatever its terminal's shell was told."""
    with machine_with_start_up_file.runs() as runs:
        runs.claim(RUN, "version", force=False)
        run(runs, "true")
        runs.finish(RUN, "succeeded", RUN)
    with machine_with_start_up_file.runs() as runs:
        assert runs.claim("another", "version", force=False) == Claim(RUN, "version", "succeeded")
        assert runs.has(RUN)


def test_a_run_is_found_after_the_server_was_restarted(machine: Machine) -> None:
    """Another server process with the same environment: the same place, the same start of the app, the same command."""
    moving = f"mkdir -p ~/tmp.$$; TMPDIR=~/tmp.$$ exec {machine.shell}"
    with machine.runs("sh", "-c", moving) as first:
        first.claim(RUN, "version", force=False)
        start(first, "one", "until [ -e ~/go ]; do sleep 0.01; done; exit 7")
        assert until(lambda: first.follow(RUN, "one", 0, 0).state == "running")
    (machine.home / "go").touch()
    with machine.runs("sh", "-c", moving) as second:
        assert second.app_start == first.app_start
        assert second.has(RUN)
        assert follow(second, "one").exit_status == 7


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_the_folder_may_have_any_letters(machine: Machine, tmp_path: Path, locale: str) -> None:
    """Also where a start-up file changes what a letter is."""
    folder = tmp_path / "größe ☃ 'so'"
    folder.mkdir()
    with machine.runs("sh", "-c", f"LC_ALL={locale} exec {machine.shell}", TMPDIR=str(folder)) as runs:
        runs.open_run(RUN, "version")
        assert run(runs, "echo spam").output == b"spam\n"
        assert _root(runs) == folder / "studio-setup"


def test_a_variable_of_several_lines_is_not_taken_for_another(machine: Machine) -> None:
    """The server's TMPDIR counts, and not a line of some other value that looks like one."""
    with machine.runs(PATH=f"{machine.path}:/any\nTMPDIR=/somewhere/else") as runs:  # it stands before the others
        assert _root(runs) == machine.temporary / "studio-setup"


# Where the server has no TMPDIR of its own


@pytest.fixture
def tmp_of_its_own() -> Iterator[tuple[Machine, Disks]]:
    """A machine whose /tmp is a disk of its own; its programs are the system's, as nothing in /tmp can be found."""
    with (
        tempfile.TemporaryDirectory(dir="/var/tmp") as folder,
        small_disks({Path("/tmp"): "size=2m"}) as disks,
        Machine(os.defpath, Path(folder)).switched_off_after() as machine,
    ):
        yield machine, disks


@pytest.mark.parametrize("value", ["", "tmp", "/tmp/a\nb", "/tmp/a>b", "/tmp/a<b", "/tmp/\x1b[31m", "-/tmp"], ids=repr)
def test_without_a_usable_tmpdir_of_the_server_runs_are_in_tmp(
    tmp_of_its_own: tuple[Machine, Disks], value: str
) -> None:
    """A name that does not fit into an answer, or that is relative to nobody knows what, is not used."""
    machine, disks = tmp_of_its_own
    with machine.runs(launcher=disks.enter, TMPDIR=value) as runs:
        runs.open_run(RUN, "version")
        assert run(runs, "echo spam").output == b"spam\n"
        assert _root(runs) == Path("/tmp/studio-setup")
    assert disks.inside(f"/tmp/studio-setup/{RUN}/one.log").read_bytes() == b"spam\n"


def test_of_a_server_that_cannot_be_looked_into_runs_are_in_tmp(tmp_of_its_own: tuple[Machine, Disks]) -> None:
    """If its environment may not be read, the place still does not depend on the start-up files."""
    machine, disks = tmp_of_its_own
    enter = shlex.join(disks.enter)
    with machine.runs("sh", "-c", f"TMPDIR=~ exec {enter} bash") as runs:
        assert _root(runs) == Path("/tmp/studio-setup")
