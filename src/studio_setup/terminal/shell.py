"""A shell of our own at the other end of a terminal: one line in, one reply out.

Whatever shell the user has, it is replaced by ours: bash without start-up files, or plain `sh` where there is no
bash, with our prompt, no echo, no line editing (a terminal then takes lines up to 4,095 characters) and no history.
The user's start-up files may print, sleep, ask or rewrite the prompt before that; a line they swallow is typed again.
"""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import Protocol

from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, OutOfTime, ShellSilent
from studio_setup.model.text import printable
from studio_setup.terminal.prompt import PromptFinder, Reply

MAX_TEXT_CHARACTERS = 3400  # of the 4,095 that a terminal takes on a line; no more than 600 come with them
# Typed at once: a terminal keeps what follows a whole line until that is read; after 64 KB whoever writes has to wait.
_LINES_AT_ONCE = 8
_PATIENCE_SECONDS = 60.0
_FIRST_PATIENCE_SECONDS = 2.0
_ERASE_LINE = "\x15"  # Ctrl-U: whatever somebody else has typed so far
_ENTER = "\r"
# A terminal that nobody types into for TMOUT seconds ends by itself, in case we are not there to delete it.
# Understood by sh, bash, zsh and fish. bash writes its history before it becomes another program; where a start-up file
# has made HISTFILE read-only, `command` keeps other shells from leaving out the rest of the line. zsh does not find
# such a command, and would end if errexit is set.
_TAKE_OVER = (
    " command export HISTFILE= || :; exec env -u ENV -u SHELLOPTS -u PROMPT_COMMAND HISTFILE= TERM=dumb TMOUT=60 sh -c"
    # Exported here and not by env: a bash called sh forgets its prompt when it is not interactive.
    """ 'unset -f command; export PS1="$0" PS2=; stty sane -echo;"""
    " command -v bash >/dev/null && exec bash --noprofile --norc --noediting -p -i; exec sh -i' '{prompt}'"
)


class TextChannel(Protocol):
    """A terminal as a stream of text; `Channel` is one. Each method raises ConnectionLost if the terminal is gone."""

    def send(self, text: str) -> None:
        """Type `text`."""

    def receive(self, timeout_seconds: float) -> str:
        """The text that arrived next; empty if there was none in that time."""

    def close(self) -> None:
        """Hang up; the terminal stays."""


@dataclass(slots=True)
class Shell:
    """Our shell; every line has a number, so that a reply belongs to exactly one line."""

    channel: TextChannel
    deadline: Deadline
    _prompt: PromptFinder
    _line_number: int = 0

    @classmethod
    def take_over(cls, channel: TextChannel, deadline: Deadline) -> Shell:
        """Make the terminal's shell ours.

        Raises:
            ShellSilent: that did not work; the message has the end of what was on the screen.
            ConnectionLost: the terminal is gone.
            OutOfTime: the deadline passed first.
        """
        shell = cls(channel, deadline, PromptFinder(secrets.token_hex(8)))
        line = _ERASE_LINE + _TAKE_OVER.format(prompt=shell._prompt.as_shell_text) + _ENTER
        give_up = deadline.within(_PATIENCE_SECONDS)
        patience_seconds = _FIRST_PATIENCE_SECONDS
        channel.send(line)
        while not shell._await(None, give_up.within(patience_seconds)):
            if give_up.expired:
                deadline_passed = OutOfTime("The deadline passed while the user's shell was starting.")
                silent = ShellSilent(f"The shell did not answer; it shows: {printable(shell._prompt.tail)!r}.")
                raise deadline_passed if deadline.expired else silent
            patience_seconds *= 2
            channel.send(line)
        if patience_seconds > _FIRST_PATIENCE_SECONDS:
            # What is left of a second copy may wait for the end of its line, if a line editor had read it already.
            channel.send(_ENTER)
            # If both copies are read, there is one more prompt; only this line's has its number. A long line might not
            # fit into the terminal beside a copy that is not read yet.
            shell.run(":")
        return shell

    def run(self, line: str, *, text: str = "", timeout_seconds: float = 20.0) -> Reply:
        """Run one line and return its reply; it finds `text`, as `printf %b` takes it, in the shell's variable `text`.

        It is typed in lines that no terminal cuts, a very long text ahead of the line; if a part of it did not arrive
        (somebody's Ctrl-C can do that), the exit status is not 0 and nothing is run.

        Raises:
            ConnectionLost: there was no reply in that time, or the terminal is gone.
            OutOfTime: the deadline passed first.
        """
        encoded = percent_b(text)
        *ahead, last = _assignments(encoded) or [""]
        for assignment in ahead:
            reply = self._run_line(assignment, timeout_seconds)
            if reply.exit_status != 0:
                return reply
        if text:
            line = f"{last}[ ${{#text}} -eq {len(encoded)} ] && {{ {line}; }}"
        return self._run_line(line, timeout_seconds)

    def leave(self) -> None:
        """End the shell, and with it the terminal; for one that must not be deleted by its name."""
        with contextlib.suppress(ConnectionLost):
            self.channel.send(f"{_ERASE_LINE}exit{_ENTER}")
            until = self.deadline.extended(2)
            while not until.expired:
                self.channel.receive(until.remaining_seconds)

    def _run_line(self, line: str, timeout_seconds: float) -> Reply:
        self._line_number += 1
        self.channel.send(f"{_ERASE_LINE}sn={self._line_number} answer=; {line}{_ENTER}")
        reply = self._await(self._line_number, self.deadline.within(timeout_seconds))
        if reply is not None:
            return reply
        if self.deadline.expired:
            raise OutOfTime("The deadline passed while the app went on.")
        raise ConnectionLost(f"The terminal was silent for {timeout_seconds:.0f} seconds.")

    def _await(self, line_number: int | None, until: Deadline) -> Reply | None:
        while True:
            reply = self._prompt.find(line_number)
            if reply is not None or until.expired:
                return reply
            text = self.channel.receive(min(until.remaining_seconds, 5.0))
            self._prompt.feed(text)
            if text and line_number is None:
                # The server's next message may wait until this one is acknowledged (Nagle's algorithm), and anything
                # that is sent acknowledges it.
                self.channel.send("")


def _assignments(encoded: str) -> list[str]:
    """The assignments that set the shell's variable `text`: each is one command, typed on several lines at once.

    Were each line a command, each would have a prompt and each prompt its message, and the server's second message may
    wait until the first is acknowledged (Nagle's algorithm).
    """
    pieces = [f"'{encoded[at : at + MAX_TEXT_CHARACTERS]}'" for at in range(0, len(encoded), MAX_TEXT_CHARACTERS)]
    parts = ["\\\n".join(pieces[at : at + _LINES_AT_ONCE]) for at in range(0, len(pieces), _LINES_AT_ONCE)]
    return [f"text={'${text}' if number else ''}{part}; " for number, part in enumerate(parts)]


_PLAIN = set(range(0x20, 0x7F)) - set(b"\\'")
_ENCODED = [chr(byte) if byte in _PLAIN else f"\\0{byte:03o}" for byte in range(256)]


def percent_b(text: str) -> str:
    """The text in printable ASCII without single quotes, such that `printf %b` of any shell gives its bytes back."""
    return "".join([_ENCODED[byte] for byte in text.encode()])
