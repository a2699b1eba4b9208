"""The hard-coded setups: each can run, and its scripts get the values that are set in one place."""

from __future__ import annotations

import re

import pytest

from setups import EXTENSION_COMMIT, IDLE_TIMEOUT_MINUTES, setup_for
from studio_setup.model.app import KNOWN_APP_TYPES, App
from studio_setup.model.setup import Setup

COMMANDS = {
    "JupyterServer": ["fetch-extension", "install-extension", "restart-jupyter", "set-idle-timeout"],
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


@pytest.mark.parametrize("app_type", KNOWN_APP_TYPES)
def test_every_variable_is_used_by_its_script(app_type: str) -> None:
    """A value that is set for a command is read by its script."""
    for command in _setup(app_type).commands:
        for name in command.environment:
            assert name in command.script


def test_the_extension_is_pinned_to_a_commit() -> None:
    """What is installed cannot change behind our back: the commit is given by its full hash."""
    assert re.fullmatch(r"[0-9a-f]{40}", EXTENSION_COMMIT)
    assert _setup("JupyterServer").commands[0].environment == {"EXTENSION_COMMIT": EXTENSION_COMMIT}


def test_the_idle_timeout_is_a_number_of_minutes() -> None:
    """The script gets the timeout as text."""
    assert IDLE_TIMEOUT_MINUTES > 0
    assert _setup("JupyterServer").commands[3].environment == {"IDLE_TIMEOUT_MINUTES": str(IDLE_TIMEOUT_MINUTES)}
