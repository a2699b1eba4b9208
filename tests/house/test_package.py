"""The wheel: the engine and the command line, typed, without anybody's setups, and usable where nothing else is."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

import pytest

from emulator.studio import DOMAIN_ID
from tests.support.scenario import Scenario

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("studio_setup", "studio_setup_cli")
THREE_LINES = """
import studio_setup
with studio_setup.connect({domain_id!r}, user={user!r}) as app:
    print(app.run("echo 'Hi, world!'"))
"""


def _run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, without the path to the checkout's modules."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built by the pinned backend without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    built = _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def files(wheel: Path) -> dict[str, bytes]:
    """What is in the wheel: name and content."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _metadata(files: dict[str, bytes], name: str) -> str:
    """One of the wheel's files about itself."""
    (content,) = (content for path, content in files.items() if path.endswith(f".dist-info/{name}"))
    return content.decode()


@pytest.fixture
def metadata(files: dict[str, bytes]) -> Message:
    """What the wheel says of itself."""
    return HeaderParser().parsestr(_metadata(files, "METADATA"))


def _install(requirement: str, folder: Path) -> Path:
    """Install into a new environment, as `make` does: by uv, or by pip if only pip knows an index. Its programs."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    uv = (sys.executable, "-m", "uv", "pip", "install", "--python", python, requirement)
    pip = (sys.executable, "-m", "pip", "--python", python, "install", requirement)
    by_uv = _run(*uv, cwd=folder)
    if by_uv.returncode:
        by_pip = _run(*pip, cwd=folder)
        assert by_pip.returncode == 0, by_uv.stderr + by_pip.stderr
    return python.parent


def test_the_wheel_has_the_two_packages_whole_and_alone(files: dict[str, bytes]) -> None:
    """Every file of the engine and the command line is in it unchanged, and no setup, test or emulator."""
    source = ROOT / "src"
    ours = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for package in PACKAGES
        for path in (source / package).rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert {"studio_setup/runs/remote.sh", "studio_setup/py.typed", "studio_setup_cli/py.typed"} <= ours.keys()
    assert {name: content for name, content in files.items() if ".dist-info/" not in name} == ours


def test_the_wheel_says_what_it_is(metadata: Message, files: dict[str, bytes]) -> None:
    """Name, licence with its text, README, the extra `cli`, and the command `studio-setup`."""
    assert (metadata["Name"], metadata["License-Expression"]) == ("studio-setup", "Apache-2.0")
    assert _metadata(files, "licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    assert metadata.get_all("Provides-Extra") == ["cli"]
    assert _metadata(files, "entry_points.txt").split("\n")[:2] == [
        "[console_scripts]",
        "studio-setup = studio_setup_cli.main:main",
    ]


@pytest.mark.parametrize("extra", ["", "[cli]"])
def test_an_installation_has_the_engine_and_the_command(
    wheel: Path, tmp_path: Path, metadata: Message, extra: str
) -> None:
    """In an environment with nothing else, the engine can be imported and the command explains itself."""
    programs = _install(f"{wheel}{extra}", tmp_path / "environment")
    engine = _run(programs / "python", "-c", "import studio_setup, studio_setup.setup_run", cwd=tmp_path)
    assert (engine.returncode, engine.stderr) == (0, "")
    for arguments in (["--help"], ["run", "--help"]):
        told = _run(programs / "studio-setup", *arguments, cwd=tmp_path)
        assert (told.returncode, told.stderr) == (0, "")
        assert told.stdout.startswith(f"Usage: studio-setup {' '.join(arguments[:-1])}".strip())
    version = _run(programs / "studio-setup", "--version", cwd=tmp_path)
    assert version.stdout == f"studio-setup, version {metadata['Version']}\n"


def test_three_lines_run_a_command(wheel: Path, tmp_path: Path, shared_app: Callable[..., Scenario]) -> None:
    """In an environment with nothing but the wheel and what it needs, three lines of Python reach a user's app."""
    user = shared_app().place.user
    programs = _install(str(wheel), tmp_path / "environment")
    code = THREE_LINES.format(domain_id=DOMAIN_ID, user=user)
    done = _run(programs / "python", "-W", "error", "-c", code, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "Hi, world!\n\n", "")
