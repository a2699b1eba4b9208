"""docs/notebook.md is the notebook as it was executed."""

from __future__ import annotations

from tools.notebook import read
from tools.notebook_page import page


def test_every_cell_and_every_output_is_on_the_page() -> None:
    """Nothing of a cell or of what it printed is left out."""
    shown = page()
    for cell in read().cells:
        assert cell.source in shown
        for output in cell.get("outputs", []):
            text = (
                output.text
                if output.output_type == "stream"
                else output.data.get("text/html", output.data["text/plain"])
            )
            assert text.strip().replace("\n", "&#10;") in shown.replace("\n", "&#10;")


def test_html_on_the_page_has_no_empty_line() -> None:
    """An empty line would end it in Markdown, and what a command printed would be taken for markup."""
    shown = [line for line in page().splitlines() if line.startswith("<details")]
    assert shown
    assert all(line.endswith("</details>") for line in shown)
