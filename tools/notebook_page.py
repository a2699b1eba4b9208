"""Writes docs/notebook.md from examples/remote_terminal.ipynb as it was executed last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tools.notebook import read

_FOOT = """---

This page is [the notebook](../examples/remote_terminal.ipynb) as it was executed. `make docs-refresh` executes it
again, and a test checks that the page is up to date.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(f"{part}\n" for cell in read().cells for part in _parts(cell)) + f"\n{_FOOT}"


def _parts(cell: Any) -> Iterator[str]:  # noqa: ANN401 (nbformat comes without types)
    """A cell as Markdown, and its outputs."""
    if cell.cell_type == "markdown":
        yield cell.source
        return
    yield _fenced(cell.source, "python")
    for output in cell.outputs:
        yield _output(output)


def _output(output: Any) -> str:  # noqa: ANN401 (the same)
    """What a cell printed, or its value as a notebook shows it."""
    if output.output_type == "stream":
        return _fenced(output.text.rstrip("\n"), "text")
    html: str | None = output.data.get("text/html")
    if html is None:
        return _fenced(output.data["text/plain"], "text")
    return html.replace("\n", "&#10;")  # an empty line would end the HTML


def _fenced(text: str, language: str) -> str:
    return f"```{language}\n{text}\n```"
