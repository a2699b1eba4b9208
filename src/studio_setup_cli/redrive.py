"""After failed apps were set up again: the messages of the failure queue that are settled by it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC
from typing import TYPE_CHECKING

import click

from studio_setup.model.outcomes import Outcome
from studio_setup_cli.aws import call_errors

if TYPE_CHECKING:
    from studio_setup.fleet.failure_queue import FailureMessage, FailureQueue
    from studio_setup.fleet.set_up import SetUpResult


def settle_failures(queue: FailureQueue, results: Sequence[SetUpResult], *, yes: bool) -> None:
    """Show the messages, and delete those about app starts that were set up now if `yes`, or somebody says so.

    Raises:
        BadInput: the queue may not be read.
    """
    from studio_setup.fleet.failure_queue import delete_failures, of_app_starts, receive_failures  # noqa: PLC0415

    set_up = {
        result.app.label: result.app_created_at
        for result in results
        if result.outcome is Outcome.SUCCEEDED and result.app_created_at
    }
    if not set_up:
        return
    with call_errors():
        failures = receive_failures(queue)
    settled = of_app_starts(failures, set_up)
    for failure in failures:
        mark = "settled" if failure in settled else "kept"
        click.echo(f"Failure queue, {mark}: {_label(failure)}: {failure.error}", err=True)
    if settled and (yes or _may_delete(len(settled))):
        with call_errors():
            delete_failures(queue, settled)
        click.echo(f"Deleted from the failure queue: {len(settled)} of {len(failures)} messages.", err=True)


def _may_delete(count: int) -> bool:
    return sys.stdin.isatty() and click.confirm(f"Delete the {count} settled from the failure queue?", err=True)


def _label(failure: FailureMessage) -> str:
    if not failure.app or not failure.at:
        return failure.app.label if failure.app else "of no app"
    what = "failed" if failure.is_of_request else "started"
    return f"{failure.app.label}, {what} {failure.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
