"""The output of `make try`: whatever a script has done, it is text."""

from __future__ import annotations

import io

from try_setup.home import Changes
from try_setup.screen import Screen


def _shown(changes: Changes) -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    Screen(stream).changes(changes)
    stream.seek(0)
    return stream.read()


def test_a_name_of_a_file_is_one_line_of_text() -> None:
    """Names may have line ends, escape codes and bytes that are no UTF-8; Python has those as surrogates."""
    odd = "bad\udcff\x1b[31m\u202ename\nNOT IDEMPOTENT"
    assert _shown(Changes(added=(odd,), changed=((odd, "1 → 2 lines"),))).splitlines() == [
        "    home: 1 added, 1 changed, 0 removed",
        "      + badname NOT IDEMPOTENT",
        "      ~ badname NOT IDEMPOTENT (1 → 2 lines)",
    ]
