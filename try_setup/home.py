"""What is in a home, and how two looks at it differ."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK_BYTES = 1 << 20
# Of a longer file, its beginning and its length: a sparse one can claim more than can be read in a day.
_MOST_BYTES = 64 << 20
# Caches, what the engine notes of an app start (`runs/remote.sh`), what a shell notes of the engine: no setup did it.
_NOT_OF_THE_SETUP = (".cache/", ".local/state/studio-setup/", ".bash_history")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a link: permissions, and a digest of content or target. `lines` is None unless it is a short text."""

    mode: int
    digest: str
    lines: int | None


Snapshot = Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Changes:
    """How a home changed: paths below it, sorted; `changed` has for each what is different about it."""

    added: tuple[str, ...] = ()
    changed: tuple[tuple[str, str], ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def look_at(home: Path) -> Snapshot:
    """Every file and link below `home`, apart from what no setup wrote; what vanishes meanwhile is left out."""
    found = {}
    for folder, folders, names in os.walk(home):
        for name in (*folders, *names):  # links to folders are listed with the folders
            path = Path(folder, name)
            below = str(path.relative_to(home))
            if not below.startswith(_NOT_OF_THE_SETUP) and (entry := _entry(path)):
                found[below] = entry
    return found


def compare(before: Snapshot, after: Snapshot) -> Changes:
    """How the home differs from before."""
    common = before.keys() & after.keys()
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(
            (path, _difference(before[path], after[path])) for path in sorted(common) if before[path] != after[path]
        ),
        removed=tuple(sorted(before.keys() - after.keys())),
    )


def _difference(before: Entry, after: Entry) -> str:
    if before.digest == after.digest:
        return f"permissions {stat.filemode(before.mode)} → {stat.filemode(after.mode)}"
    if before.lines is None or after.lines is None:
        return "another content"
    return f"{before.lines} → {after.lines} lines" if before.lines != after.lines else f"still {after.lines} lines"


def _entry(path: Path) -> Entry | None:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            return Entry(mode, str(path.readlink()), None)
        if stat.S_ISDIR(mode):
            return None
        if not stat.S_ISREG(mode):
            return Entry(mode, "", None)
        return _file_entry(path, mode)
    except OSError:
        return None


def _file_entry(path: Path, mode: int) -> Entry:
    size_bytes = path.stat().st_size
    digest, lines, is_text = hashlib.sha256(str(size_bytes).encode()), 0, size_bytes <= _MOST_BYTES
    with path.open("rb") as file:
        while file.tell() < _MOST_BYTES and (block := file.read(_BLOCK_BYTES)):
            digest.update(block)
            lines += block.count(b"\n")
            is_text = is_text and b"\0" not in block
    return Entry(mode, digest.hexdigest(), lines if is_text else None)
