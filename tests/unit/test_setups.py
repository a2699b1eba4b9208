"""The hard-coded setups: each can run, and its scripts get the values that are set in one place."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from setups import IDLE_TIMEOUT_MINUTES, auto_shutdown, setup_for
from studio_setup.model.app import KNOWN_APP_TYPES, App
from studio_setup.model.errors import BadInput
from studio_setup.model.setup import Setup

COMMANDS = {
    "JupyterServer": ["check-server", "fetch-extension", "install-extension", "restart-jupyter", "set-idle-timeout"],
    "JupyterLab": ["lab-defaults"],
}


def _setup(app_type: str) -> Setup:
    return setup_for(App("d-abc", "alice", app_type, "default"))


@pytest.mark.parametrize("app_type", KNOWN_APP_TYPES)
def test_every_app_type_has_a_setup_that_can_run(app_type: str) -> None:
    """There is a setup for each type of app that is set up, and all its scripts are there."""
    assert _setup(app_type).version


def test_each_app_type_has_a_setup_of_its_own() -> None:
    """The commands are those for the app type, and there are no others to choose from."""
    assert {
        app_type: [command.name for command in _setup(app_type).commands] for app_type in KNOWN_APP_TYPES
    } == COMMANDS


@pytest.mark.parametrize("app_type", ["CodeEditor", "KernelGateway", "jupyterserver"])
def test_no_app_gets_the_setup_of_another_type(app_type: str) -> None:
    """An app of a type that nobody has thought of gets no commands, and the error says what to do."""
    with pytest.raises(BadInput, match=f"no setup for apps of type {app_type}; add one to setup_for, or"):
        _setup(app_type)


@pytest.mark.parametrize("app_type", KNOWN_APP_TYPES)
def test_every_variable_is_used_by_its_script(app_type: str) -> None:
    """A value that is set for a command is read by its script."""
    for command in _setup(app_type).commands:
        for name in command.environment:
            assert name in command.script


def test_the_extension_is_pinned_to_a_commit() -> None:
    """What is installed cannot change behind our back: the commit is given by its full hash."""
    assert re.fullmatch(r"[0-9a-f]{40}", auto_shutdown.COMMIT)
    assert _setup("JupyterServer").commands[1].environment == {"COMMIT": auto_shutdown.COMMIT}


def test_a_bundled_archive_is_pinned_to_a_checksum(tmp_path: Path) -> None:
    """Only the archive with the checksum is accepted; another one or none is an error that says what to do."""
    archive = tmp_path / "archive.tar.gz"
    with pytest.raises(BadInput, match=r"archive\.tar\.gz' cannot be read: No such file or directory; put it there"):
        auto_shutdown.from_bundle(120, archive)
    archive.write_bytes(b"an archive")
    with pytest.raises(BadInput, match=rf"archive\.tar\.gz' does not have .* {auto_shutdown.ARCHIVE_SHA256}; download"):
        auto_shutdown.from_bundle(120, archive)
    commands = auto_shutdown.from_bundle(120, archive, hashlib.sha256(b"an archive").hexdigest())
    assert commands[1].environment == {"ARCHIVE_BASE64": "YW4gYXJjaGl2ZQ=="}


def test_the_bundles_setup_differs_only_in_where_the_archive_is_from() -> None:
    """The variant without a network checks, installs and verifies as the other does."""
    here = Path(__file__)
    bundled = auto_shutdown.from_bundle(IDLE_TIMEOUT_MINUTES, here, hashlib.sha256(here.read_bytes()).hexdigest())
    fetched = auto_shutdown.from_github(IDLE_TIMEOUT_MINUTES)
    assert bundled[0].script == fetched[0].script
    assert bundled[2:] == fetched[2:]


def test_the_idle_timeout_is_a_number_of_minutes() -> None:
    """The script gets the timeout as text."""
    assert IDLE_TIMEOUT_MINUTES > 0
    assert _setup("JupyterServer").commands[4].environment == {"IDLE_TIMEOUT_MINUTES": str(IDLE_TIMEOUT_MINUTES)}
