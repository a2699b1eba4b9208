"""The code blocks of the documents: which tests run them, and why not where none does.

A block of commands (`sh`, `bash` or `console`) has a mark on the line before it:

    <!-- run: NAME -->            a test runs it: it takes the text from here, with `block("NAME")`
    <!-- not run: REASON -->      no test does, and why

A `console` block shows commands after `$ `, and what they print.
"""

from __future__ import annotations

import re
import subprocess
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = frozenset({"bash", "console", "sh"})
_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<kind>run|not run): (?P<mark>[^\n]*?) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\S*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a document.

    Attributes:
        place: the document and the line, as `docs/setups.md:12`.
        language: what stands after the fence; may be empty.
        text: what is between the fences.
        name: by which a test takes it; None unless it is marked `run`.
        reason: why no test runs it; None unless it is marked `not run`.
    """

    place: str
    language: str
    text: str
    name: str | None
    reason: str | None

    @property
    def commands(self) -> str:
        """The commands alone, as a script."""
        if self.language != "console":
            return self.text
        # A command goes on in the next line where this one ends in a backslash.
        found = re.findall(r"^\$ ((?:.*\\\n)*.*\n)", self.text, re.MULTILINE)
        return "".join(found)


def documents() -> list[Path]:
    """Every Markdown file of the repository."""
    listing = subprocess.run(["git", "ls-files", "-z", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for path in (ROOT / name for name in listing.stdout.split("\0") if name) if path.exists()]


def blocks(document: Path, root: Path = ROOT) -> Iterator[Block]:
    """The blocks of a document below a folder."""
    text = document.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        yield Block(
            f"{document.relative_to(root)}:{line}",
            found["language"],
            textwrap.dedent(found["text"]),
            found["mark"] if found["kind"] == "run" else None,
            found["mark"] if found["kind"] == "not run" else None,
        )


def all_blocks() -> list[Block]:
    """The blocks of every document."""
    return [block for document in documents() for block in blocks(document)]


def block(name: str) -> Block:
    """The block that is marked `run: NAME`."""
    (found,) = (one for one in all_blocks() if one.name == name)
    return found
