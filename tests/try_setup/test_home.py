"""What changed in a home."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from try_setup.home import Changes, compare, look_at


def test_added_changed_and_removed_files_are_told_apart(tmp_path: Path) -> None:
    """Also what is different about a changed one."""
    for name in ("same", "longer", "rewritten", "mode", "gone"):
        (tmp_path / name).write_text("one\n")
    before = look_at(tmp_path)
    (tmp_path / "longer").write_text("one\ntwo\n")
    (tmp_path / "rewritten").write_text("two\n")
    (tmp_path / "mode").chmod(0o755)
    (tmp_path / "gone").unlink()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "new").write_text("")
    assert compare(before, look_at(tmp_path)) == Changes(
        added=("folder/new",),
        changed=(
            ("longer", "1 → 2 lines"),
            ("mode", "permissions -rw-r--r-- → -rwxr-xr-x"),
            ("rewritten", "still 1 lines"),
        ),
        removed=("gone",),
    )


def test_a_file_that_is_written_again_as_it_was_has_not_changed(tmp_path: Path) -> None:
    """Content and permissions count, not times."""
    (tmp_path / "file").write_text("one\n")
    before = look_at(tmp_path)
    (tmp_path / "file").unlink()
    (tmp_path / "file").write_text("one\n")
    assert not compare(before, look_at(tmp_path))


def test_links_count_by_where_they_lead(tmp_path: Path) -> None:
    """Links to files, to folders and to nowhere."""
    (tmp_path / "folder").mkdir()
    before = look_at(tmp_path)
    (tmp_path / "to-folder").symlink_to("folder")
    (tmp_path / "to-nowhere").symlink_to("nowhere")
    middle = look_at(tmp_path)
    assert compare(before, middle).added == ("to-folder", "to-nowhere")
    (tmp_path / "to-folder").unlink()
    (tmp_path / "to-folder").symlink_to("elsewhere")
    assert compare(middle, look_at(tmp_path)).changed == (("to-folder", "another content"),)


def test_caches_and_the_engines_own_notes_do_not_count(tmp_path: Path) -> None:
    """No setup wrote them."""
    for folder in (".cache/pip", ".local/state/studio-setup"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "file").touch()
    assert look_at(tmp_path) == {}


@pytest.mark.timeout(20)
def test_a_file_that_claims_to_be_huge_takes_no_time(tmp_path: Path) -> None:
    """A sparse file of a terabyte is there at once; that it grew is still seen."""
    huge = tmp_path / "huge"
    huge.touch()
    os.truncate(huge, 1 << 40)
    before = look_at(tmp_path)
    assert not compare(before, look_at(tmp_path))
    os.truncate(huge, (1 << 40) + 1)
    assert compare(before, look_at(tmp_path)).changed == (("huge", "another content"),)


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A pipe that nobody writes to would be waited for; a folder by itself is nothing."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert list(look_at(tmp_path)) == ["pipe"]
