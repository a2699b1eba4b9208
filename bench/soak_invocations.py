"""Invocations of the function as in Lambda: in warm processes that are reused, and killed.

This module is both the side that starts them and, as `python -m bench.soak_invocations`, the process that has imported
everything and forks an invoking process whenever it is asked to. Each invoking process has a folder of its own, where
it writes its log, from DEBUG on, to the file `log`, and every secret that it receives to the file `secrets`.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import requests

from studio_setup import handler
from studio_setup.access import backoff
from studio_setup.model.report import SetupFailed
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job

LOG = logging.getLogger("invocation")
_SECRET_COOKIES = {"LocalStudioSession", "_xsrf"}
_SETTINGS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class Invocations:
    """Starts invoking processes for one SageMaker endpoint; `with` ends them.

    `first_round_seconds`: the time within which a throttled call is repeated first; None for the engine's own.
    """

    def __init__(self, folder: Path, endpoint: str, first_round_seconds: float | None = None) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), str(folder), str(first_round_seconds or "")],
                pass_fds=[theirs.fileno()],
                env={
                    **os.environ,
                    **_SETTINGS,
                    "AWS_ENDPOINT_URL_SAGEMAKER": endpoint,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
            )

    def __enter__(self) -> Self:
        """Do nothing: everything is started already."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the forking process; the invoking ones end when their pipes are closed."""
        self._control.close()
        self._process.wait(10)

    def new(self) -> Invoker:
        """Start an invoking process."""
        with self._lock:
            ours, theirs = Pipe()
            with theirs:
                socket.send_fds(self._control, [b"1"], [theirs.fileno()])
                pid = int.from_bytes(self._control.recv(4))
        return Invoker(pid, ours)


@dataclass
class Invoker:
    """One invoking process."""

    pid: int
    pipe: Connection
    ended: bool = False

    def begin(
        self, event: dict[str, Any], commands: list[dict[str, Any]], *, claims_start: bool = True, seconds: float = 180
    ) -> None:
        """Begin an invocation of the function with a setup of these commands, an event, and that much time."""
        order = {"event": event, "commands": commands, "claims_start": claims_start, "seconds": seconds}
        self.pipe.send(order)

    def result(self, within_seconds: float) -> dict[str, Any] | None:
        """The result of the invocation; None if it takes longer."""
        return self.pipe.recv() if self.pipe.poll(within_seconds) else None

    def kill(self) -> None:
        """Kill the process with SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)
        self.end()

    def end(self) -> None:
        """Close the pipe: an idle process then ends by itself."""
        self.ended = True
        self.pipe.close()


def resident_kib(pid: int) -> int:
    """The resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def main() -> None:
    """Fork an invoking process for every pipe that is received."""
    control, folder = socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])
    if sys.argv[3]:
        backoff.FIRST_ROUND_SECONDS = float(sys.argv[3])
    requests.Session = _RecordingSession  # type: ignore[misc]
    handler.sagemaker_client()  # created once, before the first fork, so that every invocation is a warm one
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
    while True:
        _, pipes, _, _ = socket.recv_fds(control, 1, 1)
        if not pipes:
            return
        pid = os.fork()
        if not pid:
            control.close()
            _serve(Connection(pipes[0]), folder / str(os.getpid()))
            os._exit(0)
        os.close(pipes[0])
        control.send(pid.to_bytes(4))


def _serve(pipe: Connection, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    handler._knows_run = lambda: functools.partial(_is_claim_known, folder.parent)  # noqa: SLF001 (the log is here)
    log = logging.FileHandler(folder / "log")
    log.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.DEBUG, handlers=[log], force=True)
    _RecordingSession.path = folder / "secrets"
    while True:
        try:
            order = pipe.recv()
        except EOFError:
            return
        pipe.send(_invoke(order))


def _is_claim_known(folder: Path, _app: object, run_id: str, *_: object) -> bool:
    """Does the log of any invoking process have the beginning of the attempt that gave the run its id?"""
    began = re.compile(rf'"msg": "setup\.started".*"attempt": "{run_id}"')
    return any(began.search(line) for log in folder.glob("*/log") for line in log.open(errors="replace"))


def _invoke(order: dict[str, Any]) -> dict[str, Any]:
    setup = Setup(tuple(Command(**command) for command in order["commands"]))
    job = functools.partial(Job, claims_start=order["claims_start"])
    began, began_cpu = time.monotonic(), time.process_time()
    report, error = None, ""
    with mock.patch.object(handler, "setup_for", return_value=setup), mock.patch.object(handler, "Job", job):
        try:
            report = handler.lambda_handler(order["event"], _Context(order["seconds"]))
        except SetupFailed as failed:
            report = failed.report.as_dict()
            LOG.exception("the function raised an error, which Lambda logs")
        except Exception:
            error = traceback.format_exc()
            LOG.exception("the function raised an error, which Lambda logs")
    seconds, cpu_seconds = time.monotonic() - began, time.process_time() - began_cpu
    return {"report": report, "error": error, "seconds": seconds, "cpu_seconds": cpu_seconds}


@dataclass(frozen=True)
class _Context:
    seconds: float

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class JsonFormatter(logging.Formatter):
    """Formats everything that a record has, as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        trace = self.formatException(record.exc_info) if record.exc_info else ""
        return json.dumps({**record.__dict__, "args": repr(record.args), "exc_info": trace}, default=repr)


class _RecordingSession(requests.Session):
    """Records secrets: tokens of presigned URLs, session cookies, XSRF tokens."""

    path = Path(os.devnull)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # noqa: ANN401 (theirs)
        self._note(parse_qs(urlsplit(request.url or "").query).get("token", []))
        response = super().send(request, **options)
        self._note([cookie.value or "" for cookie in response.cookies if cookie.name in _SECRET_COOKIES])
        return response

    def _note(self, secrets: list[str]) -> None:
        if secrets:
            with self.path.open("a") as file:
                file.writelines(f"{secret}\n" for secret in secrets)


if __name__ == "__main__":
    main()
