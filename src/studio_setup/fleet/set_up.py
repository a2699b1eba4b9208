"""Set running apps up through the deployed function: its role, network, commands and log.

The function is invoked (`RequestResponse`) with

    {"source": "studio-setup", "detail-type": "Set Up App",
     "detail": {"app": {"domain_id": …, "user_profile_name": …, "app_type": …, "app_name": …, "space_name": …},
                "force": false, "trigger": "operator"}}

and answers with the report of this attempt, or, where it begins none, with its outcome, code and reason alone.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from studio_setup.fleet.deployed import read_answer
from studio_setup.fleet.history import ECHO_CODES
from studio_setup.model import outcomes
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline, Stopwatch
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import Trigger
from studio_setup.model.request import RequestType, payload_of
from studio_setup.model.text import moment, one_line

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_lambda.type_defs import InvocationResponseTypeDef

# Reserved concurrency is taken up for as long as setups run, each of which lasts as long as an invocation at most.
THROTTLED_LIMIT_SECONDS = 900.0
_THROTTLED_PAUSE_SECONDS = 5.0, 30.0
MAX_ATTEMPTS = 3  # as many as an app start has through its event
# Nothing is wrong with the app, and yet it was not set up.
_REFUSALS = {outcomes.BAD_REQUEST.name, outcomes.CLAIMED_BY_OTHER_SETUP.name}


@dataclass(frozen=True, slots=True)
class DeployedFunction:
    """The function, and a client that waits for as long as an invocation can take, and never repeats a call."""

    client: LambdaClient
    name: str


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait for the function each time that it is throttled, and who is told of it, in a part of a line."""

    new_deadline: Callable[[], Deadline] = lambda: Deadline.after(THROTTLED_LIMIT_SECONDS)
    say: Callable[[str], object] = lambda _text: None


@dataclass(frozen=True, slots=True)
class Limits:
    """How many apps at a time; after more than `max_errors` errors no other app is begun."""

    max_concurrency: int
    max_errors: int


@dataclass(frozen=True, slots=True)
class SetUpResult:
    """How setting an app up ended.

    `report` is what the function answered last. Without one (it failed, or could not be called) `outcome` is None, and
    `reason` says why.
    """

    app: App
    outcome: Outcome | None
    code: str
    reason: str
    seconds: float
    attempts: int
    report: Mapping[str, object] | None = None

    @property
    def is_error(self) -> bool:
        """Should the app have been set up, and was not? One that is gone or not ours to set up is no error."""
        return self.outcome is None or self.outcome.is_error or self.code in _REFUSALS

    @property
    def had_a_setup(self) -> bool:
        """Was nothing run, because this start of the app has had a setup?"""
        return self.code in ECHO_CODES or (self.report or {}).get("repeated") is True

    @property
    def app_created_at(self) -> datetime | None:
        """When the app that was set up was created, if the report says so."""
        return moment((self.report or {}).get("app_created_at"))

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON types, and how it was come by; `outcome` is null without a report."""
        verdict = {"outcome": self.outcome, "code": self.code, "reason": self.reason}
        how = {"seconds": round(self.seconds, 1), "attempts": self.attempts}
        return {**(self.report or {}), **self.app.as_dict(), **verdict, **how}


def set_up_all(set_up: Callable[[App], SetUpResult], apps: Sequence[App], limits: Limits) -> Iterator[SetUpResult]:
    """Set up the apps in their order, and yield their results as they come; apps that are not begun yield none.

    Nothing waits for calls under way if this is given up: their threads end with the process.
    """
    waiting, under_way, errors = deque(apps), 0, 0
    results: SimpleQueue[SetUpResult | BaseException] = SimpleQueue()
    while True:
        while waiting and under_way < limits.max_concurrency and errors <= limits.max_errors:
            arguments = (set_up, waiting.popleft(), results)
            threading.Thread(target=_put_result, args=arguments, daemon=True).start()
            under_way += 1
        if not under_way:
            return
        result = results.get()
        if isinstance(result, BaseException):
            raise result
        under_way -= 1
        errors += result.is_error
        yield result


def _put_result(
    set_up: Callable[[App], SetUpResult], app: App, results: SimpleQueue[SetUpResult | BaseException]
) -> None:
    try:
        results.put(set_up(app))
    except BaseException as error:  # noqa: BLE001 (raised again by whoever waits for it)
        results.put(error)


def set_up_app(function: DeployedFunction, app: App, *, force: bool, waits: Waits | None = None) -> SetUpResult:
    """Set an app up; while the function's time is up before the setup is, invoke it again, MAX_ATTEMPTS times in all.

    `force`: also if this start of the app has been set up before.
    """
    waits = waits or Waits()
    watch = Stopwatch()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        try:
            report = _checked(_invoke(function, _request(app, force=force), waits), app)
        except _NoReport as error:
            return SetUpResult(app, None, "", str(error), watch.seconds, attempt)
        # A run that was begun is resumed; forced, it would begin anew if it has ended in the meantime.
        force = force and not report.get("run_id")
        if report["outcome"] != Outcome.UNFINISHED:
            break
    outcome, code, reason = Outcome(str(report["outcome"])), str(report["code"]), one_line(str(report["reason"]))
    return SetUpResult(app, outcome, one_line(code, 64), reason, watch.seconds, attempt, report)


class _NoReport(Exception):
    """The function gave no report; `str()` says why, as one printable line."""


def _request(app: App, *, force: bool) -> bytes:
    return payload_of(RequestType.SET_UP_APP, {"app": asdict(app), "force": force, "trigger": Trigger.OPERATOR})


def _invoke(function: DeployedFunction, request: bytes, waits: Waits) -> object:
    try:
        response = _call(function, request, waits)
        answer = read_answer(response)
    except _NoReport:
        raise
    except Exception as error:  # noqa: BLE001 (the SDK's errors of connections have no class that a client names)
        raise _NoReport(one_line(f"The call failed: {type(error).__name__}: {error}", 500)) from None
    if response.get("FunctionError"):
        raise _NoReport(f"The function failed: {_error(answer)}")
    return answer


def _call(function: DeployedFunction, request: bytes, waits: Waits) -> InvocationResponseTypeDef:
    """Invoke the function; again after a pause while it is throttled, which is before it has begun anything."""
    deadline = waits.new_deadline()
    limit_seconds, throttled = deadline.remaining_seconds, function.client.exceptions.TooManyRequestsException
    is_said = False
    while True:
        try:
            return function.client.invoke(FunctionName=function.name, Payload=request)
        except throttled as error:
            minutes = round(limit_seconds / 60)
            if deadline.expired:
                why = f"The function was throttled for {minutes} minutes: {type(error).__name__}: {error}"
                raise _NoReport(one_line(why, 500)) from None
            if not is_said:
                waits.say(f"the function is throttled ({type(error).__name__}); waiting up to {minutes} minutes")
        is_said = True
        deadline.pause_between(*_THROTTLED_PAUSE_SECONDS)


def _error(answer: object) -> str:
    match answer:
        case {"errorType": str(kind), "errorMessage": str(message)}:
            return one_line(f"{kind}: {message}", 500)
        case {"errorMessage": str(message)}:
            return one_line(message, 500)
    return "it does not say why."


def _checked(answer: object, app: App) -> Mapping[str, object]:
    """The answer, if it is a report on this app, or the refusal of the request."""
    if isinstance(answer, dict) and answer.get("app", app.label) == app.label:
        match answer:
            case {"outcome": str(outcome), "code": str(), "reason": str()} if outcome in set(Outcome):
                return answer
    raise _NoReport("The function's answer is not a report on this app; deploy this version of Studio Setup.")
