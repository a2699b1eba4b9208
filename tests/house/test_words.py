"""The documents, and the docstrings and messages of the product, are in plain English of one spelling."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.support.documents import ROOT, documents

# What has been written here and had to be read twice → how to say it.
PLAIN = {
    r"what (came|comes) of": "how it ended, its result",
    r"mend(s|ed|ing)?": "fix",
    r"is none of": "is not",
    r"nobody (has )?heard": "not set up, no log",
    r"is between you and": "only … can say",
    r"behavior": "behaviour",
    r"license": "licence",
}
_WORDS = re.compile("|".join(rf"\b({words})\b" for words in PLAIN))
_CODE = re.compile(r"^( *)```.*?^\1```$|`[^`\n]*`|\]\([^)\s]*\)|<[^>\n]*>", re.MULTILINE | re.DOTALL)


def _prose() -> Iterator[tuple[str, str]]:
    """Place and text: each document without its code, each string of the product."""
    for document in documents():
        yield str(document.relative_to(ROOT)), _CODE.sub("", document.read_text(encoding="utf-8"))
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


def _odd(text: str) -> list[str]:
    return [found[0] for found in _WORDS.finditer(" ".join(text.split()))]


def test_the_words_are_plain() -> None:
    """None of the phrases that this repository has had to replace is back; PLAIN has what to say instead."""
    places = dict(_prose())
    assert len(places) > len(documents())
    assert {place: odd for place, text in places.items() if (odd := _odd(text))} == {}


@pytest.mark.parametrize(
    "text", ["see what came\nof it", "before the cause was mended", "its behavior", "is none of ours"]
)
def test_odd_words_are_found(text: str) -> None:
    """Also where a line ends between them."""
    assert _odd(text)


@pytest.mark.parametrize("text", ["recommended", "an amendment", "Apache License", "there is none"])
def test_other_words_are_not(text: str) -> None:
    """Neither parts of other words, nor names."""
    assert not _odd(text)
