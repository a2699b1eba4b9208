"""From what a command printed to what can stand in a log."""

from __future__ import annotations

import pytest

from studio_setup.terminal.output import OutputText, printable

PLAIN = "first\nzweite: grüß dich ☃ 🎉\n\n\tindented\nlast\n"


def _shown(chunks: list[bytes]) -> str:
    text = OutputText()
    return "".join([*(text.feed(chunk) for chunk in chunks), text.feed(b"", final=True)])


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
    ],
    ids=[
        *("colours", "title-and-link", "cursor", "other-codes", "progress", "unfinished-progress", "windows"),
        *("two-returns", "controls", "tab", "letters"),
    ],
)
def test_only_what_can_be_read_is_shown(text: str, shown: str) -> None:
    """Colours, titles, cursor movements, overwritten progress and control characters go; text stays."""
    assert printable(text) == shown


def test_invalid_utf8_is_shown_as_such() -> None:
    """A byte that is no text is replaced, and what is around it is kept."""
    assert _shown([b"caf\xe9 \xff\xfe ok\n"]) == "caf\ufffd \ufffd\ufffd ok\n"


def test_a_cut_character_at_the_very_end_is_shown_as_such() -> None:
    """Output that ends in the middle of a character ends in a replacement."""
    assert _shown(["snow ☃".encode()[:-1]]) == "snow \ufffd"


def test_plain_lines_come_out_whole_however_they_are_cut() -> None:
    """Every cut into two, and every size of chunk, gives the same text."""
    data = PLAIN.encode()
    for cut in range(len(data) + 1):
        assert _shown([data[:cut], data[cut:]]) == PLAIN
    for size in range(1, len(data)):
        assert _shown([data[start : start + size] for start in range(0, len(data), size)]) == PLAIN


def test_an_escape_code_cut_in_two_is_not_shown() -> None:
    """A code within a line goes, wherever it is cut."""
    data = b"one \x1b[1;31mred\x1b[0m \x1b]0;title\x07two\nthree\n"
    for cut in range(len(data) + 1):
        assert _shown([data[:cut], data[cut:]]) == "one red two\nthree\n"


def test_lines_are_shown_whole() -> None:
    """A line is held until its end has come, so that a log has lines."""
    text = OutputText()
    assert text.feed(b"one\ntw") == "one\n"
    assert text.feed(b"o") == ""
    assert text.feed(b"\nthree") == "two\n"
    assert text.feed(b"", final=True) == "three"
    assert text.feed(b"", final=True) == ""


def test_all_lines_that_are_whole_are_shown_at_once() -> None:
    """However many lines arrive together, only the last is held, if it has not ended."""
    assert OutputText().feed(b"one\ntwo\nthr") == "one\ntwo\n"
    assert OutputText().feed(b"line\n" * 2000 + b"torn") == "line\n" * 2000


def test_a_long_line_is_waited_for_but_not_a_longer_one() -> None:
    """A line is held up to 4,096 characters; of what is longer, an escape code that may be cut stays behind."""
    text = OutputText()
    assert text.feed(b"." * 4096) == ""
    assert text.feed(b".") == "." * 4097
    assert OutputText().feed(b"." * 5000 + b"\x1b[31m.\x1b[") == "." * 5001
    assert OutputText().feed(b".\x1b[31m" + b"." * 5000) == "." * 5001


def test_a_line_without_end_is_not_held_for_ever() -> None:
    """A command that prints dots all day is seen to do so, and nothing of it is lost or kept."""
    text, shown, longest_wait = OutputText(), [], 0
    waiting = 0
    for _ in range(1000):
        new = text.feed(b"." * 100)
        waiting = 0 if new else waiting + 100
        longest_wait = max(longest_wait, waiting)
        shown.append(new)
    shown.append(text.feed(b"", final=True))
    assert "".join(shown) == "." * 100_000
    assert longest_wait < 10_000


def test_a_progress_bar_is_shown_in_its_last_state() -> None:
    """Of what a line shows in its time, only the end is logged."""
    chunks = [f"\r{percent}%".encode() for percent in range(101)]
    assert _shown([*chunks, b"\ndone\n"]) == "100%\ndone\n"
