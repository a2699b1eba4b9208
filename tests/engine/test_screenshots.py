"""The screenshots of the documents can be taken again. Needs chromium."""

from __future__ import annotations

from pathlib import Path

from tests.support.documents import documents
from tests.support.needs import needs
from tools import screenshots
from tools.architecture_picture import size_of

_MAX_BYTES = 150_000


def test_every_screenshot_can_be_taken_again(tmp_path: Path) -> None:
    """They are those of docs/, of the same size."""
    needs("chromium")
    screenshots.main(tmp_path)
    taken = {path.name: size_of(path.read_bytes()) for path in tmp_path.iterdir()}
    assert taken == {path.name: size_of(path.read_bytes()) for path in screenshots.DOCS.glob("*.png")}


def test_every_screenshot_is_shown_and_is_small() -> None:
    """A document shows it; it has at most 150 kB."""
    pictures = list(screenshots.DOCS.glob("*.png"))
    shown = "".join(document.read_text(encoding="utf-8") for document in documents())
    assert pictures
    assert [picture.name for picture in pictures if f"{picture.name})" not in shown] == []
    assert [picture.name for picture in pictures if picture.stat().st_size > _MAX_BYTES] == []
