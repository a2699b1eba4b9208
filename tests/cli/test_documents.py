"""What docs/by-hand.md shows is what happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from emulator.studio import DOMAIN_ID
from tests.support.documents import block
from tests.support.scenario import Scenario

SRC = Path(__file__).parents[2] / "src"


def _alike(text: str) -> str:
    """The text without what differs from run to run: numbers, and the name of a terminal."""
    return re.sub(r"\d+(\.\d+)*", "N", re.sub(r"studiosetup[0-9a-f]{16}", "TERMINAL", text))


def test_a_run_by_hand_prints_what_the_page_shows(shared_app: Callable[..., Scenario], tmp_path: Path) -> None:
    """The commands of the page print what is shown below them, but for numbers, times and names."""
    shown = block("run-one")
    scenario = shared_app()
    assert not scenario.place.space
    commands = shown.commands.replace("d-abcdefghijkl", DOMAIN_ID).replace("alice", scenario.place.user)
    program = tmp_path / "studio-setup"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m studio_setup_cli "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["sh", "-c", commands],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(SRC)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=60,
    )
    # The commands themselves, with the line that the first goes on in, are not part of what is printed.
    printed = re.sub(r"^\$ (?:.*\\\n)*.*\n", "", shown.text, flags=re.MULTILINE)
    assert _alike(done.stdout) == _alike(printed)
