"""Runs again whenever a file of the setup changes, each time in a process of its own, so that Python is read anew."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_POLL_SECONDS = 0.3


def run_at_every_change(arguments: list[str], files: Callable[[], Iterable[Path]], say: Callable[[str], None]) -> int:
    """Run `python -m try_setup` with these arguments now and after every change of a file, until Ctrl-C."""
    try:
        while True:
            state = _state(files())
            subprocess.run([sys.executable, "-m", "try_setup", *arguments], check=False)
            say("\nWaiting for a change of the setup; Ctrl-C ends it.")
            while _state(files()) == state:
                time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        return 130


def _state(files: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    found = {}
    for path in files:
        try:
            status = path.stat()
        except OSError:
            continue  # an editor is replacing it
        found[path] = status.st_mtime_ns, status.st_size
    return found
