"""HTML for notebooks: text from outside is escaped, whoever wrote it, and of bounded size. Pure."""

from __future__ import annotations

import html
from collections.abc import Iterable

from studio_setup.model.text import printable

MAX_LINE_CHARACTERS = 1000
MAX_OUTPUT_CHARACTERS = 16_000


def line(text: str) -> str:
    """A text of one line; what is too long is cut off."""
    return html.escape(printable(text[:MAX_LINE_CHARACTERS]))


def output(text: str) -> str:
    """What a command printed, as it is; of long output both ends."""
    half = MAX_OUTPUT_CHARACTERS // 2
    left_out = len(text) - 2 * half
    if left_out > 0:
        text = f"{text[:half]}\n[{left_out} characters not shown here]\n{text[-half:]}"
    return f"<pre>{html.escape(printable(text))}</pre>"


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table with a line of text in each cell; None is an empty cell."""
    body = "".join(_row("td", ("" if cell is None else str(cell) for cell in row)) for row in rows)
    return f"<table>{_row('th', head)}{body}</table>"


def details(summary: str, content: str, *, is_open: bool) -> str:
    """A line of text, with HTML that is folded in unless `is_open`."""
    return f"<details{' open' if is_open else ''}><summary>{line(summary)}</summary>{content}</details>"


def _row(tag: str, cells: Iterable[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{line(cell)}</{tag}>" for cell in cells) + "</tr>"
