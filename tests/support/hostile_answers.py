"""What can be done to an answer: bytes, shapes, sizes, order, silence, telling what was sent. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hypothesis import strategies as st


class How(StrEnum):
    """What is done to an answer."""

    CUT = "it ends early"
    REPLACED = "a piece of it is something else"
    INSERTED = "something is put into it"
    REPEATED = "it comes many times"
    EMPTY = "nothing is in it"
    ENDLESS = "it is far too long"
    ODD_SHAPE = "a value in its JSON is another"
    PREVIOUS = "it is the answer before"
    LATE = "it comes after the one behind it"
    ODD_STATUS = "its status is another"
    ODD_HEADER = "a header is another"
    TELLING = "it repeats a secret that was sent"
    SILENT = "it never comes"
    BROKEN = "the connection breaks instead"


@dataclass(frozen=True)
class Change:
    """What happens to one answer: `place` is where in it, as a share of the whole; `junk` what is put there."""

    how: How
    place: float
    junk: Any

    def pick(self, *choices: Any) -> Any:  # noqa: ANN401 (whatever there is to choose from)
        """The choice that the place means."""
        return choices[int(self.place * len(choices))]


JUNK: tuple[Any, ...] = (
    "",
    "0",
    "9",
    "9" * 5000,
    '"',
    "}",
    "\x1b]0;owned\x07\x1b[2J",
    "\u202egnorw\u2066",
    "\x00",
    "\ud800",
    "[" * 5000,
    "x" * 100_000,
    "../../admin",
    "studiosetup/../../../../admin",
    "https://evil.test/x",
    "file:///etc/passwd",
    "http://[",
    "Mon, 99 Foo 99999 99:99:99 +9999",
    "text/html",
    "<a:1:0:follow over 0 - 1.0 2.0 0 >",
    "Deleted",
    "Failed",
    None,
    True,
    -1,
    5,
    1e308,
    [],
    {},
    [[]],
    {"name": "1"},
)
# A setup that nothing happens to has 18 answers, which are all changed about equally often.
_CHANGE = st.builds(
    Change, st.sampled_from(How), st.integers(0, 999).map(lambda place: place / 1000), st.sampled_from(JUNK)
)
CHANGES = st.builds(
    lambda first, others: [first, *others],
    st.tuples(st.integers(0, 17), _CHANGE),
    st.lists(st.tuples(st.integers(0, 8), _CHANGE), max_size=3),
)


class Changes:
    """The change that happens to each answer, in their order; None for most."""

    def __init__(self, changes: Sequence[tuple[int, Change]], *, goes_on: bool) -> None:
        self._of_each = self._in_order(changes, goes_on=goes_on)
        self._previous = ""

    def next(self) -> Change | None:
        """The change that happens to the next answer."""
        return next(self._of_each, None)

    def text(self, text: str, change: Change) -> str:
        """A text after a change that a text can have; others leave it as it is."""
        before, self._previous = self._previous, text
        at = int(change.place * len(text))
        junk = change.junk if isinstance(change.junk, str) else json.dumps(change.junk)
        changed: dict[How, Callable[[], str]] = {
            How.CUT: lambda: text[:at],
            How.REPLACED: lambda: text[:at] + junk + text[at + len(junk) :],
            How.INSERTED: lambda: text[:at] + junk + text[at:],
            How.REPEATED: lambda: text * (1 + int(change.place * 400)),
            How.EMPTY: lambda: "",
            How.ODD_SHAPE: lambda: _with_other_value(text, change),
            How.PREVIOUS: lambda: before,
        }
        return changed.get(change.how, lambda: text)()

    @staticmethod
    def _in_order(changes: Sequence[tuple[int, Change]], *, goes_on: bool) -> Iterator[Change | None]:
        for answers_before, change in changes:
            yield from [None] * answers_before
            yield change
        while changes and goes_on:
            yield changes[-1][1]


def _with_other_value(text: str, change: Change) -> str:
    """JSON in which one value, chosen by the place, is another."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return json.dumps(with_other_value(value, change))


def with_other_value(value: Any, change: Change) -> Any:  # noqa: ANN401 (any JSON)
    """A JSON value in which one inner value, chosen by the place, is another."""
    path = change.pick(*_places(value))
    if not path:
        return change.junk
    *way, last = path
    inner = value
    for key in way:
        inner = inner[key]
    inner[last] = change.junk
    return value


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:  # noqa: ANN401 (any JSON)
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _places(inner, (*path, key))
