"""The kinds of machine that an app runs on, made from what this machine has: which `sh`, with bash or without."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from studio_setup.runs.remote_runs import RemoteRuns
from studio_setup.terminal.shell import Shell
from tests.support.needs import needs
from tests.support.pty_channel import PtyChannel, all_ended, fast_deadline, marked_processes, wait_until_ended

FRAME_BYTES = 65536
SHELL_SECONDS = 20.0
# What a machine has besides its shells: the tools that remote.sh and the scripts in the tests need.
_TOOLS = (
    "base64 cat chmod dd env find grep head id ln ls mkdir mkfifo mv printf readlink rm seq setsid sha256sum sleep stty"
)
_TOOLS += " tail touch tr true wc yes"


@dataclass(frozen=True)
class Machine:
    """A machine with a user: a PATH, a home, a TMPDIR, and a mark by which its processes are found."""

    path: str
    folder: Path
    shell: str = "bash"
    marker: str = field(default_factory=lambda: uuid.uuid4().hex)

    def __post_init__(self) -> None:
        """Make the user's folders."""
        self.home.mkdir()
        self.temporary.mkdir()

    @property
    def home(self) -> Path:
        """The user's home."""
        return self.folder / "home of the user"

    @property
    def temporary(self) -> Path:
        """The TMPDIR of the user's Jupyter server."""
        return self.folder / "temporary files"

    @property
    def environ(self) -> dict[str, str]:
        """The environment of the user's Jupyter server, and so of each terminal's shell."""
        return {
            "PATH": self.path,
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
        }

    @contextmanager
    def terminal(
        self,
        *program: str,
        launcher: Sequence[str] = (),
        frame_bytes: int = FRAME_BYTES,
        speed: float = 1.0,
        **environ: str,
    ) -> Iterator[PtyChannel]:
        """A terminal with the user's shell, or another program; `launcher` starts the server, with `environ` added."""
        channel = PtyChannel(
            program or [self.shell],
            self.environ | environ,
            mark=self.marker,
            launcher=launcher,
            frame_bytes=frame_bytes,
            speed=speed,
        )
        try:
            yield channel
        finally:
            channel.end()

    @contextmanager
    def own_shell(
        self,
        *program: str,
        launcher: Sequence[str] = (),
        seconds: float = SHELL_SECONDS,
        speed: float = 1.0,
        **environ: str,
    ) -> Iterator[Shell]:
        """A shell of our own, in a terminal of the user's."""
        with self.terminal(*program, launcher=launcher, speed=speed, frame_bytes=FRAME_BYTES, **environ) as channel:
            yield Shell.take_over(channel, fast_deadline(seconds * speed, speed))

    @contextmanager
    def runs(self, *program: str, launcher: Sequence[str] = (), **environ: str) -> Iterator[RemoteRuns]:
        """The runs that are kept on the machine, over a terminal of its own."""
        with self.own_shell(*program, launcher=launcher, seconds=SHELL_SECONDS, speed=1, **environ) as shell:
            yield RemoteRuns.prepare(shell)

    @property
    def hasty_path(self) -> str:
        """A PATH with a `sleep` that is short for end_group, so that what ignores SIGTERM is killed soon."""
        folder = self.folder / "hasty"
        if not folder.exists():
            folder.mkdir()
            script = '#!/bin/sh\nPATH=${PATH#*:}\n[ "$1" != 0.2 ] || set -- 0.01\nexec sleep "$@"\n'
            (folder / "sleep").write_text(script, encoding="ascii")
            (folder / "sleep").chmod(0o755)
        return f"{folder}:{self.path}"

    def processes(self) -> dict[int, str]:
        """The processes of the machine: their ids and command lines."""
        return marked_processes(self.marker)

    def left_processes(self) -> dict[int, str]:
        """The processes that are left after waiting for all of them to end."""
        return wait_until_ended(self.marker)

    @contextmanager
    def switched_off_after(self) -> Iterator[Machine]:
        """The machine; afterwards all its processes are killed."""
        with all_ended(self.marker):
            yield self


def path_with(folder: Path, sh: str, *, bash: bool) -> str:
    """A PATH whose `sh` is this program, and that has bash only if `bash` is true."""
    if sh == "busybox":
        busybox = needs("busybox")
        applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
        programs = {name: busybox for name in applets if name != "bash"}
    else:
        programs = {tool: found for tool in _TOOLS.split() if (found := shutil.which(tool))} | {"sh": needs(sh)}
    if bash:
        programs["bash"] = needs("bash")
    # Not the one on PATH, which may be a script for bash.
    programs["python3"] = os.path.realpath(sys.executable)
    folder.mkdir()  # last, so that a missing program leaves nothing half made
    for name, program in programs.items():
        (folder / name).symlink_to(program)
    return str(folder)


def path_of(kind: str, folder: Path) -> str:
    """The PATH of a kind of machine: this one's own, or one that is made."""
    match kind:
        case "this":
            needs("bash")
            return os.environ["PATH"]
        case "dash" | "busybox":
            return path_with(folder, kind, bash=False)
        case "bash-as-sh":
            return path_with(folder, "bash", bash=True)
        case _:
            raise ValueError(kind)
