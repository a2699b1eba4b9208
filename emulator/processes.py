"""Finds and kills the processes of a container.

A process belongs to a container if the container's marker is in its environment. Children inherit it, so `setsid`,
`nohup` and double forks do not escape; only a program that clears its environment does. Linux only.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

MARKER_VARIABLE = "LOCAL_STUDIO_APP_START"


def processes_marked(marker: str) -> list[int]:
    """Return the ids of all processes of a container."""
    wanted = f"{MARKER_VARIABLE}={marker}".encode()
    return sorted(pid for pid in _all_processes() if _carries(pid, wanted))


def end_processes(marker: str, limit_seconds: float = 10.0) -> None:
    """Kill every process of a container until none is left.

    Raises:
        TimeoutError: some are left after that time.
    """
    give_up = time.monotonic() + limit_seconds
    while found := processes_marked(marker):
        if time.monotonic() > give_up:
            raise TimeoutError(f"processes {found} of a container do not end")
        for pid in found:
            _kill(pid)
        time.sleep(0.01)


def _all_processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _carries(pid: int, wanted: bytes) -> bool:
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False  # it has ended, or is another user's; the environment of a zombie is empty
    return wanted in environment.split(b"\0")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def command_line(pid: int) -> str:
    """Return the command line of a process, its words separated by spaces; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""
