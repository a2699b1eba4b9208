"""As much of a shell as somebody sees who types Studio Setup's lines into it: it runs nothing, and says it has.

The prompt and the answers are those of `remote.sh`, written down here once more: what stands in for the other side
knows nothing of the engine's code.
"""

from __future__ import annotations

import re

_TAKE_OVER = re.compile(r"<(\w+):\$sn:\$\?:\$answer>")
_LINE = re.compile(r"sn=(\d+) answer=; (.*)", re.DOTALL)
_GUARD = re.compile(r".*\[ \$\{#text\} -eq \d+ \] && \{ (.*); \}", re.DOTALL)
ROOT = "/tmp/studio-setup"  # noqa: S108 (where the app would keep its runs)


class Terminal:
    """A terminal: `nonce` and `number` are those of the prompt that is expected next."""

    def __init__(self) -> None:
        self.nonce = ""
        self.number = ""

    def type(self, line: str) -> str:
        """Type a line; what the terminal shows then."""
        call = self.read(line)
        return self.prompt(answer(call)) if call is not None else ""

    def read(self, line: str) -> str | None:
        """The call in a line, without what comes before it; None if the line is nothing for a shell."""
        if taken := _TAKE_OVER.search(line):
            self.nonce, self.number = taken[1], ""
            return ""
        if not (match := _LINE.search(line)):
            return None
        self.number = match[1]
        guarded = _GUARD.fullmatch(match[2].strip())
        return guarded[1] if guarded else match[2].strip()

    def prompt(self, text: str = "", status: str = "0", number: str | None = None) -> str:
        """The prompt, with this answer in it."""
        return f"<{self.nonce}:{self.number if number is None else number}:{status}:{text}>"


def answer(call: str) -> str:
    """What `remote.sh` answers, if all goes well; `{0}` and so on are the call's own words."""
    if "prepare" in call:
        return f"ready boot_1 {ROOT}"
    name, *words = call.rsplit(" && ", maxsplit=1)[-1].split() or [""]
    return _ANSWERS.get(name, "").format(*words)


_ANSWERS = {
    "claim": "claim {0} {1} -",
    "has": "has yes",
    "follow": "follow over 0 - 1.0 2.0 0 ",
    "finish": "finish {1} {2}",
    "note_environment": "noted",
}
