"""A way to Studio on which things go wrong at a chosen step, and which knows that they did.

One network is one port beside the front door's, on the same host: cookies know hosts but not ports. A step is a
request, a line typed into the terminal's websocket, or the answer to either on its way back; requests are counted by
what they are for, lines within one websocket.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp import web

from emulator.faulty_network.steps import Fault, Harm, Step, Steps, What
from emulator.faulty_network.websocket import Conversation
from emulator.faulty_network.wire import Wire, harm_wire, wire_of
from emulator.front_door import SESSION_COOKIE, SIGN_IN_HOST
from emulator.hosts import runner_for
from emulator.proxy import WEBSOCKET_HANDSHAKE, end_to_end

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.handles import RunsInLoop

_XSRF = "_xsrf"
_PAGE = "<!doctype html><title>Service</title><h1>Something else than you asked for</h1>"


class FaultyNetwork:
    """One port; sound until something is armed. Its public methods may be called from any thread."""

    def __init__(self, target: str, end_session: Callable[[str], None], in_loop: RunsInLoop) -> None:
        self.url = ""
        self.steps = Steps()
        self.terminals: set[str] = set()
        self.secrets: set[str] = set()
        self._target = target
        self._end_session = end_session
        self._in_loop = in_loop
        self._counts: Counter[What] = Counter()
        self._session_cookie = ""
        self._wires: set[Wire] = set()
        self._runner = runner_for([web.route("*", "/{path:.*}", self._handle)])
        self._server: asyncio.Server
        self._client = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            middlewares=[_stay_here],
            connector=aiohttp.TCPConnector(force_close=True, limit=0),
        )

    @classmethod
    async def open(cls, target: str, end_session: Callable[[str], None], in_loop: RunsInLoop) -> FaultyNetwork:
        """Listen on the target's host, on a port of its own."""
        network = cls(target, end_session, in_loop)
        await network._open()
        return network

    def close(self) -> None:
        """End every connection and stop listening."""
        self._in_loop(self._close())

    def arm(self, fault: Fault, step: Step, *, always: bool = False) -> None:
        """Let a fault happen at a step, once; or always: at each request of that kind, at each line from that on."""
        self.steps.arm(fault, step, always=always)

    def through(self, url: str) -> str:
        """Return the URL such that it leads through this network."""
        return urlunsplit(urlsplit(url)._replace(netloc=urlsplit(self.url).netloc))

    async def _open(self) -> None:
        await self._runner.setup()
        host = urlsplit(self._target).hostname
        self._server = await asyncio.get_running_loop().create_server(self._wire, host, 0)
        self.url = f"http://{host}:{self._server.sockets[0].getsockname()[1]}"

    def _wire(self) -> Wire:
        assert self._runner.server is not None  # noqa: S101 (for the type checker; it is set up)
        wire = Wire(self._runner.server())
        self._wires.add(wire)
        return wire

    async def _close(self) -> None:
        self._server.close()
        for wire in self._wires:
            wire.abort()
        await self._runner.cleanup()
        await self._client.close()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        what = _what(request)
        self._counts[what] += 1
        number = self._counts[what]
        self._learn(request.query, request.cookies)
        if what is What.WEBSOCKET:
            return await self._websocket(request, number)
        headers, body = end_to_end(request.headers, set()), await request.read()
        if what is What.CREATE:
            self.terminals.add(json.loads(body)["name"])
        fault = self.steps.due(what, number)
        if fault and fault.harm is Harm.XSRF_ROTATED:
            headers["Cookie"] = headers["Cookie"].replace(request.cookies[_XSRF], "rotated")
        instead = await self._harm(fault, request) if fault else None
        if instead is not None:
            return instead
        answer = await self._pass_on(request, headers, body)
        fault = self.steps.due(what, number, answered=True)
        if fault:
            _change_xsrf(fault, answer)
        return (await self._harm(fault, request) if fault else None) or answer

    async def _harm(self, fault: Fault, request: web.Request) -> web.Response | None:
        """Do it; returns what is to be answered instead, None if things go on."""
        if harm_wire(fault.harm, wire_of(request)):
            await wire_of(request).gone.wait()
            return web.Response()
        match fault.harm:
            case Harm.STATUS:
                return web.Response(status=fault.number, text=_PAGE, content_type="text/html")
            case Harm.PAGE:
                return web.Response(text=_PAGE, content_type="text/html")
            case Harm.SIGN_IN:
                location = f"http://{SIGN_IN_HOST}:{request.url.port}/signin"
                return web.Response(status=302, headers={"Location": location})
            case Harm.SESSION_ENDS:
                self._end_session_here()
                if _what(request) is What.WEBSOCKET:  # every frame is denied
                    wire_of(request).close()
            case Harm.TOKEN_USED:
                await self._pass_on(request, end_to_end(request.headers, set()), b"")
        return None

    def _end_session_here(self) -> None:
        self._end_session(self._session_cookie)

    def _learn(self, query: Mapping[str, str], cookies: Mapping[str, str]) -> None:
        self._session_cookie = cookies.get(SESSION_COOKIE, self._session_cookie)
        found = {query.get("token", ""), cookies.get(_XSRF, ""), self._session_cookie}
        self.secrets |= found - {""}

    async def _pass_on(self, request: web.Request, headers: Any, body: bytes) -> web.Response:  # noqa: ANN401 (a multidict)
        async with self._client.request(
            request.method, self._target + request.raw_path, headers=headers, data=body or None, allow_redirects=False
        ) as answer:
            passed_on = end_to_end(answer.headers, {"content-length"})
            for name in (SESSION_COOKIE, _XSRF):
                self._learn({}, {name: answer.cookies[name].value} if name in answer.cookies else {})
            return web.Response(status=answer.status, headers=passed_on, body=await answer.read())

    async def _websocket(self, request: web.Request, number: int) -> web.StreamResponse:
        fault = self.steps.due(What.WEBSOCKET, number)
        instead = await self._harm(fault, request) if fault else None
        if instead is not None:
            return instead
        headers = end_to_end(request.headers, WEBSOCKET_HANDSHAKE)
        try:
            async with self._client.ws_connect(
                self._target + request.raw_path, headers=headers, autoping=False, autoclose=False, max_msg_size=0
            ) as app:
                fault = self.steps.due(What.WEBSOCKET, number, answered=True)
                instead = await self._harm(fault, request) if fault else None
                return instead or await Conversation(self.steps, self._end_session_here, request, app).run()
        except aiohttp.WSServerHandshakeError as error:
            location = error.headers.get("Location") if error.headers else None
            return web.Response(status=error.status, headers={"Location": location} if location else None)


async def _stay_here(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Let no websocket handshake follow a redirect, as aiohttp does: it is an answer like any other."""
    answer = await handler(request)
    if "Upgrade" in request.headers and answer.status in range(300, 400):
        raise aiohttp.WSServerHandshakeError(
            answer.request_info, answer.history, status=answer.status, headers=answer.headers
        )
    return answer


def _what(request: web.Request) -> What:
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return What.WEBSOCKET
    if request.path == "/auth":
        return What.LOGIN
    if request.path.endswith("/api/status"):
        return What.STATUS
    if request.method == "GET" and request.path.endswith("/api/terminals"):
        return What.LIST
    return {"POST": What.CREATE, "DELETE": What.DELETE}.get(request.method, What.PAGE)


def _change_xsrf(fault: Fault, answer: web.Response) -> None:
    cookies = answer.headers.popall("Set-Cookie", [])
    for cookie in cookies:
        is_token = cookie.startswith(f"{_XSRF}=")
        if not (is_token and fault.harm is Harm.XSRF_LOST):
            answer.headers.add("Set-Cookie", cookie)
    if fault.harm is Harm.XSRF_DOUBLED:
        answer.headers.add("Set-Cookie", f"{_XSRF}=anothers; Path=/")
