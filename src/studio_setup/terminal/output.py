"""From the bytes a command printed to text that can stand in a log. Pure."""

from __future__ import annotations

import codecs
import re

_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC: titles, links
    r"|\x1b[PX^_][^\x1b\n]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"  # the rest of two or three characters
)
_OVERWRITTEN = re.compile(r"^[^\n]*\r(?=[^\n])", re.MULTILINE)  # a progress bar: only its last state counts
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_MAX_HELD_CHARACTERS = 4096
_MAX_ESCAPE_CHARACTERS = 256


def printable(text: str) -> str:
    """The text without escape codes, overwritten progress and control characters other than tab and newline."""
    text = _ESCAPE.sub("", text).replace("\r\n", "\n")
    return _CONTROL.sub("", _OVERWRITTEN.sub("", text))


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
