"""The example `python_environment`: a kernel with the pinned packages, apart from the image's."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from examples.setups import python_environment
from studio_setup.model.setup import Command
from tests.support.disks import small_disks
from tests.support.example_services import Aws, SetUp, running_index
from tests.support.scenario import Place, Scenario, statuses
from tests.support.stack import ROOT
from tests.support.wheels import requirements_of, write_installed, write_wheel

BUCKET = "wheels"
# Runs a line in a kernel, as a notebook does.
RUN_IN_KERNEL = """
import sys
from jupyter_client.manager import start_new_kernel

manager, client = start_new_kernel(kernel_name="team")
answer = client.execute_interactive(sys.argv[1], timeout=60, output_hook=lambda message: print(
    message["content"].get("text", message["content"].get("evalue", "")), end=""))
client.stop_channels()
manager.shutdown_kernel(now=True)
"""


@pytest.fixture(scope="module")
def kernel_wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The wheels of ipykernel and of all that it needs."""
    return write_installed(tmp_path_factory.mktemp("wheels"), "ipykernel")


class Wheelhouse:
    """A folder with wheels: those of a kernel, and one of the team's own package."""

    def __init__(self, folder: Path, kernel_wheels: list[Path]) -> None:
        self.folder = folder
        self._kernel_wheels = kernel_wheels
        for wheel in kernel_wheels:
            (folder / wheel.name).hardlink_to(wheel)

    def requirements(self, version: str) -> str:
        """The requirements with this version of the team's package, which is put into the folder."""
        code = {"team_package.py": f"VERSION = {version!r}\n".encode()}
        return requirements_of([*self._kernel_wheels, write_wheel(self.folder, "team_package", version, code)])

    def commands(self, version: str) -> tuple[Command, ...]:
        """The example, with this folder."""
        requirements = self.requirements(version)
        return python_environment.from_wheelhouse(str(self.folder), requirements=requirements)


@pytest.fixture
def wheelhouse(tmp_path: Path, kernel_wheels: list[Path]) -> Wheelhouse:
    """A folder with wheels."""
    folder = tmp_path / "wheelhouse"
    folder.mkdir()
    return Wheelhouse(folder, kernel_wheels)


@pytest.fixture
def bucket(aws: Aws) -> Iterator[str]:
    """A bucket, empty in the end."""
    storage = aws.client("s3")
    storage.create_bucket(Bucket=BUCKET)
    yield BUCKET
    for item in storage.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        storage.delete_object(Bucket=BUCKET, Key=item["Key"])
    storage.delete_bucket(Bucket=BUCKET)


def test_a_kernel_has_the_packages_from_s3_and_then_from_an_index(
    app: Scenario, set_up: SetUp, aws: Aws, bucket: str, wheelhouse: Wheelhouse
) -> None:
    """The kernel has what is pinned, whatever happens to the source, and changes over with the requirements."""
    first, second = wheelhouse.requirements("1.0"), wheelhouse.requirements("2.0")
    for wheel in wheelhouse.folder.iterdir():
        aws.client("s3").upload_file(str(wheel), bucket, f"python/{wheel.name}")
    report, printed = set_up(*quick(python_environment.from_wheelhouse(f"s3://{bucket}/python/", requirements=first)))
    assert statuses(report) == [0], printed
    assert "team" in requests.get(app.app.base_url + "api/kernelspecs", timeout=10).json()["kernelspecs"]
    before = environments(app)

    report, printed = set_up(*python_environment.from_wheelhouse("s3://not-there/", requirements=first))
    assert (statuses(report), environments(app)) == ([0], before)
    assert "is there." in printed

    with running_index(wheelhouse.folder, aws.tokens) as url:
        configure_pip(app, url.replace("//", f"//aws:{aws.new_token()}@") + "/simple/")
        write_wheel(wheelhouse.folder, "team_package", "2.0", {"team_package.py": b"VERSION = 'not the one'\n"})
        report, printed = set_up(*quick(python_environment.from_index(requirements=second)))
        assert (statuses(report), environments(app)) == ([1], before)
        assert "DO NOT MATCH THE HASHES" in printed
        assert in_kernel(app, "import team_package; print(team_package.VERSION)") == "1.0\n"

        wheelhouse.requirements("2.0")
        report, printed = set_up(*quick(python_environment.from_index(requirements=second)))
    assert statuses(report) == [0], printed
    assert in_kernel(app, "import team_package; print(team_package.VERSION)") == "2.0\n"
    assert len(environments(app)) == 1
    assert environments(app) != before
    assert statuses(set_up(Command("base", "python3 -c 'import team_package'"))[0]) == [1]


@pytest.mark.parametrize("source", ["s3://nowhere/wheels/", ""], ids=["s3", "index"])
def test_a_source_that_is_away_fails_the_setup(
    app: Scenario, set_up: SetUp, wheelhouse: Wheelhouse, source: str
) -> None:
    """Where the wheels cannot be fetched, the setup fails with the reason and leaves no half environment."""
    requirements = wheelhouse.requirements("1.0")
    (command,) = python_environment.from_wheelhouse(source, requirements=requirements)
    nowhere = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1", "PIP_INDEX_URL": "http://127.0.0.1:1/simple/"}
    report, printed = set_up(Command(command.name, command.script, environment={**command.environment, **nowhere}))
    assert statuses(report) == [1]
    assert "cannot be fetched from s3://nowhere/wheels/" in printed if source else "No matching distribution" in printed
    assert environments(app) == []


def test_a_full_disk_leaves_no_half_environment(
    start_app: Callable[..., Scenario], space: Place, wheelhouse: Wheelhouse, tmp_path: Path
) -> None:
    """Where the packages do not fit, the setup fails and its space is free again."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disks({folder: "size=20m"}) as disks:
        scenario = start_app(place=space, launcher=disks.enter, environment={"HOME": str(folder)})
        report = scenario.set_up(*wheelhouse.commands("1.0"), claims_start=False)
        assert statuses(report) == [1]
        assert b"The environment team cannot be made" in scenario.log(report, "make-environment")
        root = disks.inside(folder) / ".local/share/studio-setup/environments/team"
        assert [path.name for path in root.iterdir()] == []


def test_the_requirements_that_ship_are_pinned_with_hashes() -> None:
    """Each line is a package in one version with its hashes, and they are in the script."""
    (command,) = python_environment.from_index()
    text = (ROOT / "examples" / "setups" / "python_environment" / "requirements.txt").read_text()
    assert shlex.quote(text) in command.script
    lines = text.replace("\\\n", " ").splitlines()
    packages = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert any(line.startswith("ipykernel==") for line in packages)
    assert all("==" in line and "--hash=sha256:" in line for line in packages)


def quick(commands: tuple[Command, ...]) -> tuple[Command, ...]:
    """The same, without compiling what is installed."""
    return tuple(replace(one, environment={**one.environment, "PIP_NO_COMPILE": "1"}) for one in commands)


def configure_pip(app: Scenario, index_url: str) -> None:
    """Lead the user's pip to an index."""
    folder = app.home / ".config" / "pip"
    folder.mkdir(parents=True)
    (folder / "pip.conf").write_text(f"[global]\nindex-url = {index_url}\nno-index = false\n")


def environments(app: Scenario) -> list[Path]:
    """The environments in the home."""
    return sorted(app.home.glob(".local/share/studio-setup/environments/team/*"))


def in_kernel(app: Scenario, code: str) -> str:
    """What a line of code prints in the kernel."""
    programs = app.app.tmp.parent / "env" / "bin"
    command: list[str | Path] = [programs / "python", "-c", RUN_IN_KERNEL, code]
    run = subprocess.run(command, env=app.app.environment(), capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout
