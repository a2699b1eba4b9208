"""The demo of the README does what it says, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from itertools import takewhile
from pathlib import Path

import pytest

from tests.support.documents import ROOT, block
from tests.support.waiting import wait_until

BUILDS = ROOT / ".aws-sam"


def test_the_demo_succeeds() -> None:
    """What `make demo` runs deploys, shows an app being set up, deletes everything, and ends with 0.

    It builds in a folder of its own: another demo in the same checkout may be deploying what it has built.
    """
    builds = {path: path.stat().st_mtime_ns for path in BUILDS.glob("*")}
    command = block("demo").commands.split()
    steps = subprocess.run([*command, "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    # A make that is called by another says which folder it enters and leaves.
    (program,) = (line for line in steps.splitlines() if line.startswith(".venv/bin/python -m demo"))
    done = subprocess.run(program.split(), cwd=ROOT, capture_output=True, text=True, check=False, timeout=170)
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("Successfully created/updated stack", "outcome      succeeded", "No process is left."):
        assert said in done.stdout
    assert {path: path.stat().st_mtime_ns for path in BUILDS.glob("*")} == builds


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGHUP], ids=["Ctrl-C", "a closed terminal"])
def test_an_interrupted_demo_leaves_nothing_behind(sent: signal.Signals) -> None:
    """In the middle of `sam build`: its processes, the Studio and the cloud end, and their folders are removed."""
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        demo = subprocess.Popen(
            [sys.executable, "-m", "demo"],
            cwd=ROOT,
            env={**os.environ, "TMPDIR": folder},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with demo:
            assert demo.stdout
            wait_until(lambda: "sam build" in (demo.stdout.readline() if demo.stdout else ""), "the build")
            wait_until(lambda: any("\0pip\0install" in command for command in _processes_of(folder)), "pip")
            demo.send_signal(sent)
            assert "interrupted; everything was stopped" in demo.stdout.read()
        assert demo.returncode == 130
        wait_until(lambda: _processes_of(folder) == [], "the end of every process")
        assert list(Path(folder).iterdir()) == []


def test_what_a_kept_demo_says_works() -> None:
    """With --keep, the commands that it prints work in another terminal; Ctrl-C then ends it as any other demo."""
    command = [sys.executable, "-m", "demo", "--keep"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as demo:
        assert demo.stdout
        said = list(takewhile(lambda line: not line.startswith("Ctrl-C deletes"), demo.stdout))
        try:
            exports = "".join(line for line in said if line.startswith(("export ", "alias ")))
            shown = [line.strip() for line in said[said.index("In another terminal, in this folder:\n") :]]
            commands = [line for line in shown if line.startswith(("studio-setup ", ".venv/bin/python "))]
            statuses = {command.split(" --")[0]: _bash(f"{exports}{command}\n") for command in commands}
        finally:
            demo.send_signal(signal.SIGINT)
            end = demo.stdout.read()
    doctors = 1  # nobody is told by the alarms of this stack
    assert [*statuses.values()] == [0, 0, doctors, 0, 0, 0], statuses
    assert "The demo succeeded." in end


def _bash(script: str) -> int:
    """The exit status of a script, in which aliases are known as in a terminal."""
    command = ["bash", "-O", "expand_aliases", "-s"]
    return subprocess.run(command, cwd=ROOT, input=script, text=True, check=False, timeout=60).returncode


def _processes_of(folder: str) -> list[str]:
    """The commands of the processes whose temporary files are in that folder."""
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}".encode() in (process / "environ").read_bytes():
                commands.append((process / "cmdline").read_text())
        except OSError:
            continue  # it has just ended
    return commands
