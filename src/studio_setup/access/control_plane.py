"""Calls of the SageMaker API, retried while it is throttled.

The SDK's own retries begin with a pause of a second at most: of two hundred setups refused at the same moment, most
would retry too soon, several times. Ours are spread over rounds that grow (`backoff`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import botocore.exceptions
from botocore.config import Config

from studio_setup.access.backoff import Backoff
from studio_setup.model import log
from studio_setup.model.bounded_call import call_within
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ControlPlaneRefused
from studio_setup.model.text import one_line

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

# The SDK makes each call once; retries are made here.
SDK_CONFIG = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=30)
MAX_CALL_SECONDS = 30.0
_BROKEN_SECONDS = (1.0, 2.0, 4.0, 8.0)
# What the SDK raises over an answer that is not what the API's model says: it has no class of its own for that.
_UNREADABLE = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
_BROKEN = (botocore.exceptions.ConnectionError, botocore.exceptions.HTTPClientError)


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a call has no answer: it was throttled, or it is broken, which may pass, or neither."""

    error: ControlPlaneRefused
    is_throttled: bool
    is_broken: bool


class ControlPlane:
    """The SageMaker API, with retries up to the deadline."""

    def __init__(self, client: SageMakerClient, deadline: Deadline) -> None:
        self._client = client
        self._deadline = deadline
        self._backoff = Backoff()

    @property
    def refusals(self) -> int:
        """How many calls have been throttled so far."""
        return self._backoff.refusals

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:  # noqa: ANN401 (the SDK's own)
        """The API's answer; retried while it is throttled, and a few times if it fails or cannot be reached.

        Raises:
            ControlPlaneRefused: with the API's own code, or the SDK's name for what went wrong.
        """
        broken_seconds = iter(_BROKEN_SECONDS)
        while True:
            answer = self._answer(operation, parameters, broken_seconds)
            if answer is not None:
                return answer

    def call_unless_throttled(self, operation: str, **parameters: Any) -> dict[str, Any] | None:  # noqa: ANN401
        """The API's answer, as `call`; None, after a pause, if the call is throttled: others need the room more.

        Raises:
            ControlPlaneRefused: as `call`.
        """
        return self._answer(operation, parameters, iter(_BROKEN_SECONDS))

    def _answer(
        self, operation: str, parameters: dict[str, Any], broken_seconds: Iterator[float]
    ) -> dict[str, Any] | None:
        """The API's answer, or None after the pause that follows a throttled call."""
        while isinstance(answer := self._attempt(operation, parameters), _Failure):
            if answer.is_throttled:
                least, most = self._backoff.refused(self._deadline.clock())
            else:
                least, most = 0.0, next(broken_seconds, 0.0) if answer.is_broken else 0.0
            if not most or self._deadline.expired:
                raise answer.error
            log.CONTROL_PLANE_WAITING.log(operation=operation, aws_code=answer.error.aws_code)
            self._deadline.pause_between(least, most)
            if answer.is_throttled:
                return None
        return answer

    def _attempt(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any] | _Failure:
        """One call: its answer, or why there is none."""
        try:
            return self._call_once(operation, parameters)
        except botocore.exceptions.ClientError as error:
            refused = _refused(operation, error)
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            is_throttled = status == HTTPStatus.TOO_MANY_REQUESTS or refused.aws_code.startswith("Throttl")
            return _Failure(refused, is_throttled, is_broken=status >= HTTPStatus.INTERNAL_SERVER_ERROR)
        except TimeoutError:
            refused = ControlPlaneRefused(f"{operation}: no answer in time.", "NoAnswer")
            return _Failure(refused, is_throttled=False, is_broken=True)
        except botocore.exceptions.BotoCoreError as error:
            refused = ControlPlaneRefused(f"{operation}: {error}", type(error).__name__)
            return _Failure(refused, is_throttled=False, is_broken=isinstance(error, _BROKEN))

    def _call_once(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Time-outs derive from what is left: the SDK bounds each read, but not all of them together."""
        limit_seconds = min(MAX_CALL_SECONDS, self._deadline.remaining_seconds + 1)
        ask = getattr(self._client, operation)
        try:
            return call_within(limit_seconds, lambda: dict(ask(**parameters)))
        except botocore.exceptions.BotoCoreError:
            raise
        except _UNREADABLE as error:
            problem = f"{operation}: the answer cannot be read: {type(error).__name__}"
            raise ControlPlaneRefused(problem, "GarbledAnswer") from None


def required_text(answer: Mapping[str, object], key: str, operation: str) -> str:
    """A text that an answer must have.

    Raises:
        ControlPlaneRefused: it has none.
    """
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise ControlPlaneRefused(f"{operation}: the answer has no {key}.", "GarbledAnswer")
    return value


def _refused(operation: str, error: botocore.exceptions.ClientError) -> ControlPlaneRefused:
    details = error.response.get("Error", {})
    code = one_line(str(details.get("Code", "unknown")), 100)
    return ControlPlaneRefused(f"{operation}: {code}: {details.get('Message', '')}", code)
