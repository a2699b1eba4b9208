"""The reconcile function, which runs on a schedule: a composition root. It finds app starts whose event never came.

CloudTrail delivers events on a best-effort basis (EventBridge Events Reference, "Delivery level for AWS service
events"). When an app has run for a while and the log of the setup function has nothing about it, that function is
invoked asynchronously with the request `Set Up App` (`model.request`). If the setup is under way after all, or is asked
for twice, the claim in the app sees to it that it happens once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from studio_setup.access.library_logs import quiet_libraries
from studio_setup.fleet.apps import Selection
from studio_setup.fleet.deployed import NotDescribed
from studio_setup.fleet.function_log import FunctionLog
from studio_setup.fleet.status import AppState, State
from studio_setup.fleet.survey import Sources, survey
from studio_setup.model import log, outcomes
from studio_setup.model.app import App
from studio_setup.model.report import Trigger
from studio_setup.model.request import RequestType, payload_of
from studio_setup.model.settings import ReconcileSettings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

# CloudTrail delivers log files within five minutes on average (CloudTrail user guide); for events there is no figure.
EVENT_MAY_TAKE = timedelta(minutes=10)
_SDK_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=5, read_timeout=60)


def lambda_handler(_event: object, _context: object) -> dict[str, int]:
    """Have the apps set up whose start was missed; how many were missed, and of how many the setup was asked for.

    Raises:
        BadInput: a setting is missing or not valid.
        NotDescribed: the setup function does not say which apps it sets up.
        ClientError, BotoCoreError: a call of AWS was refused or failed.
    """
    quiet_libraries()
    try:
        return _reconcile(ReconcileSettings.from_env(os.environ), datetime.now(UTC))
    except Exception as error:
        log.RECONCILE_FAILED.log(error=type(error).__name__, reason=str(error))
        raise


def _reconcile(settings: ReconcileSettings, now: datetime) -> dict[str, int]:
    sources = _sources(settings)
    found = survey(sources, Selection(settings.domain_id), now, lambda _start, _apps: None)
    if found.not_described:
        # Without its word, every app of a type or a domain that is not set up would look missed.
        raise NotDescribed(found.not_described)
    missed = _missed(found.apps, settings.since, now)
    chosen = missed[: settings.at_once]
    log.RECONCILE_FOUND.log(running=len(found.apps), missed=len(missed))
    for state in chosen:
        _ask(sources.lambda_client, settings.function_name, state.app)
        log.RECONCILE_ASKED.log(**state.app.as_dict(), app_created_at=state.running.created_at.isoformat())
    log.RECONCILE_FINISHED.log(asked=len(chosen), left=len(missed) - len(chosen))
    return {"missed": len(missed), "asked": len(chosen)}


def _sources(settings: ReconcileSettings) -> Sources:
    return Sources(
        sagemaker=boto3.client("sagemaker", config=_SDK_CONFIG),
        lambda_client=boto3.client("lambda", config=_SDK_CONFIG),
        function_name=settings.function_name,
        function_log=FunctionLog(boto3.client("logs", config=_SDK_CONFIG), settings.log_group),
    )


def _missed(apps: Iterable[AppState], since: datetime | None, now: datetime) -> list[AppState]:
    """The apps whose event never came, those that have run longest first."""
    missed = [
        state
        for state in apps
        # To ask for a setup that is not valid would only fill the failure queue.
        if state.state is State.NOT_SET_UP
        and state.code != outcomes.BAD_INPUT.name
        and now - state.running.created_at >= EVENT_MAY_TAKE
        and (since is None or state.running.created_at >= since)
    ]
    return sorted(missed, key=lambda state: state.running.created_at)


def _ask(client: LambdaClient, function_name: str, app: App) -> None:
    """Have the app set up, without waiting for it: Lambda retries, as it does for the event of a start."""
    payload = payload_of(RequestType.SET_UP_APP, {"app": asdict(app), "trigger": Trigger.RECONCILE})
    client.invoke(FunctionName=function_name, InvocationType="Event", Payload=payload)
