"""The Lambda function: a composition root. It alone knows the environment, the SDK, the context and the setups."""

from __future__ import annotations

import functools
import logging
import os
from typing import TYPE_CHECKING, Any, Protocol

import boto3
import requests

from setups import setup_for
from studio_setup.access.control_plane import SDK_CONFIG
from studio_setup.access.library_logs import quiet_libraries
from studio_setup.model.app_event import Ignored, parse
from studio_setup.model.deadline import Deadline
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import SetupFailed
from studio_setup.model.settings import Settings
from studio_setup.setup_run import Job, Tools, set_up

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

LOG = logging.getLogger(__name__)
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
    try:
        return _handle(event, deadline)
    except SetupFailed:
        raise
    except Exception as error:
        LOG.error("setup.crashed", extra={"error": type(error).__name__, "reason": str(error)})  # noqa: TRY400
        raise


def _handle(event: object, deadline: Deadline) -> dict[str, Any]:
    settings = Settings.from_env(os.environ)
    started = parse(event, settings)
    if isinstance(started, Ignored):
        ignored = {"outcome": Outcome.SKIPPED, "code": started.code.name, "reason": started.reason}
        LOG.info("setup.finished", extra=ignored)
        return ignored
    LOG.info("setup.started", extra={"app": started.app.as_dict(), "event_id": started.event_id})
    with requests.Session() as http:
        tools = Tools(sagemaker_client(), http)
        job = Job(started.app, setup_for(started.app), shared_space_user=settings.shared_space_user)
        report = set_up(job, tools, deadline)
    fields = report.as_dict()
    if report.outcome.is_error:
        LOG.error("setup.finished", extra=fields)
        raise SetupFailed(report)
    LOG.info("setup.finished", extra=fields)
    return fields


@functools.cache
def sagemaker_client() -> SageMakerClient:
    """A client for as long as Lambda keeps this process: its connections are used again by the next invocation."""
    return boto3.client("sagemaker", config=SDK_CONFIG)
