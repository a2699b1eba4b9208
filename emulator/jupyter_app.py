"""A real Jupyter server as a child process, restarted when it dies, as supervisord does in Studio's images.

This owns the process and its port, but not the app's status or the container's files. The port is chosen at the first
successful start and kept over restarts. Jupyter could choose one itself (`--port=0`), but then its terminals would have
a JUPYTER_SERVER_URL with port 0.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from emulator.app_kinds import AppKind
    from emulator.container import Container
    from emulator.servers import Server

_POLL_SECONDS = 0.02
_STOP_LIMIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class JupyterOptions:
    """How a server runs; `home` is the path of the home as the server sees it, if it is another one."""

    shell: tuple[str, ...]
    server: Server
    autorestart: bool = True
    launcher: tuple[str, ...] = ()
    home: str = ""
    start_limit_seconds: float = 60.0


class JupyterApp:
    """One Jupyter server, over all its restarts."""

    def __init__(self, container: Container, kind: AppKind, options: JupyterOptions) -> None:
        self.port: int | None = None
        self._kind = kind
        self._container = container
        self._options = options
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._changing = asyncio.Lock()
        self._answered = False
        self._launcher = options.launcher
        self._own_network: tuple[int, int] | None = None

    def put_into(self, launcher: tuple[str, ...], own_network: tuple[int, int] | None) -> None:
        """Start the server with this command prefix, too; in a network of its own, on which port, reached at which."""
        self._launcher = (*launcher, *self._options.launcher)
        self._own_network = own_network
        self.port = own_network and own_network[1]

    @property
    def pid(self) -> int | None:
        """The process id of the server; None while it does not run."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    @property
    def base_url(self) -> str:
        """The server's own URL, which bypasses the front door."""
        return f"http://127.0.0.1:{self.port}{self._kind.base_path}"

    async def start(self) -> None:
        """Start the server and return as soon as the process exists."""
        async with self._changing:
            await self._spawn()

    async def stop(self) -> None:
        """Stop the server, with SIGTERM first, and do not restart it."""
        async with self._changing:
            await self._end()

    async def restart(self) -> None:
        """Stop the server and start another on the same port; return as soon as that process exists."""
        async with self._changing:
            await self._end()
            await self._spawn()

    def kill(self, signal_number: int) -> None:
        """Send a signal to the server's process only."""
        if self.pid is not None:
            os.kill(self.pid, signal_number)

    async def wait_until_ready(self) -> None:
        """Wait until the server answers on its port.

        Raises:
            TimeoutError: it does not within the limit.
        """
        async with asyncio.timeout(self._options.start_limit_seconds), aiohttp.ClientSession() as session:
            while not await self._answers(session):  # noqa: ASYNC110 (another process has no event to wait for)
                await asyncio.sleep(_POLL_SECONDS)

    async def _answers(self, session: aiohttp.ClientSession) -> bool:
        if self.port is None:
            return False
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(f"{self.base_url}api", timeout=aiohttp.ClientTimeout(total=5)) as answer:
                self._answered = answer.status == HTTPStatus.OK
                return self._answered
        return False

    async def _spawn(self) -> None:
        if self.port is None:
            self.port = _free_port()
            self._answered = False
        log = (self._container.folder / "jupyter.log").open("ab")
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command(),
                cwd=self._container.home,
                env=self._container.environment(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        finally:
            log.close()
        self._watcher = asyncio.create_task(self._watch(self._process))

    def _command(self) -> list[str]:
        server = self._options.server
        settings = server.settings
        return [
            *self._launcher,
            str(self._container.programs / (server.program or self._kind.program)),
            "--no-browser",
            "--allow-root",
            f"--{settings}.ip=127.0.0.1",
            f"--{settings}.port={self._own_network[0] if self._own_network else self.port}",
            f"--{settings}.port_retries=0",
            f"--{settings}.base_url={self._kind.base_path.rstrip('/')}",
            f"--{settings}.{server.root_setting}={self._options.home or self._container.home}",
            # As in AWS's public start script: the front door is the only authentication.
            f"--{settings}.token=",
            f"--{settings}.password=",
            f"--{settings}.allow_origin=*",
            f"--{settings}.allow_remote_access=True",
            f"--{settings}.terminado_settings={json.dumps({'shell_command': list(self._options.shell)})}",
            *self._kind.flags,
        ]

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        await process.wait()
        async with self._changing:
            if self._process is not process:
                return
            if not self._answered:
                # Another program may have taken it before the server started.
                self.port = self._own_network and self._own_network[1]
            if self._options.autorestart:
                await self._spawn()

    async def _end(self) -> None:
        process, self._process = self._process, None
        if self._watcher:
            self._watcher.cancel()
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_LIMIT_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
