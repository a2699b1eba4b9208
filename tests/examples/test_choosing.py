"""The example `choosing`: each kind of app gets what its domain, user or space is to have."""

from __future__ import annotations

import pytest

from examples.setups.choosing import PRODUCTION, setup_for
from studio_setup.model.app import App
from tests.support.scenario import Scenario, statuses

CASES = {
    "anybody": (App("d-other", "alice", "JupyterServer", "default"), ["everybody"]),
    "by-domain": (App(PRODUCTION, "alice", "JupyterServer", "default"), ["everybody", "production"]),
    "by-user": (App("d-other", "intern-07", "JupyterServer", "default"), ["everybody", "course"]),
    "by-user-and-domain": (
        App(PRODUCTION, "bob-data-eng", "JupyterServer", "default"),
        ["everybody", "production", "spark"],
    ),
    "by-space": (App("d-other", "", "JupyterLab", "default", "gpu-training"), ["everybody", "gpu"]),
    "any-space": (App("d-other", "", "JupyterLab", "default", "intern-07"), ["everybody"]),
}


@pytest.mark.parametrize("case", CASES)
def test_an_app_gets_what_is_meant_for_it(case: str) -> None:
    """By domain, by a pattern of the user's name and by a pattern of the space's; a space is not taken for a user."""
    app, wanted = CASES[case]
    assert [command.name for command in setup_for(app).commands] == [f"set-up-{one}" for one in wanted]


def test_each_choice_is_a_setup_version() -> None:
    """Apps with the same commands have the same version, others have another."""
    versions = {tuple(wanted): setup_for(app).version for app, wanted in CASES.values()}
    assert len(set(versions.values())) == len(versions)


def test_the_chosen_commands_run(app: Scenario) -> None:
    """Through the engine, in a space."""
    report = app.set_up(*setup_for(app.name).commands, claims_start=False)
    assert statuses(report) == [0]
    assert app.log(report, "set-up-everybody") == b"Setting up what everybody gets.\n"
