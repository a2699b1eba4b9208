"""docs/faults.md says what the tests run by, and names tests that are there."""

from __future__ import annotations

import ast
from pathlib import Path

from studio_setup import errors
from studio_setup.model.outcomes import Outcome
from tests.support.matrix import ALWAYS, KNOWN, ONCE, cells
from tests.support.matrix_rows import WAYS, node
from tools.faults_page import page

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_tables_say() -> None:
    """`python -m tests.support.matrix > docs/faults.md` would change nothing."""
    assert (ROOT / "docs" / "faults.md").read_text(encoding="utf-8") == page()


def test_every_way_is_shown_or_explained() -> None:
    """No row without a test or a reason, and every test that is named exists."""
    assert [way.what for way in WAYS if not way.tests and not way.instead] == []
    named = {node(test) for way in WAYS for test in way.tests.split()}
    assert [(path, function) for path, function in named if function not in functions(path)] == []


def test_there_are_as_many_ways_as_were_known() -> None:
    """Fifty-three."""
    assert len({way.what for way in WAYS}) == 53


def test_the_verdicts_are_the_engines() -> None:
    """Every outcome and code in the matrix is one that the engine has."""
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.SetupError)]
    verdicts = [cell.verdict for row in (*ONCE, *ALWAYS) for cell in cells(row)]
    assert {verdict.outcome for verdict in verdicts} - {""} <= set(map(str, Outcome))
    assert {code for verdict in verdicts for code in verdict.codes} <= {one.code for one in classes}


def test_what_is_known_to_be_wrong_is_a_cell() -> None:
    """Every exception is about a cell that is there."""
    assert set(KNOWN) <= {cell.label for row in (*ONCE, *ALWAYS) for cell in cells(row)}


def functions(path: str) -> set[str]:
    """The functions of a file."""
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.exists() else ast.Module([], [])
    return {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
