"""Fixtures: the local Studio and apps on it, with real Jupyter servers and real shells.

Rules for the tests that use them: loopback and free ports only; one Studio per test process and one user per test;
wait for conditions, with a limit, never for a fixed time; whatever a test starts is gone after it, and no terminal of
ours is left open.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest

from emulator.app_host import StartOptions
from emulator.handles import AppHandle
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
    """A function that starts an app, by default for a user of the test's own; no terminal of ours may be left in it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", studio.sagemaker_endpoint)
    started: list[AppHandle] = []

    def start(
        *, place: Place | None = None, files: dict[str, str] | None = None, ready: bool = True, **options: object
    ) -> Scenario:
        where = place or Place(studio.add_user_profile(f"user-{next(_NUMBERS)}"))
        scenario = Scenario(studio, where, StartOptions(**options))  # type: ignore[arg-type]
        for name, text in (files or {}).items():
            (scenario.home / name).write_text(text)
            (scenario.home / name).chmod(0o755 if text.startswith("#!") else 0o644)
        scenario.start()
        started.append(scenario.app)
        return scenario.ready() if ready else scenario

    yield start
    for app in started:
        left = [name for name in app.terminals() if name.startswith("studiosetup")] if _answers(app) else []
        app.delete()
        assert left == [], "a terminal of ours was left open"


@pytest.fixture
def user(studio: LocalStudio) -> Place:
    """A new user, for JupyterServer."""
    return Place(studio.add_user_profile(f"user-{next(_NUMBERS)}"))


@pytest.fixture
def space(studio: LocalStudio) -> Place:
    """A private space with an owner, for JupyterLab."""
    number = next(_NUMBERS)
    owner = studio.add_user_profile(f"owner-{number}")
    return Place(user=owner, space=studio.add_space(f"space-{number}", owner), app_type="JupyterLab")


@pytest.fixture(params=["JupyterServer", "JupyterLab"])
def either_place(request: pytest.FixtureRequest) -> Place:
    """A place for each type of app: a new user for JupyterServer, a space for JupyterLab."""
    place: Place = request.getfixturevalue("space" if request.param == "JupyterLab" else "user")
    return place


@pytest.fixture
def shared_space(studio: LocalStudio) -> Place:
    """A space without an owner, for JupyterLab."""
    return Place(space=studio.add_space(f"shared-{next(_NUMBERS)}"), app_type="JupyterLab")


def _answers(app: AppHandle) -> bool:
    return app.jupyter_pid is not None
