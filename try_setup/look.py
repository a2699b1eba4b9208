"""Apps that are left up: how to look at them, until Ctrl-C."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from demo.cases import CASES
from demo.user import link
from emulator.studio import USER_PROFILE, LocalStudio
from try_setup.trial import client_of


def look(studio: LocalStudio, app_types: list[str], say: Callable[[str], None]) -> None:
    """Say how to look at the apps, and wait for Ctrl-C; each Enter prints new links."""
    say("\nThe apps are left up. A link to one works once, within five minutes; press Enter for new ones.")
    _links(studio, app_types, say)
    say(
        "\nTo run a command in one, in another terminal, in this folder:\n"
        f"  export AWS_ENDPOINT_URL_SAGEMAKER={studio.sagemaker_endpoint} AWS_DEFAULT_REGION=us-east-1"
        " AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x"
    )
    for app_type in app_types:
        say(f"  PYTHONPATH=src .venv/bin/python -m studio_setup_cli run {CASES[app_type].by_hand} --command 'ls -la'")
    say("\nCtrl-C stops everything and removes the homes.")
    try:
        if sys.stdin.isatty():
            while sys.stdin.readline():
                _links(studio, app_types, say)
        threading.Event().wait()
    except KeyboardInterrupt:
        say("")


def _links(studio: LocalStudio, app_types: list[str], say: Callable[[str], None]) -> None:
    for app_type in app_types:
        case = CASES[app_type]
        home = studio.home_of(USER_PROFILE, space_name=case.owner.get("SpaceName"))
        say(f"  {app_type}: {link(client_of(studio), case)}\n    its home: {home}")
