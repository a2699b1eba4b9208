"""The file of --from-file: whose apps are meant, as lines or as CSV. Pure, but for reading it.

Plain lines hold a user profile's name or `space:NAME`; empty lines and those that begin with `#` do not count. A file
whose first line has the column `user_profile_name` or `space_name` is CSV; its other columns do not count.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from studio_setup.fleet.apps import Selection
from studio_setup.model.errors import BadInput

MAX_FILE_BYTES = 4 * 1024 * 1024
_USER, _SPACE = "user_profile_name", "space_name"


@dataclass(frozen=True, slots=True)
class Names:
    """Names of user profiles and of spaces, each once, in the order of the file."""

    users: tuple[str, ...]
    spaces: tuple[str, ...]


def read_names(path: Path) -> Names:
    """The names in the file.

    Raises:
        BadInput: the file cannot be read, is empty or too large, or has a name that is not valid; the message has the
            number of the line.
    """
    users: dict[str, None] = {}
    spaces: dict[str, None] = {}
    for number, user, space in _rows_of(path):
        try:
            Selection(user_profile_names=(user,) if user else (), space_names=(space,) if space else ())
        except BadInput as error:
            raise BadInput(f"{path}, line {number}: {error}") from None
        if user:
            users[user] = None
        if space:
            spaces[space] = None
    if not users and not spaces:
        raise BadInput(f"{path} names nobody; it takes one user profile's name or space:NAME per line, or CSV.")
    return Names(tuple(users), tuple(spaces))


def _rows_of(path: Path) -> Iterator[tuple[int, str, str]]:
    try:
        yield from _rows(_text(path))
    except csv.Error as error:
        raise BadInput(f"{path} is not valid CSV: {error}.") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    if len(content) > MAX_FILE_BYTES:
        raise BadInput(f"{path} has more than {MAX_FILE_BYTES} bytes; split it.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not text in UTF-8; save it as such.") from None


def _rows(text: str) -> Iterator[tuple[int, str, str]]:
    """Line number, user and space of each line that names one."""
    lines = text.splitlines()
    reader = csv.reader(lines)
    columns = [name.strip() for name in next(reader, [])]
    if not {_USER, _SPACE} & set(columns):
        yield from _plain_rows(lines)
        return
    for values in reader:
        row = dict(zip(columns, map(str.strip, values), strict=False))
        space = row.get(_SPACE, "")
        user = "" if space else row.get(_USER, "")  # beside a space, the user is its owner
        if user or space:
            yield reader.line_num, user, space


def _plain_rows(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(map(str.strip, lines), 1):
        if not line or line.startswith("#"):
            continue
        if line.startswith("space:"):
            yield number, "", line.removeprefix("space:").strip() or " "
        else:
            yield number, line, ""
