"""AWS as the command line sees it: real clients of the SDK, whose calls are answered here.

What is asked and what is answered is checked against the service models, as botocore's Stubber does.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.model import OperationModel
from botocore.response import StreamingBody
from botocore.validate import validate_parameters

from studio_setup.model.app import App
from tests.support.fleet_lines import VERSION, Attempt

Members = dict[str, Any]
OUTPUTS = {
    "FunctionName": "studio-setup",
    "LogGroupName": "/aws/lambda/studio-setup",
    "FailureQueueUrl": "https://sqs.us-east-1.amazonaws.com/111122223333/failures",
    "RuleName": "studio-setup-rule",
}
_CLAUSE = r"\(\$\.(\w+) = \"([^\"]*)\"\)"
_GROUP = re.compile(rf"\({_CLAUSE}(?: \|\| {_CLAUSE})*\)")
_LINES_PER_PAGE = 3


@dataclass
class FakeAws:
    """A region with a stack, apps, a log and a failure queue; `refuse`, `describe` and `set_up` change what it does.

    `others` has, by operation, the answers to further calls.
    """

    region: str = "us-east-1"
    stacks: dict[str, Members] = field(default_factory=lambda: {"studio-setup": dict(OUTPUTS)})
    apps: list[Members] = field(default_factory=list)
    log: list[tuple[int, str]] = field(default_factory=list)
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)
    describe: Callable[[Members], Members] | None = None
    set_up: Callable[[Members], object] | None = None
    queue: list[Members] = field(default_factory=list)
    received: set[str] = field(default_factory=set)
    others: dict[str, Callable[[Members], Members]] = field(default_factory=dict)
    on_call: Callable[[str], None] = lambda _operation: None
    calls: list[tuple[str, Members]] = field(default_factory=list)

    def add_app(self, app: App, created_at: datetime, status: str = "InService") -> None:
        """Let an app be in the list of apps."""
        owner = {"SpaceName": app.space_name} if app.space_name else {"UserProfileName": app.user_profile_name}
        names = {"DomainId": app.domain_id, "AppType": app.app_type, "AppName": app.app_name, **owner}
        self.apps.append({**names, "Status": status, "CreationTime": created_at})

    def add_line(self, logged_at: datetime, fields: Mapping[str, object] | str) -> None:
        """Let a line be in the log."""
        text = fields if isinstance(fields, str) else json.dumps(fields)
        self.log.append((int(logged_at.timestamp() * 1000), text))

    def add_failure(self, body: Mapping[str, object] | str, **attributes: str) -> None:
        """Let a message be in the failure queue."""
        number = len(self.queue)
        self.queue.append(
            {
                "MessageId": f"message-{number}",
                "ReceiptHandle": f"receipt-{number}",
                "Body": body if isinstance(body, str) else json.dumps(body),
                "MessageAttributes": {
                    name: {"StringValue": value, "DataType": "String"} for name, value in attributes.items()
                },
            }
        )

    def refuse(self, operation: str, code: str, message: str = "No.") -> None:
        """Answer that operation with an error from now on."""
        self.refused[operation] = (code, message)

    def operations(self) -> list[str]:
        """The calls so far, by name."""
        return [operation for operation, _ in self.calls]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let every client be answered here, for as long as the test takes."""
        make: Any = boto3.Session.client

        def client(session: boto3.Session, service: str, *arguments: object, **options: object) -> object:
            key = service, session.region_name
            if key not in _CLIENTS:
                _CLIENTS[key] = make(session, service, *arguments, **options)
                _CLIENTS[key].meta.events.register("before-parameter-build", _note)
                _CLIENTS[key].meta.events.register("before-call", _answer)
            return _CLIENTS[key]

        monkeypatch.setattr(boto3.Session, "client", client)
        monkeypatch.setattr(_Current, "aws", self)

    def answer(self, model: OperationModel, params: Members) -> Members:
        """The answer to a call, checked against the service model."""
        self.on_call(model.name)
        code, message = self.refused.get(model.name, ("", ""))
        if code:
            return _error(code, message)
        answers: dict[str, Callable[[Members], Members]] = {
            "DescribeStacks": self._describe_stacks,
            "ListApps": self._list_apps,
            "FilterLogEvents": self._filter_log_events,
            "Invoke": self._invoke,
            "ReceiveMessage": self._receive_message,
            "DeleteMessage": self._delete_message,
            **self.others,
        }
        answer = answers[model.name](params)
        if "Error" not in answer and model.output_shape:
            validate_parameters(answer, model.output_shape)
        return answer

    def _describe_stacks(self, params: Members) -> Members:
        outputs = self.stacks.get(params["StackName"])
        if outputs is None:
            message = f"Stack with id {params['StackName']} does not exist"
            return _error("ValidationError", message)
        named = [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()]
        stack = {"StackName": params["StackName"], "StackStatus": "CREATE_COMPLETE", "Outputs": named}
        return {"Stacks": [{**stack, "CreationTime": datetime(2026, 11, 1)}]}  # noqa: DTZ001 (not looked at)

    def _list_apps(self, params: Members) -> Members:
        filters = {
            "DomainId": "DomainIdEquals",
            "UserProfileName": "UserProfileNameEquals",
            "SpaceName": "SpaceNameEquals",
        }
        rows = [
            row
            for row in self.apps
            if all(row.get(key) == params.get(name, row.get(key)) for key, name in filters.items())
        ]
        return _page("Apps", rows, params.get("NextToken"), params.get("MaxResults", 10), "NextToken")

    def _filter_log_events(self, params: Members) -> Members:
        events: list[Members] = [
            {"timestamp": at_ms, "message": text, "eventId": str(number)}
            for number, (at_ms, text) in enumerate(self.log)
            if params["startTime"] <= at_ms <= params["endTime"] and matches(params["filterPattern"], text)
        ]
        in_order = sorted(events, key=lambda event: int(event["timestamp"]))
        return _page("events", in_order, params.get("nextToken"), _LINES_PER_PAGE, "nextToken")

    def _invoke(self, params: Members) -> Members:
        request = json.loads(params["Payload"])
        if request["detail-type"] == "Set Up App":
            answer = json.dumps((self.set_up or self._set_up)(request)).encode()
        else:
            answer = json.dumps((self.describe or described)(request)).encode()
        failed = {"FunctionError": "Unhandled"} if b'"errorType"' in answer else {}
        return {"StatusCode": 200, **failed, "Payload": StreamingBody(io.BytesIO(answer), len(answer))}

    def _set_up(self, request: Members) -> Members:
        """Set the app up, and log it."""
        line = Attempt(App(**request["detail"]["app"])).finished("succeeded")
        self.add_line(datetime.now(UTC), line)
        return line

    def _receive_message(self, params: Members) -> Members:
        """Messages that nobody has received: within one test, none becomes visible again."""
        assert params["QueueUrl"] == OUTPUTS["FailureQueueUrl"]
        batch = [message for message in self.queue if message["MessageId"] not in self.received]
        batch = batch[: params["MaxNumberOfMessages"]]
        self.received |= {message["MessageId"] for message in batch}
        return {"Messages": batch} if batch else {}

    def _delete_message(self, params: Members) -> Members:
        self.queue = [message for message in self.queue if message["ReceiptHandle"] != params["ReceiptHandle"]]
        return {}


def described(request: Members) -> Members:
    """What a function answers that sets up every app with the same commands, but no JupyterLab apps."""
    assert (request["source"], request["detail-type"]) == ("studio-setup", "Describe Setup")
    setup = {"setup_version": VERSION, "commands": [{"name": "one", "timeout_seconds": 60}]}
    none = {"code": "other-app-type", "reason": "apps of type JupyterLab are not set up"}
    apps = [App(**names) for names in request["detail"].get("apps", [])]
    return {
        "schema_version": 1,
        "time_limit_seconds": 900,
        "commands": {"JupyterServer": setup},
        "setups": [{"app": app.label, **(none if app.app_type == "JupyterLab" else setup)} for app in apps],
    }


def matches(pattern: str, text: str) -> bool:
    """Does a line match a filter pattern of the kind that is used here: any of these values, and any of those?

    The syntax is that of the CloudWatch Logs user guide ("Filter pattern syntax", JSON log events).
    """
    assert len(pattern) <= 1024
    try:
        line = json.loads(text)
    except ValueError:
        return False
    assert pattern.startswith("{ ")
    assert pattern.endswith(" }")
    groups = pattern[2:-2].split(" && ")
    assert all(_GROUP.fullmatch(group) for group in groups), pattern
    return isinstance(line, dict) and all(
        any(line.get(name) == value for name, value in re.findall(_CLAUSE, group)) for group in groups
    )


def _page(key: str, rows: list[Members], token: str | None, size: int, token_key: str) -> Members:
    start = int(token or 0)
    more = {token_key: str(start + size)} if start + size < len(rows) else {}
    return {key: rows[start : start + size], **more}


def _error(code: str, message: str) -> Members:
    return {"Error": {"Code": code, "Message": message}}


# To make a client takes as long as a hundred tests.
_CLIENTS: dict[tuple[str, str | None], Any] = {}


class _Current:
    """The AWS that answers now."""

    aws = FakeAws()


def _note(params: Members, model: OperationModel, context: Members, **_: object) -> None:
    context["as_asked"] = dict(params)
    _Current.aws.calls.append((model.name, context["as_asked"]))


def _answer(model: OperationModel, context: Members, **_: object) -> tuple[object, Members]:
    answer = _Current.aws.answer(model, context["as_asked"])
    status = 400 if "Error" in answer else 200
    return SimpleNamespace(status_code=status), {**answer, "ResponseMetadata": {"HTTPStatusCode": status}}
