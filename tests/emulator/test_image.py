"""Apps that see what they find in Studio's images: paths, variables, programs; and apps without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator import namespaces
from emulator.inside import conda, sudo
from tests.support.needs import needs_root, refused
from tests.support.scenario import Place, Scenario
from tests.support.waiting import wait_until

pytestmark = pytest.mark.usefixtures("poll_often")


@pytest.fixture
def start_image_app(start_app: Callable[..., Scenario]) -> Callable[..., Scenario]:
    """A function that starts an app as in its image; the test is skipped where the machine refuses."""
    if reason := namespaces.refusal():
        refused("namespaces", reason)
    return lambda **options: start_app(as_in_image=True, **options)


def output(scenario: Scenario, command: str) -> str:
    """What a command prints that succeeds in an app."""
    report = scenario.set_up(command, claims_start=False)
    printed = scenario.log(report, "step-1").decode()
    assert report.outcome == "succeeded", printed
    return printed


def test_the_home_is_where_studio_has_it(start_image_app: Callable[..., Scenario], space: Place) -> None:
    """HOME, the working directory and the Jupyter server agree on it, and what is written there outlives the app."""
    scenario = start_image_app(place=space)
    assert (
        output(scenario, "echo kept > file; echo $HOME; pwd; echo $JUPYTER_SERVER_ROOT").split()
        == ["/home/sagemaker-user"] * 3
    )
    assert (scenario.home / "file").read_text() == "kept\n"
    scenario.restart_app_quickly()
    # The planned options were those of the first start alone.
    assert (scenario.home / "file").read_text() == "kept\n"


def test_variables_and_metadata_are_those_of_the_app(start_image_app: Callable[..., Scenario], space: Place) -> None:
    """The image's variables are there, its Python is at /opt/conda, and the metadata name the space."""
    scenario = start_image_app(place=space)
    assert output(scenario, "echo $AWS_REGION $STUDIO_LOGGING_DIR; command -v python").split() == [
        "us-east-1",
        "/var/log/studio/",
        "/opt/conda/bin/python",
    ]
    metadata = json.loads(output(scenario, "cat /opt/ml/metadata/resource-metadata.json"))
    assert metadata["SpaceName"] == space.space
    assert metadata["ResourceArn"].endswith(f"/{space.space}/JupyterLab/default")


def test_studio_classic_says_which_image_it_is(start_image_app: Callable[..., Scenario], user: Place) -> None:
    """Scripts tell JupyterLab 1 and 3 apart by this variable."""
    scenario = start_image_app(place=user, server="jupyterlab3")
    assert output(scenario, "echo $AWS_SAGEMAKER_JUPYTERSERVER_IMAGE") == "jupyter-server-3\n"
    assert "EnvironmentNameNotFound" not in output(scenario, 'eval "$(conda shell.bash hook)"; conda activate studio')


def test_what_sudo_changes_in_the_system_is_the_apps_alone(start_image_app: Callable[..., Scenario]) -> None:
    """A file in /etc and one in /usr are there inside, and never on this machine."""
    needs_root()
    scenario = start_image_app()
    assert output(scenario, "sudo touch /etc/of-the-app /usr/of-the-app; ls /etc/of-the-app /usr/of-the-app")
    assert not Path("/etc/of-the-app").exists()
    assert not Path("/usr/of-the-app").exists()


def test_an_app_without_a_network_is_reached_and_reaches_nothing(
    start_image_app: Callable[..., Scenario], space: Place
) -> None:
    """It has loopback alone, its server is on port 8888, and the names that it asks for are noted."""
    scenario = start_image_app(place=space, network=False)
    assert output(scenario, "cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '") == "lo\n"
    asks = "python -c 'import urllib.request as u; print(u.urlopen(\"http://localhost:8888/jupyterlab/default/api\").status)'"
    assert output(scenario, asks) == "200\n"
    assert output(scenario, "python -c 'import socket; socket.gethostbyname(\"a.example.org\")' 2>&1 || true")
    assert scenario.app.names_asked() == ("a.example.org",)


def test_its_server_can_be_restarted_from_inside(start_image_app: Callable[..., Scenario], space: Place) -> None:
    """restart-jupyter-server reaches the local Studio, and the setup goes on afterwards."""
    scenario = start_image_app(place=space, network=False)
    before = scenario.app.jupyter_pid
    assert "started" in output(scenario, "restart-jupyter-server; echo after >> ~/effects")
    assert scenario.app.jupyter_pid != before
    assert scenario.effects() == ["after"]


def test_a_process_that_clears_its_environment_does_not_escape(start_image_app: Callable[..., Scenario]) -> None:
    """Without the app's mark it is still in the app's namespace: it is listed, and ends with the app."""
    scenario = start_image_app()
    output(scenario, "env -i setsid sleep 287 > /dev/null 2>&1 &")
    (left,) = [pid for pid in scenario.app.processes() if pid != scenario.app.jupyter_pid]
    assert b"sleep" in Path(f"/proc/{left}/cmdline").read_bytes()
    scenario.app.delete()
    wait_until(lambda: not Path(f"/proc/{left}").exists(), "the end of the process")
    scenario.start()
    scenario.ready()


def test_without_namespaces_the_home_stays_and_sudo_is_refused(
    start_app: Callable[..., Scenario], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that refuses them still runs the app; sudo does not touch that machine."""
    monkeypatch.setattr(namespaces, "refusal", lambda: "not permitted")
    scenario = start_app(as_in_image=True)
    assert output(scenario, "echo $HOME").strip() == str(scenario.home)
    assert "sudo: refused" in output(scenario, "sudo true 2>&1 || true")


def inside(program: Any, *arguments: str) -> subprocess.CompletedProcess[str]:  # noqa: ANN401 (a module)
    """Run a program that stands for one of the image's."""
    return subprocess.run(
        [sys.executable, "-I", program.__file__, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "TOKEN": "x", "LANG": "C.UTF-8", "USER": "me"},
    )


def test_sudo_cleans_the_environment() -> None:
    """As sudoers(5) has it: a path of its own, the home of root, nothing of the caller's but the language."""
    found = inside(sudo, "-n", "-u", "root", "A=1", "env").stdout.splitlines()
    variables = dict(line.split("=", 1) for line in found)
    assert variables.pop("PATH").startswith("/usr/local/sbin:")
    assert variables["HOME"] == "/root"
    assert variables["A"] == "1"
    assert variables["SUDO_USER"] == "me"
    assert "TOKEN" not in variables


def test_sudo_can_keep_the_environment() -> None:
    """With -E."""
    assert "TOKEN=x" in inside(sudo, "-E", "env").stdout


def test_sudo_says_that_a_program_is_missing() -> None:
    """With its own words, and status 1."""
    done = inside(sudo, "no-such-program")
    assert (done.returncode, done.stderr) == (1, "sudo: no-such-program: command not found\n")


@pytest.mark.parametrize("arguments", [["install", "-y", "numpy"], ["create", "-n", "x"], ["list"], []])
def test_conda_never_pretends(arguments: list[str]) -> None:
    """Whatever needs packages fails, and says that nothing was done."""
    done = inside(conda, "26.7.0", "base", *arguments)
    assert done.returncode == 1
    assert "nothing was done" in done.stderr
    assert done.stdout == ""


def test_conda_says_what_there_is() -> None:
    """Its version and its environments."""
    assert inside(conda, "26.7.0", "base,studio", "--version").stdout == "conda 26.7.0\n"
    listed = inside(conda, "26.7.0", "base,studio", "env", "list").stdout
    assert [line.split()[0] for line in listed.splitlines() if not line.startswith("#")] == ["base", "studio"]
    assert inside(conda, "26.7.0", "base", "shell.activate", "studio").returncode == 1


def test_without_a_network_nothing_stands_in_for_github(start_image_app: Callable[..., Scenario], space: Place) -> None:
    """The extension's repository, which other apps clone from this machine, cannot be reached."""
    scenario = start_image_app(place=space, network=False)
    clone = "git clone https://github.com/aws-samples/sagemaker-studio-auto-shutdown-extension"
    assert "Could not resolve host" in output(scenario, f"{clone} 2>&1 || true")
    assert scenario.app.names_asked() == ("github.com",)
