"""A survey of the fleet: ask SageMaker, the function and its log, and say how every running app stands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from studio_setup.fleet.apps import RunningApp, Selection, list_running_apps
from studio_setup.fleet.deployed import AppSetup, DescribedSetup, NotDescribed, describe_setup
from studio_setup.fleet.function_log import FunctionLog
from studio_setup.fleet.history import OnWindow, read_history
from studio_setup.fleet.status import AppState, State, state_of
from studio_setup.model import outcomes
from studio_setup.model.app import KNOWN_APP_TYPES, App

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sagemaker import SageMakerClient

# Lambda's longest; how long an attempt can last where the function does not say.
MAX_TIME_LIMIT_SECONDS = 900.0
_ORDER = list(State)


@dataclass(frozen=True, slots=True)
class Sources:
    """Whom to ask, handed in by the composition root."""

    sagemaker: SageMakerClient
    lambda_client: LambdaClient
    function_name: str
    function_log: FunctionLog


@dataclass(frozen=True, slots=True)
class Survey:
    """How the apps stand, those that need somebody first; `not_described`: why it is not known what is deployed."""

    apps: tuple[AppState, ...]
    not_described: str = ""


def survey(sources: Sources, selection: Selection, now: datetime, on_window: OnWindow) -> Survey:
    """How each selected running app stands; `on_window` as in `read_history`.

    What is deployed is asked for while the log is read. Where the function does not say, no app is outdated.
    """
    apps = list_running_apps(sources.sagemaker, selection)
    if not apps:
        return Survey(())
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(_describe, sources, apps)
        histories = read_history(sources.function_log, apps, now, on_window)
        described, not_described = asked.result()
    states = [
        state_of(running, histories[running.app], _setup(running.app, described), now, described.time_limit_seconds)
        for running in apps
    ]
    return Survey(tuple(sorted(states, key=lambda app: _ORDER.index(app.state))), not_described)


def _describe(sources: Sources, apps: list[RunningApp]) -> tuple[DescribedSetup, str]:
    """What is deployed for those of the apps that can be set up at all; or nothing, and why."""
    known = [running.app for running in apps if running.app.app_type in KNOWN_APP_TYPES]
    try:
        return describe_setup(sources.lambda_client, sources.function_name, known), ""
    except NotDescribed as error:
        return DescribedSetup(MAX_TIME_LIMIT_SECONDS, {}, {}), str(error)


def _setup(app: App, described: DescribedSetup) -> AppSetup:
    if app.app_type not in KNOWN_APP_TYPES:
        return AppSetup(code=outcomes.OTHER_APP_TYPE.name, reason=f"Apps of type {app.app_type} are not set up.")
    return described.apps.get(app, AppSetup())
