"""The namespaces of an app as somebody who is not root gets them. Here root steps down to be that somebody."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator.inside import keep_namespaces
from tests.support.needs import needs, needs_root, refused

NOBODY = "65534"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder of nobody's, below none that is closed to them, with the program in it."""
    with tempfile.TemporaryDirectory(prefix="nobody-") as name:
        folder = Path(name)
        for part in ("home", "system", "environment"):
            (folder / part).mkdir()
        shutil.copy(keep_namespaces.__file__, folder / "keep_namespaces.py")
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, int(NOBODY), int(NOBODY))
        yield folder


def as_nobody() -> list[str]:
    """The command that runs a program as nobody."""
    needs_root()
    return [needs("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def unshared_python() -> list[str]:
    """The command that runs Python in namespaces of its own."""
    unshare = [needs("unshare"), "--user", "--map-root-user", "--mount"]
    for python in (sys.executable, "/usr/bin/python3"):
        command = [*unshare, python, "-I", "-S"]
        if subprocess.run([*as_nobody(), *command, "-c", ""], capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip("nobody can run no Python in namespaces here")


def test_somebody_who_is_not_root_gets_home_and_metadata_and_cannot_change_the_system(folder: Path) -> None:
    """The home is at its place, what this machine has in /home and /opt is still there, /etc stays as it is."""
    before = {path.name for path in Path("/home").iterdir()}
    wanted = {
        "system": str(folder / "system"),
        "private": [],
        "extended": ["/home", "/opt"],
        "binds": {"/home/sagemaker-user": str(folder / "home"), "/opt/conda": str(folder / "environment")},
        "files": {"/opt/ml/metadata/resource-metadata.json": "the metadata"},
        "folders": ["/var/log/apps"],
        "home": "/home/sagemaker-user",
    }
    keeper = subprocess.Popen(
        [*as_nobody(), *unshared_python(), folder / "keep_namespaces.py", json.dumps(wanted)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with keeper:
        assert keeper.stdout
        if (said := keeper.stdout.readline()) != "ready\n":
            refused("namespaces for nobody", said)
        enter = [
            needs("nsenter"),
            f"--target={keeper.pid}",
            "--user",
            "--preserve-credentials",
            "--mount",
            "--wd",
            "--",
        ]
        script = "pwd; ls /home; cat /opt/ml/metadata/*; touch made; touch /etc/made 2>/dev/null || echo refused"
        done = subprocess.run([*as_nobody(), *enter, "sh", "-c", script], capture_output=True, text=True, check=True)
        keeper.communicate()
    assert done.stdout.splitlines() == [
        "/home/sagemaker-user",
        *sorted(before | {"sagemaker-user"}),
        "the metadatarefused",
    ]
    assert (folder / "home" / "made").exists()
    assert not Path("/home/sagemaker-user").exists() or "sagemaker-user" in before
