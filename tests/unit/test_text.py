"""Text from outside, made fit to be shown and logged."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_setup.model.text import one_line, printable
from tests.support.fuzzing import streams

ANY_TEXT = st.text(st.characters()) | st.lists(
    st.sampled_from(
        ["\x1b", "[", "]", "31m", "\x07", "\\", "P", "\r", "\n", "\t", " ", "\x9b", "\u202e", "\ud800", "a"]
    )
).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m \x1b[1;38;5;208mbold\x1b[m", "red bold"),
        ("\x1b]0;title\x07text\x1b]8;;https://x\x1b\\link", "textlink"),
        ("\x1b[2J\x1b[H\x1b[?25lclear\x1b[K", "clear"),
        ("\x1bP1$r0m\x1b\\dcs\x1b(Bset\x1b=keys\x1bM", "dcssetkeys"),
        ("10%\r 50%\r100%\ndone\n", "100%\ndone\n"),
        ("10%\r 50%\r", " 50%"),
        ("windows\r\nlines\r\n", "windows\nlines\n"),
        ("twice\r\r\n", "twice\n"),
        ("a\0b\x07c\x08d\x7fe\x9bf", "abcdef"),
        ("tab\tand\nnewline", "tab\tand\nnewline"),
        ("grüß ☃ 🎉", "grüß ☃ 🎉"),
        ("user\u202egpj.exe\u202c \u2066x\u2069 \u200e\u200f\u061c", "usergpj.exe x "),
        ("one\u2028two\u2029three", "onetwothree"),
        ("lone \ud800\udfff surrogates", "lone  surrogates"),
        (
            "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea",
            "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 \u05e2\u05d1\u05e8\u05d9\u05ea",
        ),
        ("family: \U0001f468\u200d\U0001f469\u200d\U0001f467", "family: \U0001f468\u200d\U0001f469\u200d\U0001f467"),
    ],
    ids=[
        *("colours", "title-and-link", "cursor", "other-codes", "progress", "unfinished-progress", "windows"),
        *("two-returns", "controls", "tab", "letters", "direction", "line-separators", "surrogates", "right-to-left"),
        "joined-emoji",
    ],
)
def test_only_readable_text_is_shown(text: str, shown: str) -> None:
    """Escape codes, overwritten progress, control characters and marks that reorder text are removed; text stays."""
    assert printable(text) == shown


def test_an_unfinished_title_does_not_hide_the_next_line() -> None:
    """An escape code that never ends is taken to end with its line."""
    assert "important" in printable("\x1b]0;never ended\nimportant\n")


@streams(300, 20000)
@given(text=ANY_TEXT)
def test_whatever_arrives_what_is_shown_moves_nothing(text: str) -> None:
    """No character that a terminal acts on is left, but for tab and newline; the rest can be encoded."""
    shown = printable(text)
    shown.encode()
    assert {character for character in shown if unicodedata.category(character) in {"Cc", "Zl", "Zp", "Cs"}} <= {
        "\t",
        "\n",
    }
    assert not {unicodedata.bidirectional(character) for character in shown} & {
        *("LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"),
    }


@streams(300, 20000)
@given(text=ANY_TEXT, max_characters=st.integers(1, 30))
def test_one_line_is_one_printable_line_of_bounded_length(text: str, max_characters: int) -> None:
    """Without spaces at its ends or two in a row."""
    line = one_line(text, max_characters)
    assert len(line) <= max_characters
    assert line.split("\n") == [line]
    assert " ".join(line.split()) == line.rstrip()
    assert printable(line) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("short", "short"),
        ("  two\r\nlines,\n\n a\ttab ", "two lines, a tab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("x" * 2000, "x" * 1000),
        ("", ""),
    ],
)
def test_white_space_becomes_single_spaces(text: str, line: str) -> None:
    """Line ends and tabs as well."""
    assert one_line(text) == line


@pytest.mark.parametrize("unit", ["x", "\x1bP", "\x1b]", "\x1b ", "\x1b[0", "\r", "x\r", "\x1b^x", "\x9d", " "])
@pytest.mark.timeout(20)
def test_the_time_for_a_text_grows_with_its_length(unit: str) -> None:
    """A million characters, or escape codes that never end, take milliseconds; in quadratic time it would be hours."""
    printable(unit * (1_000_000 // len(unit)))
    one_line(unit * (1_000_000 // len(unit)))
