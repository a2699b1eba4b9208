"""The types of apps: what runs, below which path, started how. Facts only; nothing here acts.

JupyterLab's are those of AWS's public image (sagemaker-distribution: `start-jupyter-server`,
`jupyter_server_config.py`, `entrypoint-jupyter-server`), plus what keeps it from asking the network for news.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CLEAN_SHELL = ("/bin/bash", "--noprofile", "--norc")

# The prompt's `$` is spelled out: on this machine the user may be root, in the image it never is.
_SPACE_BASHRC = r"""# The default start-up file of a space's home
[[ $- == *i* ]] || return
PS1='sagemaker-user@default:\w$ '
"""


@dataclass(frozen=True, slots=True)
class AppKind:
    """What an app of one type is.

    Attributes:
        base_path: the path of the app on its host, with a slash at the end.
        page: what a login lands on, below the base path.
        program: the container's program that serves it; empty where the local Studio runs none.
        flags: the program's flags on top of every Jupyter server's.
        server_extensions: the Jupyter server extensions that are enabled from the start.
        shell: the program in Jupyter's terminals.
        environment: variables of the container.
        home_files: what a new home contains.
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

# Apps of these types belong to a space, one to each, under this name.
SPACE_APP_TYPES = ("JupyterLab", "CodeEditor")
SPACE_APP_NAME = "default"


def kind_of(app_type: str) -> AppKind:
    """Return what an app of this type is; of an unknown type only the path is guessed."""
    return KINDS.get(app_type, AppKind(base_path=f"/{app_type.lower()}/default/"))


def app_type_at(path: str) -> str | None:
    """Return the type of the apps that live at a path of a host."""
    return next((name for name, kind in KINDS.items() if f"{path}/".startswith(kind.base_path)), None)
