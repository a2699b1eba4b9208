"""Runs Python functions as Lambda does: on its own runtime client, in an environment with nothing else.

In ministack's own way to run Python functions, they see the cloud's packages, there is no JSON log, and the log appears
only when the invocation is over. But ministack also has a faithful Runtime API for custom runtimes: here, Python
functions run as such, with awslambdaric, the client of Lambda's Python runtimes.
"""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from ministack.core import lambda_runtime
from ministack.core.lambda_runtime import ProvidedWorker
from ministack.services import cloudwatch_logs, lambda_svc

# Settings of the cloud itself, which functions must not see.
_OWN_SETTINGS = ("GATEWAY_PORT", "MINISTACK_", "LAMBDA_", "STATE_DIR", "S3_DATA_DIR", "BIND_HOST", "DOCKER_HOST")


def use_lambdas_own_runtime(python: str) -> None:
    """Run every Python function as `python -m awslambdaric`, and write its log while it runs."""
    _code_dir, _environment = lambda_svc._provided_runtime_code_dir, lambda_svc._provided_worker_env

    def code_dir(code_zip: bytes) -> str:
        folder = str(_code_dir(code_zip))
        bootstrap = Path(folder, "bootstrap")
        # The environments of invocations at once share the folder; one that finds half a bootstrap does not start.
        with lambda_svc._provided_code_lock:
            if not bootstrap.exists():
                bootstrap.write_text(f'#!/bin/sh\nexec "{python}" -m awslambdaric "$_HANDLER"\n', encoding="utf-8")
                bootstrap.chmod(0o755)
        return folder

    def environment(config: dict[str, Any], folder: str, port: int) -> dict[str, str]:
        logging = config.get("LoggingConfig") or {}
        return {
            **{
                name: value
                for name, value in _environment(config, folder, port).items()
                if not name.startswith(_OWN_SETTINGS) or name == "LAMBDA_TASK_ROOT"
            },
            "AWS_LAMBDA_LOG_FORMAT": logging.get("LogFormat", "Text"),
            "AWS_LAMBDA_LOG_LEVEL": logging.get("ApplicationLogLevel", "INFO"),
            "AWS_LAMBDA_LOG_GROUP_NAME": _log_group(config),
        }

    lambda_svc._provided_runtime_code_dir = code_dir
    lambda_svc._provided_worker_env = environment
    lambda_svc._execute_function_warm = lambda_svc._execute_function_provided_warm
    lambda_svc._emit_lambda_logs = lambda *_, **__: None  # they are written already
    lambda_runtime._worker_class_for = lambda _config: PythonEnvironment


class PythonEnvironment(ProvidedWorker):  # type: ignore[misc]
    """An execution environment: a process that serves one invocation after another, with a log stream of its own."""

    def invoke(self, event: object, request_id: str, **details: Any) -> dict[str, Any]:  # noqa: ANN401
        """Run one invocation, between the log lines that Lambda itself writes."""
        if self._proc is None or self._proc.poll() is not None:
            self._log = LogStream(self.config)
        self._log.system("platform.start", {"requestId": request_id, "version": "$LATEST"})
        begun, status = time.monotonic(), "error"
        try:
            result: dict[str, Any] = super().invoke(event, request_id, **details)
            status = _status(result)
        finally:
            milliseconds = round((time.monotonic() - begun) * 1000, 3)
            metrics = {"durationMs": milliseconds, "memorySizeMB": self.config.get("MemorySize", 128)}
            self._log.system("platform.report", {"requestId": request_id, "metrics": metrics, "status": status})
        return result

    def _pump_output(self, stream: IO[bytes], log_queue: Any) -> None:  # noqa: ANN401
        super()._pump_output(_Tee(stream, self._log), log_queue)

    def _teardown(self) -> None:
        # Lambda gives a function without extensions no time to shut down.
        if self._proc is not None:
            self._proc.kill()
        super()._teardown()


class LogStream:
    """A log stream in the function's log group; if there is no such group, nothing is kept, as on AWS."""

    def __init__(self, config: dict[str, Any]) -> None:
        logging = config.get("LoggingConfig") or {}
        self._is_json = logging.get("LogFormat") == "JSON"
        name = f"{datetime.now(UTC):%Y/%m/%d}/[$LATEST]{uuid.uuid4().hex}"
        streams = (cloudwatch_logs._log_groups.get(_log_group(config)) or {"streams": {}})["streams"]
        no_events = dict.fromkeys(("firstEventTimestamp", "lastEventTimestamp", "lastIngestionTime"))
        self._stream = streams.setdefault(
            name, {"events": [], "uploadSequenceToken": "1", "creationTime": _now(), **no_events}
        )

    def write(self, line: str) -> None:
        """Write a line."""
        now = _now()
        event = {"eventId": uuid.uuid4().hex, "timestamp": now, "message": line, "ingestionTime": now}
        cloudwatch_logs._append_log_events(self._stream, [event])

    def system(self, kind: str, record: dict[str, Any]) -> None:
        """Write a line of Lambda itself."""
        if self._is_json:
            moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
            self.write(json.dumps({"time": moment, "type": kind, "record": record}))
        else:
            self.write(f"{kind.removeprefix('platform.').upper()} RequestId: {record['requestId']}")


class _Tee:
    """Copies each line to the log before ministack reads it."""

    def __init__(self, stream: IO[bytes], log: LogStream) -> None:
        self._stream = stream
        self._log = log

    def readline(self) -> bytes:
        line = self._stream.readline()
        if line:
            self._log.write(line.decode("utf-8", errors="replace").rstrip("\r\n"))
        return line

    def close(self) -> None:
        self._stream.close()


def _status(result: dict[str, Any]) -> str:
    if result["status"] != "error":
        return "success"
    failure = (result.get("error_payload") or {}).get("errorType")
    return "timeout" if failure == "Sandbox.Timedout" else "error"


def _log_group(config: dict[str, Any]) -> str:
    return str((config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}")


def _now() -> int:
    return int(time.time() * 1000)
