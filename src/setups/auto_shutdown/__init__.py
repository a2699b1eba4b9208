"""The auto-shutdown extension for idle kernels, its server side, for JupyterServer apps.

It is version 0.1.5 of aws-samples/sagemaker-studio-auto-shutdown-extension, the last one, from the repository at a
pinned commit, or from its archive in this folder. It works on Studio's own images (Python 3.7 to 3.9, notebook 6 or
older), and the first command stops the setup anywhere else.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from studio_setup import BadInput, Command, read_script

COMMIT = "4609598c67ff3919077b0fb77d511ed2cc7836f0"
ARCHIVE = "sagemaker_studio_autoshutdown-0.1.5.tar.gz"
ARCHIVE_SHA256 = "2d65622f00344c4597b4bde7017da4879f9a29cb9777abcc58e38dfe34ebe512"
_HERE = Path(__file__).parent


def from_github(idle_timeout_minutes: int) -> tuple[Command, ...]:
    """Clone the repository from github.com, to which the app needs a route.

    Raises:
        BadInput: a script is missing or not valid.
    """
    return (
        Command(
            "check-server",
            _in_the_servers_environment("check_server.sh"),
            60,
            environment={"NEEDED_HOST": "github.com"},
        ),
        Command("fetch-extension", _script("fetch_extension.sh"), 300, environment={"COMMIT": COMMIT}),
        *_install(idle_timeout_minutes),
    )


def from_bundle(
    idle_timeout_minutes: int, archive: Path = _HERE / ARCHIVE, sha256: str = ARCHIVE_SHA256
) -> tuple[Command, ...]:
    """Take the archive out of the function's bundle; the app needs no network.

    Raises:
        BadInput: the archive is missing or is another one, or a script is missing or not valid.
    """
    try:
        content = archive.read_bytes()
    except OSError as error:
        raise BadInput(f"Archive {str(archive)!r} cannot be read: {error.strerror}; put it there.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadInput(f"Archive {str(archive)!r} does not have the SHA-256 checksum {sha256}; download it again.")
    text = base64.b64encode(content).decode()
    return (
        Command("check-server", _in_the_servers_environment("check_server.sh"), 60),
        Command("unpack-extension", _script("unpack_extension.sh"), 60, environment={"ARCHIVE_BASE64": text}),
        *_install(idle_timeout_minutes),
    )


def _install(idle_timeout_minutes: int) -> tuple[Command, ...]:
    minutes = {"IDLE_TIMEOUT_MINUTES": str(idle_timeout_minutes)}
    return (
        Command("install-extension", _in_the_servers_environment("install_extension.sh"), 300),
        Command("restart-jupyter", _script("restart_jupyter.sh"), 120),
        Command("set-idle-timeout", _script("set_idle_timeout.py"), 180, environment=minutes),
    )


def _script(name: str) -> str:
    return read_script(_HERE / name)


def _in_the_servers_environment(name: str) -> str:
    return _script("activate_environment.sh") + _script(name)
