"""A terminal that keeps what is written to it."""

from __future__ import annotations

import io
import re

_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


class Screen(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True

    @property
    def text(self) -> str:
        """What was written, without colours and movements of the cursor."""
        return _ESCAPE.sub("", self.getvalue())
