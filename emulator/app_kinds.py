"""The app types: what runs, with which settings, below which path. Facts only.

Those of JupyterLab are from AWS's public image (sagemaker-distribution: `start-jupyter-server`,
`jupyter_server_config.py`, `entrypoint-jupyter-server`), plus settings that keep it from using the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CLEAN_SHELL = ("/bin/bash", "--noprofile", "--norc")

# `$` and not `\$` in the prompt: on this machine the user may be root, which the image's user is not.
_SPACE_BASHRC = r"""# Start-up file of a new space's home
[[ $- == *i* ]] || return
PS1='sagemaker-user@default:\w$ '
"""


@dataclass(frozen=True, slots=True)
class AppKind:
    """One app type.

    Attributes:
        base_path: the path of the app on its host, with a slash at the end.
        page: the page below the base path where a login lands.
        program: the program in the container that serves it; empty if the local Studio runs none.
        flags: flags of the program in addition to those of every Jupyter server.
        server_extensions: the Jupyter server extensions that are enabled.
        shell: the program that terminals run.
        environment: variables of the container.
        home_files: the files of a new home.
    """

    base_path: str
    page: str = "lab"
    program: str = ""
    flags: tuple[str, ...] = ()
    server_extensions: tuple[str, ...] = ()
    shell: tuple[str, ...] = CLEAN_SHELL
    environment: Mapping[str, str] = field(default_factory=dict)
    home_files: Mapping[str, str] = field(default_factory=dict)


JUPYTER_SERVER = "JupyterServer"
KINDS = {
    JUPYTER_SERVER: AppKind(
        base_path="/jupyter/default/",
        program="jupyter-server",
        server_extensions=("jupyter_server_terminals", "studio_lab_page"),
    ),
    "JupyterLab": AppKind(  # noqa: S604 no subprocess
        base_path="/jupyterlab/default/",
        program="jupyter-lab",
        flags=(
            "--ContentsManager.allow_hidden=True",
            "--FileContentsManager.delete_to_trash=False",
            "--FileContentsManager.always_delete_dir=True",
            "--ServerApp.tornado_settings={'compress_response': True}",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            "--LabApp.extension_manager=readonly",
        ),
        server_extensions=("jupyter_server_terminals", "jupyterlab", "notebook_shim"),
        shell=("/bin/bash",),
        environment={"SAGEMAKER_APP_TYPE": "JupyterLab", "SAGEMAKER_APP_TYPE_LOWERCASE": "jupyterlab"},
        home_files={".bashrc": _SPACE_BASHRC},
    ),
    "CodeEditor": AppKind(base_path="/codeeditor/default/", page=""),
}

# Apps of these types run in a space, one per space, under this name.
SPACE_APP_TYPES = ("JupyterLab", "CodeEditor")
SPACE_APP_NAME = "default"


def kind_of(app_type: str) -> AppKind:
    """Return the facts about an app type; for an unknown one, only a guess at the path."""
    return KINDS.get(app_type, AppKind(base_path=f"/{app_type.lower()}/default/"))


def app_type_at(path: str) -> str | None:
    """Return the type of the apps at a path of a host."""
    return next((name for name, kind in KINDS.items() if f"{path}/".startswith(kind.base_path)), None)
