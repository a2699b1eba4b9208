"""Disks of a few megabytes for tests to fill, and files with another content: in a mount namespace of their own.

Nothing is mounted outside. What is written to a disk inside never reaches this machine's: it is in memory, and bounded.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.needs import needs, refused

PAGE_BYTES = 4096
# It waits without a program, as those on PATH may be out of sight now.
_MOUNT = "while [ $# -gt 0 ]; do mount {} || exit; shift 2; done; echo ready; read -r line"
_DISK = '-t tmpfs -o "$1" none "$2"'
_FILE = '--bind "$1" "$2"'


@dataclass(frozen=True)
class Disks:
    """The namespace that has them; a process keeps it alive."""

    keeper_pid: int

    @property
    def enter(self) -> tuple[str, ...]:
        """The command that starts a program inside, where it sees them."""
        namespaces = ("--user", "--mount", "--preserve-credentials", f"--target={self.keeper_pid}")
        return (needs("nsenter"), *namespaces)

    def inside(self, path: Path | str) -> Path:
        """The path by which a file inside is reached from here."""
        return Path(f"/proc/{self.keeper_pid}/root{path}")

    def use_up_files(self, folder: Path, *, but: int = 0) -> None:
        """Use up the files that can be made on a folder's disk, but for so many."""
        names = self.inside(folder) / "names"
        shutil.rmtree(names, ignore_errors=True)
        names.mkdir()
        made: list[Path] = []
        with contextlib.suppress(OSError):
            while True:
                made.append(names / str(len(made)))
                made[-1].touch()
        for path in made[-1 - but : -1]:
            path.unlink()

    def fill(self, folder: Path, *, but: int = 0) -> None:
        """Fill the disk of a folder, but for so many pages."""
        path = self.inside(folder) / "fill"
        path.unlink(missing_ok=True)
        with path.open("wb", buffering=0) as file:
            with contextlib.suppress(OSError):
                while file.write(bytes(PAGE_BYTES)):
                    pass
            file.truncate(max(0, file.tell() - but * PAGE_BYTES))


@contextmanager
def small_disks(disks: Mapping[Path, str]) -> Iterator[Disks]:
    """Mount a disk on each folder, with these options of tmpfs; skips the test where that is not permitted."""
    with _namespace(_DISK, [part for folder, options in disks.items() for part in (options, str(folder))]) as inside:
        yield inside


@contextmanager
def replaced_files(files: Mapping[Path, Path]) -> Iterator[Disks]:
    """Mount another file on each file; skips the test where that is not permitted."""
    with _namespace(_FILE, [str(path) for file, other in files.items() for path in (other, file)]) as inside:
        yield inside


@contextmanager
def _namespace(how: str, arguments: Sequence[str]) -> Iterator[Disks]:
    script = _MOUNT.format(how)
    command = [needs("unshare"), "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as keeper:
        assert keeper.stdin
        assert keeper.stdout
        said = keeper.stdout.readline()
        if said != "ready\n":
            refused("mount namespaces", said)
        yield Disks(keeper.pid)
        keeper.stdin.close()
