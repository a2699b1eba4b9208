"""A prebuilt JupyterLab extension from a wheel, and defaults of JupyterLab's settings."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from studio_setup import BadInput, Command, read_script

_HERE = Path(__file__).parent
Settings = Mapping[str, Mapping[str, object]]


def from_bundle(wheel: Path, extension: str, settings: Settings) -> tuple[Command, ...]:
    """Take a wheel of up to 24 KB out of this folder, with which it is deployed; the app needs no network.

    `extension` is the name in the extension's `package.json`; `settings` are values by plugin.

    Raises:
        BadInput: the wheel cannot be read, or a script is missing or not valid.
    """
    try:
        content = wheel.read_bytes()
    except OSError as error:
        raise BadInput(f"Wheel {str(wheel)!r} cannot be read: {error.strerror}; put it there.") from None
    text, checksum = base64.b64encode(content).decode(), hashlib.sha256(content).hexdigest()
    return _commands(wheel.name, checksum, extension, settings, {"WHEEL_BASE64": text, "WHEEL_URI": ""})


def from_s3(uri: str, sha256: str, extension: str, settings: Settings) -> tuple[Command, ...]:
    """Take the wheel from S3 (`s3://BUCKET/FOLDER/NAME.whl`), if it has that checksum.

    Raises:
        BadInput: a script is missing or not valid.
    """
    return _commands(uri.rpartition("/")[2], sha256, extension, settings, {"WHEEL_BASE64": "", "WHEEL_URI": uri})


def _commands(
    name: str, sha256: str, extension: str, settings: Settings, source: Mapping[str, str]
) -> tuple[Command, ...]:
    install = {"NAME": name, "SHA256": sha256, **source}
    check = {"EXTENSION": extension, "SETTINGS": json.dumps(settings)}
    return (
        Command("install-extension", read_script(_HERE / "install_extension.sh"), 180, environment=install),
        Command("set-and-check", read_script(_HERE / "set_and_check.py"), 60, environment=check),
    )
