"""The command line as whole processes, beside a Python that imports what it needs and makes one SageMaker client.

`studio-setup run … --command true` goes through the local Studio's front door to a real Jupyter server: the client, the
login, the terminal, the command and the end of the terminal are all in its time. Everything is compiled, as it is by
whatever installs a package.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from bench.table import Row, Table, in_turn
from emulator.studio import DOMAIN_ID, LocalStudio

USER = "bench"
TIMES = 20
MAX_RUN_RATIO, MAX_HELP_RATIO = 1.5, 0.25
_WHY_LONGER = (
    "a tenth of a second of it is Jupyter's: whenever a terminal ends, its server pauses for so long before it answers"
    " (ptyprocess, delayafterterminate and delayafterclose)"
)
_BARE = [sys.executable, "-c", "import boto3, requests, websocket; boto3.client('sagemaker')"]
_COMMAND = [sys.executable, "-m", "studio_setup_cli"]
_RUN = [*_COMMAND, "run", "--domain-id", DOMAIN_ID, "--user-profile-name", USER, "--command", "true"]
# What a shell calls when somebody presses Tab after `studio-setup `.
_COMPLETE = {"_STUDIO_SETUP_COMPLETE": "zsh_complete", "COMP_WORDS": "studio-setup ", "COMP_CWORD": "1"}


def main() -> int:
    """Measure and print; 1 if a target is missed."""
    with LocalStudio() as studio, tempfile.TemporaryDirectory() as compiled:
        studio.add_domain()
        studio.add_user_profile(USER)
        app = studio.create_app(USER).wait_until_in_service()
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_SAGEMAKER": studio.sagemaker_endpoint,
            "PYTHONPYCACHEPREFIX": compiled,
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        works = [
            functools.partial(_carry_out, command, {**environment, **more})
            for command, more in ((_BARE, {}), (_RUN, {}), ([*_COMMAND, "--help"], {}), (_COMMAND, _COMPLETE))
        ]
        in_turn(*works, times=1)  # compiles
        bare, run, shown, completed = in_turn(*works, times=TIMES)
        assert app.terminals() == []
    table = Table()
    beside = "bare imports and one client"
    table.add(
        Row("studio-setup run … --command true, the whole process", run, "s", MAX_RUN_RATIO, beside, bare, _WHY_LONGER)
    )
    table.add(Row("studio-setup --help", shown, "s", MAX_HELP_RATIO, beside, bare))
    table.add(Row("completion of studio-setup's subcommands", completed, "s", MAX_HELP_RATIO, beside, bare))
    return table.exit_status


def _carry_out(command: list[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    sys.exit(main())
