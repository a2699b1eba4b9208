"""Starts an app on the local Studio twice, sets it up each time, and notes what each setup did and left."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import requests

from demo.cases import CASES, Case
from emulator.app_host import StartOptions
from emulator.handles import AppHandle
from emulator.processes import command_line
from emulator.studio import DOMAIN_ID, USER_PROFILE, LocalStudio
from studio_setup.access.control_plane import SDK_CONFIG
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.report import SetupReport
from studio_setup.model.setup import Setup
from studio_setup.model.text import printable
from studio_setup.setup_run import Job, Tools, set_up
from try_setup import home
from try_setup.connections import Connections
from try_setup.results import TriedApp, TriedStart
from try_setup.screen import Screen

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

# What a setup has started and is about to end gets this long to end.
_SETTLE_SECONDS = 2.0
_POLL_SECONDS = 0.05
_OVERHEAD_SECONDS = 300.0
_MAX_OUTPUT_BYTES = 1 << 20
_SHOWN_LOG_CHARACTERS = 2000


def app_of(case: Case) -> App:
    """The app of a case, as the engine knows it; the user and the space are those of the local Studio."""
    space = case.owner.get("SpaceName", "")
    return App(DOMAIN_ID, USER_PROFILE, case.app_type, "default", space)


def try_twice(
    studio: LocalStudio, app_type: str, setup: Setup, options: StartOptions, screen: Screen
) -> tuple[TriedApp, AppHandle]:
    """Start an app and set it up, delete it, start it with the same home and set it up again; that one is left up."""
    case = CASES[app_type]
    screen.say(f"\n{app_type}, first start")
    if case.remark and options.network:
        screen.say(case.remark, 4)
    app = _start(studio, case, options, "a new home")
    first = _set_up(app, case, setup, options, client_of(studio))
    screen.start_result(first)
    app.delete()
    screen.say(f"\n{app_type}, second start, with the same home")
    app = _start(studio, case, options, "the home that the setup has left")
    second = _set_up(app, case, setup, options, client_of(studio))
    screen.start_result(second)
    return TriedApp(app_type, setup, (first, second)), app


def client_of(studio: LocalStudio) -> SageMakerClient:
    """A client of the local SageMaker API, which takes any credentials."""
    return boto3.client(
        "sagemaker",
        endpoint_url=studio.sagemaker_endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",  # noqa: S106 (any will do)
        config=SDK_CONFIG,
    )


def _start(studio: LocalStudio, case: Case, options: StartOptions, what: str) -> AppHandle:
    """Start an app with a home, of which `what` says which it is.

    Raises:
        TimeoutError: it does not start; the message has the end of its Jupyter server's log.
    """
    space = case.owner.get("SpaceName")
    app = studio.create_app(USER_PROFILE, space_name=space, app_type=case.app_type, options=options)
    try:
        return app.wait_until_in_service()
    except TimeoutError:
        log = printable(app.log[-_SHOWN_LOG_CHARACTERS:])
        raise TimeoutError(f"The app does not start with {what}. Its Jupyter server's log ends:\n{log}") from None


def _set_up(app: AppHandle, case: Case, setup: Setup, options: StartOptions, client: SageMakerClient) -> TriedStart:
    before = home.look_at(app.home)
    limit = sum(command.timeout_seconds for command in setup.commands) + _OVERHEAD_SECONDS
    with Connections(lambda: _beside_jupyter(app)) as connections, requests.Session() as http:
        report = set_up(Job(app_of(case), setup), Tools(client, http), Deadline.after(limit))
        left = _left_running(app)
    return TriedStart(
        report=report,
        changes=home.compare(before, home.look_at(app.home)),
        outputs=_outputs(report),
        terminals=_terminals(app),
        processes=tuple(command_line(pid) for pid in left),
        addresses=connections.addresses,
        names=None if options.network else app.names_asked(),
    )


def _beside_jupyter(app: AppHandle) -> list[int]:
    return [pid for pid in app.processes() if pid != app.jupyter_pid]


def _left_running(app: AppHandle) -> list[int]:
    """The processes that do not end by themselves within a moment."""
    give_up = time.monotonic() + _SETTLE_SECONDS
    while (left := _beside_jupyter(app)) and time.monotonic() < give_up:
        time.sleep(_POLL_SECONDS)
    return left


def _terminals(app: AppHandle) -> tuple[str, ...]:
    try:
        return tuple(app.wait_until_ready().terminals())
    except (requests.RequestException, TimeoutError):
        return ()


def _outputs(report: SetupReport) -> dict[str, str]:
    return {one.name: _beginning_of(Path(one.log_path)) for one in report.commands if one.log_path}


def _beginning_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_OUTPUT_BYTES).decode(errors="replace")
    except OSError:
        return ""
