"""docs/outcomes.md, the errors and the README agree with the one table of outcomes and codes."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

from studio_setup.model import errors, outcomes
from studio_setup.model.errors import SetupError
from studio_setup.model.outcomes import CODES, Code, Outcome
from tools.outcomes_page import page

ROOT = Path(__file__).resolve().parents[2]
CONSTANTS = {name: value for name, value in vars(outcomes).items() if isinstance(value, Code)}
ERRORS = {
    name: value
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, SetupError) and value is not SetupError
}


def _trees() -> Iterator[ast.Module]:
    """Every module of the product, without the one that lists the codes and the one that lists the errors."""
    declaring = {Path(inspect.getfile(module)) for module in (outcomes, errors)}
    paths = set((ROOT / "src").rglob("*.py")) - declaring
    assert len(paths) > len(declaring), "there is a product"
    return (ast.parse(path.read_text(encoding="utf-8"), filename=str(path)) for path in sorted(paths))


def _codes_used(tree: ast.Module) -> Iterator[str]:
    """The names of the codes that a module takes from the table: `outcomes.NAME`, or `NAME` imported from it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "outcomes":
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and node.module == outcomes.__name__:
            yield from (alias.name for alias in node.names)


def _errors_made(tree: ast.Module) -> Iterator[str]:
    """The names of the classes that a module makes objects of: `Name(…)`."""
    return (node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))


def test_every_code_has_one_row() -> None:
    """Each code is on the page once, with its outcome and whether the invocation returns or fails."""
    rows = [line.strip("| ").split(" | ") for line in page().splitlines() if line.startswith("| `")]
    assert sorted(row[:3] for row in rows) == sorted(
        [f"`{code.name}`", f"`{code.outcome}`", "fails" if code.outcome.is_error and not code.is_final else "returns"]
        for code in CODES.values()
    )
    assert {len(row) for row in rows} == {5}


def test_every_code_is_in_the_table_once() -> None:
    """No two codes have the same name, so the table has every code there is."""
    assert list(CODES.values()) == list(CONSTANTS.values())


def test_every_error_has_a_code_of_the_table() -> None:
    """Each class of error has a code of the table, and no two have the same, but for those of one thing."""
    assert ERRORS, "there are errors"
    codes = [vars(error).get("code") for error in ERRORS.values()]
    assert [name for name, code in zip(ERRORS, codes, strict=True) if code not in CODES.values()] == []
    # Told apart because one of them can still be mended.
    same = {"LoginExpired", "LoginExpiredAgain"}
    others = [code for name, code in zip(ERRORS, codes, strict=True) if name not in same]
    assert len(set(others)) == len(others)


def test_every_code_can_happen() -> None:
    """Each code is that of an error that the product raises, or is used by name."""
    trees = list(_trees())
    used = {CONSTANTS[name].name for tree in trees for name in _codes_used(tree) if name in CONSTANTS}
    raised = {ERRORS[name].code.name for tree in trees for name in _errors_made(tree) if name in ERRORS}
    assert used | raised == CODES.keys()


def test_every_outcome_is_explained_to_operators() -> None:
    """The table in docs/operating.md has every outcome there is."""
    operating = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    assert [outcome for outcome in Outcome if f"| `{outcome}` |" not in operating] == []
