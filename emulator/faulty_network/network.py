"""A way to Studio on which a fault can be injected at any step, and which records that it was.

A network is another port on the host of Studio's front door, since cookies belong to a host but not to a port. A step
is a request, a line typed into a terminal's websocket, or the answer to either; requests are counted by their kind,
lines within one websocket.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp import web

from emulator.faulty_network.steps import Fault, FaultKind, Step, StepKind, Steps
from emulator.faulty_network.websocket import FaultyWebSocket
from emulator.faulty_network.wire import Wire, inject_into_wire, wire_of
from emulator.front_door import SESSION_COOKIE, SIGN_IN_HOST
from emulator.hosts import runner_for
from emulator.proxy import WEBSOCKET_HANDSHAKE, end_to_end

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from emulator.handles import RunsInLoop

_XSRF = "_xsrf"
_PAGE = "<!doctype html><title>Service</title><h1>An unrelated page</h1>"


class FaultyNetwork:
    """One port, which passes everything on until a fault is armed; methods may be called from any thread.

    `terminals` and `secrets` are the terminals that were created and the credentials that were used through it.
    """

    def __init__(self, target: str, end_session: Callable[[str], None], in_loop: RunsInLoop) -> None:
        self.url = ""
        self.steps = Steps()
        self.terminals: set[str] = set()
        self.secrets: set[str] = set()
        self._target = target
        self._end_session = end_session
        self._in_loop = in_loop
        self._counts: Counter[StepKind] = Counter()
        self._session_cookie = ""
        self._wires: set[Wire] = set()
        self._runner = runner_for([web.route("*", "/{path:.*}", self._handle)])
        self._server: asyncio.Server
        self._client = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            middlewares=[_refuse_redirects],
            connector=aiohttp.TCPConnector(force_close=True, limit=0),
        )

    @classmethod
    async def open(cls, target: str, end_session: Callable[[str], None], in_loop: RunsInLoop) -> FaultyNetwork:
        """Open a network to a target; it listens on the target's host, on a port of its own."""
        network = cls(target, end_session, in_loop)
        await network._open()
        return network

    def close(self) -> None:
        """Abort every connection and stop listening."""
        self._in_loop(self._close())

    def arm(self, fault: Fault, step: Step, *, always: bool = False) -> None:
        """Inject a fault at a step, once; or `always`: at each such request, or each line from that one on."""
        self.steps.arm(fault, step, always=always)

    def through(self, url: str) -> str:
        """Return the URL with this network's port, so that requests to it go through the network."""
        return urlunsplit(urlsplit(url)._replace(netloc=urlsplit(self.url).netloc))

    async def _open(self) -> None:
        await self._runner.setup()
        host = urlsplit(self._target).hostname
        self._server = await asyncio.get_running_loop().create_server(self._wire, host, 0)
        self.url = f"http://{host}:{self._server.sockets[0].getsockname()[1]}"

    def _wire(self) -> Wire:
        assert self._runner.server is not None  # noqa: S101 (for the type checker)
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
        kind = _kind_of(request)
        self._counts[kind] += 1
        number = self._counts[kind]
        self._note_secrets(request.query, request.cookies)
        if kind is StepKind.WEBSOCKET:
            return await self._websocket(request, number)
        headers, body = end_to_end(request.headers, set()), await request.read()
        if kind is StepKind.CREATE:
            self.terminals.add(json.loads(body)["name"])
        fault = self.steps.record(kind, number)
        if fault and fault.kind is FaultKind.XSRF_CHANGED:
            headers["Cookie"] = headers["Cookie"].replace(request.cookies[_XSRF], "changed")
        instead = await self._inject(fault, request) if fault else None
        if instead is not None:
            return instead
        answer = await self._pass_on(request, headers, body)
        fault = self.steps.record(kind, number, is_answer=True)
        if fault:
            _change_xsrf(fault, answer)
        return (await self._inject(fault, request) if fault else None) or answer

    async def _inject(self, fault: Fault, request: web.Request) -> web.Response | None:
        """Inject a fault; returns the answer to give instead, or None if the request is to be passed on."""
        if inject_into_wire(fault.kind, wire_of(request)):
            await wire_of(request).gone.wait()
            return web.Response()
        match fault.kind:
            case FaultKind.STATUS:
                return web.Response(status=fault.number, text=_PAGE, content_type="text/html")
            case FaultKind.PAGE:
                return web.Response(text=_PAGE, content_type="text/html")
            case FaultKind.SIGN_IN:
                location = f"http://{SIGN_IN_HOST}:{request.url.port}/signin"
                return web.Response(status=302, headers={"Location": location})
            case FaultKind.SESSION_ENDS:
                self._end_session_here()
                if _kind_of(request) is StepKind.WEBSOCKET:  # as if every frame were denied
                    wire_of(request).close()
            case FaultKind.TOKEN_USED:
                await self._pass_on(request, end_to_end(request.headers, set()), b"")
        return None

    def _end_session_here(self) -> None:
        self._end_session(self._session_cookie)

    def _note_secrets(self, query: Mapping[str, str], cookies: Mapping[str, str]) -> None:
        self._session_cookie = cookies.get(SESSION_COOKIE, self._session_cookie)
        found = {query.get("token", ""), cookies.get(_XSRF, ""), self._session_cookie}
        self.secrets |= found - {""}

    async def _pass_on(self, request: web.Request, headers: Any, body: bytes) -> web.Response:  # noqa: ANN401 (a multidict)
        async with self._client.request(
            request.method, self._target + request.raw_path, headers=headers, data=body or None, allow_redirects=False
        ) as answer:
            passed_on = end_to_end(answer.headers, {"content-length"})
            for name in (SESSION_COOKIE, _XSRF):
                self._note_secrets({}, {name: answer.cookies[name].value} if name in answer.cookies else {})
            return web.Response(status=answer.status, headers=passed_on, body=await answer.read())

    async def _websocket(self, request: web.Request, number: int) -> web.StreamResponse:
        fault = self.steps.record(StepKind.WEBSOCKET, number)
        instead = await self._inject(fault, request) if fault else None
        if instead is not None:
            return instead
        headers = end_to_end(request.headers, WEBSOCKET_HANDSHAKE)
        try:
            async with self._client.ws_connect(
                self._target + request.raw_path, headers=headers, autoping=False, autoclose=False, max_msg_size=0
            ) as app:
                fault = self.steps.record(StepKind.WEBSOCKET, number, is_answer=True)
                instead = await self._inject(fault, request) if fault else None
                return instead or await FaultyWebSocket(self.steps, self._end_session_here, request, app).run()
        except aiohttp.WSServerHandshakeError as error:
            location = error.headers.get("Location") if error.headers else None
            return web.Response(status=error.status, headers={"Location": location} if location else None)


async def _refuse_redirects(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Pass a redirect of a websocket handshake on as an error; aiohttp would follow it."""
    answer = await handler(request)
    if "Upgrade" in request.headers and answer.status in range(300, 400):
        raise aiohttp.WSServerHandshakeError(
            answer.request_info, answer.history, status=answer.status, headers=answer.headers
        )
    return answer


def _kind_of(request: web.Request) -> StepKind:
    if request.headers.get("Upgrade", "").lower() == "websocket":
        return StepKind.WEBSOCKET
    if request.path == "/auth":
        return StepKind.LOGIN
    if request.path.endswith("/api/status"):
        return StepKind.STATUS
    if request.method == "GET" and request.path.endswith("/api/terminals"):
        return StepKind.LIST
    return {"POST": StepKind.CREATE, "DELETE": StepKind.DELETE}.get(request.method, StepKind.PAGE)


def _change_xsrf(fault: Fault, answer: web.Response) -> None:
    cookies = answer.headers.popall("Set-Cookie", [])
    for cookie in cookies:
        is_token = cookie.startswith(f"{_XSRF}=")
        if not (is_token and fault.kind is FaultKind.XSRF_MISSING):
            answer.headers.add("Set-Cookie", cookie)
    if fault.kind is FaultKind.XSRF_DUPLICATED:
        answer.headers.add("Set-Cookie", f"{_XSRF}=another; Path=/")
