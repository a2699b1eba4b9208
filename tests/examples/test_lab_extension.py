"""The example `lab_extension`: JupyterLab has the extension and the settings, at every start."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from examples.setups import lab_extension
from studio_setup import BadInput
from tests.support.example_services import Aws, SetUp, install_aws_command
from tests.support.scenario import Place, Scenario, statuses
from tests.support.wheels import write_wheel

NAME = "team-extension"
PLUGIN = "@jupyterlab/docmanager-extension:plugin"
SETTINGS = {PLUGIN: {"autosaveInterval": 60}}
# As `jupyter labextension build` leaves it: JupyterLab, "Distributing a prebuilt extension".
MANIFEST = {"name": NAME, "version": "1.0.0", "jupyterlab": {"_build": {"load": "static/remoteEntry.js"}}}
OVERRIDES = Path(".jupyter/labconfig/default_setting_overrides.json")


def write_extension(folder: Path, script: bytes) -> Path:
    """Write a wheel with a prebuilt extension."""
    data = f"team_extension-1.0.data/data/share/jupyter/labextensions/{NAME}"
    files = {f"{data}/package.json": json.dumps(MANIFEST).encode(), f"{data}/static/remoteEntry.js": script}
    return write_wheel(folder, "team_extension", "1.0", files)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A wheel with the extension."""
    return write_extension(tmp_path, b"// ours\n")


def test_jupyterlab_has_the_extension_and_the_settings(
    start_app: Callable[..., Scenario], space: Place, wheel: Path
) -> None:
    """After each of two setups, and in the next start of the app, the page has the extension, whose file is served."""
    scenario = start_app(place=space)
    (scenario.home / OVERRIDES).parent.mkdir(parents=True)
    (scenario.home / OVERRIDES).write_text('{"the-users": {"own": true}}')
    for restarts in (False, False, True):
        if restarts:
            scenario.restart_app_quickly()
        report = scenario.set_up(*lab_extension.from_bundle(wheel, NAME, SETTINGS), claims_start=False)
        assert statuses(report) == [0, 0], scenario.log(report, report.commands[-1].name)
        url = f"{scenario.app.base_url}lab/extensions/{NAME}/static/remoteEntry.js"
        assert requests.get(url, timeout=10).text == "// ours\n"
    assert json.loads((scenario.home / OVERRIDES).read_text()) == {"the-users": {"own": True}, **SETTINGS}
    scenario.app.delete()


def test_a_wheel_from_s3_has_to_be_the_right_one(
    start_app: Callable[..., Scenario], space: Place, aws: Aws, wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Another wheel of that name is not installed; with S3 away, the setup says what is needed."""
    scenario = start_app(place=space, environment=aws.environment)
    install_aws_command(scenario.app.tmp.parent / "env" / "bin")
    storage = aws.client("s3")
    storage.create_bucket(Bucket="extensions")
    uri = f"s3://extensions/{wheel.name}"

    def set_up(content: bytes) -> list[int | None]:
        storage.put_object(Bucket="extensions", Key=wheel.name, Body=content)
        checksum = hashlib.sha256(wheel.read_bytes()).hexdigest()
        return statuses(scenario.set_up(*lab_extension.from_s3(uri, checksum, NAME, SETTINGS), claims_start=False))

    another = write_extension(tmp_path_factory.mktemp("another"), b"// theirs\n")
    assert set_up(another.read_bytes()) == [1]
    assert set_up(wheel.read_bytes()) == [0, 0]
    storage.delete_object(Bucket="extensions", Key=wheel.name)
    storage.delete_bucket(Bucket="extensions")
    report = scenario.set_up(*lab_extension.from_s3(uri, "0" * 64, NAME, SETTINGS), claims_start=False)
    assert statuses(report) == [1]
    assert b"a gateway endpoint for S3" in " ".join(scenario.log(report, "install-extension").decode().split()).encode()


def test_an_extension_that_is_not_there_fails_the_check(set_up: SetUp, wheel: Path) -> None:
    """If the page has no such extension, the setup fails and says which it has."""
    check = lab_extension.from_bundle(wheel, "no-such-extension", SETTINGS)[-1]
    report, printed = set_up(check)
    assert statuses(report) == [1]
    assert "JupyterLab does not have the extension no-such-extension; it has " in printed


def test_a_wheel_that_is_missing_is_refused(tmp_path: Path) -> None:
    """Before anything runs, with the reason."""
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        lab_extension.from_bundle(tmp_path / "none.whl", NAME, SETTINGS)
