"""`status` of 10,000 running apps beside the bare paginated calls that it needs, in one run on one machine.

The APIs are simulated at the SDK's edge: real clients, whose requests are answered from memory after CALL_SECONDS, as
AWS answers from far away. Everything in between (building requests, parsing answers) is the SDK's own work on both
sides. Only the ratios mean anything elsewhere.
"""

from __future__ import annotations

import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders

from bench.table import Measured, Row, Table, in_turn
from studio_setup.fleet.apps import Selection
from studio_setup.fleet.function_log import FunctionLog
from studio_setup.fleet.survey import Sources, survey
from studio_setup.model.app import App
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import CommandResult, CommandState, SetupReport, Trigger
from studio_setup_cli.status_table import print_plain

APPS = 10_000
CALL_SECONDS = 0.05
TIMES = 3
NOW = datetime.now(UTC)
VERSION = "0123456789abcdef"
COMMANDS = ("fetch-extension", "install-extension", "restart-jupyter", "set-idle-timeout")
MAX_RATIO, MAX_MEGABYTES = 1.2, 200.0
_PAGE_BYTES = 1024 * 1024  # of FilterLogEvents
_APPS_PER_PAGE = 100  # of ListApps

Calls = list[tuple[str, dict[str, Any]]]


class SimulatedAws:
    """Answers ListApps, FilterLogEvents and Invoke for a fleet that started within the last eight hours."""

    def __init__(self) -> None:
        self.call_seconds = CALL_SECONDS
        self.calls: Calls = []
        apps = [App("d-abcdefghijkl", f"user-{number:05}", "JupyterServer", "default") for number in range(APPS)]
        begun = [NOW - timedelta(seconds=28_000 * number / APPS) for number in range(APPS)]
        self._pages = [
            _encoded({"Apps": rows, **({"NextToken": str(end)} if end < APPS else {})})
            for end, rows in _pages([_row(app, at) for app, at in zip(apps, begun, strict=True)])
        ]
        lines = (line for app, at in zip(apps, begun, strict=True) for line in _lines(app, at))
        self._write_log(sorted(lines))
        self._setups = {app.label: _setup(app) for app in apps}

    def client(self, service: str) -> Any:  # noqa: ANN401 (the SDK makes it at run time)
        """A real client that is answered here."""
        client: Any = boto3.Session(region_name="us-east-1").client(service)  # type: ignore[call-overload]
        client.meta.events.register("before-parameter-build", self._note)
        client.meta.events.register("before-send", self._send)
        return client

    def _note(self, params: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401
        self.calls.append((model.name, dict(params)))

    def _send(self, request: AWSRequest, **_: object) -> AWSResponse:
        time.sleep(self.call_seconds)
        asked = json.loads(request.body or b"{}")
        if "logGroupName" in asked:
            body = self._log_page(asked)
        elif "detail" in asked:
            body = self._description(asked)
        else:
            body = self._pages[int(asked.get("NextToken", 0)) // _APPS_PER_PAGE]
        return AWSResponse(str(request.url), 200, HTTPHeaders(), _Body(body))

    def _write_log(self, lines: list[tuple[int, str]]) -> None:
        """Keep the log in a file, so that it does not count as memory: one page is one piece of it."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (open as long as the process)
        self._times_ms = [at_ms for at_ms, _ in lines]
        self._offsets = [0]
        for at_ms, text in lines:
            self._log.write(_event(at_ms, text) + b",")
            self._offsets.append(self._log.tell())

    def _log_page(self, asked: dict[str, Any]) -> bytes:
        """As many events as a page has, from the token on."""
        first = int(asked.get("nextToken", bisect_left(self._times_ms, asked["startTime"])))
        end = bisect_right(self._times_ms, asked["endTime"])
        last = max(first, min(end, bisect_right(self._offsets, self._offsets[first] + _PAGE_BYTES) - 1))
        self._log.seek(self._offsets[first])
        events = self._log.read(self._offsets[last] - self._offsets[first])
        token = b', "nextToken": "%d"' % last if last < end else b""
        return b'{"events": [' + events.removesuffix(b",") + b"]" + token + b"}"

    def _description(self, asked: dict[str, Any]) -> bytes:
        setups = b",".join(self._setups[App(**names).label] for names in asked["detail"]["apps"])
        return b'{"time_limit_seconds": 900, "commands": {}, "setups": [' + setups + b"]}"


class _Body:
    """The raw body of an answer, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = io.BytesIO(body)

    def stream(self, **_: object) -> Iterator[bytes]:
        """Yield all of it."""
        yield self._body.read()

    def read(self, amount: int | None = None, **_: object) -> bytes:
        """Read a part of it."""
        return self._body.read(amount)


def status(aws: SimulatedAws) -> Callable[[], None]:
    """What `studio-setup status` does, from its clients on, to the printed table."""
    log = FunctionLog(aws.client("logs"), "/aws/lambda/studio-setup")
    sources = Sources(aws.client("sagemaker"), aws.client("lambda"), "studio-setup", log)

    def work() -> None:
        found = survey(sources, Selection(), NOW, lambda _start, _apps: None)
        assert {app.state for app in found.apps} == {"succeeded"}
        assert (len(found.apps), found.not_described) == (APPS, "")
        with redirect_stdout(io.StringIO()):
            print_plain(found.apps, found.apps)

    return work


def bare_calls(aws: SimulatedAws, calls: Calls) -> Callable[[], None]:
    """The same calls, one after the other, and nothing done with their answers."""
    sagemaker, logs, function = (aws.client(service) for service in ("sagemaker", "logs", "lambda"))
    windows = [params for name, params in calls if name == "FilterLogEvents" and "nextToken" not in params]
    invocations = [params for name, params in calls if name == "Invoke"]

    def work() -> None:
        for page in sagemaker.get_paginator("list_apps").paginate(PaginationConfig={"PageSize": _APPS_PER_PAGE}):
            assert page["Apps"]
        for window in windows:
            for page in logs.get_paginator("filter_log_events").paginate(**window):
                assert "events" in page
        for invocation in invocations:
            assert function.invoke(**invocation)["Payload"].read()

    return work


def main() -> int:
    """Measure and report; 1 if a target is missed."""
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_EC2_METADATA_DISABLED="true")
    if sys.argv[1:] == ["memory"]:
        status(SimulatedAws())()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return 0
    aws = SimulatedAws()
    ours = status(aws)
    ours()
    calls = list(aws.calls)
    bare = bare_calls(aws, calls)
    table = Table()
    name = f"status of {APPS:,} running apps, {len(calls)} calls"
    taken = f"{name} that take {CALL_SECONDS * 1000:.0f} ms"
    table.add(Row(taken, *_compare(ours, bare, MAX_RATIO)))
    aws.call_seconds = 0.0
    table.add(Row(f"{name} that take no time", *_compare(ours, bare, None)))
    child = subprocess.run([sys.executable, __file__, "memory"], capture_output=True, text=True, check=True)
    megabytes = Measured.of([float(child.stdout)])
    table.add(Row("memory of `status`, the simulated answers included", megabytes, "MB", MAX_MEGABYTES))
    return table.exit_status


def _compare(
    ours: Callable[[], None], bare: Callable[[], None], target: float | None
) -> tuple[Measured, str, float | None, str, Measured]:
    """What a row has after its name."""
    our, their = in_turn(ours, bare, times=TIMES)
    return our, "s", target, "the bare calls", their


def _pages(rows: list[dict[str, object]]) -> Iterator[tuple[int, list[dict[str, object]]]]:
    for end in range(_APPS_PER_PAGE, APPS + 1, _APPS_PER_PAGE):
        yield end, rows[end - _APPS_PER_PAGE : end]


def _row(app: App, at: datetime) -> dict[str, object]:
    image = "arn:aws:sagemaker:us-east-1:081325390199:image/jupyter-server-3"
    return {
        "DomainId": app.domain_id,
        "UserProfileName": app.user_profile_name,
        "AppType": app.app_type,
        "AppName": app.app_name,
        "Status": "InService",
        "CreationTime": at.timestamp(),
        "ResourceSpec": {"InstanceType": "system", "SageMakerImageArn": image},
    }


def _lines(app: App, begun: datetime) -> Iterator[tuple[int, str]]:
    """The two lines of an app's setup that `status` asks for."""
    attempt = f"{abs(hash(app)):012x}"[:12]
    results = tuple(
        CommandResult(name, CommandState.EXITED, 0, 12.5, 12_345, 0, f"/var/studio-setup/{attempt}/{name}.log")
        for name in COMMANDS
    )
    report = SetupReport(
        outcome=Outcome.SUCCEEDED,
        code="succeeded",
        reason="",
        app=app,
        setup_version=VERSION,
        trigger=Trigger.EVENT,
        attempt=attempt,
        app_created_at=begun.isoformat(),
        run_id=attempt,
        seconds=95.2,
        commands=results,
    )
    common = {**app.as_dict(), "setup_version": VERSION, "trigger": "event", "attempt": attempt}
    for event, seconds, fields in (("setup.started", 60, common), ("setup.finished", 155, report.as_dict())):
        lambdas_own = {"level": "INFO", "logger": "studio_setup", "requestId": "8b5f3b0e-8a8b-4f3b-9b57-5d0b2a1d2c3d"}
        at = begun + timedelta(seconds=seconds)
        line = {"timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", "message": event, **lambdas_own, **fields}
        yield int(at.timestamp() * 1000), json.dumps(line)


def _event(at_ms: int, message: str) -> bytes:
    stream = "2026/11/22/[$LATEST]8b5f3b0e8a8b4f3b9b575d0b2a1d2c3d"
    fields = {
        "logStreamName": stream,
        "timestamp": at_ms,
        "message": message,
        "ingestionTime": at_ms,
        "eventId": "1" * 56,
    }
    return _encoded(fields)


def _setup(app: App) -> bytes:
    commands = [{"name": name, "timeout_seconds": 300} for name in COMMANDS]
    return _encoded({"app": app.label, "setup_version": VERSION, "commands": commands})


def _encoded(value: object) -> bytes:
    return json.dumps(value).encode()


if __name__ == "__main__":
    sys.exit(main())
