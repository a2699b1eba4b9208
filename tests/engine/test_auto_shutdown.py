"""The setup that JupyterServer apps get: the auto-shutdown extension, where it can work, and what is said elsewhere."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from emulator.extension_repository import create_extension_repository, git_configuration
from setups import IDLE_TIMEOUT_MINUTES, auto_shutdown
from studio_setup.handler import lambda_handler
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import SetupReport
from tests.support.context import Context
from tests.support.documents import block
from tests.support.needs import needs_server
from tests.support.scenario import Scenario, statuses
from tests.support.stack import ROOT

StartApp = Callable[..., Scenario]

pytestmark = pytest.mark.usefixtures("poll_often")

# What Studio's image of JupyterLab 3 has; that of JupyterLab 1 has neither this variable nor conda.
CONDA = '#!/bin/sh\n[ "$1" = shell.bash ] && echo \'conda() { echo "conda $*" >> ~/effects; }\'\n'
IMAGES: dict[str, dict[str, object]] = {
    "notebook6-python39": {},
    "jupyterlab3-python39": {
        "files": {"conda": CONDA, ".bashrc": "PATH=~:$PATH\n"},
        "environment": {"AWS_SAGEMAKER_JUPYTERSERVER_IMAGE": "jupyter-server-3"},
        "shell": ("/bin/bash",),
    },
}
CANNOT_WORK = b"The auto-shutdown extension cannot work in this app: start it with Studio's image of JupyterLab 3"
PUBLIC_REPOSITORY = "AUTO_SHUTDOWN_REPOSITORY"


@pytest.mark.parametrize("server", IMAGES)
def test_the_extension_is_installed_and_answers(start_app: StartApp, server: str) -> None:
    """After the event, the extension's endpoint answers in the user's Studio, with the timeout that was set."""
    scenario = start_app(server=needs_server(server), ready=False, start_delay_seconds=1, **IMAGES[server])
    report = lambda_handler(scenario.event, Context())
    assert report["outcome"] == "succeeded"
    assert [command["exit_status"] for command in report["commands"]] == [0, 0, 0, 0, 0]
    assert idle_checker(scenario) == {"idle_time": 7200, "keep_terminals": False, "count": 2}
    assert scenario.effects() == (["conda activate studio"] * 2 if server == "jupyterlab3-python39" else [])
    assert scenario.app.terminals() == []
    assert scenario.app.processes() == [scenario.app.jupyter_pid]


def test_the_next_start_with_the_same_home_is_set_up_too(start_app: StartApp) -> None:
    """The home outlives the app: the setup uses what the last one left there, and succeeds again."""
    scenario = start_app(server=needs_server("notebook6-python39"))
    assert lambda_handler(scenario.event, Context())["outcome"] == "succeeded"
    scenario.restart_app_quickly()
    assert lambda_handler(scenario.event, Context())["outcome"] == "succeeded"
    scenario.app.delete()


@pytest.mark.parametrize("server", ["", "notebook6"], ids=["jupyter_server", "notebook6"])
def test_where_the_extension_cannot_work_the_setup_stops_at_once(shared_app: StartApp, server: str) -> None:
    """On today's Python the first command fails, before anything is fetched, and says what to do instead."""
    scenario = shared_app(server=server)
    report = set_up(scenario, auto_shutdown.from_github)
    assert (report.outcome, statuses(report)) == (Outcome.FAILED, [1])
    lines = scenario.log(report, "check-server").splitlines()
    assert lines[0] == b"This setup needs github.com over HTTPS, Python 3.7 to 3.9 and notebook 6 or older."
    assert lines[-1].startswith(CANNOT_WORK)
    assert b"built-in idle shutdown" in lines[-1]
    assert not (scenario.home / ".auto-shutdown").exists()


def test_a_bundle_with_the_archive_needs_no_network(start_app: StartApp, tmp_path: Path) -> None:
    """With the archive in the bundle, the extension is installed although git finds no host; nothing else differs."""
    archive = create_extension_repository(tmp_path / "repository") / auto_shutdown.ARCHIVE
    scenario = start_app(
        server=needs_server("jupyterlab3-python39"), environment={"GIT_CONFIG_SYSTEM": no_host(tmp_path)}
    )
    report = set_up(scenario, auto_shutdown.from_bundle, archive, sha256_of(archive))
    assert (report.outcome, statuses(report)) == (Outcome.SUCCEEDED, [0, 0, 0, 0, 0])
    assert idle_checker(scenario)["idle_time"] == 7200
    assert b"github.com" not in scenario.log(report, "check-server")


def test_without_a_route_to_the_host_the_setup_names_the_remedy(start_app: StartApp, tmp_path: Path) -> None:
    """Where github.com cannot be reached, fetching fails, and the last line says what to do about it."""
    scenario = start_app(
        server=needs_server("notebook6-python39"), environment={"GIT_CONFIG_SYSTEM": no_host(tmp_path)}
    )
    report = set_up(scenario, auto_shutdown.from_github)
    assert (report.outcome, statuses(report)) == (Outcome.FAILED, [0, 1])
    assert scenario.log(report, "fetch-extension").splitlines()[-1] == (
        b"The extension cannot be fetched from github.com. If this app has no route to the internet, deploy the"
        b" extension's archive with the function, as docs/setups-without-internet.md describes."
    )


@pytest.fixture
def silent_host() -> Iterator[int]:
    """The port of a host that takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_a_host_that_does_not_answer_does_not_hold_the_setup_up(silent_host: int, tmp_path: Path) -> None:
    """Fetching ends at its own limit, long before the command's, with no process left; here the limit is a second."""
    command = auto_shutdown.from_github(IDLE_TIMEOUT_MINUTES)[1]
    script = command.script.replace("timeout 120", "timeout 1")
    assert script != command.script
    assert command.timeout_seconds > 120
    environment = {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_SYSTEM": redirect_git(tmp_path, f"http://127.0.0.1:{silent_host}/"),
        **command.environment,
    }
    with subprocess.Popen(
        ["bash", "-c", script], env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        # The end of its standard error is the end of every process that git has started.
        _, said = run.communicate(timeout=60)
    assert run.returncode == 1
    assert "docs/setups-without-internet.md" in said
    assert not (tmp_path / ".auto-shutdown").exists()


@pytest.mark.parametrize(("content", "status"), [(b"the archive", 0), (b"another archive", 1)], ids=["right", "wrong"])
def test_the_documented_script_for_s3_takes_the_right_archive_only(tmp_path: Path, content: bytes, status: int) -> None:
    """The script of docs/setups-without-internet.md copies the archive from S3, and fails if the checksum differs."""
    script = block("fetch-from-s3").text
    assert auto_shutdown.ARCHIVE_SHA256 in script
    script = script.replace(auto_shutdown.ARCHIVE_SHA256, hashlib.sha256(b"the archive").hexdigest())
    (tmp_path / "object").write_bytes(content)
    aws = tmp_path / "aws"
    aws.write_text(
        f'#!/bin/sh\n[ "$1 $2 $4" = "s3 cp s3://BUCKET/setups/{auto_shutdown.ARCHIVE}" ] && cp ~/object "$5"\n'
    )
    aws.chmod(0o755)
    environment = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    run = subprocess.run(["bash", "-c", script], env=environment, check=False, capture_output=True, timeout=60)
    assert run.returncode == status, run.stderr
    assert (tmp_path / ".auto-shutdown" / auto_shutdown.ARCHIVE).read_bytes() == content


def test_the_documented_archive_is_that_of_the_setup() -> None:
    """Commit, name and checksum of the archive to download are those that the setups have."""
    page = (ROOT / "docs" / "setups-without-internet.md").read_text(encoding="utf-8")
    assert f"/{auto_shutdown.COMMIT}/{auto_shutdown.ARCHIVE}\n" in page
    assert f"{auto_shutdown.ARCHIVE_SHA256}  {auto_shutdown.ARCHIVE}" in page


@pytest.mark.skipif(PUBLIC_REPOSITORY not in os.environ, reason=f"{PUBLIC_REPOSITORY} names no clone of it")
@pytest.mark.parametrize("server", IMAGES)
@pytest.mark.parametrize("source", ["github", "bundle"])
def test_the_genuine_extension_is_installed_and_answers(
    start_app: StartApp, tmp_path: Path, server: str, source: str
) -> None:
    """The commands that ship, with a clone of the public repository in place of the stand-in."""
    clone = Path(os.environ[PUBLIC_REPOSITORY])
    configuration = tmp_path / "gitconfig"
    configuration.write_text(git_configuration(clone))
    options = {**IMAGES[server], "environment": {"GIT_CONFIG_SYSTEM": str(configuration)}}
    scenario = start_app(server=needs_server(server), **options)
    if source == "github":
        report = set_up(scenario, auto_shutdown.from_github)
        assert b"fetched 4609598" in scenario.log(report, "fetch-extension")
    else:
        report = set_up(scenario, auto_shutdown.from_bundle, clone / auto_shutdown.ARCHIVE)
    assert (report.outcome, statuses(report)) == (Outcome.SUCCEEDED, [0, 0, 0, 0, 0])
    answer = idle_checker(scenario)
    assert (answer["idle_time"], answer["keep_terminals"]) == (7200, False)
    assert answer["count"] >= 2


def set_up(scenario: Scenario, commands: Callable[..., Any], *arguments: object) -> SetupReport:
    """Run one of the two setups."""
    return scenario.set_up(*commands(IDLE_TIMEOUT_MINUTES, *arguments))


def idle_checker(scenario: Scenario) -> dict[str, Any]:
    """What the extension answers."""
    url = scenario.app.base_url + "sagemaker-studio-autoshutdown/idle_checker"
    answer: dict[str, Any] = requests.get(url, timeout=10).json()
    return answer


def redirect_git(folder: Path, url: str) -> str:
    """Write a git configuration that leads to a URL instead of github.com; its path."""
    path = folder / "gitconfig"
    path.write_text(f'[url "{url}"]\n\tinsteadOf = https://github.com/\n')
    return str(path)


def no_host(folder: Path) -> str:
    """Write a git configuration with which github.com refuses connections: port 1 of this machine is nobody's."""
    return redirect_git(folder, "http://127.0.0.1:1/")


def sha256_of(path: Path) -> str:
    """The SHA-256 checksum of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
