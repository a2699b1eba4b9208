"""Apps in spaces: JupyterLab in private and shared ones, Studio Classic in shared ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from emulator.app_host import StartOptions
from emulator.studio import DOMAIN_ID, LocalStudio
from studio_setup.handler import lambda_handler
from studio_setup.model.outcomes import Outcome
from studio_setup.model.setup import Command, Setup
from tests.support.context import Context
from tests.support.scenario import ONCE, PATIENT, Place, Scenario, statuses

pytestmark = pytest.mark.usefixtures("poll_often")


def test_a_space_is_set_up_as_its_owner(start_app: Callable[..., Scenario], space: Place) -> None:
    """The event names only the space; the function logs in as its owner, and JupyterLab takes the defaults."""
    scenario = start_app(place=space, ready=False, start_delay_seconds=1)
    report = lambda_handler(scenario.event, Context())
    assert report["outcome"] == "succeeded"
    plugin = "@jupyterlab/filebrowser-extension:browser"
    settings = requests.get(f"{scenario.app.base_url}lab/api/settings/{plugin}", timeout=10).json()
    assert settings["schema"]["properties"]["showFileSizeColumn"]["default"] is True
    assert scenario.app.terminals() == []
    assert scenario.app.processes() == [scenario.app.jupyter_pid]


def test_the_login_is_for_the_space_and_its_owner(shared_app: Callable[..., Scenario]) -> None:
    """The presigned URL is requested for the space and its owner, in the form that others have measured."""
    scenario = shared_app("JupyterLab")
    space, calls = scenario.place, len(scenario.studio.api_calls)
    assert scenario.set_up("true").outcome is Outcome.SUCCEEDED
    parameters = [
        parameters for name, parameters in scenario.studio.api_calls[calls:] if name == "CreatePresignedDomainUrl"
    ]
    assert parameters == [
        {
            "DomainId": DOMAIN_ID,
            "UserProfileName": space.user,
            "SpaceName": space.space,
            "ExpiresInSeconds": 30,
            "SessionExpirationDurationInSeconds": 1800,
        }
    ]


def test_the_prompt_of_a_space_changes_nothing(shared_app: Callable[..., Scenario]) -> None:
    """The terminal runs bash with the home's .bashrc and the prompt `sagemaker-user@default:~$ `."""
    scenario = shared_app("JupyterLab", files={".bashrc": "PS1='sagemaker-user@default:\\w$ '\n"})
    assert statuses(scenario.set_up("echo hello", "exit 42")) == [0, 42]


def test_a_shared_space_without_an_owner_is_skipped(start_app: Callable[..., Scenario], shared_space: Place) -> None:
    """There is nobody to log in as; the reason says what to configure."""
    report = start_app(place=shared_space).set_up("true")
    assert report.outcome is Outcome.SKIPPED
    assert report.code == "space-without-owner"
    assert "SharedSpaceUser" in report.reason


def test_a_shared_space_is_set_up_as_the_user_configured_for_it(
    studio: LocalStudio,
    start_app: Callable[..., Scenario],
    shared_space: Place,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The function logs in to a space without an owner as SHARED_SPACE_USER."""
    monkeypatch.setenv("SHARED_SPACE_USER", studio.add_user_profile("service"))
    assert lambda_handler(start_app(place=shared_space).event, Context())["outcome"] == "succeeded"


def test_a_shared_space_of_studio_classic(
    studio: LocalStudio, start_app: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    """JupyterServer apps in spaces have names of their own, and are set up like any other."""
    owner = studio.add_user_profile("classic-owner")
    place = Place(
        user=owner,
        space=studio.add_space("classic-space", owner, app_type="JupyterServer"),
        app_name="default-1712345678",
    )
    monkeypatch.setattr("studio_setup.handler.setup_for", lambda _app: Setup((Command("one", "true"),)))
    report = lambda_handler(start_app(place=place).event, Context())
    assert report["outcome"] == "succeeded"
    assert report["app_name"] == "default-1712345678"


def test_a_killed_jupyterlab_loses_nothing(shared_app: Callable[..., Scenario]) -> None:
    """JupyterLab is killed in mid-command: one effect, the right status."""
    scenario = shared_app("JupyterLab")
    setup = scenario.start_setup(f"{PATIENT}; exit 3")
    scenario.wait_for_effect("started")
    scenario.kill_jupyter()
    scenario.release()
    assert statuses(setup.report()) == [3]
    assert scenario.effects() == ONCE


def test_restart_jupyter_server_in_a_space(shared_app: Callable[..., Scenario]) -> None:
    """A command may restart the server the way the image of JupyterLab does."""
    report = shared_app("JupyterLab").set_up("restart-jupyter-server", "true")
    assert statuses(report) == [0, 0]


def test_code_editor_is_skipped(studio: LocalStudio) -> None:
    """The event of a Code Editor app ends as skipped, with the reason."""
    owner = studio.add_user_profile("editor")
    space = studio.add_space("editor-space", owner, app_type="CodeEditor")
    app = studio.create_app(owner, space_name=space, app_type="CodeEditor", options=StartOptions())
    report = lambda_handler(studio.events[-1], Context())
    app.delete()
    assert report["outcome"] == "skipped"
    assert report["code"] == "other-app-type"
