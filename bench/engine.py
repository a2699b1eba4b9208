"""Compares the engine with the obvious alternatives, in one run on one machine: `make bench`.

Everything goes through the local Studio's front door to a real Jupyter server. Only the ratios are comparable between
machines.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import boto3
import pexpect.replwrap
import requests
import websocket

from emulator.handles import AppHandle
from emulator.studio import DOMAIN_ID, LocalStudio
from studio_setup.access.app_status import Owner
from studio_setup.access.connection import Connection
from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.http import Http
from studio_setup.access.login import Login
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.setup import Command, Setup
from studio_setup.runs.command_run import CommandRun
from studio_setup.runs.remote_runs import RemoteRuns
from studio_setup.setup_run import Job, Tools, set_up
from studio_setup.terminal.channel import Channel

USER = "bench"
APP = App(DOMAIN_ID, USER, "JupyterServer", "default")
MANY = "seq 1 10000000"  # 78,888,897 bytes


def main() -> None:
    """Measure and print everything."""
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
    with LocalStudio() as studio:
        os.environ["AWS_ENDPOINT_URL_SAGEMAKER"] = studio.sagemaker_endpoint
        studio.add_domain()
        studio.add_user_profile(USER)
        app = studio.create_app(USER).wait_until_in_service()
        with requests.Session() as http:
            deadline = Deadline.after(600)
            login = Login(ControlPlane(boto3.client("sagemaker"), deadline), APP, Owner(USER), deadline)
            connection = Connection(login, Http(http), Channel.open, deadline)
            with connection.open() as runs:
                in_the_engine(runs)
        whole_setups(app)


def in_the_engine(runs: RemoteRuns) -> None:
    """Measure single commands: the smallest one, and ones with a large output."""
    runs.open_run("bench", "0" * 16)
    numbers = iter(range(10**6))

    def engine(script: str) -> None:
        result = CommandRun("bench", Command(f"c{next(numbers)}", script)).carry_out(runs)
        assert result.succeeded, result

    with tempfile.TemporaryDirectory() as folder:
        shell = pexpect.replwrap.bash()
        trivial = median(lambda: engine("true"), 200)
        show("one trivial command", "bash -c true", trivial, median(lambda: bash("true"), 200), 5)
        show("one trivial command", "pexpect.replwrap", trivial, median(lambda: shell.run_command("true"), 40), 1 / 3)
        many = median(lambda: engine(MANY), 5)
        show(
            "a command that prints 79 MB",
            "bash -c '… > file'",
            many,
            median(lambda: bash(f"{MANY} > {folder}/f"), 5),
            1.5,
        )
        before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        engine("head -c 1000000000 /dev/zero | tr '\\0' 'x'")
        grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
        print(f"memory growth during 1 GB of output: {grown_kib / 1024:.1f} MB (target ≤ 8 MB)")


def whole_setups(app: AppHandle) -> None:
    """Measure a setup of one trivial command, against login, terminal, prompt and delete with the bare libraries."""
    sagemaker = boto3.client("sagemaker")

    def engine() -> None:
        with requests.Session() as http:
            job = Job(APP, Setup((Command("true", "true"),)), claims_start=False)
            report = set_up(job, Tools(sagemaker, http), Deadline.after(60))
            assert report.outcome == "succeeded", report

    def bare() -> None:
        url = sagemaker.create_presigned_domain_url(DomainId=DOMAIN_ID, UserProfileName=USER)["AuthorizedUrl"]
        bare_terminal(url)

    show("whole setup of a ready app", "bare requests + websocket-client", median(engine, 20), median(bare, 20), 1.5)
    assert app.terminals() == []


def bare_terminal(url: str) -> None:
    """Log in, open a terminal, wait for a prompt, delete the terminal."""
    with requests.Session() as http:
        http.get(url, timeout=10).raise_for_status()
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}/jupyter/default"
        xsrf = {"_xsrf": http.cookies["_xsrf"]}
        name = http.post(f"{base}/api/terminals", params=xsrf, timeout=10).json()["name"]
        cookie = "; ".join(f"{key}={value}" for key, value in http.cookies.get_dict().items())
        address = f"ws{base.removeprefix('http')}/terminals/websocket/{name}"
        with closing(websocket.create_connection(address, cookie=cookie, timeout=10)) as connection:
            seen = ""
            while not seen.endswith(("$ ", "# ")):
                message = json.loads(connection.recv())
                seen += message[1] if message[0] == "stdout" else ""
        http.delete(f"{base}/api/terminals/{name}", params=xsrf, timeout=10).raise_for_status()


def bash(script: str) -> None:
    """Run the command on this machine."""
    subprocess.run(["bash", "-c", script], check=True, stdin=subprocess.DEVNULL)


def median(work: Callable[[], object], times: int) -> float:
    """The median duration of that many runs, in seconds."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def show(what: str, alternative: str, ours: float, theirs: float, target: float) -> None:
    """Print both durations, their ratio, and the most that it should be."""
    print(
        f"{what}: {ours * 1000:.1f} ms; {alternative}: {theirs * 1000:.1f} ms;"
        f" ratio {ours / theirs:.2f} (target ≤ {target:.2f})"
    )


if __name__ == "__main__":
    main()
