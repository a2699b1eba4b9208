"""What tests need and this machine lacks is listed in the last lines of a run, and fails it on CI."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import needs
from tests.support.machines import path_of
from tests.support.stack import ROOT

TESTS = """
import pytest
from tests.support.needs import needs, needs_root, refused

@pytest.mark.parametrize("number", range(3))
def test_zsh(number):
    needs("zsh")

@pytest.fixture(scope="module")
def disk():
    needs("unshare")

@pytest.mark.parametrize("number", range(2))
def test_disk(disk, number):
    raise AssertionError

def test_namespaces():
    refused("mount namespaces", "unshare failed: Operation not permitted")

def test_anything():
    pass
"""
MISSING = [
    "   2 skipped: needs unshare (apt-get install util-linux)",
    "   3 skipped: needs zsh (apt-get install zsh)",
    "   1 skipped: refused by the kernel: mount namespaces (unshare failed: Operation not permitted)",
]
FAILURE = "CI=true: no test may be skipped for want of a program or root."


def _run(folder: Path, *options: str, tests: str = TESTS, **environment: str) -> tuple[int, list[str]]:
    """Run tests where no program is to be found: the exit status and the last lines, but for pytest's own."""
    (folder / "test_made_up.py").write_text(tests, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "xdist", "-p", "tests.support.needs", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *options, "--rootdir", folder, "--config-file", os.devnull, folder],
        cwd=folder,
        env={"PATH": str(folder), "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    header, lines = "= not tested on this machine =", done.stdout.splitlines()[:-1]
    starts = [number for number, line in enumerate(lines) if header in line]
    return done.returncode, lines[starts[0] + 1 :] if starts else []


@pytest.mark.parametrize("options", [[], ["--numprocesses", "2"]], ids=["one-process", "several-processes"])
def test_the_last_lines_say_what_was_missing(tmp_path: Path, options: list[str]) -> None:
    """One line for each missing thing: how many tests were skipped, and how to have it; the run passes."""
    assert _run(tmp_path, *options) == (0, MISSING)


def test_on_ci_a_skip_for_a_missing_program_fails_the_run(tmp_path: Path) -> None:
    """The same lines, a sentence that says why the run failed, and its exit status."""
    assert _run(tmp_path, "--numprocesses", "2", CI="true") == (1, [*MISSING, FAILURE])


def test_on_ci_what_the_kernel_refuses_is_only_listed(tmp_path: Path) -> None:
    """Nothing that could be installed changes what the kernel refuses: the run passes."""
    tests = "from tests.support.needs import refused\ndef test_it(): refused('a right', 'no')\n"
    assert _run(tmp_path, tests=tests, CI="true") == (0, ["   1 skipped: refused by the kernel: a right (no)"])


def test_on_ci_a_missing_python_39_is_only_listed(tmp_path: Path) -> None:
    """No distribution that CI runs on has a package of it: its tests are skipped and listed, and the run passes."""
    tests = """
from emulator.servers import SERVERS
from tests.support.needs import needs_server

def test_it(monkeypatch, tmp_path):
    name = "notebook6-python39"
    monkeypatch.setitem(SERVERS, name, type("Missing", (), {"packages": tmp_path / "nowhere"}))
    needs_server(name)
"""
    line = "   1 skipped: there is no Python 3.9 (pyenv install 3.9, then make setup)"
    assert _run(tmp_path, tests=tests, CI="true") == (0, [line])


def test_other_skips_are_not_listed(tmp_path: Path) -> None:
    """A test that is skipped for another reason lacks nothing, and the run passes."""
    tests = "import pytest\ndef test_it(): pytest.skip('takes minutes')\n"
    assert _run(tmp_path, tests=tests, CI="true") == (0, [])


def test_only_root_has_what_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root goes on; everybody else's test is skipped, with the remedy."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    needs.needs_root()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(pytest.skip.Exception, match=r"^needs root \(run the tests as root\)$"):
        needs.needs_root()


def test_a_program_has_to_be_listed() -> None:
    """Asking for a program that PACKAGES does not have is an error, even where it is installed."""
    with pytest.raises(KeyError):
        needs.needs("git")


def test_ci_installs_every_package() -> None:
    """What a test may need is what `.ci/run` installs, and nothing else."""
    lines = (ROOT / ".ci/run").read_text(encoding="utf-8").splitlines()
    (packages,) = [line for line in lines if line.startswith("packages=")]
    assert set(shlex.split(packages)[0].removeprefix("packages=").split()) == set(needs.PACKAGES.values())


@pytest.mark.parametrize("kind", ["this", "dash", "busybox", "bash-as-sh"])
def test_a_machine_that_cannot_be_made_is_skipped_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Where a shell is missing, the second test on that kind of machine is skipped like the first, without an error."""
    monkeypatch.setenv("PATH", "")
    for _ in range(2):
        with pytest.raises(pytest.skip.Exception, match=r"^needs (bash|dash|busybox) "):
            path_of(kind, tmp_path / kind)
