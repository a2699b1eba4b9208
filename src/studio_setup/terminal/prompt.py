"""Our prompt, and how to find it in a stream of text that is cut anywhere. Pure.

The shell shows `<NONCE:LINE:STATUS:ANSWER>` as its prompt: the number of the line it ran last, that line's exit
status, and what the line left in `$answer`. What we type has `$sn` and `$?` where the prompt has digits, so the echo of
our own typing cannot match. The line number tells the prompt that answers our line from a prompt after something that
somebody else typed. An answer inside the prompt cannot be mixed up with what other programs print. It has neither `<`
nor `>`: a prompt without an end stops at the next one, and so looking for prompts takes no longer than reading them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MAX_REPLY_CHARACTERS = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of one line: its exit status, its answer, and what was printed before it, without our prompts."""

    exit_status: int
    answer: str
    text: str


class PromptFinder:
    """Accumulates a terminal's text until our prompt is in it."""

    def __init__(self, nonce: str) -> None:
        self._nonce = nonce
        self._prompt = re.compile(rf"<{nonce}:([0-9]{{0,9}}):([0-9]{{1,3}}):([^<>\r\n]*)>")
        self._text = ""

    @property
    def as_shell_text(self) -> str:
        """The prompt as the shell's PS1 takes it, without a single quote in it."""
        return f"<{self._nonce}:$sn:$?:$answer>"

    @property
    def tail(self) -> str:
        """The end of the text since the last prompt: what a person would look at."""
        return self._text[-500:]

    def feed(self, text: str) -> None:
        """Add text that arrived; the oldest text is dropped when there is too much."""
        self._text = (self._text + text)[-_MAX_REPLY_CHARACTERS:]

    def find(self, line_number: int | None) -> Reply | None:
        """The reply to that line (None: any prompt of ours) if it is there, and drop the text up to it."""
        for match in self._prompt.finditer(self._text):
            if line_number is None or match[1] == str(line_number):
                reply = Reply(int(match[2]), match[3], self._prompt.sub("", self._text[: match.start()]))
                self._text = self._text[match.end() :]
                return reply
        return None
