"""The Lambda function: a composition root. It alone knows the environment, the SDK, the context and the setups."""

from __future__ import annotations

import functools
import logging
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, cast

import botocore.session
import requests

from setups import setup_for
from studio_setup.access.control_plane import SDK_CONFIG
from studio_setup.access.library_logs import quiet_libraries
from studio_setup.model import log
from studio_setup.model.app_event import Ignored, parse
from studio_setup.model.deadline import Deadline
from studio_setup.model.description import describe
from studio_setup.model.errors import SetupError
from studio_setup.model.outcomes import CODES, Code
from studio_setup.model.report import SCHEMA_VERSION, SetupFailed, Trigger
from studio_setup.model.request import DescribeSetup, Probe, SetUpApp, is_request, parse_request
from studio_setup.model.settings import Settings
from studio_setup.setup_run import Job, Tools, set_up

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sagemaker import SageMakerClient

    from studio_setup.model.app import App
    from studio_setup.model.setup import Setup

# What is left for deleting the terminal and writing the last line.
_RESERVE_SECONDS = 20.0


class LambdaContext(Protocol):
    """The part of Lambda's context that is used."""

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends this invocation."""


def lambda_handler(event: object, context: LambdaContext) -> dict[str, Any]:
    """Set up the app that `event` says was started; the report as a dictionary.

    Raises:
        SetupFailed: the outcome is an error; Lambda's own retries then resume the run.
    """
    quiet_libraries()
    deadline = Deadline.after(context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS)
    with log.log_context({}):  # the app is added to it as soon as it is known
        try:
            return _handle(event, deadline)
        except SetupFailed:
            raise
        except SetupError as error:
            # The settings or the setup itself: known before there is an attempt to report on.
            log.SETUP_FINISHED.log(logging.ERROR, **_verdict(error.code, str(error)))
            raise
        except Exception as error:
            log.SETUP_CRASHED.log(error=type(error).__name__, reason=str(error))
            raise


def _handle(event: object, deadline: Deadline) -> dict[str, Any]:
    settings = Settings.from_env(os.environ)
    if isinstance(event, Mapping) and is_request(event):
        return _answer(event, settings, deadline)
    started = parse(event, settings)
    if isinstance(started, Ignored):
        return _ignore(started)
    setup = _setup_for(started.app, Trigger.EVENT)
    job = Job(started.app, setup, trigger=Trigger.EVENT, event_id=started.event_id)
    return _carry_out(job, settings, deadline, raises=True)


def _answer(event: Mapping[str, object], settings: Settings, deadline: Deadline) -> dict[str, Any]:
    """Do what somebody asked for by name, and nothing that they could have made up."""
    match parse_request(event, settings):
        case Ignored() as refused:
            return _ignore(refused)
        case DescribeSetup(apps):
            return describe(apps, settings, setup_for, math.ceil(deadline.remaining_seconds + _RESERVE_SECONDS))
        case Probe(app):
            setup = _setup_for(app, Trigger.OPERATOR)
            job = Job(app, setup, claims_start=False, grace_seconds=0, is_probe=True)
            return _carry_out(job, settings, deadline, raises=False)
        case SetUpApp(app, force, trigger):
            job = Job(app, _setup_for(app, trigger), force=force, grace_seconds=0, trigger=trigger)
            # An operator waits for the report. Nobody waits for what the reconcile function asks for: Lambda retries.
            return _carry_out(job, settings, deadline, raises=trigger is Trigger.RECONCILE)


def _setup_for(app: App, trigger: Trigger) -> Setup:
    """The setup of an app, which every further line of this invocation names."""
    log.add_to_context(**app.as_dict(), trigger=trigger)
    return setup_for(app)


def _carry_out(job: Job, settings: Settings, deadline: Deadline, *, raises: bool) -> dict[str, Any]:
    job = replace(job, shared_space_user=settings.shared_space_user)
    with requests.Session() as http:
        report = set_up(job, Tools(sagemaker_client(), http, knows_run=_knows_run()), deadline)
    if raises and report.outcome.is_error and not CODES[report.code].is_final:
        raise SetupFailed(report)
    return report.as_dict()


def _ignore(ignored: Ignored) -> dict[str, Any]:
    verdict = _verdict(ignored.code, ignored.reason)
    log.SETUP_FINISHED.log(**verdict)
    return verdict


def _verdict(code: Code, reason: str) -> dict[str, Any]:
    """The report of an invocation that has not begun an attempt."""
    return {"schema_version": SCHEMA_VERSION, "outcome": code.outcome, "code": code.name, "reason": reason}


def _knows_run() -> Callable[[App, str, str, Deadline], bool | None] | None:
    """What asks the function's own log, which Lambda names (its developer guide, *Environment variables*)."""
    group = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME", "")
    return functools.partial(_is_claim_known, group) if group else None


def _is_claim_known(group: str, app: App, run_id: str, created_at: str, deadline: Deadline) -> bool | None:
    # Hardly any app has a claim already: what reads the log is not imported at each cold start.
    from studio_setup.fleet.function_log import FunctionLog  # noqa: PLC0415
    from studio_setup.fleet.known_claims import is_claim_known  # noqa: PLC0415

    return is_claim_known(lambda: FunctionLog(_logs_client(), group), app, run_id, created_at, deadline)


# The SDK's own core: boto3 around it would also import what uploads files, at each cold start, and is not used.
_sdk = functools.cache(botocore.session.get_session)


@functools.cache
def _logs_client() -> CloudWatchLogsClient:
    return cast("CloudWatchLogsClient", _sdk().create_client("logs", config=SDK_CONFIG))


@functools.cache
def sagemaker_client() -> SageMakerClient:
    """A client for as long as Lambda keeps this process: its connections are used again by the next invocation."""
    client = cast("SageMakerClient", _sdk().create_client("sagemaker", config=SDK_CONFIG))
    # For its first error the SDK searches the API's whole model: done now, it need not be done when many are throttled.
    _ = client.meta.service_model.error_shapes
    return client
