"""`make try`, as people run it: real apps on the local Studio, set up twice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from emulator.namespaces import refusal
from tests.support.needs import refused
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
TOKEN = "ghp_" + "Z" * 36
GOOD = """#!/usr/bin/env bash
set -eu
mkdir -p ~/.config/team
echo 'theme = dark' > ~/.config/team/settings
echo ready
"""
BAD = f"""#!/usr/bin/env bash
echo 'export A=1' >> ~/.profile
date +%N > ~/.stamp
rm -f ~/.bashrc
echo {TOKEN}
false && pip install requests
nohup sleep 300 > /dev/null 2>&1 &
python3 - <<'END'
import os, urllib.request
url = os.environ["JUPYTER_SERVER_URL"] + "api/terminals"
urllib.request.urlopen(urllib.request.Request(url, b"", {{"X-XSRFToken": "x", "Cookie": "_xsrf=x"}}))
END
"""


def try_setup(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run `make try`'s program and wait for its end."""
    return subprocess.run(
        [sys.executable, "-m", "try_setup", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "src:."},
    )


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str], Path]:
    """A function that makes a script file of a text."""

    def make(text: str) -> Path:
        path = tmp_path / "setup.sh"
        path.write_bytes(text.encode())
        return path

    return make


def test_a_good_setup_is_said_to_be_one(script: Callable[[str], Path]) -> None:
    """It succeeds twice, changes nothing the second time, leaves nothing running, and there is no warning."""
    done = try_setup("--app", "JupyterLab", "--script", script(GOOD))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "+ .config/team/settings" in done.stdout
    assert "left: no terminal, no process" in done.stdout
    assert "JupyterLab: succeeded. Idempotent" in done.stdout
    assert "warning" not in done.stdout


def test_everything_questionable_about_a_bad_setup_is_said(script: Callable[[str], Path]) -> None:
    """Each warning once, the changes of each start, and a token never."""
    done = try_setup("--app", "JupyterLab", "--script", script(BAD.replace("\n", "\r\n")))
    assert done.returncode == 0, done.stdout + done.stderr
    first, second = done.stdout.split("second start, with the same home")
    assert "- .bashrc" in first
    assert "~ .profile  (1 → 2 lines)" in second
    assert "~ .stamp  (still 1 lines)" in second
    warnings = [line for line in second.splitlines() if line.startswith("  warning: ")]
    told = [
        "has CRLF line ends",
        "has no `set -e`",
        "installs requests",
        "a GitHub token",
        "sleep 300",
        "terminal is left",
    ]
    assert [[words in warning for warning in warnings].count(True) for words in told] == [1] * len(told)
    assert len(warnings) == len(told)
    assert "NOT IDEMPOTENT" in second
    assert TOKEN not in done.stdout + done.stderr


def test_a_setup_that_fails_the_second_time_is_no_success(script: Callable[[str], Path]) -> None:
    """`mkdir` without -p: the first start succeeds, the second does not, and the exit status says so."""
    done = try_setup("--app", "JupyterLab", "--script", script("set -e\nmkdir ~/folder\ntouch ~/folder/file\n"))
    assert done.returncode == 1
    assert "JupyterLab: FAILED. NOT THE SAME: the first start succeeded, the second failed." in done.stdout


def test_a_missing_script_is_bad_input(tmp_path: Path) -> None:
    """Nothing is started, the file is named."""
    done = try_setup("--script", tmp_path / "no-such-file.sh")
    assert done.returncode == 2
    assert "no-such-file.sh" in done.stderr


def test_a_changed_file_is_tried_again(script: Callable[[str], Path], tmp_path: Path) -> None:
    """With --watch, a changed setup is tried again, until Ctrl-C. Both are refused here, which is quick."""
    path, output = script(""), tmp_path / "output"
    with output.open("w") as stream:
        arguments = [sys.executable, "-m", "try_setup", "--watch", "--app", "JupyterLab", "--script", str(path)]
        environment = {**os.environ, "PYTHONPATH": "src:."}
        watching = subprocess.Popen(arguments, stdout=stream, stderr=stream, cwd=ROOT, env=environment)
    try:
        wait_until(lambda: "Waiting for a change" in output.read_text(), "the end of the first run")
        path.write_bytes(b"\0")
        wait_until(lambda: output.read_text().count("Waiting for a change") == 2, "the end of the second run")
    finally:
        watching.send_signal(signal.SIGINT)
        watching.wait(30)
    assert "is empty" in output.read_text()
    assert "NUL character" in output.read_text()
    assert watching.returncode == 130


def test_without_a_network_the_names_that_it_wanted_are_said(script: Callable[[str], Path]) -> None:
    """With --network off, what is asked of the resolver is listed, and the failure is the script's own."""
    if reason := refusal():
        refused("namespaces", reason)
    wanted = script("set -e\ngit ls-remote https://packages.example.org/a.git\n")
    done = try_setup("--app", "JupyterLab", "--network", "off", "--script", wanted)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "network: off; names asked for: packages.example.org" in done.stdout


def test_apps_can_be_kept_and_looked_at(script: Callable[[str], Path], tmp_path: Path) -> None:
    """With --keep, the app stays up and its link leads into it, until Ctrl-C."""
    output = tmp_path / "output"
    arguments = [sys.executable, "-m", "try_setup", "--keep", "--app", "JupyterLab", "--script", str(script(GOOD))]
    with output.open("w") as stream:
        environment = {**os.environ, "PYTHONPATH": "src:."}
        kept = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=ROOT, env=environment
        )
    try:
        wait_until(lambda: "Ctrl-C stops everything" in output.read_text(), "the instructions")
        (link,) = re.findall(r"JupyterLab: (http\S+)", output.read_text())
        landed = requests.get(link, timeout=10)
    finally:
        kept.send_signal(signal.SIGINT)
        kept.wait(30)
    assert landed.ok
    assert landed.url.endswith("/jupyterlab/default/lab")
    assert kept.returncode == 0
