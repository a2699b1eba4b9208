"""docs/permissions.md covers the template: every statement is said to be known, seen or assumed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.support.stack import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = ROOT / "docs" / "permissions.md"


def _sids(node: object) -> Iterator[str]:
    """Yield the Sid of every policy statement in a template."""
    children: list[object] = []
    if isinstance(node, dict):
        if "Sid" in node:
            yield node["Sid"]
        children = list(node.values())
    elif isinstance(node, list):
        children = node
    for child in children:
        yield from _sids(child)


def test_every_statement_has_its_row(template: dict[str, Any]) -> None:
    """A statement is looked up before it is deployed, and leaves the page when it leaves the template."""
    _, _, statements = PAGE.read_text(encoding="utf-8").partition("## The function's role")
    rows = [line.split("|")[1] for line in statements.partition("## What is matched")[0].splitlines() if "|" in line]
    assert {name for row in rows for name in re.findall("`([^`]+)`", row)} == set(_sids(template))
