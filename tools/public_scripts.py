"""Runs AWS's public lifecycle-configuration scripts, unchanged, in apps of the local Studio: docs/public-scripts.md.

`PYTHONPATH=src:. .venv/bin/python -m tools.public_scripts FOLDER`: in FOLDER are clones of the two repositories. Each
script runs in a new app with a new home, through `studio-setup run --script`; what it printed last, its exit status and
how it changed the home are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.app_host import StartOptions
from emulator.namespaces import refusal
from emulator.servers import SERVERS
from emulator.studio import DOMAIN_ID, LocalStudio
from try_setup import home

CLASSIC = "sagemaker-studio-lifecycle-config-examples"
SPACES = "sagemaker-studio-apps-lifecycle-config-examples"
# Repository → the start-up scripts of app types that have terminals. Not those of kernels and of Code Editor.
SCRIPTS = {
    CLASSIC: tuple(
        f"scripts/{name}/on-jupyter-server-start.sh"
        for name in (
            "disable-automatic-kernel-start",
            "git-clone-repo",
            "install-autoshutdown-extension",
            "install-autoshutdown-server-extension",
            "install-lsp-features",
            "set-git-config",
            "set-git-credentials",
            "set-proxy-settings",
        )
    ),
    SPACES: ("jupyterlab/auto-stop-idle/on-start.sh", "common-scripts/ebs-s3-backup-restore/on-start.sh"),
}
CLASSIC_SERVER = "jupyterlab3-python39"
_SRC = Path(__file__).parents[1] / "src"
_TIMEOUT_SECONDS = 240
_LAST_LINES = 12


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of one script; `report` is that of the engine."""

    script: str
    report: dict[str, Any]
    output: str
    changes: home.Changes
    left: int


def run_scripts(folder: Path, *, network: bool) -> Iterator[Ran]:
    """Run every script of the clones in `folder`."""
    with LocalStudio() as studio:
        studio.add_domain()
        number = 0
        for repository, names in SCRIPTS.items():
            for name in names:
                number += 1
                yield _run(studio, f"user-{number}", folder / repository, name, network=network)


def _run(studio: LocalStudio, user: str, repository: Path, name: str, *, network: bool) -> Ran:
    in_space = repository.name == SPACES
    studio.add_user_profile(user)
    space = studio.add_space(f"{user}-space", user) if in_space else None
    server = CLASSIC_SERVER if not in_space and SERVERS[CLASSIC_SERVER].packages.is_dir() else ""
    app = studio.create_app(
        user,
        space_name=space,
        app_type="JupyterLab" if in_space else "JupyterServer",
        options=StartOptions(as_in_image=True, network=network, server=server),
    ).wait_until_in_service()
    before = home.look_at(app.home)
    done = subprocess.run(
        [sys.executable, "-m", "studio_setup_cli", "run", "--json", "--domain-id", DOMAIN_ID]
        + (["--space-name", space] if space else ["--user-profile-name", user])
        + ["--script", str(repository / name), "--timeout-seconds", str(_TIMEOUT_SECONDS)],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": str(_SRC),
            "AWS_ENDPOINT_URL_SAGEMAKER": studio.sagemaker_endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
        },
    )
    if not done.stdout:
        raise RuntimeError(f"{name}: {done.stderr}")
    changes = home.compare(before, home.look_at(app.home))
    left = len([pid for pid in app.processes() if pid != app.jupyter_pid])
    app.delete()
    return Ran(f"{repository.name}: {name}", json.loads(done.stdout), done.stderr, changes, left)


def main() -> None:
    """Run them, and print what came of each."""
    parser = argparse.ArgumentParser(
        description="Run AWS's public lifecycle-configuration scripts on the local Studio."
    )
    parser.add_argument("folder", type=Path, help="where the clones of the two repositories are")
    parser.add_argument("--network", choices=["on", "off"], default="on", help="the apps' network (on)")
    options = parser.parse_args()
    for repository in SCRIPTS:
        if not (options.folder / repository).is_dir():
            parser.error(
                f"{options.folder / repository} is not there: clone https://github.com/aws-samples/{repository}"
            )
    if reason := refusal():
        parser.error(f"this machine has no namespaces for the scripts' sudo ({reason})")
    for ran in run_scripts(options.folder, network=options.network == "on"):
        _show(ran)


def _show(ran: Ran) -> None:
    (result,) = ran.report["commands"] or [{}]
    print(f"\n== {ran.script}")
    print("\n".join(ran.output.splitlines()[-_LAST_LINES:]))
    print(
        f"{ran.report['outcome']}, exit status {result.get('exit_status')}, {result.get('seconds')} s, {ran.left} left"
    )
    for what, paths in (
        ("added", ran.changes.added),
        ("changed", ran.changes.changed),
        ("removed", ran.changes.removed),
    ):
        if paths:
            print(f"  {what}: {len(paths)}: {', '.join(map(str, paths[:6]))}")


if __name__ == "__main__":
    main()
