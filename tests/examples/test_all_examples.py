"""What is true of every example: it can be copied as it is, says what it has to say, and fetches nothing unpinned."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from pathlib import Path

import pytest

from studio_setup.model.setup import read_script
from tests.support.stack import ROOT

EXAMPLES = sorted(path for path in (ROOT / "examples" / "setups").iterdir() if (path / "__init__.py").exists())
SCRIPTS = [path for example in EXAMPLES for path in sorted(example.glob("*.sh"))]
SAID = ("**Set**", "**Needs**", "ithout internet", "The test shows", "Never tried on AWS")


def name_of(path: Path) -> str:
    """The name of an example, or of its script."""
    return str(path.relative_to(ROOT / "examples" / "setups"))


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_its_page_is_short_and_complete(example: Path) -> None:
    """What it does, what to set, the route without internet, what the test shows, what was never tried on AWS."""
    page = (example / "README.md").read_text(encoding="utf-8")
    assert [word for word in SAID if word not in page] == []
    assert len(page.splitlines()) <= 20
    assert f"{example.name}/README.md" in (ROOT / "docs" / "setups.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_it_is_adopted_by_copying_its_folder(example: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the folder in another place is a module of its own, whose scripts can be read."""
    copy = shutil.copytree(example, tmp_path / example.name, ignore=shutil.ignore_patterns("__pycache__"))
    spec = importlib.util.spec_from_file_location(f"copied_{example.name}", copy / "__init__.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    assert module.__doc__


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_a_script_stops_at_the_first_failure(script: Path) -> None:
    """It begins with a `#!` line, a comment that says what it does, and `set -eu`."""
    lines = script.read_text(encoding="utf-8").splitlines()
    code = [line for line in lines[1:] if line and not line.startswith("#")]
    assert lines[0].startswith("#!")
    assert lines[1].startswith("# ")
    assert code[0] == "set -eu"


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_a_script_fetches_nothing_unpinned(script: Path) -> None:
    """Pip takes hashes or files that are there; nothing is downloaded by curl or wget, or with an installer."""
    text = script.read_text(encoding="utf-8").replace("\\\n", " ")
    assert not re.search(r"^[^#\n]*\b(curl|wget|apt-get|conda install|npm)\b", text, re.MULTILINE)
    installs = re.findall(r"pip install.*", text)
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_windows_line_ends_make_no_difference(script: Path, tmp_path: Path) -> None:
    """A checkout with CRLF, from where somebody deploys, gives the same script."""
    copy = tmp_path / script.name
    copy.write_bytes(script.read_bytes().replace(b"\n", b"\r\n"))
    assert read_script(copy) == read_script(script)
