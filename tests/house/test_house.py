"""The rules of the house that no linter knows: who imports whom, how big things get, what no file says."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "studio_setup"
LONGEST_FUNCTION = 40
LONGEST_MODULE = 300
# Import → the modules that may use it
RESERVED = {
    "websocket": {"channel.py"},
    "time": {"deadline.py"},
    "boto3": {"handler.py", "cli.py"},
    "os": {"handler.py", "cli.py"},
    "botocore": {"control_plane.py", "cli.py"},
}
OWN_MACHINES_FOLDERS = tuple(f"/{name}/" for name in ("work", "root"))


def _sources(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.py"))
    assert found, f"{folder.name} has Python files"
    return found


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _imports(tree: ast.AST) -> Iterator[str]:
    """Yield the first part of every module imported, wherever in the file; relative imports do not count."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def _importers(folder: Path, *forbidden: str) -> dict[str, set[str]]:
    """Return file → what it imports of the forbidden, for the files that do."""
    found = {str(path.relative_to(folder)): set(_imports(_tree(path))) & set(forbidden) for path in _sources(folder)}
    return {name: imports for name, imports in found.items() if imports}


def _function_lengths(tree: ast.AST) -> dict[str, int]:
    return {
        f"{node.name}, line {node.lineno}": node.end_lineno - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }


def _tracked_texts() -> Iterator[tuple[str, str]]:
    """Yield name and content of every file under version control that is text."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            yield name, content.decode("utf-8")


def test_the_import_finder_finds_every_kind_of_import() -> None:
    """Plain, dotted, from- and local imports are all seen, and relative ones are not mistaken for them."""
    code = """
import os.path as path
from time import sleep
from . import boto3
from .requests import get
def use():
    import websocket
"""
    assert set(_imports(ast.parse(code))) == {"os", "time", "websocket"}


def test_the_emulator_knows_nothing_of_the_product() -> None:
    """What stands in for Studio is written from Studio's behaviour, not from the code that it is to test."""
    assert _importers(ROOT / "emulator", "studio_setup", "src", "tests") == {}


def test_the_local_cloud_knows_nothing_of_what_is_deployed_to_it() -> None:
    """What stands in for AWS takes any stack."""
    assert _importers(ROOT / "local_cloud", "studio_setup", "src", "tests", "emulator", "demo", "bench") == {}


def test_the_demo_does_as_an_operator_does() -> None:
    """What it shows goes through the deployed stack, never through an import."""
    assert _importers(ROOT / "demo", "studio_setup", "src", "tests", "bench") == {}


def test_the_product_knows_nothing_of_its_tests() -> None:
    """Nothing that ships imports tests, benchmarks, or what stands in for AWS."""
    assert _importers(ROOT / "src", "tests", "emulator", "local_cloud", "demo", "bench") == {}


@pytest.mark.parametrize("name", RESERVED)
def test_the_outside_world_has_one_door(name: str) -> None:
    """Sockets, clock, AWS and environment are each used in the modules meant for it and nowhere else."""
    assert set(_importers(PACKAGE, name)) <= RESERVED[name]


def test_functions_stay_short() -> None:
    """No function of the product is longer than 40 lines."""
    lengths = {
        f"{path.name}: {name}": length
        for path in _sources(PACKAGE)
        for name, length in _function_lengths(_tree(path)).items()
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_modules_stay_small() -> None:
    """No module of the product is longer than 300 lines."""
    lengths = {path.name: len(path.read_text(encoding="utf-8").splitlines()) for path in _sources(PACKAGE)}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE} == {}


def test_no_file_names_the_machine_it_was_written_on() -> None:
    """No tracked file has a path of one particular machine in it."""
    found = [(name, folder) for name, text in _tracked_texts() for folder in OWN_MACHINES_FOLDERS if folder in text]
    assert found == []
