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
HUMAN_PROMPTS = ["bash-4.2$ ", "sagemaker-user@studio$ ", "(studio) sagemaker-user@studio$ ", "root@vm:~# ", "> "]


class Finder(Protocol):
    """What finds a prompt."""

    def feed(self, text: str) -> None:
        """Take in what arrived."""

    def find(self, line_number: int | None) -> Reply | None:
        """Return the reply, if it is there."""


class NaiveFinder:
    """Looks at what arrived last only, as if frames were messages: what the tests here must not let pass."""

    def __init__(self, nonce: str) -> None:
        self._nonce, self._frame = nonce, ""

    def feed(self, text: str) -> None:
        """Forget what was before."""
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
    """Two frames hold one reply, whatever part of the prompt is in which."""
    _check_two_chunks(PromptFinder)


def test_a_prompt_is_found_wherever_it_is_cut_in_three() -> None:
    """Three frames hold one reply, and so does a frame for each character."""
    text = f"x\r\n{PROMPT}"
    expected = [Reply(42, "follow over", "x\r\n")]
    for first, second in itertools.combinations_with_replacement(range(len(text) + 1), 2):
        assert _replies(PromptFinder(NONCE), [text[:first], text[first:second], text[second:]]) == expected
    assert _replies(PromptFinder(NONCE), list(text)) == expected


def test_a_matcher_of_frames_would_not_pass() -> None:
    """The test above can fail: a matcher that takes frames for messages does."""
    with pytest.raises(AssertionError):
        _check_two_chunks(NaiveFinder)


def test_the_echo_of_the_take_over_is_no_prompt() -> None:
    """What is typed to get our prompt comes back as an echo, and is not taken for it, however it is wrapped."""
    finder = PromptFinder(NONCE)
    typed = _TAKE_OVER.format(prompt=finder.as_shell_text)
    for width in (len(typed), 80, 20, 7, 1):
        lines = [typed[start : start + width] for start in range(0, len(typed), width)]
        for end in ("", "\r", "\r\n", " \r", "\x1b[K\r\n"):
            finder.feed("bash-4.2$ " + end.join(lines) + "\r\n")
            assert finder.find(None) is None


def test_the_prompts_own_text_is_no_prompt() -> None:
    """Where PS1 is shown as it was set, by `set -x` or `env`, nothing matches."""
    finder = PromptFinder(NONCE)
    for text in (
        f"PS1='{finder.as_shell_text}'",
        f'declare -x PS1="{finder.as_shell_text.replace("$", chr(92) + "$")}"',
    ):
        finder.feed(text + "\n")
    assert finder.find(None) is None
    assert finder.find(7) is None


def test_the_prompts_text_fits_between_single_quotes() -> None:
    """It is typed inside single quotes, and holds what a shell turns into line, status and answer."""
    text = PromptFinder(NONCE).as_shell_text
    assert text == f"<{NONCE}:$sn:$?:$answer>"


@pytest.mark.parametrize("human", HUMAN_PROMPTS)
def test_prompts_for_people_are_just_text(human: str) -> None:
    """Output that looks like any prompt ends no line but ours."""
    finder = PromptFinder(NONCE)
    finder.feed(f"{human}\r\n{human}")
    assert finder.find(None) is None
    finder.feed(PROMPT)
    assert finder.find(7) == Reply(42, "follow over", f"{human}\r\n{human}")


def test_the_answers_to_other_lines_are_passed_over() -> None:
    """The prompt after somebody else's typing has the number of the line before, and is not the reply."""
    finder = PromptFinder(NONCE)
    finder.feed(f"<{NONCE}:6:0:old>typed\r\n<{NONCE}:6:1:old><{NONCE}::0:>")
    assert finder.find(7) is None
    finder.feed(f"<{NONCE}:70:0:later><{NONCE}:7:3:mine>rest")
    reply = finder.find(7)
    assert reply is not None
    assert (reply.exit_status, reply.answer) == (3, "mine")


def test_any_prompt_will_do_before_lines_have_numbers() -> None:
    """The first prompt has no number, and shows that the shell is ours."""
    finder = PromptFinder(NONCE)
    finder.feed(f"banner\r\n<{NONCE}::0:>")
    assert finder.find(None) == Reply(0, "", "banner\r\n")


@pytest.mark.parametrize("nonce", ["0123456789abcdee", "", "abcdef", "0123456789ABCDEF"])
def test_a_prompt_of_another_shell_is_no_prompt(nonce: str) -> None:
    """Only the shell that was given the nonce can answer, not one before it in the same terminal."""
    finder = PromptFinder(NONCE)
    finder.feed(f"<{nonce}:7:0:x>")
    assert finder.find(None) is None


@pytest.mark.parametrize("text", [f"<{NONCE}:7:42:a\r\nb>", f"<{NONCE}:7::a>", f"<{NONCE}:7:-1:a>", f"{NONCE}:7:42:a>"])
def test_a_garbled_prompt_is_no_prompt(text: str) -> None:
    """A prompt that something else was printed into is not half believed."""
    finder = PromptFinder(NONCE)
    finder.feed(text)
    assert finder.find(7) is None


@pytest.mark.parametrize("before", ["\x1b[0m", "\x1b]0;title\x07", "\x1b[?2004h", "\r", "\x1b[31m$ \x1b[0m", "\x00"])
@pytest.mark.parametrize("after", ["", "\x1b[K", "\x1b[?2004l", "\r\n"])
def test_escape_codes_around_the_prompt_do_not_matter(before: str, after: str) -> None:
    """A terminal's colours, titles and modes around our prompt leave it what it is."""
    finder = PromptFinder(NONCE)
    finder.feed(f"{before}{PROMPT}{after}")
    assert finder.find(7) == Reply(42, "follow over", before)


def test_a_reply_is_given_once() -> None:
    """Text up to a prompt is used up with it; what came after is the beginning of the next."""
    finder = PromptFinder(NONCE)
    finder.feed(f"{PROMPT}next<{NONCE}:8:0:b>")
    assert finder.find(7) is not None
    assert finder.find(7) is None
    assert finder.find(8) == Reply(0, "b", "next")


def test_memory_stays_bounded() -> None:
    """However much a terminal prints without a prompt, only the last of it is kept, and the prompt after it found."""
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


def test_the_tail_is_what_a_person_would_look_at() -> None:
    """The last of what was shown helps to see why there is no prompt."""
    finder = PromptFinder(NONCE)
    finder.feed("x" * 1000 + "Password: ")
    assert finder.tail.endswith("xxPassword: ")
    assert len(finder.tail) == 500


def test_prompts_of_ours_are_no_text() -> None:
    """A shell that draws its prompt again and again (busybox) does so beside what was printed."""
    finder = PromptFinder("0a")
    finder.feed("<0a:1:0:><0a:1:0:>no room\r\n<0a:2:1:>")
    assert finder.find(2) == Reply(1, "", "no room\r\n")
