"""The kinds of machine that an app runs on, as fixtures."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.machines import Machine, path_of


@pytest.fixture(scope="session")
def path_of_kind(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Give the PATH of a kind of machine; it is made once."""
    folder = tmp_path_factory.mktemp("machines")
    return functools.cache(lambda kind: path_of(kind, folder / kind))


@pytest.fixture(params=["this", "bash-as-sh", "dash", "busybox"])
def machine(request: pytest.FixtureRequest, tmp_path: Path, path_of_kind: Callable[[str], str]) -> Iterator[Machine]:
    """A machine: this one, one whose sh is bash, one with dash only, one with busybox only."""
    shell = "bash" if request.param == "this" else "sh"
    with Machine(path_of_kind(request.param), tmp_path, shell).switched_off_after() as machine:
        yield machine


@pytest.fixture
def this_machine(tmp_path: Path, path_of_kind: Callable[[str], str]) -> Iterator[Machine]:
    """This machine, with its bash."""
    with Machine(path_of_kind("this"), tmp_path).switched_off_after() as machine:
        yield machine
