"""Compares the engine with the obvious alternatives, in one run on one machine: `make bench`.

Everything goes through the local Studio's front door to a real Jupyter server. Only the ratios are comparable between
machines. Words after the program's name choose rows: `python bench/engine.py trivial output memory setup`.
"""

from __future__ import annotations

import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
from contextlib import closing
from urllib.parse import urlsplit

import boto3
import pexpect.replwrap
import requests
import websocket

from bench.table import Measured, Row, Table, in_turn
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


def main() -> int:
    """Measure and print what is asked for, everything if nothing is; 1 if a target is missed."""
    rows = set(sys.argv[1:]) or {*ROWS, "setup"}
    if unknown := rows - {*ROWS, "setup"}:
        sys.exit(f"There is no row {', '.join(sorted(unknown))}: they are {', '.join([*ROWS, 'setup'])}.")
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
                runs.open_run("bench", "0" * 16)
                for row, measure in ROWS.items():
                    if row in rows:
                        measure(runs)
        if "setup" in rows:
            whole_setups(app)
    return TABLE.exit_status


def engine(runs: RemoteRuns, script: str) -> None:
    """Run a command through the engine."""
    result = CommandRun("bench", Command(f"c{next(NUMBERS)}", script)).carry_out(runs)
    assert result.succeeded, result


def trivial_commands(runs: RemoteRuns) -> None:
    """Measure the smallest command."""
    name, shell = "one trivial command", pexpect.replwrap.bash()
    with tempfile.TemporaryDirectory() as folder:
        ours, bare, kept = in_turn(
            lambda: engine(runs, "true"),
            lambda: bash("true"),
            lambda: keep_bare(f"{folder}/{next(NUMBERS)}"),
            times=200,
        )
    (wrapped,) = in_turn(lambda: shell.run_command("true"), times=40)
    reason = f"three files, two sessions and two shells take {kept} s by themselves"
    TABLE.add(Row(name, ours, "s", 5, "bash -c true", bare, reason))
    TABLE.add(Row(name, ours, "s", 0.15, "pexpect.replwrap", wrapped))


def large_output(runs: RemoteRuns) -> None:
    """Measure a command with a large output."""
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = in_turn(lambda: engine(runs, MANY), lambda: bash(f"{MANY} > {folder}/{next(NUMBERS)}"), times=15)
    reason = (
        "its first and its last 32 KB are fetched for the log, and each time Jupyter's server pauses for some 40 ms: it"
        " sends a terminal's output in pieces of 4 KB without TCP_NODELAY (Tornado, WebSocketHandler.set_nodelay)"
    )
    TABLE.add(Row("a command that prints 79 MB", ours, "s", 1.5, "bash -c '… > file'", bare, reason))


def memory(runs: RemoteRuns) -> None:
    """Measure how much memory a very large output takes here."""
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    engine(runs, "head -c 1000000000 /dev/zero | tr '\\0' 'x'")
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
    TABLE.add(Row("memory growth during 1 GB of output", Measured.of([grown_kib / 1024]), "MB", 8))


TABLE = Table()
NUMBERS = itertools.count()
ROWS = {"trivial": trivial_commands, "output": large_output, "memory": memory}


def whole_setups(app: AppHandle) -> None:
    """Measure a setup of one trivial command, against login, terminal, prompt and delete with the bare libraries."""
    sagemaker = boto3.client("sagemaker")

    def ours() -> None:
        with requests.Session() as http:
            job = Job(APP, Setup((Command("true", "true"),)), claims_start=False)
            report = set_up(job, Tools(sagemaker, http), Deadline.after(60))
            assert report.outcome == "succeeded", report

    def bare() -> None:
        url = sagemaker.create_presigned_domain_url(DomainId=DOMAIN_ID, UserProfileName=USER)["AuthorizedUrl"]
        bare_terminal(url)

    measured, beside = in_turn(ours, bare, times=20)
    reason = "it also asks for domain, app, status and terminals, brings remote.sh and keeps a run"
    TABLE.add(
        Row("whole setup of a ready app", measured, "s", 1.25, "bare requests + websocket-client", beside, reason)
    )
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


def keep_bare(path: str) -> None:
    """Do the least that a command needs to outlive its connection: files for script, keeper and log, and a keeper."""
    script = 'echo true >"$1"; echo >"$1.keeper"; setsid bash "$1" >"$1.log"'
    subprocess.run(["setsid", "-w", "sh", "-c", script, "sh", path], check=True, stdin=subprocess.DEVNULL)


def bash(script: str) -> None:
    """Run the command on this machine."""
    subprocess.run(["bash", "-c", script], check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
