"""A check that reports unwanted customisation of a home and an app, and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio_setup import Command, read_script

_HERE = Path(__file__).parent


def commands(allowed: Sequence[str] = (), *, fails_on_findings: bool = False) -> tuple[Command, ...]:
    """Report once, at the start of the app.

    `allowed`: regular expressions; what matches one is not reported. `fails_on_findings`: the setup fails if there is
    anything, after its other commands.

    Raises:
        BadInput: the script is missing or not valid.
    """
    environment = {"ALLOWED": "\n".join(allowed), "FAILS_ON_FINDINGS": "yes" if fails_on_findings else "no"}
    script = read_script(_HERE / "report_customisation.py")
    return (Command("report-customisation", script, 60, go_on_after_failure=True, environment=environment),)
