"""The setups: yours to change. What `setup_for` returns runs as the user, in every app that starts.

It is hard-coded so that whoever may change it is exactly whoever may deploy this function; nothing of it ever comes
from an event. A command is a script that bash runs in the user's home (or what its `#!` line names), with nobody to
answer questions. An existing lifecycle-configuration script goes in unchanged. Scripts are files in folders beside this
one; all files in this folder are deployed with the function.

JupyterServer apps get the auto-shutdown extension for idle kernels, which `auto_shutdown` fetches from github.com;
without a route to the internet, say `from_bundle` (docs/setups-without-internet.md). JupyterLab apps, whose idle
shutdown is a setting of the domain, get a few defaults of JupyterLab itself. Both verify that the server has taken what
they set.
"""

from __future__ import annotations

from pathlib import Path

from setups import auto_shutdown
from studio_setup import App, BadInput, Command, Setup, read_script

IDLE_TIMEOUT_MINUTES = 120
_HERE = Path(__file__).parent


def setup_for(app: App) -> Setup:
    """The setup for an app: choose by its type, domain, user profile, space or name.

    Raises:
        BadInput: there is no setup for such an app, or a script is missing or not valid.
    """
    match app.app_type:
        case "JupyterServer":
            return Setup(auto_shutdown.from_github(IDLE_TIMEOUT_MINUTES))
        case "JupyterLab":
            return Setup(_lab_defaults())
    raise BadInput(f"There is no setup for apps of type {app.app_type}; add one to setup_for, or leave them out.")


def _lab_defaults() -> tuple[Command, ...]:
    return (Command("lab-defaults", read_script(_HERE / "lab_defaults" / "set_lab_defaults.py"), 60),)
