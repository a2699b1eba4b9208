"""A test's handle of an app: inspect it, break it, wait for it; from any thread."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import requests

from emulator.state import AppStatus

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import timedelta
    from pathlib import Path

    from emulator.app_host import AppStart
    from emulator.proxy import Proxy

T = TypeVar("T")
_POLL_SECONDS = 0.02


class RunsInLoop(Protocol):
    """Runs a coroutine on the Studio's thread and waits for its result."""

    def __call__(self, work: Coroutine[Any, Any, T], /) -> T:
        """Run it."""


class AppHandle:
    """One start of an app; after a restart of the app, the handle is still that of the earlier start."""

    def __init__(self, start: AppStart, proxy: Proxy, in_loop: RunsInLoop) -> None:
        self._start = start
        self._proxy = proxy
        self._in_loop = in_loop

    @property
    def status(self) -> AppStatus:
        """The real status, whatever DescribeApp is made to answer."""
        return self._start.app.status

    @property
    def jupyter_pid(self) -> int | None:
        """The process id of the Jupyter server; None while it does not run."""
        return self._start.jupyter.pid

    @property
    def base_url(self) -> str:
        """The Jupyter server's own URL, which bypasses the front door."""
        return self._start.jupyter.base_url

    @property
    def home(self) -> Path:
        """The home, which survives restarts of the app."""
        return self._start.container.home

    @property
    def tmp(self) -> Path:
        """The container's TMPDIR, new for this start."""
        return self._start.container.tmp

    @property
    def log(self) -> str:
        """The log of the Jupyter server so far."""
        return (self._start.container.folder / "jupyter.log").read_text(errors="replace")

    def environment(self) -> dict[str, str]:
        """Return the environment of a process inside, to start one there."""
        return self._start.container.environment()

    def wait_for(self, status: AppStatus, limit_seconds: float = 60.0) -> AppHandle:
        """Wait until the app has a status.

        Raises:
            TimeoutError: it does not have it within the limit.
        """
        give_up = time.monotonic() + limit_seconds
        while self.status is not status:
            if time.monotonic() > give_up:
                reason = self._start.app.failure_reason
                raise TimeoutError(f"the app is {self.status} ({reason}), not {status}")
            time.sleep(_POLL_SECONDS)
        return self

    def wait_until_in_service(self, limit_seconds: float = 60.0) -> AppHandle:
        """Wait until the app is in service."""
        return self.wait_for(AppStatus.IN_SERVICE, limit_seconds)

    def wait_until_ready(self) -> AppHandle:
        """Wait until the Jupyter server answers, for instance after a restart."""
        self._in_loop(self._start.jupyter.wait_until_ready())
        return self

    def backdate(self, by: timedelta) -> None:
        """Let the app have been created so much earlier, as far as the API tells."""
        self._start.app.created -= by

    def kill_jupyter(self, signal_number: int) -> None:
        """Send the Jupyter server a signal; a server that dies is restarted, unless `autorestart` is off."""
        self._start.jupyter.kill(signal_number)

    def restart_jupyter(self) -> None:
        """Restart the Jupyter server as supervisorctl does, on the same port."""
        self._in_loop(self._start.jupyter.restart())

    def drop_websockets(self) -> int:
        """Cut every websocket through the front door without a close frame; returns how many there were."""
        return self._in_loop(self._drop())

    def terminals(self) -> list[str]:
        """Return the names of the terminals that the server lists."""
        answer = requests.get(f"{self.base_url}api/terminals", timeout=10)
        answer.raise_for_status()
        return [terminal["name"] for terminal in answer.json()]

    def processes(self) -> list[int]:
        """Return the ids of all processes in the container."""
        return self._start.processes()

    def names_asked(self) -> tuple[str, ...]:
        """Return the names that an app without a network has asked the resolver for."""
        return self._start.namespaces.names_asked() if self._start.namespaces else ()

    def delete(self) -> None:
        """Delete the app and wait until nothing of it runs."""
        self._in_loop(self._start.end())

    async def _drop(self) -> int:
        return self._proxy.drop_websockets(self._start.app.key)
