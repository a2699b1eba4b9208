"""An app's container, as far as a program inside can tell: a home, TMPDIR, PATH and Python of its own.

The home belongs to the user profile or the space and survives restarts of the app. Everything else is created for one
start of the app and removed with it. The Python environment is the container's own, so that installed packages stay in
it; the packages of its server (`servers`; jupyter_server, pip, setuptools) are made available through a `.pth` file
instead of being copied, and JupyterLab's pages through links.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.processes import MARKER_VARIABLE, end_processes, processes_marked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulator.app_kinds import AppKind
    from emulator.servers import Server

HERE = Path(__file__).parent

# No network and no isolated builds, which would need one.
OFFLINE_PIP = "no-index = true\nno-build-isolation = false\n"
LAB_PROGRAMS = {
    "jupyter-lab": "jupyterlab.labapp:main",
    "jupyter-labextension": "jupyterlab.labextensions:main",
}
_LAB_FOLDER = Path("share", "jupyter", "lab")
_LAB_PARTS = ("schemas", "static", "themes")
# Without this, JupyterLab asks the user whether it may fetch news.
_LAB_PAGE = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}


@dataclass(frozen=True, slots=True)
class Container:
    """The files of one start of an app; `marker` is in the environment of each of its processes."""

    folder: Path
    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    marker: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def tmp(self) -> Path:
        """The container's temporary directory."""
        return self.folder / "tmp"

    @property
    def programs(self) -> Path:
        """The folder that stands for the image's /usr/bin and /opt/conda/bin."""
        return self.folder / "env" / "bin"

    @property
    def python(self) -> Path:
        """The interpreter of the container's own environment."""
        return self.programs / "python"

    @property
    def runtime(self) -> Path:
        """The folder where the Jupyter server writes its port."""
        return self.folder / "run"

    def environment(self) -> dict[str, str]:
        """Return the whole environment of a process inside; it has nothing of the developer's own."""
        return {
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "PATH": f"{self.programs}:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
            "LANG": "C.UTF-8",
            "SHELL": "/bin/bash",
            "GIT_CONFIG_SYSTEM": str(self.folder / "gitconfig"),
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
            MARKER_VARIABLE: self.marker,
            **self.variables,
        }

    def processes(self) -> list[int]:
        """Return the ids of all processes inside."""
        return processes_marked(self.marker)

    def end(self) -> None:
        """Kill every process inside and remove everything but the home."""
        end_processes(self.marker)
        shutil.rmtree(self.folder, ignore_errors=True)


def create_container(
    container: Container,
    kind: AppKind,
    server: Server,
    git_configuration: str,
    control_url: str,
    *,
    pip_options: str = OFFLINE_PIP,
) -> None:
    """Create the container's files: Python environment, programs, configuration of git and pip.

    Raises:
        FileNotFoundError: the environment of the server has not been installed.
    """
    if not server.packages.is_dir():
        raise FileNotFoundError(f"{server.packages} does not exist; run `make setup`")
    for folder in (container.home, container.tmp, container.runtime):
        folder.mkdir(parents=True, exist_ok=True)
    environment_folder = container.folder / "env"
    subprocess.run([server.python, "-m", "venv", "--symlinks", "--without-pip", environment_folder], check=True)
    _borrow_packages(environment_folder, server)
    if server.is_older:
        shutil.copytree(server.data / "etc" / "jupyter", environment_folder / "etc" / "jupyter")
    else:
        _enable_server_extensions(environment_folder, kind)
    _write_programs(container, server, control_url)
    if (server.program or kind.program) in LAB_PROGRAMS:
        _install_lab(container, server)
    (environment_folder / "pip.conf").write_text(f"[global]\ndisable-pip-version-check = true\n{pip_options}")
    (container.folder / "gitconfig").write_text(git_configuration)


def _borrow_packages(environment_folder: Path, server: Server) -> None:
    (packages,) = environment_folder.glob("lib/python3*/site-packages")
    # addsitedir reads the .pth files there too; that of setuptools provides distutils, which old servers import.
    borrowed = f"import site; site.addsitedir({str(server.packages)!r})\n"
    (packages / "borrowed.pth").write_text(borrowed)
    if not server.is_older:
        shutil.copy(HERE / "inside" / "lab_page.py", packages / "studio_lab_page.py")


def _enable_server_extensions(environment_folder: Path, kind: AppKind) -> None:
    enabled = environment_folder / "etc" / "jupyter" / "jupyter_server_config.d"
    enabled.mkdir(parents=True)
    for name in kind.server_extensions:
        setting = {"ServerApp": {"jpserver_extensions": {name: True}}}
        (enabled / f"{name}.json").write_text(json.dumps(setting))


def _write_programs(container: Container, server: Server, control_url: str) -> None:
    for name, target in server.programs.items():
        _write_program(container.programs / name, _entry_point(container.python, target))
    # -S: the script needs no site-packages, and starts faster without them.
    ask = shlex.join([str(container.python), "-I", "-S", str(HERE / "inside" / "supervisorctl.py"), control_url])
    _write_program(container.programs / "supervisorctl", f'#!/bin/sh\nexec {ask} "$@"\n')
    restart = f"#!/bin/sh\nexec {ask} restart jupyterlabserver\n"
    _write_program(container.programs / "restart-jupyter-server", restart)


def write_inside_program(container: Container, name: str, *arguments: str) -> None:
    """Write a program that runs `inside/<name>.py`, with these arguments before its own."""
    # -S: the script needs no site-packages, and starts faster without them.
    command = shlex.join([sys.executable, "-I", "-S", str(HERE / "inside" / f"{name}.py"), *arguments])
    _write_program(container.programs / name, f'#!/bin/sh\nexec {command} "$@"\n')


def _install_lab(container: Container, server: Server) -> None:
    # The folder is the container's own, for the files of extensions; JupyterLab's own parts are shared.
    lab = container.folder / "env" / _LAB_FOLDER
    lab.mkdir(parents=True)
    for part in _LAB_PARTS:
        (lab / part).symlink_to(server.data / _LAB_FOLDER / part)
    page_config = container.folder / "env" / "etc" / "jupyter" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True)
    page_config.write_text(json.dumps(_LAB_PAGE))
    for name, target in LAB_PROGRAMS.items():
        _write_program(container.programs / name, _entry_point(container.python, target))


def _entry_point(python: Path, target: str) -> str:
    # sh starts the interpreter, since a #! line may have at most 127 characters. The signals: a server that a shell
    # starts with `&` ignores SIGINT, and so would its terminals' processes: Ctrl-C would do nothing there.
    module, function = target.split(":")
    return (
        f"#!/bin/sh\n'''exec' {shlex.quote(str(python))} \"$0\" \"$@\"\n' '''\n"
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "signal.signal(signal.SIGQUIT, signal.SIG_DFL)\n"
        f"from {module} import {function}\n"
        f"sys.exit({function}())\n"
    )


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
