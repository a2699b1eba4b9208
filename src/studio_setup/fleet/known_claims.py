"""Did an attempt of ours make a claim that an app holds? The function's own log tells."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from studio_setup.fleet.function_log import FunctionLog, all_of, to_ms
from studio_setup.model import log
from studio_setup.model.app import App
from studio_setup.model.bounded_call import call_within
from studio_setup.model.deadline import Deadline, Stopwatch

# CloudWatch Logs shows a line some seconds after it was written.
_LIMIT_SECONDS = 30.0
_PAUSE_SECONDS = 5.0
_CLOCK_SKEW = timedelta(minutes=10)


def is_claim_known(
    open_log: Callable[[], FunctionLog], app: App, run_id: str, created_at: str, deadline: Deadline
) -> bool | None:
    """Does the log have an attempt at this start of the app that gave the run its id? None: nobody can tell.

    `created_at` is the app's CreationTime in ISO 8601. It takes half a minute at most.
    """
    try:
        start = datetime.fromisoformat(created_at) - _CLOCK_SKEW
        within = _whole_limit(deadline)
        return call_within(within.remaining_seconds, lambda: _finds(open_log(), app, run_id, start, within))
    except (BotoCoreError, ClientError, TimeoutError, ValueError) as error:
        log.CLAIM_UNCHECKED.log(run_id=run_id, reason=_reason(error))
        return None


def _whole_limit(deadline: Deadline) -> Deadline:
    """The time to look in; with less of it, a line that comes late would be missed."""
    if deadline.remaining_seconds < _LIMIT_SECONDS:
        raise TimeoutError
    return deadline.within(_LIMIT_SECONDS)


def _finds(function_log: FunctionLog, app: App, run_id: str, start: datetime, deadline: Deadline) -> bool:
    """Look until it is there, as long as there is time to look once more."""
    # An attempt logs its beginning before it claims anything, and its claim after that: it may die in between.
    pattern = all_of(f'($.message = "{log.SETUP_STARTED.name}")', f'($.attempt = "{run_id}")')
    wanted = {"message": log.SETUP_STARTED.name, "attempt": run_id, "app": app.label}
    while True:
        watch = Stopwatch(deadline.clock)
        end = datetime.now(UTC) + _CLOCK_SKEW
        if any(wanted.items() <= line.fields.items() for line in function_log.lines(pattern, to_ms(start), to_ms(end))):
            return True
        if deadline.remaining_seconds < 2 * (_PAUSE_SECONDS + watch.seconds):
            return False
        deadline.sleep(_PAUSE_SECONDS)


def _reason(error: Exception) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
