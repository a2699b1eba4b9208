"""Studio's hosts: the front door, the portal, and one for each space.

On AWS they have different names. Here they have different loopback addresses on one port, so that cookies, which belong
to a host but not to a port, are separated as on AWS. Linux answers on all of 127.0.0.0/8.
"""

from __future__ import annotations

import contextlib
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

FRONT_DOOR_ADDRESS = "127.0.0.1"
PORTAL_ADDRESS = "127.128.0.1"
_FIRST_SPACE_ADDRESS = IPv4Address("127.0.0.2")
_LAST_SPACE_ADDRESS = IPv4Address("127.0.255.254")
_MAX_BODY_BYTES = 512 * 1024**2


def runner_for(routes: Sequence[web.RouteDef]) -> web.AppRunner:
    """Return a server for routes; it has no address yet."""
    application = web.Application(client_max_size=_MAX_BODY_BYTES)
    application.add_routes(routes)
    return web.AppRunner(application, access_log=None, shutdown_timeout=0.5)


class Hosts:
    """Studio's addresses; one handler answers on all of them."""

    def __init__(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        self._runner = runner_for([web.route("*", "/{path:.*}", handler)])
        self._port = 0
        self._next = _FIRST_SPACE_ADDRESS

    async def open(self, port: int) -> None:
        """Listen on the addresses of the front door and the portal; with port 0 the system chooses one."""
        await self._runner.setup()
        await web.TCPSite(self._runner, FRONT_DOOR_ADDRESS, port).start()
        self._port = self._runner.addresses[0][1]
        await web.TCPSite(self._runner, PORTAL_ADDRESS, self._port).start()

    async def add_space(self) -> str:
        """Listen on a new address, for a space, and return the address.

        Raises:
            OSError: every address is in use.
        """
        while self._next < _LAST_SPACE_ADDRESS:
            address = str(self._next)
            self._next += 1
            with contextlib.suppress(OSError):  # in use by another process, on this port
                await web.TCPSite(self._runner, address, self._port).start()
                return address
        raise OSError("no loopback address is left for a space")

    def url(self, address: str) -> str:
        """Return the URL of an address, without a slash at the end."""
        return f"http://{address}:{self._port}"

    async def close(self) -> None:
        """Stop listening everywhere."""
        await self._runner.cleanup()
