"""Finds processes that the demo has started and left running: orphans among them become its children."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_LIMIT_SECONDS = 5.0
_POLL_SECONDS = 0.05


def adopt_orphans() -> None:
    """Make this process the parent of its descendants whose own parent ends."""
    if sys.platform == "linux":  # elsewhere the local Studio says that it needs it
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def left_over() -> list[str]:
    """Return the commands of our processes that are still running after a few seconds."""
    give_up = time.monotonic() + _LIMIT_SECONDS
    while (commands := _children()) and time.monotonic() < give_up:
        time.sleep(_POLL_SECONDS)
    return commands


def _children() -> list[str]:
    commands = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            command = stat.with_name("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue  # it has just ended
        if int(parent) == os.getpid() and state != "Z":
            commands.append(command)
    return commands
