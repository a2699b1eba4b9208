"""A shell of our own over channels that a test controls: what is typed, how often, and how long is waited."""

from __future__ import annotations

import re

import pytest

from studio_setup.model.errors import ConnectionLost, OutOfTime, ShellSilent
from studio_setup.terminal.prompt import PromptFinder
from studio_setup.terminal.shell import MAX_TEXT_CHARACTERS, Shell, percent_b
from tests.support.fakes import FakeTime, SilentChannel

ANY_CHARACTERS = "".join(map(chr, range(256))) + "☃🎉"


class _EndlessChannel(SilentChannel):
    """A channel to a terminal that shows something twice a second, for ever."""

    def receive(self, timeout_seconds: float) -> str:
        super().receive(min(timeout_seconds, 0.5))
        return "spam"


class _NagleChannel:
    """A channel to a server that sends its next message only when the one before was answered (Nagle's algorithm)."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self._messages: list[str] = []
        self._is_held = False

    def send(self, text: str) -> None:
        self.sent.append(text)
        if len(self.sent) == 1:
            nonce = text.partition("'<")[2].partition(":")[0]
            self._messages = ["the echo", "and the rest of it", f"<{nonce}::0:>"]
        self._is_held = False

    def receive(self, timeout_seconds: float) -> str:
        if self._is_held:
            raise ConnectionLost(f"Nothing for {timeout_seconds} seconds.")
        self._is_held = True
        return self._messages.pop(0)

    def close(self) -> None:
        """Nothing is open."""


# Taking over the user's shell


def test_the_line_that_takes_over_is_typed_again_ever_less_often(fake_time: FakeTime) -> None:
    """A start-up file may swallow lines for a minute; each pause is twice as long as the one before."""
    channel = SilentChannel(fake_time)
    started = fake_time.now
    with pytest.raises(ShellSilent, match="it shows: ''"):
        Shell.take_over(channel, fake_time.deadline(1000))
    assert [when - started for when, _ in channel.typed] == [0, 2, 6, 14, 30]
    assert fake_time.now - started == 60
    (line,) = {typed for _, typed in channel.typed}
    assert line.startswith("\x15 command export HISTFILE= || :; exec env ")
    assert line.endswith("'\r")


def test_every_shell_has_a_prompt_that_nobody_can_guess(fake_time: FakeTime) -> None:
    """The prompt has at least 64 random bits: no other terminal shows it, and no user can forge it."""
    nonces = set()
    for _ in range(2):
        channel = SilentChannel(fake_time)
        with pytest.raises(OutOfTime):
            Shell.take_over(channel, fake_time.deadline(1))
        prompt = re.search(r"'<([0-9a-f]{16,}):\$sn:", channel.typed[0][1])
        assert prompt
        nonces.add(prompt[1])
    assert len(nonces) == 2


def test_while_the_shell_is_taken_over_every_message_is_answered(fake_time: FakeTime) -> None:
    """A server that holds its next message until this one is acknowledged does not have to wait for that."""
    channel = _NagleChannel()
    Shell.take_over(channel, fake_time.deadline(20))
    assert channel.sent[1:] == ["", "", ""]


# Running a line


def test_a_line_has_twenty_seconds(fake_time: FakeTime) -> None:
    """After so long a silence the connection is lost; no single wait is longer than five seconds."""
    channel = SilentChannel(fake_time)
    with pytest.raises(ConnectionLost, match="silent for 20 seconds"):
        Shell(channel, fake_time.deadline(1000), PromptFinder("n")).run("true")
    assert fake_time.slept == [5, 5, 5, 5]
    assert channel.typed == [(1000, "\x15sn=1 answer=; true\r")]


def test_a_long_text_is_one_message_and_one_command(fake_time: FakeTime) -> None:
    """No line of it has a prompt that would have to be waited for; none is longer than a terminal takes."""
    channel = SilentChannel(fake_time)
    with pytest.raises(ConnectionLost):
        Shell(channel, fake_time.deadline(1000), PromptFinder("n")).run("use", text="x" * 3 * MAX_TEXT_CHARACTERS)
    ((_, typed),) = channel.typed
    *lines, last = typed.split("\n")
    assert [line[-2:] for line in lines] == ["'\\", "'\\"]
    assert last.endswith("'; [ ${#text} -eq 10200 ] && { use; }\r")
    assert max(map(len, [*lines, last])) < 4000


def test_a_silence_until_the_deadline_is_out_of_time(fake_time: FakeTime) -> None:
    """If the deadline passes first, the time is up, and the connection is not said to be lost."""
    with pytest.raises(OutOfTime, match="while the app went on"):
        Shell(SilentChannel(fake_time), fake_time.deadline(2), PromptFinder("n")).run("true")
    assert fake_time.slept == [2]


def test_leaving_takes_two_seconds_at_most(fake_time: FakeTime) -> None:
    """A shell that does not end is not waited for, even after the deadline."""
    channel = _EndlessChannel(fake_time)
    Shell(channel, fake_time.deadline(0), PromptFinder("n")).leave()
    assert [typed for _, typed in channel.typed] == ["\x15exit\r"]
    assert sum(fake_time.slept) == 2


# Typed text


def test_encoded_text_can_be_typed_between_single_quotes() -> None:
    """Encoded text is printable ASCII without a single quote."""
    assert re.fullmatch(r"[ -&(-~]*", percent_b(ANY_CHARACTERS))


def test_printable_text_is_typed_as_it_is() -> None:
    """Only what a terminal or a quoted string does not take is encoded, so a long script takes few lines."""
    plain = "".join(map(chr, range(0x20, 0x7F)))
    assert percent_b(plain) == plain.replace("\\", "\\0134").replace("'", "\\0047")
    assert percent_b("\x1f\x7fé") == "\\0037\\0177\\0303\\0251"
