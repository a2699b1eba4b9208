"""JSON from outside, bounded before it is used. Pure."""

from __future__ import annotations

import json
import math
import re
from typing import NoReturn

MAX_DEPTH = 32
_MAX_DIGITS = 18  # what fits into 64 bits
# An unfinished string counts as one, so that no text is looked through more than once.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{\]}]', re.DOTALL)


def parse_json(text: str) -> object:
    """The value that a JSON text stands for.

    Raises:
        ValueError: it is not JSON, is nested too deeply, or has a number that no honest program sends.
    """
    # Counting takes a hundredth of the time: most texts have too few brackets to be deep.
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(text)
    return json.loads(text, parse_int=_integer, parse_float=_number, parse_constant=_refuse)


def _check_depth(text: str) -> None:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError("nested too deeply")
        elif match[0] in "]}":
            depth -= 1


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
