"""From what a command printed to what is logged."""

from __future__ import annotations

from studio_setup.terminal.output import OutputText

PLAIN = "first\nzweite: grüß dich ☃ 🎉\n\n\tindented\nlast\n"


def _shown(chunks: list[bytes]) -> str:
    text = OutputText()
    return "".join([*(text.feed(chunk) for chunk in chunks), text.feed(b"", final=True)])


def test_invalid_utf8_is_replaced() -> None:
    """An invalid byte becomes a replacement character, and the text around it is kept."""
    assert _shown([b"caf\xe9 \xff\xfe ok\n"]) == "caf\ufffd \ufffd\ufffd ok\n"


def test_an_incomplete_character_at_the_end_is_replaced() -> None:
    """Output that ends in the middle of a character ends with a replacement character."""
    assert _shown(["snow ☃".encode()[:-1]]) == "snow \ufffd"


def test_text_is_the_same_however_it_is_cut() -> None:
    """Cut in two anywhere, or into chunks of any size, the output gives the same text."""
    data = PLAIN.encode()
    for cut in range(len(data) + 1):
        assert _shown([data[:cut], data[cut:]]) == PLAIN
    for size in range(1, len(data)):
        assert _shown([data[start : start + size] for start in range(0, len(data), size)]) == PLAIN


def test_an_escape_code_that_is_cut_in_two_is_removed() -> None:
    """A code within a line is removed wherever it is cut."""
    data = b"one \x1b[1;31mred\x1b[0m \x1b]0;title\x07two\nthree\n"
    for cut in range(len(data) + 1):
        assert _shown([data[:cut], data[cut:]]) == "one red two\nthree\n"


def test_a_line_is_held_until_it_ends() -> None:
    """Only whole lines are logged; the rest comes at the end of the output."""
    text = OutputText()
    assert text.feed(b"one\ntw") == "one\n"
    assert text.feed(b"o") == ""
    assert text.feed(b"\nthree") == "two\n"
    assert text.feed(b"", final=True) == "three"
    assert text.feed(b"", final=True) == ""


def test_whole_lines_are_shown_at_once() -> None:
    """However many lines arrive together, only the last is held, and only if it has not ended."""
    assert OutputText().feed(b"one\ntwo\nthr") == "one\ntwo\n"
    assert OutputText().feed(b"line\n" * 2000 + b"torn") == "line\n" * 2000


def test_a_line_is_held_up_to_4096_characters() -> None:
    """A longer line is shown in parts, and only an escape code that may be incomplete is held back."""
    text = OutputText()
    assert text.feed(b"." * 4096) == ""
    assert text.feed(b".") == "." * 4097
    assert OutputText().feed(b"." * 5000 + b"\x1b[31m.\x1b[") == "." * 5001
    assert OutputText().feed(b".\x1b[31m" + b"." * 5000) == "." * 5001


def test_a_line_that_never_ends_is_shown_in_parts() -> None:
    """The dots of a command that prints nothing else are shown soon, and none is lost or repeated."""
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


def test_of_a_progress_bar_only_the_last_state_is_shown() -> None:
    """What was overwritten on a line is not logged."""
    chunks = [f"\r{percent}%".encode() for percent in range(101)]
    assert _shown([*chunks, b"\ndone\n"]) == "100%\ndone\n"


def test_a_long_line_is_not_cut_within_an_escape_code() -> None:
    """When a line that never ends is shown in parts, no part ends in the middle of an escape code."""
    text, shown = OutputText(), ""
    for _ in range(3000):
        shown += text.feed(b"\x1b[1;31m.\x1b[0m"[:5]) + text.feed(b"\x1b[1;31m.\x1b[0m"[5:])
    assert shown + text.feed(b"", final=True) == "." * 3000
