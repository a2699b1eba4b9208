"""One setup on the local Studio, from the engine's own log lines: what each step takes, and how much is logged.

The log lines are those that AWS's own formatter makes of them in Lambda's runtime.
"""

from __future__ import annotations

import logging
import os
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests

from bench.table import Measured, Row, Table
from emulator.handles import AppHandle
from emulator.studio import DOMAIN_ID, LocalStudio
from local_cloud.cloud import ROOT
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.report import SetupReport
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job, Tools, set_up

TIMES = 15
MAX_LOG_RATIO = 0.1
_APP = App(DOMAIN_ID, "bench", "JupyterServer", "default")
_INSTALL_BYTES = 1_300_000
_LINE = "Collecting a-package==1.2.3 from the lock file, using what is in the cache already"
_QUIET = Setup((Command("step-1", "echo done"), Command("step-2", "echo done")))
_INSTALL = Setup((Command("install", f"yes '{_LINE}' | head -c {_INSTALL_BYTES}"),))
# Step → the log line that ends it
_STEPS = {
    "domain and app described": "app.in_service",
    "presigned URL, login": "login.done",
    "Jupyter ready, terminal open": "terminal.opened",
    "shell ours, run begun": "command.started",
    "two commands run": "command.finished",
    "verdict kept, terminal deleted": "setup.finished",
}


class LogLines(logging.Handler):
    """Keeps when each line was written, and how many bytes it has in CloudWatch Logs."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        (path,) = ROOT.glob(".venvs/runtime/lib/*/site-packages/awslambdaric/lambda_runtime_log_utils.py")
        self.setFormatter(runpy.run_path(str(path))["JsonFormatter"]())
        self.clear()

    def clear(self) -> None:
        """Forget all of them."""
        self.bytes = 0
        self.moments: dict[str, float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line; of several of the same event, the last moment, but of starts the first."""
        self.bytes += len(self.format(record).encode())
        if record.msg != "command.started" or record.msg not in self.moments:
            self.moments[str(record.msg)] = record.created


@dataclass(frozen=True, slots=True)
class Studio:
    """A running app, and the lines of setups in it."""

    app: AppHandle
    lines: LogLines
    sagemaker: Any

    def set_up(self, setup: Setup) -> SetupReport:
        """Set the app up."""
        self.lines.clear()
        with requests.Session() as http:
            job = Job(_APP, setup, claims_start=False)
            self.lines.moments["setup.started"] = _now()
            report = set_up(job, Tools(self.sagemaker, http), Deadline.after(120))
            self.lines.moments["setup.finished"] = _now()
        assert report.outcome == "succeeded", report
        return report


def main() -> int:
    """Measure and report; 1 if a target is missed."""
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
    table, lines = Table(), LogLines()
    logging.getLogger("studio_setup").addHandler(lines)
    logging.getLogger("studio_setup").setLevel(logging.INFO)
    with LocalStudio() as local:
        local.add_domain()
        local.add_user_profile(_APP.user_profile_name)
        app = local.create_app(_APP.user_profile_name).wait_until_in_service()
        sagemaker = boto3.client("sagemaker", endpoint_url=local.sagemaker_endpoint)
        studio = Studio(app, lines, sagemaker)
        studio.set_up(_QUIET)  # whatever is done once is done
        _add_steps(table, studio)
        _add_log_bytes(table, studio)
        assert app.terminals() == []
    return table.exit_status


def _add_steps(table: Table, studio: Studio) -> None:
    steps: dict[str, list[float]] = {name: [] for name in _STEPS}
    to_first_command, log_bytes = [], []
    for _ in range(TIMES):
        studio.set_up(_QUIET)
        moments = studio.lines.moments
        before = moments["setup.started"]
        for name, event in _STEPS.items():
            steps[name].append(moments[event] - before)
            before = moments[event]
        to_first_command.append(moments["command.started"] - moments["app.in_service"])
        log_bytes.append(studio.lines.bytes / 1000)
    for name, seconds in steps.items():
        table.add(Row(f"step of a setup: {name}", Measured.of(second * 1000 for second in seconds), "ms"))
    table.add(Row('from "in service" to the first command', Measured.of(to_first_command), "s"))
    table.add(Row("log of a setup of two quiet commands", Measured.of(log_bytes), "kB"))
    table.picture("steps", {name: Measured.of(seconds).median for name, seconds in steps.items()})


def _add_log_bytes(table: Table, studio: Studio) -> None:
    """An install with much output: what is not logged has to be in the app, to the byte."""
    report = studio.set_up(_INSTALL)
    (result,) = report.commands
    kept_bytes = Path(result.log_path).stat().st_size
    logged, printed = Measured.of([studio.lines.bytes / 1000]), Measured.of([_INSTALL_BYTES / 1000])
    table.add(Row("log of an install that prints 1.3 MB", logged, "kB", MAX_LOG_RATIO, "its output", printed))
    table.add(Row("bytes of that output that are not in the app", Measured.of([_INSTALL_BYTES - kept_bytes]), "", 0))


def _now() -> float:
    """The moment on the clock of log records."""
    return logging.makeLogRecord({}).created


if __name__ == "__main__":
    sys.exit(main())
