"""The failure queue: what its messages are about, and deleting those that are settled.

Sources: Lambda's destination sends an object with the event as `requestPayload`, the function's answer as
`responsePayload` and its own `timestamp` (Lambda developer guide, "Retaining records of asynchronous invocations");
EventBridge sends the bare event, and says why in message attributes (EventBridge user guide, "Using dead-letter
queues"). An event has the time of the call as `eventTime`, in whole seconds (CloudTrail user guide, "Record contents").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from studio_setup.model.app import KNOWN_APP_TYPES, App
from studio_setup.model.app_event import AppStarted, parse
from studio_setup.model.json_text import parse_json
from studio_setup.model.request import SetUpApp, is_request, parse_request
from studio_setup.model.settings import Settings
from studio_setup.model.text import moment, one_line

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# Long enough for somebody to read them and answer; those that are not deleted come back then.
VISIBILITY_SECONDS = 300
_MAX_RECEIVES = 100
_REASON_ATTRIBUTES = ("ERROR_CODE", "ERROR_MESSAGE")
# An event's time is in whole seconds and of CloudTrail's clock, an app's creation time of SageMaker's. To delete an app
# and to create it again takes longer than this.
_CLOCK_SKEW = timedelta(seconds=30)
_ANY_APP = Settings(KNOWN_APP_TYPES, "")


@dataclass(frozen=True, slots=True)
class FailureQueue:
    """The queue, and a client for it."""

    client: SQSClient
    url: str


@dataclass(frozen=True, slots=True)
class FailureMessage:
    """A message: the app whose setup it says failed (None: it does not say), and the error, as one printable line.

    `at`: when the app was started; of a request, which means whatever start the app is in, when it failed; None: it
    does not say.
    """

    app: App | None
    error: str
    receipt: str
    at: datetime | None = None
    is_of_request: bool = False


def receive_failures(queue: FailureQueue) -> list[FailureMessage]:
    """The messages that are there, up to a thousand; nobody else sees them for VISIBILITY_SECONDS."""
    found: dict[str, FailureMessage] = {}
    for _ in range(_MAX_RECEIVES):
        messages = queue.client.receive_message(
            QueueUrl=queue.url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=1,
            VisibilityTimeout=VISIBILITY_SECONDS,
            MessageAttributeNames=_REASON_ATTRIBUTES,
        ).get("Messages", [])
        if not messages:
            break
        found |= {message["MessageId"]: _failure(message) for message in messages}
    return list(found.values())


def of_app_starts(failures: Sequence[FailureMessage], created_at: Mapping[str, datetime]) -> list[FailureMessage]:
    """Those of the messages that are about these app starts: the apps by their labels, with their creation times.

    An app that is created again within a day may keep its creation time (API reference of DescribeApp); of the calls
    since then, only the last one can have made it.
    """
    found = [failure for failure in failures if _is_since(failure, created_at)]
    last: dict[str, datetime] = {}
    for failure in found:
        if failure.app and failure.at and not failure.is_of_request:
            last[failure.app.label] = max(failure.at, last.get(failure.app.label, failure.at))
    return [
        failure for failure in found if failure.app and (failure.is_of_request or failure.at == last[failure.app.label])
    ]


def _is_since(failure: FailureMessage, created_at: Mapping[str, datetime]) -> bool:
    created = created_at.get(failure.app.label) if failure.app else None
    return created is not None and failure.at is not None and failure.at >= created - _CLOCK_SKEW


def delete_failures(queue: FailureQueue, failures: Iterable[FailureMessage]) -> None:
    """Delete these messages."""
    for failure in failures:
        queue.client.delete_message(QueueUrl=queue.url, ReceiptHandle=failure.receipt)


def _failure(message: MessageTypeDef) -> FailureMessage:
    try:
        body = parse_json(message["Body"])
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {}
    event = body.get("requestPayload", body)
    error, receipt = _error(body, message), message["ReceiptHandle"]
    if is_request(event):
        return FailureMessage(_app(event), error, receipt, moment(body.get("timestamp")), is_of_request=True)
    return FailureMessage(_app(event), error, receipt, _called_at(event))


def _app(event: object) -> App | None:
    """The app of an event of the rule, or of a request to set it up."""
    if not isinstance(event, Mapping):
        return None
    meant = parse_request(event, _ANY_APP) if is_request(event) else parse(event, _ANY_APP)
    return meant.app if isinstance(meant, AppStarted | SetUpApp) else None


def _called_at(event: object) -> datetime | None:
    match event:
        case {"detail": {"eventTime": text}}:
            return moment(text)
    return None


def _error(body: Mapping[str, object], message: MessageTypeDef) -> str:
    match body:
        case {"responsePayload": {"errorMessage": str(text)}}:
            return one_line(text, 300)
        case {"requestContext": {"condition": str(text)}}:
            return one_line(text, 300)
    attributes = message.get("MessageAttributes", {})
    texts = [attributes[name].get("StringValue", "") for name in _REASON_ATTRIBUTES if name in attributes]
    return one_line(": ".join(filter(None, texts)), 300) or "no reason given"
