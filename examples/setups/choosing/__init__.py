"""Which app gets which commands: by domain, by the user's name and by space. Change the tables, and what they name.

What no rule names gets what everybody gets. `studio-setup setup --dry-run` shows what the deployed function would give
each running app.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from studio_setup import App, Command, Setup, read_script

_HERE = Path(__file__).parent
PRODUCTION = "d-production01"  # a domain
# Pattern of the user profile's or the space's name → what its apps get beside the rest; the first that matches counts.
BY_USER = {"intern-*": "course", "*-data-eng": "spark"}
BY_SPACE = {"gpu-*": "gpu", "team-*": "team"}


def setup_for(app: App) -> Setup:
    """The setup for an app: what everybody gets, and then what it gets for its domain, user or space.

    Raises:
        BadInput: the script is missing or not valid.
    """
    names = ["everybody"]
    if app.domain_id == PRODUCTION:
        names.append("production")
    # A space's app has no user profile's name: the event does not say who starts it.
    table, name = (BY_SPACE, app.space_name) if app.space_name else (BY_USER, app.user_profile_name)
    names += [value for pattern, value in table.items() if fnmatchcase(name, pattern)][:1]
    return Setup(tuple(_command(one) for one in names))


def _command(what: str) -> Command:
    return Command(f"set-up-{what}", read_script(_HERE / "set_up.sh"), 60, environment={"WHAT": what})
