"""The setups: yours to change. What `setup_for` returns runs as the user, in every app that starts.

It is hard-coded so that whoever may change it is exactly whoever may deploy this function; nothing of it ever comes
from an event. A command is a script that bash runs in the user's home (or what its `#!` line names), with nobody to
answer questions. An existing lifecycle-configuration script goes in unchanged. Scripts are files beside this one; all
files in this folder are deployed with the function.

JupyterServer apps get the auto-shutdown extension for idle kernels
(aws-samples/sagemaker-studio-auto-shutdown-extension), its server side, from its archive at a pinned commit. JupyterLab
apps, whose idle shutdown is a setting of the domain, get a few defaults of JupyterLab itself. Both verify that the
server has taken what they set.
"""

from __future__ import annotations

from pathlib import Path

from studio_setup import App, Command, Setup, read_script

IDLE_TIMEOUT_MINUTES = 120
EXTENSION_COMMIT = "4609598c67ff3919077b0fb77d511ed2cc7836f0"
_HERE = Path(__file__).parent


def setup_for(app: App) -> Setup:
    """The setup for an app: choose by its type, domain, user profile, space or name.

    Raises:
        BadInput: a script is missing or not valid.
    """
    return Setup(_lab_defaults() if app.app_type == "JupyterLab" else _auto_shutdown())


def _auto_shutdown() -> tuple[Command, ...]:
    folder = _HERE / "auto_shutdown"
    commit = {"EXTENSION_COMMIT": EXTENSION_COMMIT}
    minutes = {"IDLE_TIMEOUT_MINUTES": str(IDLE_TIMEOUT_MINUTES)}
    return (
        Command("fetch-extension", read_script(folder / "fetch_extension.sh"), 300, environment=commit),
        Command("install-extension", read_script(folder / "install_extension.sh"), 300),
        Command("restart-jupyter", read_script(folder / "restart_jupyter.sh"), 120),
        Command("set-idle-timeout", read_script(folder / "set_idle_timeout.py"), 180, environment=minutes),
    )


def _lab_defaults() -> tuple[Command, ...]:
    return (Command("lab-defaults", read_script(_HERE / "lab_defaults" / "set_lab_defaults.py"), 60),)
