"""From the bytes a command printed to text that can stand in a log. Pure."""

from __future__ import annotations

import codecs

from studio_setup.model.text import printable

_MAX_HELD_CHARACTERS = 4096
_MAX_ESCAPE_CHARACTERS = 256


class OutputText:
    """Turns chunks of bytes, cut anywhere, into printable text, whole lines at a time."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""

    def feed(self, chunk: bytes, *, final: bool = False) -> str:
        """What can be shown now: up to the last newline, or everything if nothing more comes."""
        text = self._held + self._decoder.decode(chunk, final)
        cut = len(text) if final else _end_of_what_is_whole(text)
        self._held = text[cut:]
        return printable(text[:cut])


def _end_of_what_is_whole(text: str) -> int:
    """Where to cut so that no line is torn, or, if the last line is very long, at least no escape code."""
    end_of_lines = text.rfind("\n") + 1
    if len(text) - end_of_lines <= _MAX_HELD_CHARACTERS:
        return end_of_lines
    escape = text.rfind("\x1b", len(text) - _MAX_ESCAPE_CHARACTERS)
    return escape if escape > 0 else len(text)
