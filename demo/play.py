"""Instructions for trying things out while everything is running, with a new link to Studio for each Enter."""

from __future__ import annotations

import shlex
import sys
import threading
from dataclasses import replace

from demo.cases import Case
from demo.screen import Screen
from demo.user import link
from local_cloud.cloud import LocalCloud

_EXPORTED = (
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_SAGEMAKER",
    "AWS_DEFAULT_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "SAM_CLI_TELEMETRY",
)


def play(screen: Screen, cloud: LocalCloud, case: Case) -> None:
    """Print the instructions and wait for Ctrl-C; each Enter prints a new link."""
    another = replace(case, owner=case.other_owner).create_app
    exports = "\n".join(f"export {name}={shlex.quote(cloud.environment[name])}" for name in _EXPORTED)
    screen.say(
        f"""
Everything is running. Open Studio in a browser (once, within five minutes; press Enter for another link):
  {link(cloud.client("sagemaker"), case)}

In another terminal, in this folder:
{exports}
alias studio-setup='PYTHONPATH=src .venv/bin/python -m studio_setup_cli'

How every app stands, what happened in this one, whether the deployment is as it should be:
  studio-setup status
  studio-setup logs {case.owner_options}
  studio-setup doctor
Run a command by hand:
  studio-setup run {case.by_hand} --command 'pip list'
Follow the function's log:
  .venvs/sam/bin/sam logs --config-env local --tail
Start the app of another user, which is then set up, too (or use `aws sagemaker create-app`):
  .venv/bin/python -c "import boto3; boto3.client('sagemaker').create_app(**{another})"
Change the setup in src/setups, deploy it, and run it in the apps that have the former one:
  PATH="$PWD/.venv/bin:$PATH" .venvs/sam/bin/sam build && .venvs/sam/bin/sam deploy --config-env local
  studio-setup setup --only outdated --force

Ctrl-C deletes the stack and stops everything."""
    )
    try:
        if sys.stdin.isatty():
            while sys.stdin.readline():
                screen.say(f"  {link(cloud.client('sagemaker'), case)}")
        threading.Event().wait()
    except KeyboardInterrupt:
        screen.say("")
