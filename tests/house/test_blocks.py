"""Every block of commands in the documents is run by a test, or says why not."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from tests.support.documents import COMMANDS, ROOT, all_blocks, blocks

_TAKEN = re.compile(r'\bblock\("([^"]+)"\)')


def _taken() -> Counter[str]:
    """The names of the blocks that tests take, each with how many test files do."""
    files = [path for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__)]
    return Counter(name for path in files for name in set(_TAKEN.findall(path.read_text(encoding="utf-8"))))


def test_every_block_says_what_it_is() -> None:
    """A fence names a language, so that no block of commands is overlooked."""
    assert [block.place for block in all_blocks() if not block.language] == []


def test_every_block_of_commands_is_run_or_excused() -> None:
    """A block of commands is marked with the name by which a test takes it, or with the reason why none does."""
    commands = [block for block in all_blocks() if block.language in COMMANDS]
    assert len(commands) > 10
    assert [block.place for block in commands if not (block.name or block.reason)] == []


def test_every_named_block_is_taken_by_a_test() -> None:
    """Each name is that of one block, and a test takes it; no test takes one that is not there."""
    names = [block.name for block in all_blocks() if block.name]
    assert sorted(names) == sorted(set(names))
    assert _taken().keys() == set(names)


def test_commands_are_told_from_what_they_print(tmp_path: Path) -> None:
    """Of a console block the commands are those after the dollar sign, with the lines they go on in."""
    example = tmp_path / "example.md"
    example.write_text(
        "<!-- run: a -->\n```console\n$ one \\\n  two\nprinted\n$ three\n```\n"
        "- item\n\n  <!-- not run: because -->\n  ```sh\n  four\n  ```\n\n```text\nfive\n```\n"
    )
    first, second, third = blocks(example, tmp_path)
    assert (first.name, first.reason, first.commands) == ("a", None, "one \\\n  two\nthree\n")
    assert (second.name, second.reason, second.commands, second.place) == (None, "because", "four\n", "example.md:11")
    assert (third.name, third.reason, third.language) == (None, None, "text")
