"""Text from outside, made fit to be used, shown and logged. Pure."""

from __future__ import annotations

import re
from datetime import datetime

_ESCAPE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # OSC: titles, links
    r"|\x1b[PX^_][^\x1b\n]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|\x1b[ -/]*[0-~]"  # the rest of two or three characters
)
_OVERWRITTEN = re.compile(r"^[^\n]*\r(?=[^\n])", re.MULTILINE)  # a progress bar: only its last state counts
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional marks and overrides: they reorder what is shown
    r"\u2028\u2029\ud800-\udfff]"  # line separators; surrogates, which no encoding takes
)


def moment(text: object) -> datetime | None:
    """The moment that a text in ISO 8601 stands for; None if it is none, or does not say in which time zone."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None


def printable(text: str) -> str:
    """The text without escape codes, overwritten progress and control characters other than tab and newline."""
    text = _ESCAPE.sub("", text).replace("\r\n", "\n")
    return _CONTROL.sub("", _OVERWRITTEN.sub("", text))


def one_line(text: str, max_characters: int = 1000) -> str:
    """The text as one printable line of bounded length."""
    return " ".join(printable(text[: max_characters * 4]).split())[:max_characters]
