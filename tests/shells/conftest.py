"""What the tests on real shells share: runs on every kind of machine, and the engine's log."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from studio_setup.runs.remote_runs import RemoteRuns
from tests.support.machines import Machine
from tests.support.remote_commands import RUN


@pytest.fixture
def runs(machine: Machine) -> Iterator[RemoteRuns]:
    """The runs on a machine of each kind; one of them is open."""
    with machine.runs() as runs:
        runs.open_run(RUN, "version")
        yield runs


@pytest.fixture
def runs_here(this_machine: Machine) -> Iterator[RemoteRuns]:
    """The runs on this machine, for what is the same on every kind; one of them is open."""
    with this_machine.runs() as runs:
        runs.open_run(RUN, "version")
        yield runs


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log of the engine."""
    caplog.set_level(logging.INFO, "studio_setup")
    return caplog
