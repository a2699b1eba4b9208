"""What `sam build` makes is what Lambda gets: the setups, the engine, their dependencies, nothing else, and small."""

from __future__ import annotations

import fcntl
import importlib.util
import io
import marshal
import os
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from typing import TYPE_CHECKING

import pytest

from tests.support.stack import ROOT, TEMPLATE

if TYPE_CHECKING:
    from pathlib import Path

SAM = ROOT / ".venvs/sam" / "bin" / "sam"
# All that building may use, and no Docker.
TOOLS = ("sh", "make", "cp", "rm", "find", "chmod")
# What the runtime's own Python is called; this one stands in for it.
RUNTIME_PYTHON = "python3.13"
SIZE_OF_OUR_OWN = 40_000
OURS = ("setups", "studio_setup")
# Import name → distribution
DEPENDENCIES = {
    "certifi": "certifi",
    "charset_normalizer": "charset-normalizer",
    "idna": "idna",
    "requests": "requests",
    "urllib3": "urllib3",
    "websocket": "websocket-client",
}


def _tools(folder: Path, pythons: tuple[str, ...]) -> Path:
    """Make a folder for PATH that has the build tools and this Python under some names, and nothing else."""
    folder.mkdir(parents=True)
    for name in TOOLS:
        found = shutil.which(name)
        assert found, f"{name} is needed to build"
        (folder / name).symlink_to(found)
    for name in pythons:
        python = folder / name
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        python.chmod(0o755)
    return folder


def _build(project: Path, folder: Path, pythons: tuple[str, ...] = ("python3", RUNTIME_PYTHON)) -> Path:
    """Build the project in `folder`; the bundle."""
    assert SAM.exists(), "the SAM command line is not installed: run `make setup`"
    environment = os.environ | {
        "PATH": str(_tools(folder / "bin", pythons)),
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    command: list[str | Path] = [SAM, "build", "--template-file", project / TEMPLATE.name]
    command += ["--build-dir", folder / "build"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build" / "StudioSetupFunction"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built bundle; workers that run at the same time share it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "bundle"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        built = folder / "build" / "StudioSetupFunction"
        if not built.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _build(ROOT, folder)
        return built


def _paths(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def _files(folder: Path) -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in _paths(folder).items()}


def _ours(folder: Path) -> dict[str, bytes]:
    """Return name → content of what is in our packages in a folder."""
    return {name: content for name, content in _files(folder).items() if name.split("/")[0] in OURS}


def _sources(files: dict[str, bytes]) -> dict[str, bytes]:
    """All but the compiled modules."""
    return {name: content for name, content in files.items() if "__pycache__" not in name}


def _compiled(folder: Path) -> dict[str, Path]:
    """Return name → path of the compiled modules, of which there are some."""
    found = {name: path for name, path in _paths(folder).items() if name.endswith(".pyc")}
    assert found
    return found


def _zipped(files: dict[str, bytes]) -> int:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return len(buffer.getvalue())


def _requirements() -> list[str]:
    lines = (ROOT / "src" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line.partition("  #")[0] for line in lines if line and not line.startswith("#")]


def _distributions(bundle: Path) -> dict[str, str]:
    """Return name → version of the distributions in the bundle."""
    found = (HeaderParser().parsestr(path.read_text("utf-8")) for path in bundle.glob("*.dist-info/METADATA"))
    return {metadata["Name"].replace("_", "-"): metadata["Version"] for metadata in found}


def test_the_setups_and_the_engine_are_in_the_bundle_whole(bundle: Path) -> None:
    """Every file of the two packages is there unchanged, save the Python API, and no other source under their names."""
    ours = _sources(_ours(ROOT / "src"))
    assert {"setups/__init__.py", "studio_setup/handler.py", "studio_setup/runs/remote.sh"} <= ours.keys()
    not_bundled = {name for name in ours if name.startswith("studio_setup/api/")}
    assert not_bundled
    assert _sources(_ours(bundle)) == {name: content for name, content in ours.items() if name not in not_bundled}


def test_what_a_cold_start_imports_of_the_engine_is_compiled(bundle: Path) -> None:
    """All of it: what is not compiled (fleet/) is not imported before it is needed."""
    code = (
        "import sys, studio_setup.handler;"
        "print(*(module.__cached__ for name, module in sys.modules.items() if name.startswith('studio_setup')))"
    )
    environment = os.environ | {"PYTHONPATH": str(bundle), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    compiled = [bundle / path for path in done.stdout.split()]
    assert len(compiled) > 30
    assert [path for path in compiled if not path.is_file()] == []


def test_a_compiled_module_is_right_for_its_file_whatever_the_date(bundle: Path) -> None:
    """SAM zips all files with the same date, so the source's hash tells; it is checked: files can be edited on AWS."""
    for path in _compiled(bundle).values():
        head = path.read_bytes()[:16]
        source = path.parent.parent / f"{path.name.partition('.')[0]}.py"
        assert head[4:8] == (0b11).to_bytes(4, "little"), path  # PEP 552: by hash, and to be checked
        assert head[8:] == importlib.util.source_hash(source.read_bytes()), path


def test_a_compiled_module_names_no_folder_of_the_builder(bundle: Path) -> None:
    """What it says of where it comes from is the path inside the bundle."""
    for name, path in _compiled(bundle).items():
        code = marshal.loads(path.read_bytes()[16:])  # noqa: S302 (just built)
        assert code.co_filename == re.sub(r"__pycache__/(.*?)\.[^/]*$", r"\1.py", name)


def test_without_the_runtimes_python_the_bundle_is_the_same_but_not_compiled(bundle: Path, tmp_path: Path) -> None:
    """Any Python builds; the function is the same, and only starts more slowly."""
    assert _files(_build(ROOT, tmp_path, ("python3",))) == _sources(_files(bundle))


def test_nothing_but_our_packages_and_their_dependencies(bundle: Path) -> None:
    """No command line, no tests, no emulator, no boto3, no scripts: ours, six distributions and their metadata."""
    top = {path.name for path in bundle.iterdir()}
    metadata = {name for name in top if name.endswith(".dist-info")}
    assert top - metadata == {*OURS, *DEPENDENCIES}
    assert _distributions(bundle).keys() == set(DEPENDENCIES.values())
    assert len(metadata) == len(DEPENDENCIES)


def test_a_setup_ships_with_everything_in_its_folder(tmp_path: Path) -> None:
    """A script without an ending, data and hidden files of a setup reach the function, and Python's caches do not."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TEMPLATE, project)
    setup = project / "src" / "setups" / "own"
    files = {"install": b"#!/bin/sh\n", "packages.txt": b"black\n", ".condarc": b"{}\n", "images/logo.png": b"\x89PNG"}
    for name, content in {**files, "__pycache__/install.pyc": b""}.items():
        (setup / name).parent.mkdir(parents=True, exist_ok=True)
        (setup / name).write_bytes(content)
    assert _files(_build(project, tmp_path) / "setups" / "own") == files


def test_a_setup_that_is_not_python_is_not_built(tmp_path: Path) -> None:
    """The build ends with the file and the line, instead of the function's first invocation."""
    shutil.copytree(ROOT / "src" / "setups", tmp_path / "setups")
    shutil.copy(ROOT / "src" / "Makefile", tmp_path)
    (tmp_path / "setups" / "__init__.py").write_text("def setup_for(app:\n", encoding="utf-8")
    command = ["make", "build-StudioSetupFunction", f"PYTHON={sys.executable}", f"ARTIFACTS_DIR={tmp_path / 'out'}"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert built.returncode != 0
    assert 'File "setups/__init__.py", line 1' in built.stderr
    assert "Traceback" not in built.stderr
    assert not (tmp_path / "out").exists()


def test_no_tests_and_nothing_compiled_of_others(bundle: Path) -> None:
    """Of the dependencies neither bytecode nor tests are carried, nor pip's record, which differs by machine."""
    unwanted = re.compile(r"(^|/)(tests?|__pycache__|bin)/|\.py[co]$|/RECORD$")
    others = _files(bundle).keys() - _ours(bundle).keys()
    assert {name for name in others if unwanted.search(name)} == set()


def test_the_versions_are_those_asked_for(bundle: Path) -> None:
    """Every distribution in the bundle is pinned in src/requirements.txt: tomorrow's bundle is today's."""
    assert _distributions(bundle) == dict(line.split("==") for line in _requirements())


def test_nothing_in_the_bundle_is_for_one_processor(bundle: Path) -> None:
    """Compiled parts, which only make guessing an encoding faster, are left out: the bundle runs on any processor."""
    assert list(bundle.rglob("*.so")) == []


def test_lambda_may_read_every_file(bundle: Path) -> None:
    """Files are readable by everybody and folders open to everybody, whatever the umask was."""
    for path in [bundle, *bundle.rglob("*")]:
        assert path.stat().st_mode & 0o444 == 0o444, path
        assert not path.is_dir() or path.stat().st_mode & 0o111 == 0o111, path


def test_the_bundle_is_hardly_larger_than_its_dependencies(bundle: Path, tmp_path: Path) -> None:
    """Zipped, the bundle is at most 40 kB more than the two dependencies as pip alone installs them."""
    wanted = [line for line in _requirements() if line.startswith(("requests==", "websocket-client=="))]
    assert len(wanted) == 2
    wheels = ["--platform=manylinux2014_aarch64", "--implementation=cp", "--python-version=3.13", "--only-binary=:all:"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target", str(tmp_path)]
    subprocess.run([*pip, *wheels, *wanted], capture_output=True, check=True)
    assert _zipped(_files(bundle)) <= _zipped(_files(tmp_path)) + SIZE_OF_OUR_OWN


def test_building_again_gives_the_same_bundle(bundle: Path, tmp_path: Path) -> None:
    """A second build is the same to the byte, so an unchanged bundle is no new deployment."""
    assert _files(_build(ROOT, tmp_path)) == _files(bundle)
