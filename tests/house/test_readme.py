"""The README tells people what they can configure, and tells it right."""

from __future__ import annotations

from typing import Any

from tests.support.stack import ROOT

HEADER = "| Parameter | Default | Meaning |"


def _rows() -> dict[str, tuple[str, str]]:
    """Return parameter → default, meaning, from the README's table; an empty default is written as *empty*."""
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines.count(HEADER) == 1, f"README.md has one table with the header {HEADER}"
    rows: dict[str, tuple[str, str]] = {}
    for line in lines[lines.index(HEADER) + 2 :]:
        if not line.startswith("|"):
            break
        name, default, meaning = (cell.strip().strip("`") for cell in line.strip("|").split("|", 2))
        rows[name] = ("" if default.strip("*_") == "empty" else default, meaning)
    return rows


def test_the_table_has_the_parameters_of_the_template(template: dict[str, Any]) -> None:
    """Every parameter is in the README's table, and nothing that does not exist."""
    assert _rows().keys() == template["Parameters"].keys()


def test_the_table_has_the_defaults_of_the_template(template: dict[str, Any]) -> None:
    """The defaults in the README's table are those of the template, and every parameter is explained."""
    rows = _rows()
    assert {name: default for name, (default, _) in rows.items()} == {
        name: str(parameter["Default"]) for name, parameter in template["Parameters"].items()
    }
    assert all(meaning for _, meaning in rows.values())
