"""The rules of the house that no linter knows: how big things get, what no file says."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.house.imports import modules_below

ROOT = Path(__file__).resolve().parents[2]
LONGEST_FUNCTION_LINES = 40
LONGEST_MODULE_LINES = 300
OWN_MACHINES_FOLDERS = tuple(f"/{name}/" for name in ("work", "root"))


def _product() -> dict[str, str]:
    return modules_below(ROOT / "src", "setups", "studio_setup", "studio_setup_cli")


def _function_lengths(text: str) -> dict[str, int]:
    return {
        f"{node.name}, line {node.lineno}": node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }


def _tracked_texts() -> Iterator[tuple[str, str]]:
    """Yield name and content of every file under version control that is text."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listing.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            yield name, content.decode("utf-8")


def test_functions_stay_short() -> None:
    """No function of the product is longer than 40 lines."""
    lengths = {
        f"{module}: {name}": length
        for module, text in _product().items()
        for name, length in _function_lengths(text).items()
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION_LINES} == {}


def test_modules_stay_small() -> None:
    """No module of the product is longer than 300 lines."""
    lengths = {module: len(text.splitlines()) for module, text in _product().items()}
    assert {name: length for name, length in lengths.items() if length > LONGEST_MODULE_LINES} == {}


def test_no_file_names_the_machine_it_was_written_on() -> None:
    """No tracked file has a path of one particular machine in it."""
    found = [(name, folder) for name, text in _tracked_texts() for folder in OWN_MACHINES_FOLDERS if folder in text]
    assert found == []
