"""An app's mount and network namespaces: what it sees of this machine, and how it is reached.

A process of our own keeps them (`inside/keep_namespaces.py`); the app's server is started in them with nsenter. For
root, the system's folders are copies of the app's own on writing. Others get a user namespace, where `root` is they.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulator.inside import keep_namespaces
from emulator.inside.keep_namespaces import PassOn

# Of these the app of a developer who is root gets copies; /home and /opt only get additions.
_SYSTEM = ("/etc", "/root", "/run", "/srv", "/usr", "/var")
_EXTENDED = ("/home", "/opt")
_RESOLVER = {
    "/etc/resolv.conf": "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What the app finds where: path → folder, path → text, folders to be made, and the folder that it begins in."""

    binds: dict[str, str]
    files: dict[str, str]
    folders: tuple[str, ...]
    home: str


@dataclass(frozen=True, slots=True)
class Isolation:
    """An app without a network: the port of its server inside, and the port of ours that it may reach."""

    server_port: int
    control_port: int


class Namespaces:
    """The namespaces of one app start."""

    def __init__(self, contents: Contents, isolation: Isolation | None) -> None:
        self.reached_at: int | None = None
        self._contents = contents
        self._isolation = isolation
        # The path of a socket has 107 characters at most, so it is not in the folder of the Studio.
        self._folder = Path(tempfile.mkdtemp(prefix="studio-"))
        self._keeper: asyncio.subprocess.Process | None = None
        self._doors: list[tuple[asyncio.Server, PassOn]] = []

    @property
    def enter(self) -> tuple[str, ...]:
        """The command that starts a program inside, in the app's home."""
        assert self._keeper  # noqa: S101 (started)
        kinds = ["--user", "--preserve-credentials"] if os.geteuid() else []
        kinds += ["--net"] if self._isolation else []
        return ("nsenter", f"--target={self._keeper.pid}", "--mount", *kinds, "--wd", "--")

    async def start(self) -> None:
        """Make the namespaces.

        Raises:
            OSError: the machine refuses, with its message.
        """
        command = [*_unshare(isolated=bool(self._isolation)), sys.executable, "-I", "-S", keep_namespaces.__file__]
        self._keeper = await asyncio.create_subprocess_exec(
            *command,
            json.dumps(self._wanted()),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self._keeper.stdout  # noqa: S101 (a pipe)
        said = await self._keeper.stdout.readline()
        if said != b"ready\n":
            rest = await self._keeper.stdout.read()
            raise OSError((said + rest).decode(errors="replace").strip())
        if self._isolation:
            await self._open_doors(self._isolation)

    async def end(self) -> None:
        """Kill whatever is inside, and remove the files."""
        for server, handler in self._doors:
            server.close()
            await handler.end()
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._keeper and self._keeper.returncode is None:
            self._keeper.kill()
            await self._keeper.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def processes(self) -> list[int]:
        """The ids of the processes inside, also of those that have cleared their environment; the keeper is not one."""
        if not self._keeper:
            return []
        namespace = _mount_namespace(self._keeper.pid)
        others = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        return [pid for pid in others if pid != self._keeper.pid and namespace and _mount_namespace(pid) == namespace]

    def names_asked(self) -> tuple[str, ...]:
        """The names that an app without a network has asked the resolver for, sorted."""
        with contextlib.suppress(OSError):
            return tuple(sorted(set((self._folder / "names").read_text().split())))
        return ()

    def _wanted(self) -> dict[str, Any]:
        """What the keeper is told."""
        system = self._folder / "system"
        system.mkdir()
        contents, isolation = self._contents, self._isolation
        network = isolation and {
            "enter": str(self._folder / "enter"),
            "leave": str(self._folder / "leave"),
            "names": str(self._folder / "names"),
            "server_port": isolation.server_port,
            "control_port": isolation.control_port,
        }
        return {
            "system": str(system),
            "private": [] if os.geteuid() else [path for path in _SYSTEM if Path(path).is_dir()],
            "extended": [path for path in _EXTENDED if Path(path).is_dir()],
            "binds": contents.binds,
            "files": {**contents.files, **(_RESOLVER if isolation else {})},
            "folders": contents.folders,
            "home": contents.home,
            "network": network,
        }

    async def _open_doors(self, isolation: Isolation) -> None:
        into = PassOn(lambda: asyncio.open_unix_connection(self._folder / "enter"))
        entrance = await asyncio.start_server(into, "127.0.0.1", 0)
        out = PassOn(lambda: asyncio.open_connection("127.0.0.1", isolation.control_port))
        exit_ = await asyncio.start_unix_server(out, self._folder / "leave")
        self._doors = [(entrance, into), (exit_, out)]
        self.reached_at = entrance.sockets[0].getsockname()[1]


@functools.cache
def refusal() -> str:
    """Why this machine has no such namespaces for us; empty if it has."""
    if not shutil.which("unshare") or not shutil.which("nsenter"):
        return "there is no unshare or nsenter (util-linux)"
    overlay = "mount -t tmpfs none /mnt && mkdir /mnt/upper /mnt/work && "
    overlay += "mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work none /etc"
    script = "mount -t tmpfs none /home" if os.geteuid() else overlay
    done = subprocess.run([*_unshare(isolated=True), "sh", "-c", script], capture_output=True, text=True, check=False)
    return done.stderr.strip() or f"exit status {done.returncode}" if done.returncode else ""


def _unshare(*, isolated: bool) -> list[str]:
    user = ["--user", "--map-root-user"] if os.geteuid() else []
    return ["unshare", *user, "--mount", *(["--net"] if isolated else [])]


def _mount_namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/mnt").readlink())
    except OSError:
        return ""
