"""The SageMaker API over HTTP: AWS JSON 1.1; requests and answers are checked against the SDK's model."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Any

from aiohttp import web

from emulator import api_model
from emulator.cloudtrail import ApiCall, event_document
from emulator.faults import ApiError, Faults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.model import OperationModel

    from emulator.operations import Operations
    from emulator.state import Account

_TARGET_PREFIX = "SageMaker."


class SageMakerApi:
    """Checks and runs API calls, and emits an event for each CreateApp call."""

    def __init__(self, operations: Operations, account: Account, on_event: Callable[[dict[str, Any]], None]) -> None:
        self.faults = Faults()
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._operations = operations
        self._account = account
        self._on_event = on_event

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one HTTP request."""
        request_id = str(uuid.uuid4())
        try:
            answer = await self._answer(request, request_id)
        except ApiError as error:
            document = {"__type": error.code, "message": error.message}
            return _response(document, request_id, error.status)
        return _response(answer, request_id)

    async def _answer(self, request: web.Request, request_id: str) -> dict[str, Any]:
        if "Authorization" not in request.headers:
            raise ApiError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
        name = request.headers.get("X-Amz-Target", "").removeprefix(_TARGET_PREFIX)
        if name not in self._operations.by_name:
            raise ApiError("UnknownOperationException", f"The local Studio has no operation {name!r}")
        try:
            params = json.loads(await request.read())
        except ConnectionResetError as error:
            raise ApiError("RequestTimeout", "the client closed the connection", 408) from error
        except ValueError as error:
            raise ApiError("SerializationException", "the body is not JSON") from error
        if not isinstance(params, dict):
            raise ApiError("SerializationException", "the body is not a JSON object")
        return self.call(name, params, request.headers, request.remote or "127.0.0.1", request_id)

    def call(
        self, name: str, params: dict[str, Any], headers: Mapping[str, str], source: str, request_id: str
    ) -> dict[str, Any]:
        """Run one operation, and emit its event.

        Raises:
            ApiError: the error that the client gets.
        """
        self.calls.append((name, params))
        try:
            answer = self._run(name, params)
        except ApiError as error:
            self._record(ApiCall(name, params, headers, source, request_id, None, error.code, error.message))
            raise
        self._record(ApiCall(name, params, headers, source, request_id, response=answer))
        return answer

    def _run(self, name: str, params: dict[str, Any]) -> dict[str, Any]:
        self.faults.check(name)
        model = api_model.operation(name)
        _check_input(params, model)
        answer = self._operations.by_name[name](params)
        wrong = api_model.type_errors(answer, model.output_shape)
        if wrong or api_model.constraint_errors(answer, model.output_shape):
            raise AssertionError(f"the local Studio's answer to {name} does not fit the API's model: {wrong}")
        return answer

    def _record(self, call: ApiCall) -> None:
        # CloudTrail records every call; only this one matters here.
        if call.operation == "CreateApp":
            self._on_event(event_document(call, self._account))


def _check_input(params: dict[str, Any], model: OperationModel) -> None:
    violations = api_model.constraint_errors(params, model.input_shape)
    if violations:
        raise ApiError("ValidationException", api_model.refusal(violations))
    wrong = api_model.type_errors(params, model.input_shape)
    if wrong:
        raise ApiError("SerializationException", wrong)


def _response(document: dict[str, Any], request_id: str, status: int = 200) -> web.Response:
    headers = {"x-amzn-RequestId": request_id}
    if "__type" in document:
        headers["x-amzn-ErrorType"] = document["__type"]
    text = json.dumps(document, default=_epoch_seconds)
    return web.Response(text=text, status=status, headers=headers, content_type="application/x-amz-json-1.1")


def _epoch_seconds(value: object) -> float:
    if isinstance(value, dt.datetime):
        return value.timestamp()
    raise TypeError(f"{value!r} cannot be part of an answer")
