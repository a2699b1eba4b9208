"""The machine that apps run on: starts each app in a container of its own, and ends it.

Statuses are set only here, from what really happens to the processes.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from emulator import image, namespaces
from emulator.app_kinds import kind_of
from emulator.container import OFFLINE_PIP, Container, create_container, write_inside_program
from emulator.jupyter_app import JupyterApp, JupyterOptions
from emulator.namespaces import Namespaces
from emulator.servers import SERVERS
from emulator.state import Account, App, AppKey, AppStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How an app starts.

    Attributes:
        start_delay_seconds: how long the app is Pending at least.
        http_delay_seconds: how long after InService the Jupyter server starts.
        described_as: the statuses that the first DescribeApp calls answer, whatever the real one is.
        failure_reason: if given, the app ends up Failed instead of InService.
        shell: the program that terminals run; None for that of the app type (`app_kinds`).
        environment: additional variables of the container, such as PS1.
        autorestart: whether a Jupyter server that died is restarted.
        launcher: a command prefix for the server, such as nsenter; it must exec, not fork.
        has_server: whether a Jupyter server runs in it; without one, the app is there for the API alone.
        as_in_image: whether the app sees paths, variables and programs as in Studio's images (`image`), where the
            machine permits it (`namespaces.refusal`).
        network: whether such an app has this machine's network; otherwise it has none.
        server: for JupyterServer apps, the name of the Jupyter server in `servers.SERVERS`; empty for today's.
    """

    start_delay_seconds: float = 0.0
    http_delay_seconds: float = 0.0
    described_as: tuple[AppStatus, ...] = ()
    failure_reason: str | None = None
    shell: tuple[str, ...] | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    autorestart: bool = True
    launcher: tuple[str, ...] = ()
    has_server: bool = True
    server: str = ""
    as_in_image: bool = False
    network: bool = True


class AppStart:
    """One start of an app with its container and its Jupyter server."""

    def __init__(self, app: App, container: Container, options: StartOptions, namespaces: Namespaces | None) -> None:
        self.app = app
        self.container = container
        self.kind = kind_of(app.key.app_type)
        self.server = SERVERS[options.server]
        shell = options.shell or self.kind.shell
        home = str(image.HOME) if namespaces else ""
        jupyter_options = JupyterOptions(shell, self.server, options.autorestart, options.launcher, home)
        self.jupyter = JupyterApp(container, self.kind, jupyter_options)
        self.options = options
        self.namespaces = namespaces
        self._task: asyncio.Task[None] | None = None

    def begin(self, git_configuration: str, control_url: str) -> None:
        """Start in the background; the app's status changes as it proceeds."""
        self._task = asyncio.create_task(self._start(git_configuration, control_url))

    async def end(self) -> None:
        """End every process of this start and remove its files, apart from the home."""
        self.app.status = AppStatus.DELETING
        await self._cancel()
        self.app.status = AppStatus.DELETED

    async def control(self, action: str) -> str:
        """Carry out a supervisorctl action and return the text to print."""
        name = "jupyterlabserver"
        if action == "status":
            state = f"RUNNING   pid {self.jupyter.pid}" if self.jupyter.pid else "STOPPED"
            return f"{name}                 {state}\n"
        if action == "restart":
            await self.jupyter.restart()
            return f"{name}: stopped\n{name}: started\n"
        if action == "stop":
            await self.jupyter.stop()
            return f"{name}: stopped\n"
        if self.jupyter.pid:
            return f"{name}: ERROR (already started)\n"
        await self.jupyter.start()
        return f"{name}: started\n"

    async def _start(self, git_configuration: str, control_url: str) -> None:
        begun = time.monotonic()
        try:
            if self.runs_jupyter:
                await asyncio.to_thread(self._create_container, git_configuration, control_url)
                if self.namespaces:
                    await self._enter(self.namespaces)
                if not self.options.http_delay_seconds:
                    await self.jupyter.start()
                    await self.jupyter.wait_until_ready()
            await asyncio.sleep(self.options.start_delay_seconds - (time.monotonic() - begun))
        except (OSError, TimeoutError) as error:
            await self._fail(f"the app did not start: {error}")
            return
        await self._enter_service()

    def _create_container(self, git_configuration: str, control_url: str) -> None:
        options = self.options
        pip_options = "" if options.as_in_image and options.network else OFFLINE_PIP
        if not options.network:
            git_configuration = ""  # nothing stands in for a repository on GitHub
        create_container(
            self.container, self.kind, self.server, git_configuration, control_url, pip_options=pip_options
        )
        if options.as_in_image:
            environments = image.conda_environments(self.app.key.app_type, options.server)
            write_inside_program(self.container, "conda", image.CONDA_VERSION, ",".join(environments))
            write_inside_program(self.container, "sudo", *([] if self.namespaces else ["--refuse"]))

    async def _enter(self, namespaces: Namespaces) -> None:
        await namespaces.start()
        reached_at = namespaces.reached_at
        self.jupyter.put_into(namespaces.enter, (image.SERVER_PORT, reached_at) if reached_at else None)

    def processes(self) -> list[int]:
        """Return the ids of all processes of this start."""
        inside = self.namespaces.processes() if self.namespaces else []
        return sorted({*self.container.processes(), *inside})

    @property
    def runs_jupyter(self) -> bool:
        """Whether there is a server to run: some app types have none, nor does a start that is to fail."""
        return bool(self.kind.program) and self.options.has_server and not self.options.failure_reason

    async def _enter_service(self) -> None:
        if self.options.failure_reason:
            await self._fail(self.options.failure_reason)
            return
        self.app.status = AppStatus.IN_SERVICE
        if self.runs_jupyter and self.options.http_delay_seconds:
            await asyncio.sleep(self.options.http_delay_seconds)
            await self.jupyter.start()
            await self.jupyter.wait_until_ready()

    async def _fail(self, reason: str) -> None:
        self.app.failure_reason = reason
        self.app.status = AppStatus.FAILED
        await self._end_container()

    async def _cancel(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._end_container()

    async def _end_container(self) -> None:
        await self.jupyter.stop()
        if self.namespaces:
            await self.namespaces.end()
        await asyncio.to_thread(self.container.end)


class AppHost:
    """The newest start of each app."""

    def __init__(self, folder: Path, git_configuration: str, defaults: StartOptions, account: Account) -> None:
        self.starts: dict[AppKey, AppStart] = {}
        self.control_url = ""
        self._folder = folder
        self._git_configuration = git_configuration
        self._defaults = defaults
        self._account = account
        self._planned: dict[AppKey, StartOptions] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._begun = 0

    def plan(self, key: AppKey, options: StartOptions) -> None:
        """Use these options for the next start of this app instead of the defaults."""
        self._planned[key] = options

    def home_of(self, key: AppKey) -> Path:
        """Return the home of an app: one per owner, kept over restarts as on Studio's file system."""
        kind = "space" if key.space_name else "user-profile"
        return self._folder / "homes" / key.domain_id / f"{kind}-{key.space_name or key.user_profile_name}"

    def make_home(self, key: AppKey) -> Path:
        """Return the home of an app, and create it with its initial files if it does not exist."""
        home = self.home_of(key)
        if not home.exists():
            home.mkdir(parents=True)
            for name, text in kind_of(key.app_type).home_files.items():
                (home / name).write_text(text)
        return home

    def start(self, app: App) -> AppStart:
        """Start an app in the background."""
        options = self._planned.pop(app.key, self._defaults)
        app.described_as = list(options.described_as)
        self._begun += 1
        folder = self._folder / "apps" / str(self._begun)
        container = Container(folder, self.make_home(app.key), self._variables(app.key, options))
        started = AppStart(app, container, options, self._namespaces(app.key, container, options))
        self.starts[app.key] = started
        started.begin(self._git_configuration, f"{self.control_url}/{container.marker}")
        return started

    def _variables(self, key: AppKey, options: StartOptions) -> dict[str, str]:
        of_image = image.variables(key.app_type, options.server, self._account) if options.as_in_image else {}
        if namespaces.refusal():
            of_image = {name: value for name, value in of_image.items() if name not in ("HOME", "PATH")}
        return {**of_image, **kind_of(key.app_type).environment, **options.environment}

    def _namespaces(self, key: AppKey, container: Container, options: StartOptions) -> Namespaces | None:
        if not options.as_in_image or namespaces.refusal():
            return None
        contents = namespaces.Contents(
            binds={str(image.HOME): str(container.home), str(image.CONDA): str(container.folder / "env")},
            files={image.METADATA: image.metadata(key, self._account)},
            folders=image.FOLDERS,
            home=str(image.HOME),
        )
        control_port = urlsplit(self.control_url).port or 0
        isolation = None if options.network else namespaces.Isolation(image.SERVER_PORT, control_port)
        return Namespaces(contents, isolation)

    def end(self, key: AppKey) -> None:
        """End an app in the background."""
        start = self.starts[key]
        start.app.status = AppStatus.DELETING
        task = asyncio.create_task(start.end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def by_marker(self, marker: str) -> AppStart | None:
        """Return the start whose container has this marker."""
        return next((start for start in self.starts.values() if start.container.marker == marker), None)

    async def close(self) -> None:
        """End every app and wait until none of its processes runs."""
        await asyncio.gather(*(start.end() for start in self.starts.values()), *self._ending)
