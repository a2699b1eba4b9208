"""Starting and following commands in an app, on the runs that a machine keeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from studio_setup.model.setup import Command
from studio_setup.runs.remote_runs import Progress, RemoteRuns

RUN = "0123456789ab"
LIMIT_SECONDS = 10


def until(condition: Callable[[], object]) -> bool:
    """Wait until the condition holds; False if it does not within the limit."""
    give_up = time.monotonic() + LIMIT_SECONDS
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.005)
    return True


def start(runs: RemoteRuns, name: str, script: str, limit_seconds: int = LIMIT_SECONDS) -> None:
    """Start a command, and do not wait for it."""
    assert runs._shell.run(f"start {RUN} {name} {limit_seconds}", text=Command(name, script).script).exit_status == 0


def follow(runs: RemoteRuns, name: str, offset: int = 0, count: int = 16384) -> Progress:
    """Follow a command until it does not run any more."""
    give_up = time.monotonic() + LIMIT_SECONDS
    while (progress := runs.follow(RUN, name, offset, count)).state == "running":
        assert time.monotonic() < give_up, "the command does not end"
    return progress


def run(runs: RemoteRuns, script: str, name: str = "one") -> Progress:
    """Start a command and follow it."""
    start(runs, name, script)
    return follow(runs, name)


def run_together(runs: RemoteRuns, scripts: Iterable[str]) -> list[Progress]:
    """Start several commands at once, and follow each."""
    names = []
    for number, script in enumerate(scripts):
        names.append(f"together-{number}")
        start(runs, names[-1], script)
    return [follow(runs, name) for name in names]
