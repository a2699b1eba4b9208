#!/usr/bin/env python3
"""Set defaults of JupyterLab, as its settings editor would write them, and check that the server takes them.

They are defaults, which a user can still change. Standard library only: what the image has is not known here.
"""

import json
import os
import pathlib
import sys
import urllib.request

DEFAULTS: "dict[str, dict[str, object]]" = {
    # The volume of a space is small (5 GB unless asked for more): show what fills it.
    "@jupyterlab/filebrowser-extension:browser": {"showFileSizeColumn": True},
    # An idle app may be shut down: lose a minute at most, not two.
    "@jupyterlab/docmanager-extension:plugin": {"autosaveInterval": 60},
    # Without a route to the internet these only wait and complain.
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
PATH = pathlib.Path("~/.jupyter/labconfig/default_setting_overrides.json").expanduser()
BASE = os.environ.get("JUPYTER_SERVER_URL", "http://localhost:8888/jupyterlab/default/").rstrip("/")


def write_defaults() -> None:
    """Add the defaults to those that are there."""
    PATH.parent.mkdir(parents=True, exist_ok=True)
    settings = json.loads(PATH.read_text()) if PATH.exists() else {}
    for plugin, values in DEFAULTS.items():
        settings.setdefault(plugin, {}).update(values)
    PATH.write_text(json.dumps(settings, indent=2))


def check_defaults() -> None:
    """Ask the server for each default."""
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for plugin, values in DEFAULTS.items():
        with browser.open(f"{BASE}/lab/api/settings/{plugin}", timeout=10) as response:
            properties = json.load(response)["schema"]["properties"]
        for name, value in values.items():
            print(plugin, name, "=", properties[name]["default"])
            if properties[name]["default"] != value:
                sys.exit(f"JupyterLab does not take {name} from {PATH}")


write_defaults()
check_defaults()
