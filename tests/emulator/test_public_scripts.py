"""AWS's public start-up scripts on the local Studio, if asked for: `PUBLIC_SCRIPTS=` the folder of the two clones.

They run without a network here, so that the verdicts are those of docs/public-scripts.md on every machine.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emulator.namespaces import refusal
from tests.support.needs import needs_root, needs_server, refused
from tools.public_scripts import CLASSIC_SERVER, SCRIPTS, run_scripts

FOLDER = os.environ.get("PUBLIC_SCRIPTS", "")
SUCCEED = {"disable-automatic-kernel-start", "set-git-config", "set-git-credentials", "set-proxy-settings"}


@pytest.mark.skipif(not FOLDER, reason="PUBLIC_SCRIPTS does not name the folder of the clones")
def test_those_that_need_no_network_succeed_and_leave_nothing_running() -> None:
    """The others fail, each with an exit status of its own; none keeps the engine from its report."""
    needs_root()
    needs_server(CLASSIC_SERVER)
    if reason := refusal():
        refused("namespaces", reason)
    results = list(run_scripts(Path(FOLDER), network=False))
    assert len(results) == sum(map(len, SCRIPTS.values()))
    succeeded = {ran.script.split("/")[1] for ran in results if ran.report["outcome"] == "succeeded"}
    assert succeeded == SUCCEED
    assert {ran.report["code"] for ran in results} == {"succeeded", "command-failed"}
    assert [ran.left for ran in results] == [0] * len(results)
