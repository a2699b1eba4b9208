"""Our prompt, found in a stream of text that is cut anywhere."""

from __future__ import annotations

import itertools
import re
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Protocol

import pytest

from studio_setup.terminal.prompt import PromptFinder, Reply
from studio_setup.terminal.shell import _TAKE_OVER

NONCE = "0123456789abcdef"
PROMPT = f"<{NONCE}:7:42:follow over>"
PROMPTS_OF_USERS = ["bash-4.2$ ", "sagemaker-user@studio$ ", "(studio) sagemaker-user@studio$ ", "root@vm:~# ", "> "]


class Finder(Protocol):
    """An object that finds prompts."""

    def feed(self, text: str) -> None:
        """Take in text that arrived."""

    def find(self, line_number: int | None) -> Reply | None:
        """Return the reply, if it has arrived."""


class NaiveFinder:
    """Looks only at the last frame, as if frames were messages: the mistake that the tests here must find."""

    def __init__(self, nonce: str) -> None:
        self._nonce, self._frame = nonce, ""

    def feed(self, text: str) -> None:
        """Forget the frame before."""
        self._frame = text

    def find(self, line_number: int | None) -> Reply | None:
        """Look for the prompt in the last frame."""
        match = re.search(rf"<{self._nonce}:({line_number}):(\d+):([^>]*)>", self._frame)
        return Reply(int(match[2]), match[3], self._frame[: match.start()]) if match else None


def _replies(finder: Finder, chunks: Sequence[str]) -> list[Reply]:
    found = []
    for chunk in chunks:
        finder.feed(chunk)
        reply = finder.find(7)
        if reply:
            found.append(reply)
    return found


def _check_two_chunks(make: Callable[[str], Finder]) -> None:
    text = f"output\r\n{PROMPT}"
    for cut in range(len(text) + 1):
        replies = _replies(make(NONCE), [text[:cut], text[cut:]])
        assert replies == [Reply(42, "follow over", "output\r\n")], cut


def test_a_prompt_is_found_wherever_it_is_cut_in_two() -> None:
    """Two frames give one reply, wherever in the prompt the first one ends."""
    _check_two_chunks(PromptFinder)


def test_a_prompt_is_found_wherever_it_is_cut_in_three() -> None:
    """Three frames give one reply, and so does one frame for each character."""
    text = f"x\r\n{PROMPT}"
    expected = [Reply(42, "follow over", "x\r\n")]
    for first, second in itertools.combinations_with_replacement(range(len(text) + 1), 2):
        assert _replies(PromptFinder(NONCE), [text[:first], text[first:second], text[second:]]) == expected
    assert _replies(PromptFinder(NONCE), list(text)) == expected


def test_a_finder_that_looks_at_single_frames_fails() -> None:
    """The tests above can fail: they do for a finder that takes frames for messages."""
    with pytest.raises(AssertionError):
        _check_two_chunks(NaiveFinder)


def test_the_echo_of_our_typing_is_not_a_prompt() -> None:
    """The line that sets our prompt comes back as an echo; however it is wrapped, it is not taken for the prompt."""
    finder = PromptFinder(NONCE)
    typed = _TAKE_OVER.format(prompt=finder.as_shell_text)
    for width in (len(typed), 80, 20, 7, 1):
        lines = [typed[start : start + width] for start in range(0, len(typed), width)]
        for end in ("", "\r", "\r\n", " \r", "\x1b[K\r\n"):
            finder.feed("bash-4.2$ " + end.join(lines) + "\r\n")
            assert finder.find(None) is None


def test_the_text_of_ps1_is_not_a_prompt() -> None:
    """PS1 as it was set, which `set -x` and `declare` show, does not match."""
    finder = PromptFinder(NONCE)
    for text in (
        f"PS1='{finder.as_shell_text}'",
        f'declare -x PS1="{finder.as_shell_text.replace("$", chr(92) + "$")}"',
    ):
        finder.feed(text + "\n")
    assert finder.find(None) is None
    assert finder.find(7) is None


def test_the_text_of_ps1_fits_between_single_quotes() -> None:
    """It is typed between single quotes, and has the variables that the shell replaces with line, status and answer."""
    text = PromptFinder(NONCE).as_shell_text
    assert text == f"<{NONCE}:$sn:$?:$answer>"


@pytest.mark.parametrize("prompt", PROMPTS_OF_USERS)
def test_prompts_of_users_are_just_text(prompt: str) -> None:
    """Output that looks like another prompt is not a reply."""
    finder = PromptFinder(NONCE)
    finder.feed(f"{prompt}\r\n{prompt}")
    assert finder.find(None) is None
    finder.feed(PROMPT)
    assert finder.find(7) == Reply(42, "follow over", f"{prompt}\r\n{prompt}")


def test_the_prompts_of_other_lines_are_skipped() -> None:
    """The prompt after something typed by somebody else has the number of an earlier line, and is not the reply."""
    finder = PromptFinder(NONCE)
    finder.feed(f"<{NONCE}:6:0:old>typed\r\n<{NONCE}:6:1:old><{NONCE}::0:>")
    assert finder.find(7) is None
    finder.feed(f"<{NONCE}:70:0:later><{NONCE}:7:3:mine>rest")
    reply = finder.find(7)
    assert reply is not None
    assert (reply.exit_status, reply.answer) == (3, "mine")


def test_the_first_prompt_has_no_number() -> None:
    """Asked for any prompt, the finder accepts the first one, which shows that the shell is ours."""
    finder = PromptFinder(NONCE)
    finder.feed(f"banner\r\n<{NONCE}::0:>")
    assert finder.find(None) == Reply(0, "", "banner\r\n")


@pytest.mark.parametrize("nonce", ["0123456789abcdee", "", "abcdef", "0123456789ABCDEF"])
def test_the_prompt_of_another_shell_is_not_ours(nonce: str) -> None:
    """Only the shell that was given the nonce can answer, not an earlier one in the same terminal."""
    finder = PromptFinder(NONCE)
    finder.feed(f"<{nonce}:7:0:x>")
    assert finder.find(None) is None


@pytest.mark.parametrize("text", [f"<{NONCE}:7:42:a\r\nb>", f"<{NONCE}:7::a>", f"<{NONCE}:7:-1:a>", f"{NONCE}:7:42:a>"])
def test_a_garbled_prompt_is_not_a_prompt(text: str) -> None:
    """A prompt with other text printed into it is not taken for one."""
    finder = PromptFinder(NONCE)
    finder.feed(text)
    assert finder.find(7) is None


@pytest.mark.parametrize("before", ["\x1b[0m", "\x1b]0;title\x07", "\x1b[?2004h", "\r", "\x1b[31m$ \x1b[0m", "\x00"])
@pytest.mark.parametrize("after", ["", "\x1b[K", "\x1b[?2004l", "\r\n"])
def test_escape_codes_around_the_prompt_do_not_matter(before: str, after: str) -> None:
    """Colours, titles and modes of the terminal around our prompt do not hide it."""
    finder = PromptFinder(NONCE)
    finder.feed(f"{before}{PROMPT}{after}")
    assert finder.find(7) == Reply(42, "follow over", before)


def test_a_reply_is_given_only_once() -> None:
    """The text up to a prompt is gone with it; the text after it belongs to the next reply."""
    finder = PromptFinder(NONCE)
    finder.feed(f"{PROMPT}next<{NONCE}:8:0:b>")
    assert finder.find(7) is not None
    assert finder.find(7) is None
    assert finder.find(8) == Reply(0, "b", "next")


def test_memory_is_bounded() -> None:
    """However much a terminal prints without a prompt, only the end is kept, and the prompt after it is found."""
    finder = PromptFinder(NONCE)
    frame = "spam and eggs\r\n" * 4096
    tracemalloc.start()
    try:
        for _ in range(150):
            finder.feed(frame)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(frame) * 150 > 9_000_000
    assert peak_bytes < 5_000_000
    finder.feed(PROMPT)
    reply = finder.find(7)
    assert reply is not None
    assert len(reply.text) < 2_000_000


def test_the_tail_is_the_end_of_the_text() -> None:
    """The last 500 characters help to see why there is no prompt."""
    finder = PromptFinder(NONCE)
    finder.feed("x" * 1000 + "Password: ")
    assert finder.tail.endswith("xxPassword: ")
    assert len(finder.tail) == 500


def test_our_prompts_are_removed_from_the_text() -> None:
    """A shell may draw its prompt several times (busybox does); none of them is part of what was printed."""
    finder = PromptFinder("0a")
    finder.feed("<0a:1:0:><0a:1:0:>no room\r\n<0a:2:1:>")
    assert finder.find(2) == Reply(1, "", "no room\r\n")


@pytest.mark.timeout(20)
def test_the_time_for_prompts_without_an_end_grows_with_their_length() -> None:
    """A megabyte of them takes milliseconds; in quadratic time it would be minutes, which no deadline could end."""
    finder = PromptFinder(NONCE)
    finder.feed(f"<{NONCE}:7:0:" * 50_000)
    assert finder.find(7) is None
    finder.feed(f"{PROMPT}")
    reply = finder.find(7)
    assert reply
    assert (reply.exit_status, reply.answer) == (42, "follow over")
