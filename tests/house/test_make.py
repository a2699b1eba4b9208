"""What `make` says on a machine where it cannot set the tools up."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _python(folder: Path, script: str) -> Path:
    """A program in the place of Python."""
    path = folder / "some-python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def _make(folder: Path, python: str | Path) -> str:
    """What `make` says when it installs the tools with that Python, and fails."""
    for name in ("Makefile", "requirements.txt", "src/requirements.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    command = ["make", "--no-print-directory", ".venv/.ready", f"PYTHON={python}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert not (folder / ".venv" / ".ready").exists()
    return done.stderr


def test_an_old_python_is_named_with_its_version(tmp_path: Path) -> None:
    """And with the way to name another one."""
    old = _python(tmp_path, '[ "$1" = --version ] || exit 1\necho Python 3.10.13')
    said = f"Python 3.11 or newer is needed; '{old}' is Python 3.10.13. Name another one: make PYTHON=python3.12\n"
    assert said in _make(tmp_path, old)
    assert not (tmp_path / ".venv").exists()


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    """In the same sentence, without the shell's own."""
    said = _make(tmp_path, "no-such-python")
    assert said.startswith("Python 3.11 or newer is needed; 'no-such-python' is nothing that runs. ")


def test_without_a_package_index_it_is_said_where_to_name_one(tmp_path: Path) -> None:
    """Beside what pip says, which names a package that nobody asked for."""
    pip_fails = 'case "$*" in *venv*) mkdir -p .venv/bin; cp "$0" .venv/bin/python;; *pip*) echo No. >&2; exit 1;; esac'
    said = _make(tmp_path, _python(tmp_path, pip_fails))
    assert "No.\npip reached no package index." in said
    assert "PIP_INDEX_URL" in said
