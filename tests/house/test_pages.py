"""The generated pages of the documentation are up to date with what they are generated from."""

from __future__ import annotations

import pytest

from tools.pages import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_up_to_date(name: str) -> None:
    """`make docs-refresh` would not change it."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name]()
