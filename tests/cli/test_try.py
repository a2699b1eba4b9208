"""`studio-setup try`: the front of what only a checkout has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from studio_setup_cli.main import main

SRC = Path(__file__).parents[2] / "src"


def test_in_a_checkout_it_hands_over() -> None:
    """Options and help are those of `try_setup`."""
    done = subprocess.run(
        [sys.executable, "-m", "studio_setup_cli", "try", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=SRC,
    )
    assert "Usage: studio-setup try" in done.stdout
    assert "--watch" in done.stdout


def test_elsewhere_it_says_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An installed package has no local Studio: that is bad input, with the remedy."""
    monkeypatch.setattr("studio_setup_cli.try_._CHECKOUT", tmp_path)
    assert main(["try", "--app", "JupyterLab"]) == 2
    assert "needs a checkout" in capsys.readouterr().err
