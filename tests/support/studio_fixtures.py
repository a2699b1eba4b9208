"""Fixtures: the local Studio and apps on it, with real Jupyter servers and real shells.

Rules for the tests that use them: loopback and free ports only; one Studio per test process and one user per test;
wait for conditions, with a limit, never for a fixed time; whatever a test starts is gone after it, and no terminal of
ours is left open.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.app_host import StartOptions
from emulator.studio import LocalStudio
from studio_setup.access.library_logs import quiet_libraries
from tests.support.scenario import Place, Scenario

_NUMBERS = itertools.count(1)


class _Records(logging.Handler):
    """Keeps every log record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record."""
        self.kept.append(record)


@pytest.fixture(scope="session")
def studio() -> Iterator[LocalStudio]:
    """A Studio with one domain."""
    with LocalStudio() as studio:
        studio.add_domain()
        yield studio


@pytest.fixture
def start_app(studio: LocalStudio, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Scenario]]:
    """A function that starts an app, by default for a user of the test's own; no terminal of ours may be left in it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", studio.sagemaker_endpoint)
    started: list[Scenario] = []

    def start(
        *,
        place: Place | None = None,
        files: dict[str, str] | None = None,
        ready: bool = True,
        **options: Any,  # noqa: ANN401 (those of StartOptions)
    ) -> Scenario:
        scenario = Scenario(studio, place or _new_user(studio), StartOptions(**options))
        scenario.write_files(files or {})
        scenario.start()
        started.append(scenario)
        return scenario.ready() if ready else scenario

    yield start
    left = [scenario.our_terminals() for scenario in started]
    for scenario in started:
        scenario.app.delete()
    assert not any(left), "a terminal of ours was left open"


class SharedApps:
    """Running apps that tests share: one for each app type and set of options."""

    def __init__(self, studio: LocalStudio) -> None:
        self._studio = studio
        self._apps: dict[object, tuple[Scenario, dict[str, str]]] = {}

    def get(self, app_type: str, files: dict[str, str], options: dict[str, Any]) -> Scenario:
        """The app, as if it had just started with these files in its home."""
        key = (app_type, *sorted(options.items()))
        if key not in self._apps:
            place = _new_space(self._studio) if app_type == "JupyterLab" else _new_user(self._studio)
            scenario = Scenario(self._studio, place, StartOptions(**options))
            self._apps[key] = scenario, {path.name: path.read_text() for path in scenario.home.iterdir()}
            scenario.start()
            scenario.ready()
        scenario, home_files = self._apps[key]
        scenario.reset(home_files | files)
        return scenario


@pytest.fixture(scope="session")
def shared_apps(studio: LocalStudio) -> SharedApps:
    """The shared apps of this test process; they end with the Studio."""
    return SharedApps(studio)


@pytest.fixture
def shared_app(
    shared_apps: SharedApps, studio: LocalStudio, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Scenario]]:
    """A function that returns a shared app, for tests that leave it running and install nothing in it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", studio.sagemaker_endpoint)
    used: list[Scenario] = []

    def get(app_type: str = "JupyterServer", *, files: dict[str, str] | None = None, **options: Any) -> Scenario:  # noqa: ANN401 (the same)
        used.append(shared_apps.get(app_type, files or {}, options))
        return used[-1]

    yield get
    assert not any(scenario.our_terminals() for scenario in used), "a terminal of ours was left open"


@pytest.fixture(params=["JupyterServer", "JupyterLab"])
def either_app(request: pytest.FixtureRequest, shared_app: Callable[..., Scenario]) -> Scenario:
    """A shared app of each type."""
    return shared_app(request.param)


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """What the engine and its libraries log during a test."""
    quiet_libraries()
    records = _Records()
    engine = logging.getLogger("studio_setup")
    level = engine.level
    engine.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(records)
    yield records.kept
    logging.getLogger().removeHandler(records)
    engine.setLevel(level)


@pytest.fixture
def poll_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine looks at an app's status every half second, instead of every four."""
    monkeypatch.setattr("studio_setup.access.poll_schedule._SECONDS", 0.5)


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
