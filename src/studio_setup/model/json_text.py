"""JSON from outside, bounded before it is used. Pure."""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

MAX_DEPTH = 32
MAX_VALUES = 100_000
_MAX_DIGITS = 18  # what fits into 64 bits
# An unfinished string counts as one, so that no text is looked through more than once. Possessive (`*+`), because what
# can be given back is remembered: a hundred bytes for every backslash.
_STRING_OR_MARK = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{\]},]', re.DOTALL)


def parse_json(text: str) -> object:
    """The value that a JSON text stands for.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or has more values, or a number, than an honest program sends.
    """
    # Counting takes a hundredth of the time: most texts have too few brackets and commas.
    if text.count("[") + text.count("{") > MAX_DEPTH or text.count(",") >= MAX_VALUES:
        _check_shape(text)
    return json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_refuse)


def _check_shape(text: str) -> None:
    depth, values = 0, 1
    for match in _STRING_OR_MARK.finditer(text):
        mark = text[match.start()]
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError("nested too deeply")
        elif mark in "]}":
            depth -= 1
        elif mark == ",":
            values += 1
            if values > MAX_VALUES:
                raise ValueError("too many values")


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError("a number with too many digits")
    return int(digits)


def _number(digits: str) -> float:
    if len(digits) > 2 * _MAX_DIGITS:
        raise ValueError("a number with too many digits")
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number that is too large")
    return number


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
