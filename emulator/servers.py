"""The Jupyter servers that apps run on: this environment's own, or an older one of Studio's images. Facts only.

An older server runs from the environment of its own that `make setup` makes beside this package; a container borrows
that environment's packages, settings and page instead of ours.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BESIDE = Path(__file__).parents[1]
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
        data: the root of the environment it runs from.
        programs: Python entry points that its image has, as `module:function`, JupyterLab's aside.
        program: which program serves; empty is what the app's type has (`app_kinds`).
        settings: the class its flags are for.
        root_setting: that class's name for the folder it serves.
    """

    data: Path
    programs: Mapping[str, str]
    program: str = ""
    settings: str = "ServerApp"
    root_setting: str = "root_dir"

    @property
    def is_older(self) -> bool:
        """Whether it has an environment of its own, and with it the extensions and settings of its time."""
        return bool(self.program)

    @property
    def packages(self) -> Path:
        """Where its environment keeps packages."""
        return Path(sysconfig.get_path("purelib", vars={"base": str(self.data)}))


SERVERS = {
    "": Server(Path(sysconfig.get_path("data")), _SERVER_PROGRAMS),
    # JupyterLab 1 on notebook 6.5: its terminals have numbers, whatever name is asked for.
    "notebook6": Server(
        _BESIDE / ".venvs/notebook6",
        {**_COMMON_PROGRAMS, **_OLD_PROGRAMS},
        program="jupyter-lab",
        settings="NotebookApp",
        root_setting="notebook_dir",
    ),
    # JupyterLab 3 on jupyter_server 1.x, with notebook 6.5 beside it.
    "jupyterlab3": Server(_BESIDE / ".venvs/jupyterlab3", {**_SERVER_PROGRAMS, **_OLD_PROGRAMS}, program="jupyter-lab"),
}
