"""Idle shutdown: for spaces a check of the domain's setting, for Studio Classic the extension."""

from __future__ import annotations

from pathlib import Path

from setups import auto_shutdown
from studio_setup import App, Command, read_script

_HERE = Path(__file__).parent


def commands(app: App, max_minutes: int = 120) -> tuple[Command, ...]:
    """What there is for this app: the extension where it can work, and a look at the setting for JupyterLab.

    Raises:
        BadInput: a script is missing or not valid.
    """
    if app.app_type != "JupyterLab":
        return auto_shutdown.from_github(max_minutes)
    environment = {"DOMAIN_ID": app.domain_id, "MAX_MINUTES": str(max_minutes)}
    script = read_script(_HERE / "check_idle_shutdown.py")
    return (Command("check-idle-shutdown", script, 90, environment=environment, go_on_after_failure=True),)
