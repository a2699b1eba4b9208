"""The cloud's process: starts it on a free port, knows how to reach it, ends it with everything that it started."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[1]
ACCOUNT_ID = "111122223333"
REGION = "us-east-1"
# Made up; they are only in the environment of child processes.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_SESSION_TOKEN": "local"}
_PYTHON = ROOT / ".venvs/cloud/bin/python"
RUNTIME_PYTHON = ROOT / ".venvs/runtime/bin/python"
_END_LIMIT_SECONDS = 10.0


class LocalCloud:
    """An AWS on loopback; `with` starts and ends it. `endpoint` is its URL."""

    def __init__(self, sagemaker_endpoint: str) -> None:
        self.endpoint = ""
        self._sagemaker_endpoint = sagemaker_endpoint
        self._process: subprocess.Popen[str]
        self._folder = Path()

    @property
    def environment(self) -> dict[str, str]:
        """The environment for a program that is to use this cloud as AWS, and the local Studio as SageMaker."""
        return {
            **clean_environment(),
            **CREDENTIALS,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_SAGEMAKER": self._sagemaker_endpoint,
            "SAM_CLI_POLL_DELAY": "0.2",
            "SAM_CLI_TELEMETRY": "0",
            "__SAM_CLI_APP_DIR": str(self._folder / "sam"),  # otherwise it writes into the home directory
        }

    @property
    def log_path(self) -> Path:
        """The cloud's own log."""
        return self._folder / "cloud.log"

    def __enter__(self) -> Self:
        """Start the cloud and wait until it listens.

        Raises:
            RuntimeError: it did not start; the message has the end of its log.
        """
        self._folder = Path(tempfile.mkdtemp(prefix="local-cloud-")).resolve()
        with self.log_path.open("w") as log:
            self._process = subprocess.Popen(
                [_PYTHON, Path(__file__).parent / "inside" / "serve.py"],
                env=self._own_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self._folder,
                start_new_session=True,  # so that it can be ended together with what it starts
            )
        try:
            self.endpoint = self._read_endpoint()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the cloud and every running function, and remove its files."""
        self.close()

    def close(self) -> None:
        """End the cloud and all its processes, wait for their ends, and remove its files."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_LIMIT_SECONDS)
        _end_group(self._process.pid)
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def client(self, service: str) -> Any:  # noqa: ANN401 (the SDK makes it at run time)
        """Return an SDK client for a service of this cloud; for SageMaker, one of the local Studio."""
        endpoint = self._sagemaker_endpoint if service == "sagemaker" else self.endpoint
        config = Config(connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 1})
        access = {name.lower(): value for name, value in CREDENTIALS.items()}
        untyped: Any = boto3.Session(region_name=REGION)
        return untyped.client(service, endpoint_url=endpoint, config=config, **access)

    def processes(self) -> list[int]:
        """Return the ids of the processes that are running functions."""
        return [pid for pid in _group_members(self._process.pid) if pid != self._process.pid]

    def _read_endpoint(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError(f"The local cloud did not start:\n{self.log_path.read_text()[-2000:]}")
        return str(json.loads(line)["endpoint"])

    def _own_environment(self) -> dict[str, str]:
        return {
            **clean_environment(),
            **CREDENTIALS,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_SAGEMAKER": self._sagemaker_endpoint,
            "BIND_HOST": "127.0.0.1",
            "DOCKER_HOST": f"unix://{self._folder}/none",  # no Docker: it would look there for containers to use
            "LAMBDA_EXECUTOR": "local",
            "LAMBDA_PYTHON": str(RUNTIME_PYTHON),
            "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
            "MINISTACK_REGION": REGION,
            "PYTHONDONTWRITEBYTECODE": "1",
            "S3_DATA_DIR": str(self._folder / "s3"),
            "STATE_DIR": str(self._folder / "state"),
            "TMPDIR": str(self._folder),
        }


def clean_environment() -> dict[str, str]:
    """Return the environment of this process without AWS settings, proxies and Python settings."""
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "PYTHON", "MINISTACK_", "SAM_CLI_")) and name.lower() not in proxies
    }


def _group_members(group: int) -> list[int]:
    members = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the name, which is in parentheses and may hold anything: state, parent, group.
            state, _, member_of = path.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue  # it has just ended
        if int(member_of) == group and state != "Z":
            members.append(int(path.parent.name))
    return members


def _end_group(group: int) -> None:
    give_up = time.monotonic() + _END_LIMIT_SECONDS
    while _group_members(group):
        if time.monotonic() > give_up:
            raise RuntimeError(f"Processes of the local cloud do not end: {_group_members(group)}")
        os.killpg(group, signal.SIGKILL)
        time.sleep(0.02)
