"""docs/configuration.md tells people what they can configure, and tells it right."""

from __future__ import annotations

from typing import Any

from tools.configuration_page import page


def test_every_parameter_has_a_row(template: dict[str, Any]) -> None:
    """Each parameter of the template has one row with four cells, none of them empty, and nothing else has one."""
    lines = [line for line in page().splitlines() if line.startswith("| `")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    assert [row[0].strip("` ") for row in rows] == list(template["Parameters"])
    assert {len(row) for row in rows} == {4}
    assert all(cell for row in rows for cell in row)
