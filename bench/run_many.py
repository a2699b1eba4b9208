"""`studio-setup run` in 50 apps at once, beside the slowest of the 50 alone, in one run on one machine.

Real: the command line, its logins and terminals, the Jupyter servers and shells of the local Studio. Simulated: 50 apps
are 50 names for SERVERS real ones, which the SDK's edge puts in their place, because 50 Jupyter servers are too many
for one machine. On AWS each app has a machine of its own; here they share this one with the command line, so what the
slowest takes alone is multiplied by the number of apps that a core has. The local Studio's front door runs in the
process of the command line, and counts.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from typing import Any

import boto3

from bench.table import Measured, Row, Table
from emulator.studio import DOMAIN_ID, LocalStudio
from studio_setup_cli.main import main as studio_setup

APPS = 50
SERVERS = 5
TIMES = 3
MAX_RATIO = 2.0
NAMES = [f"user-{number:02}" for number in range(APPS)]


def main() -> int:
    """Measure and print; 1 if a target is missed."""
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
    with LocalStudio() as studio:
        os.environ["AWS_ENDPOINT_URL_SAGEMAKER"] = studio.sagemaker_endpoint
        studio.add_domain()
        apps = [studio.create_app(studio.add_user_profile(f"real-{number}")) for number in range(SERVERS)]
        for app in apps:
            app.wait_until_in_service()
        _give_apps_many_names()
        status = _measure()
        left = [terminal for app in apps for terminal in app.terminals()]
        print(f"terminals left: {len(left)}")
    return status or bool(left)


def _measure() -> int:
    _run(NAMES[:SERVERS])  # whatever is done once is done
    slowest = max(_run([name]) for name in NAMES)
    at_once = Measured.of(_run(NAMES) for _ in range(TIMES))
    cores = os.cpu_count() or 1
    beside = f"the slowest of them alone ({slowest:.2f} s) for each of the {APPS / cores:g} apps that a core has"
    table = Table()
    share = Measured.of([slowest * APPS / cores])
    table.add(Row(f"`run` in {APPS} apps at once", at_once, "s", MAX_RATIO, beside, share))
    return table.exit_status


def _run(names: Sequence[str]) -> float:
    """The seconds that the command line takes for one command in these apps."""
    options = [option for name in names for option in ("--user-profile-name", name)]
    many = ["--group", "--max-concurrency", str(len(names))]
    started = time.perf_counter()
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        status = studio_setup(["run", "--domain-id", DOMAIN_ID, *options, *many, "--command", "echo here"])
    taken = time.perf_counter() - started
    if status != 0 or "here" not in out.getvalue():
        sys.exit(f"{len(names)} apps: exit status {status}: {out.getvalue()}{err.getvalue()}")
    return taken


def _give_apps_many_names() -> None:
    """Let every client of the SDK ask for a real app where one of NAMES is asked for."""
    make: Any = boto3.Session.client

    def put_real(params: dict[str, Any], **_: object) -> None:
        name = params.get("UserProfileName", "")
        if name in NAMES:
            params["UserProfileName"] = f"real-{NAMES.index(name) % SERVERS}"

    def client(session: boto3.Session, *arguments: object, **options: object) -> object:
        made = make(session, *arguments, **options)
        made.meta.events.register("before-parameter-build", put_real)
        return made

    boto3.Session.client = client  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    sys.exit(main())
