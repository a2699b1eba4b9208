"""Fixtures: the local Studio and apps on it, with real Jupyter servers and real shells.

Rules for the tests that use them: loopback and free ports only; one Studio per test process and one user per test;
wait for conditions, with a limit, never for a fixed time; whatever a test starts is gone after it, and no terminal of
ours is left open.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from emulator.app_host import StartOptions
from emulator.studio import LocalStudio
from tests.support.scenario import Place, Scenario

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def studio() -> Iterator[LocalStudio]:
    """A Studio with one domain."""
    with LocalStudio() as studio:
        studio.add_domain()
        yield studio


@pytest.fixture
def start_app(studio: LocalStudio, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Scenario]]:
    """A function that starts an app, by default for a new user or space; no terminal of ours may be left in it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", studio.sagemaker_endpoint)
    started: list[Scenario] = []

    def start(
        app_type: str = "JupyterServer",
        *,
        place: Place | None = None,
        files: Mapping[str, str] = MappingProxyType({}),
        ready: bool = True,
        **options: Any,  # noqa: ANN401 (those of StartOptions)
    ) -> Scenario:
        new_place = _new_space if app_type == "JupyterLab" else _new_user
        scenario = Scenario(studio, place or new_place(studio), StartOptions(**options))
        scenario.write_files(files)
        scenario.start()
        started.append(scenario)
        return scenario.ready() if ready else scenario

    yield start
    left = [scenario.our_terminals() for scenario in started]
    for scenario in started:
        scenario.app.delete()
    assert not any(left), "a terminal of ours was left open"


@pytest.fixture(params=["JupyterServer", "JupyterLab"])
def either_app(request: pytest.FixtureRequest, start_app: Callable[..., Scenario]) -> Scenario:
    """An app of each type."""
    return start_app(request.param)


@pytest.fixture
def poll_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine looks at an app's status every half second, instead of every four and a half."""
    monkeypatch.setattr("studio_setup.access.app_status._POLL_SECONDS", 0.5)


@pytest.fixture
def user(studio: LocalStudio) -> Place:
    """A new user, for JupyterServer."""
    return _new_user(studio)


@pytest.fixture
def space(studio: LocalStudio) -> Place:
    """A private space with an owner, for JupyterLab."""
    return _new_space(studio)


@pytest.fixture(params=["JupyterServer", "JupyterLab"])
def either_place(request: pytest.FixtureRequest) -> Place:
    """A place for each type of app: a new user for JupyterServer, a space for JupyterLab."""
    place: Place = request.getfixturevalue("space" if request.param == "JupyterLab" else "user")
    return place


@pytest.fixture
def shared_space(studio: LocalStudio) -> Place:
    """A space without an owner, for JupyterLab."""
    return Place(space=studio.add_space(f"shared-{next(_NUMBERS)}"), app_type="JupyterLab")


def _new_user(studio: LocalStudio) -> Place:
    return Place(studio.add_user_profile(f"user-{next(_NUMBERS)}"))


def _new_space(studio: LocalStudio) -> Place:
    number = next(_NUMBERS)
    owner = studio.add_user_profile(f"owner-{number}")
    return Place(user=owner, space=studio.add_space(f"space-{number}", owner), app_type="JupyterLab")
