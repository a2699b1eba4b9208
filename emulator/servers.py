"""The Jupyter servers that apps run on: that of this Python environment, or an older one of Studio's images.

`make setup` installs each older server into an environment of its own (`.venvs/`), from which a container then gets its
packages, settings and pages. Facts only.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_ENVIRONMENTS = Path(__file__).parents[1] / ".venvs"
_COMMON_PROGRAMS = {
    "pip": "pip._internal.cli.main:main",
    "pip3": "pip._internal.cli.main:main",
    "jupyter": "jupyter_core.command:main",
}
_SERVER_PROGRAMS = {
    **_COMMON_PROGRAMS,
    "jupyter-server": "jupyter_server.serverapp:main",
    "jupyter-server-extension": "jupyter_server.extension.serverextension:main",
}
_OLD_PROGRAMS = {"jupyter-serverextension": "notebook.serverextensions:main"}


@dataclass(frozen=True, slots=True)
class Server:
    """One Jupyter server.

    Attributes:
        data: the root of the Python environment that has it.
        programs: the programs of its image as `module:function`, apart from JupyterLab's.
        program: the program that serves; empty for that of the app type (`app_kinds`).
        settings: the class that its flags configure.
        root_setting: that class's setting for the folder it serves.
    """

    data: Path
    programs: Mapping[str, str]
    program: str = ""
    settings: str = "ServerApp"
    root_setting: str = "root_dir"

    @property
    def is_older(self) -> bool:
        """Whether it is an older server, with extensions and settings of its own environment."""
        return bool(self.program)

    @property
    def packages(self) -> Path:
        """The folder with the packages of its environment."""
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.data)}))


SERVERS = {
    "": Server(Path(sysconfig.get_path("data")), _SERVER_PROGRAMS),
    # JupyterLab 1 on notebook 6.5: it gives terminals numbers, whatever name is requested.
    "notebook6": Server(
        _ENVIRONMENTS / "notebook6",
        {**_COMMON_PROGRAMS, **_OLD_PROGRAMS},
        program="jupyter-lab",
        settings="NotebookApp",
        root_setting="notebook_dir",
    ),
    # JupyterLab 3 on jupyter_server 1.x, with notebook 6.5 beside it.
    "jupyterlab3": Server(_ENVIRONMENTS / "jupyterlab3", {**_SERVER_PROGRAMS, **_OLD_PROGRAMS}, program="jupyter-lab"),
}
