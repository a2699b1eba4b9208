"""The demo of the README does what it says, and leaves nothing behind."""

from __future__ import annotations

import subprocess

from tests.support.documents import ROOT, block


def test_the_demo_succeeds() -> None:
    """What `make demo` runs deploys, shows an app being set up, deletes everything, and ends with 0."""
    command = block("demo").commands.split()
    steps = subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    program = steps.splitlines()[-1]
    assert program.startswith(".venv/bin/python -m demo")
    done = subprocess.run(program.split(), cwd=ROOT, capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("Successfully created/updated stack", "outcome      succeeded", "No process is left."):
        assert said in done.stdout
