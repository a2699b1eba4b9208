"""The hosts of Studio: the front door, the portal, and one for each space.

On AWS they differ in name; here they differ in loopback address and share one port, so that cookies, which know hosts
but not ports, are kept apart as they are there. Linux answers on all of 127.0.0.0/8.
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
    """Return a server for routes, without an address yet."""
    application = web.Application(client_max_size=_MAX_BODY_BYTES)
    application.add_routes(routes)
    return web.AppRunner(application, access_log=None, shutdown_timeout=0.5)


class Hosts:
    """Every address of Studio; one handler answers on all of them."""

    def __init__(self, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        self._runner = runner_for([web.route("*", "/{path:.*}", handler)])
        self._port = 0
        self._next = _FIRST_SPACE_ADDRESS

    async def open(self, port: int) -> None:
        """Listen at the front door and at the portal; 0 lets the system choose the port."""
        await self._runner.setup()
        await web.TCPSite(self._runner, FRONT_DOOR_ADDRESS, port).start()
        self._port = self._runner.addresses[0][1]
        await web.TCPSite(self._runner, PORTAL_ADDRESS, self._port).start()

    async def add_space(self) -> str:
        """Listen on an address of its own for a space and return it.

        Raises:
            OSError: every address is in use.
        """
        while self._next < _LAST_SPACE_ADDRESS:
            address = str(self._next)
            self._next += 1
            with contextlib.suppress(OSError):  # somebody else's, on this port
                await web.TCPSite(self._runner, address, self._port).start()
                return address
        raise OSError("no loopback address is left for a space")

    def url(self, address: str) -> str:
        """Return the address as the beginning of URLs."""
        return f"http://{address}:{self._port}"

    async def close(self) -> None:
        """Stop listening everywhere."""
        await self._runner.cleanup()
