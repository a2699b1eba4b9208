#!/usr/bin/env python3
"""Write defaults of JupyterLab (SETTINGS, a JSON object of plugins), and check that the server has EXTENSION and them.

They are defaults, which a user can still change. Standard library only.
"""

import json
import os
import pathlib
import sys
import urllib.request

SETTINGS = json.loads(os.environ["SETTINGS"])
EXTENSION = os.environ["EXTENSION"]
BASE = os.environ.get("JUPYTER_SERVER_URL", "http://localhost:8888/jupyterlab/default/").rstrip("/")
PATH = pathlib.Path("~/.jupyter/labconfig/default_setting_overrides.json").expanduser()


def write_settings() -> None:
    """Add the defaults to those that are there, if any is missing: the file is replaced as a whole."""
    there = json.loads(PATH.read_text()) if PATH.exists() else {}
    wanted = {**there, **{plugin: {**there.get(plugin, {}), **values} for plugin, values in SETTINGS.items()}}
    if wanted != there:
        PATH.parent.mkdir(parents=True, exist_ok=True)
        new = PATH.with_suffix(".new")
        new.write_text(json.dumps(wanted, indent=2))
        new.replace(PATH)


def ask(path: str) -> bytes:
    """What the server answers."""
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(BASE + path, timeout=10) as response:
        answer: bytes = response.read()
        return answer


def check() -> None:
    """Look at the page as a browser gets it, and at each setting."""
    page = ask("/lab").decode()
    data = json.loads(page.partition('id="jupyter-config-data" type="application/json">')[2].partition("</script>")[0])
    names = [extension["name"] for extension in data["federated_extensions"]]
    if EXTENSION not in names:
        sys.exit(f"JupyterLab does not have the extension {EXTENSION}; it has {', '.join(names) or 'none'}.")
    print("JupyterLab has the extension", EXTENSION)
    for plugin, values in SETTINGS.items():
        properties = json.loads(ask(f"/lab/api/settings/{plugin}"))["schema"]["properties"]
        for name, value in values.items():
            if properties[name]["default"] != value:
                sys.exit(f"JupyterLab does not take {plugin} {name} from {PATH}")
            print(plugin, name, "=", value)


write_settings()
check()
