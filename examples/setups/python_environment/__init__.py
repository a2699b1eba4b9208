"""A Python environment with a Jupyter kernel of its own, from pinned requirements with hashes.

`requirements.txt` in this folder is what it has. README.md says how it is made, and how the wheels are fetched.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from studio_setup import Command, read_script

_HERE = Path(__file__).parent


def from_wheelhouse(
    wheelhouse: str, name: str = "team", display_name: str = "Python (team)", requirements: str = ""
) -> tuple[Command, ...]:
    """Take the packages from a folder in S3 (`s3://BUCKET/FOLDER/`) or in the app, such as one on EFS.

    `requirements`: the text of a requirements file with hashes; that of this folder unless given.

    Raises:
        BadInput: the script or the requirements are missing or not valid.
    """
    environment = {
        "NAME": name,
        "DISPLAY_NAME": display_name,
        "WHEELHOUSE": wheelhouse,
    }
    # Not in the environment, where there is room for 32 KiB: with their hashes, thirty packages take more.
    text = shlex.quote(requirements or read_script(_HERE / "requirements.txt"))
    script = f"#!/usr/bin/env bash\nREQUIREMENTS={text}\n" + read_script(_HERE / "make_environment.sh")
    return (Command("make-environment", script, 1800, environment=environment),)


def from_index(name: str = "team", display_name: str = "Python (team)", requirements: str = "") -> tuple[Command, ...]:
    """Take the packages from the package index that pip is configured for.

    Raises:
        BadInput: the same.
    """
    return from_wheelhouse("", name, display_name, requirements)
