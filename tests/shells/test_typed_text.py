"""Text as we type it, decoded by every shell that is installed here."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_setup.terminal.shell import _assignments, percent_b
from tests.support.fuzzing import TEXTS, streams
from tests.support.needs import needs


@pytest.mark.parametrize("shell", ["sh", "bash", "dash", "busybox sh", "zsh", "ksh"])
@streams(3, 100)
@given(texts=st.lists(TEXTS, min_size=20, max_size=60))
def test_every_shell_decodes_any_text(shell: str, texts: Sequence[str]) -> None:
    """`printf %b` of every shell gives the bytes of the text back, up to sixty texts at a time."""
    program = shell.split()
    needs(program[0])
    script = "".join(
        "".join(_assignments(percent_b(text)) or ["text=; "]) + 'printf %b "$text"; echo =\n' for text in texts
    )
    done = subprocess.run([*program, "-s"], input=script.encode(), capture_output=True, check=True)
    assert done.stdout == b"".join(text.encode() + b"=\n" for text in texts)
