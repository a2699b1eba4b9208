"""The Jupyter servers that apps run on: that of this Python environment, or an older one of Studio's images.

`make setup` installs each older server into an environment of its own (`.venvs/`), from which a container then gets its
Python, packages, settings and pages. Facts only.
"""

from __future__ import annotations

import sys
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
    def python(self) -> Path:
        """The interpreter of its environment."""
        return self.data / "bin" / "python" if self.is_older else Path(sys.executable)

    @property
    def packages(self) -> Path:
        """The folder with the packages of its environment; one that does not exist if it has not been installed."""
        if not self.is_older:
            return Path(sysconfig.get_path("purelib"))
        return next(self.data.glob("lib/python3*/site-packages"), self.data / "lib")


def _notebook6(environment: str) -> Server:
    """JupyterLab 1 on notebook 6.5: it gives terminals numbers, whatever name is requested."""
    return Server(
        _ENVIRONMENTS / environment,
        {**_COMMON_PROGRAMS, **_OLD_PROGRAMS},
        program="jupyter-lab",
        settings="NotebookApp",
        root_setting="notebook_dir",
    )


def _jupyterlab3(environment: str) -> Server:
    """JupyterLab 3 on jupyter_server 1.x, with notebook 6.5 beside it."""
    return Server(_ENVIRONMENTS / environment, {**_SERVER_PROGRAMS, **_OLD_PROGRAMS}, program="jupyter-lab")


SERVERS = {
    "": Server(Path(sysconfig.get_path("data")), _SERVER_PROGRAMS),
    "notebook6": _notebook6("notebook6"),
    "jupyterlab3": _jupyterlab3("jupyterlab3"),
    # With the Python of Studio's images, where this machine has one. Only these can have the auto-shutdown extension.
    "notebook6-python39": _notebook6("notebook6-python39"),
    "jupyterlab3-python39": _jupyterlab3("jupyterlab3-python39"),
}
