"""Somebody else in the same app, as the same user, at the files of ours."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.machines import Machine
from tests.support.remote_commands import RUN, follow, start


def _write(pipe: Path) -> None:
    with contextlib.closing(_Pipe(pipe)) as opened:
        os.write(opened.fileno, b"\n\0over\n" * 1000)


def _steal(pipe: Path) -> None:
    with contextlib.closing(_Pipe(pipe)) as opened:
        os.read(opened.fileno, 65536)


def _replace_by_a_folder(pipe: Path) -> None:
    pipe.unlink()
    pipe.mkdir()


class _Pipe:
    """A named pipe that is open for reading and writing, without waiting for anybody."""

    def __init__(self, path: Path) -> None:
        self.fileno = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def close(self) -> None:
        os.close(self.fileno)


@pytest.mark.parametrize("meddle", [_write, _steal, Path.unlink, _replace_by_a_folder])
def test_a_neighbour_at_the_pipe_of_a_follower_changes_nothing(
    this_machine: Machine, meddle: Callable[[Path], None]
) -> None:
    """The pipe only wakes whoever waits: what is in it, or that it is gone, says nothing about the command."""
    over = threading.Event()

    def go_on(pipe: Path) -> None:
        while not over.wait(0.01):
            with contextlib.suppress(OSError):
                meddle(pipe)

    with this_machine.runs() as runs:
        pipe = Path(runs._shell.run("answer=$nap").answer)
        runs.open_run(RUN, "version")
        neighbour = threading.Thread(target=go_on, args=[pipe])
        neighbour.start()
        try:
            start(runs, "one", "sleep 0.3; echo spam; exit 7")
            progress = follow(runs, "one")
        finally:
            over.set()
            neighbour.join()
    assert (progress.state, progress.exit_status, progress.output) == ("over", 7, b"spam\n")
