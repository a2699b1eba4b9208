"""AWS's Lambda runtime interface emulator, which is part of the SAM command line, with a bundle.

At the function's timeout it ends the invocation as Lambda does, by killing the whole runtime. It takes one invocation
at a time, and needs no Docker.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any, Self

import requests

from local_cloud.cloud import ROOT, RUNTIME_PYTHON, LocalCloud
from local_cloud.log import parsed
from tests.support.log_lines import assert_declared
from tests.support.waiting import wait_until

_PROCESSOR = "arm64" if platform.machine() in {"aarch64", "arm64"} else "x86_64"
_INVOCATION_LIMIT_SECONDS = 60


class RuntimeEmulator:
    """A bundle on the runtime emulator; `with` starts and ends it."""

    def __init__(self, bundle: Path, cloud: LocalCloud, log: Path, timeout_seconds: int = 300) -> None:
        self._bundle = bundle
        self._cloud = cloud
        self._log = log
        self._timeout_seconds = timeout_seconds
        self._address = ""
        self._process: subprocess.Popen[bytes]

    def __enter__(self) -> Self:
        """Start the emulator and wait until it listens."""
        (emulator,) = ROOT.glob(f".venvs/sam/lib/python*/site-packages/samcli/local/rapid/aws-lambda-rie-{_PROCESSOR}")
        own, runtimes = _free_addresses(2)
        self._address = own
        options = ["--runtime-interface-emulator-address", own, "--runtime-api-address", runtimes]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [emulator, *options, RUNTIME_PYTHON, "-m", "awslambdaric", "studio_setup.handler.lambda_handler"],
                cwd=self._bundle,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_until(self._listens, "the runtime emulator")
        return self

    def __exit__(self, *_: object) -> None:
        """End the emulator and the runtime; fail if a line of the log is not declared."""
        log = self._lines()  # before the end, of which the runtime complains
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        assert_declared(log)

    def invoke(self, event: dict[str, Any]) -> Any:  # noqa: ANN401 (what the function answers)
        """Invoke the function; its answer, or the emulator's own message if that is not JSON."""
        url = f"http://{self._address}/2015-03-31/functions/function/invocations"
        answer = requests.post(url, json=event, timeout=_INVOCATION_LIMIT_SECONDS)
        try:
            return answer.json()
        except ValueError:
            return answer.text

    def log(self) -> list[dict[str, Any]]:
        """The function's log lines."""
        return [line for line in self._lines() if "message" in line]

    def _lines(self) -> list[dict[str, Any]]:
        return [parsed(line) for line in self._log.read_text().splitlines()]

    def _environment(self) -> dict[str, str]:
        return {
            **self._cloud.environment,
            "APP_TYPES": "JupyterServer,JupyterLab",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_NAME": "studio-setup",
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self._timeout_seconds),
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_LEVEL": "INFO",
            "LAMBDA_TASK_ROOT": str(self._bundle),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _listens(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        host, port = self._address.split(":")
        with socket.socket() as probe:
            return probe.connect_ex((host, int(port))) == 0


def _free_addresses(count: int) -> list[str]:
    """Addresses that are free at the moment; the emulator does not accept port 0."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
