"""A whole Studio on this machine, run in a thread of its own.

That thread's event loop owns all state; the methods here run their work there and wait for it, so they may be called
from any thread.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from aiohttp import web

from emulator import api_model
from emulator.app_host import AppHost, StartOptions
from emulator.extension_repository import create_extension_repository, git_configuration
from emulator.faults import ApiError
from emulator.faulty_network.network import FaultyNetwork
from emulator.front_door import FrontDoor
from emulator.handles import AppHandle
from emulator.hosts import FRONT_DOOR_ADDRESS, Hosts, runner_for
from emulator.login_forms import LoginForms
from emulator.operations import Operations
from emulator.proxy import Proxy
from emulator.sagemaker_api import SageMakerApi
from emulator.sessions import Sessions
from emulator.state import Account, AppKey, AuthMode, Domain, Space, StudioState, UserProfile

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
Event = dict[str, Any]

DOMAIN_ID = "d-localstudio1"
USER_PROFILE = "alice"
_CALL_LIMIT_SECONDS = 120.0


class LocalStudio:
    """A SageMaker API and the hosts of a Studio on free loopback ports; `with` starts and ends it.

    Args:
        state_dir: the folder for containers and homes while it runs; a temporary one if None.
        defaults: how apps start, unless `create_app` has other options.
        account: the account id and region that it pretends to have.
        login_forms: the forms of its logins.
        api_port: port of the SageMaker API; 0 lets the system choose.
        front_door_port: port of Studio's hosts; 0 lets the system choose.
        on_event: called with each CreateApp event, on the Studio's thread; it must not block.
    """

    def __init__(
        self,
        state_dir: Path | None = None,
        *,
        defaults: StartOptions | None = None,
        account: Account | None = None,
        login_forms: LoginForms | None = None,
        api_port: int = 0,
        front_door_port: int = 0,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.sagemaker_endpoint = ""
        self.front_door_url = ""
        self.events: list[Event] = []
        self._parent = state_dir
        self._folder = Path()
        self._defaults = defaults or StartOptions()
        self._ports = (api_port, front_door_port)
        self._on_event = on_event
        self._state = StudioState(account or Account(), login_forms or LoginForms())
        self._sessions = Sessions()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="local-studio", daemon=True)

    def __enter__(self) -> Self:
        """Start listening."""
        if self._parent:
            self._parent.mkdir(parents=True, exist_ok=True)
        # Resolved: programs inside compare paths, and /tmp may be a link.
        self._folder = Path(tempfile.mkdtemp(prefix="local-studio-", dir=self._parent)).resolve()
        self._thread.start()
        try:
            self._in_loop(self._start())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End every app and process, and remove all files."""
        self.close()

    @property
    def api_calls(self) -> list[tuple[str, dict[str, Any]]]:
        """Every API call so far, as (operation, parameters)."""
        return list(self._api.calls)

    @property
    def login_forms(self) -> LoginForms:
        """The forms of the logins, which may be changed at any time."""
        return self._state.login_forms

    @login_forms.setter
    def login_forms(self, forms: LoginForms) -> None:
        self._state.login_forms = forms

    def add_domain(
        self, domain_id: str = DOMAIN_ID, auth_mode: AuthMode = AuthMode.IAM, default_landing_uri: str = ""
    ) -> str:
        """Add a domain and return its id; with the default landing URI `studio::`, a login leads to the portal."""
        self._state.domains[domain_id] = Domain(domain_id, auth_mode, default_landing_uri)
        return domain_id

    def add_user_profile(self, name: str = USER_PROFILE, domain_id: str = DOMAIN_ID) -> str:
        """Add a user profile to a domain and return its name."""
        self._state.user_profiles[domain_id, name] = UserProfile(domain_id, name)
        return name

    def add_space(
        self,
        name: str,
        owner: str | None = None,
        app_type: str = "JupyterLab",
        domain_id: str = DOMAIN_ID,
        *,
        sharing_type: str | None = None,
    ) -> str:
        """Add a space, with a host of its own, and return its name; without an owner it is shared."""
        sharing = sharing_type or ("Private" if owner else "Shared")
        address = self._in_loop(self._hosts.add_space())
        self._state.spaces[domain_id, name] = Space(domain_id, name, owner, app_type, sharing, address)
        return name

    def space_url(self, name: str, domain_id: str = DOMAIN_ID) -> str:
        """Return the URL of a space's host, without a slash at the end."""
        return self._hosts.url(self._state.spaces[domain_id, name].address)

    def create_app(
        self,
        user_profile_name: str = USER_PROFILE,
        *,
        space_name: str | None = None,
        domain_id: str = DOMAIN_ID,
        app_type: str = "JupyterServer",
        app_name: str = "default",
        options: StartOptions | None = None,
    ) -> AppHandle:
        """Call CreateApp, which also emits its event, and return the app's handle."""
        owner = {"SpaceName": space_name} if space_name else {"UserProfileName": user_profile_name}
        key = AppKey(domain_id, owner.get("UserProfileName"), space_name, app_type, app_name)
        params = {"DomainId": domain_id, **owner, "AppType": app_type, "AppName": app_name}
        return self._in_loop(self._create_app(key, params, options))

    def app(
        self,
        user_profile_name: str = USER_PROFILE,
        *,
        space_name: str | None = None,
        domain_id: str = DOMAIN_ID,
        app_type: str = "JupyterServer",
        app_name: str = "default",
    ) -> AppHandle:
        """Return the handle of an app's newest start.

        Raises:
            KeyError: no such app was ever created.
        """
        owner = None if space_name else user_profile_name
        start = self._host.starts[AppKey(domain_id, owner, space_name, app_type, app_name)]
        return AppHandle(start, self._proxy, self._in_loop)

    def home_of(
        self, user_profile_name: str = USER_PROFILE, *, space_name: str | None = None, domain_id: str = DOMAIN_ID
    ) -> Path:
        """Return the home of a user or a space, created if necessary; an app finds there what a test has put there."""
        if space_name:
            space = self._state.spaces[domain_id, space_name]
            return self._host.make_home(AppKey(domain_id, None, space_name, space.app_type, ""))
        return self._host.make_home(AppKey(domain_id, user_profile_name, None, "JupyterServer", ""))

    def fail_next(self, operation: str, code: str, message: str, times: int = 1) -> None:
        """Make the next calls of an operation fail with an API error."""
        self._api.faults.fail_next(operation, ApiError(code, message), times)

    def open_faulty_network(self, space_name: str | None = None, domain_id: str = DOMAIN_ID) -> FaultyNetwork:
        """Open a network to the front door, or to a space's host, to inject faults on; `close` it afterwards.

        A login that begins at the portal does not work through it.
        """
        target = self.space_url(space_name, domain_id) if space_name else self.front_door_url
        return self._in_loop(FaultyNetwork.open(target, self._sessions.end, self._in_loop))

    def throttle(self, calls_per_second: float | None) -> None:
        """Throttle calls beyond a rate; None lifts the limit."""
        self._api.faults.throttle(calls_per_second)

    def end_sessions(self) -> None:
        """End every session, as if it had expired."""
        self._sessions.end_all()

    def close(self) -> None:
        """End every app and process, stop listening, and remove all files."""
        if self._thread.is_alive():
            self._in_loop(self._stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        if self._folder != Path():
            shutil.rmtree(self._folder, ignore_errors=True)
        if not self._loop.is_closed():
            self._loop.close()

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_CALL_LIMIT_SECONDS)

    async def _start(self) -> None:
        await asyncio.to_thread(api_model.service_model)
        repository = await asyncio.to_thread(create_extension_repository, self._folder / "repository")
        self._host = AppHost(self._folder, git_configuration(repository), self._defaults, self._state.account)
        self._proxy = Proxy()
        self._hosts = Hosts(FrontDoor(self._state, self._host, self._sessions, self._proxy).handle)
        operations = Operations(self._state, self._host, self._sessions, self._hosts.url)
        self._api = SageMakerApi(operations, self._state.account, self._emit)
        routes = [web.post("/", self._api.handle), web.post("/container/{marker}/{action}", self._control)]
        self._api_runner = runner_for(routes)
        await self._api_runner.setup()
        await web.TCPSite(self._api_runner, "127.0.0.1", self._ports[0]).start()
        self.sagemaker_endpoint = f"http://127.0.0.1:{self._api_runner.addresses[0][1]}"
        self._host.control_url = f"{self.sagemaker_endpoint}/container"
        await self._hosts.open(self._ports[1])
        self.front_door_url = self._hosts.url(FRONT_DOOR_ADDRESS)

    async def _stop(self) -> None:
        if hasattr(self, "_host"):
            await self._host.close()
            await self._proxy.close()
            await self._hosts.close()
            await self._api_runner.cleanup()
        await self._loop.shutdown_default_executor()

    async def _create_app(self, key: AppKey, params: dict[str, Any], options: StartOptions | None) -> AppHandle:
        if options:
            self._host.plan(key, options)
        self._api.call("CreateApp", params, {"User-Agent": "local-studio"}, "127.0.0.1", str(uuid.uuid4()))
        return AppHandle(self._host.starts[key], self._proxy, self._in_loop)

    async def _control(self, request: web.Request) -> web.Response:
        start = self._host.by_marker(request.match_info["marker"])
        if start is None:
            return web.Response(status=404)
        return web.Response(text=await start.control(request.match_info["action"]))

    def _emit(self, event: Event) -> None:
        self.events.append(event)
        if self._on_event:
            self._on_event(event)
