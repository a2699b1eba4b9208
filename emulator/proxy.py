"""A proxy for HTTP and websockets to the Jupyter servers, which changes as little as possible.

It passes on all headers except the hop-by-hop ones, the browser's Host (Jupyter names cookies after it), pings and
close codes.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import WSMsgType, web
from multidict import CIMultiDict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable

_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
WEBSOCKET_HANDSHAKE = {
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "sec-websocket-accept",
    "sec-websocket-protocol",
}
_NORMAL_CLOSE = 1000
_BAD_GATEWAY_PAGE = "<!doctype html><title>502</title><h1>502 Bad Gateway</h1>"
AnySocket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse


class Proxy:
    """The proxy for all apps; it knows every websocket that is open through it."""

    def __init__(self) -> None:
        self._live: dict[Hashable, set[asyncio.Transport]] = {}
        self._client = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=5),
            # No keep-alive: after a restart of the server, the next request on a kept connection would fail.
            connector=aiohttp.TCPConnector(force_close=True, limit=0),
        )

    async def pass_on(self, request: web.Request, origin: str, app: Hashable) -> web.StreamResponse:
        """Pass a request on to `origin`; 502 if it cannot be reached."""
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._websocket(request, origin, app)
            return await self._http(request, origin)
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status, text=error.message)
        except (aiohttp.ClientConnectionError, TimeoutError):
            return bad_gateway()

    def drop_websockets(self, app: Hashable) -> int:
        """Cut every websocket of an app as a broken network would; return how many there were."""
        transports = self._live.pop(app, set())
        for transport in transports:
            reset(transport)
        return len(transports)

    async def close(self) -> None:
        """Cut every open websocket, and close the client."""
        for app in list(self._live):
            self.drop_websockets(app)
        await self._client.close()

    async def _http(self, request: web.Request, origin: str) -> web.StreamResponse:
        async with self._client.request(
            request.method,
            origin + request.raw_path,
            headers=_forwarded(request, set()),
            data=request.content if request.body_exists else None,
            allow_redirects=False,
        ) as answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            response.headers.extend(end_to_end(answer.headers, set()))
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    async def _websocket(self, request: web.Request, origin: str, app: Hashable) -> web.StreamResponse:
        protocols = [p.strip() for p in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if p.strip()]
        async with self._client.ws_connect(
            origin + request.raw_path,
            headers=_forwarded(request, WEBSOCKET_HANDSHAKE),
            protocols=protocols,
            autoping=False,
            autoclose=False,
            max_msg_size=0,
        ) as server:
            chosen = [server.protocol] if server.protocol else []
            browser = web.WebSocketResponse(protocols=chosen, autoping=False, autoclose=False, max_msg_size=0)
            await browser.prepare(request)
            if request.transport is not None:
                await self._converse(_Conversation(browser, server, request.transport), app)
            return browser

    async def _converse(self, conversation: _Conversation, app: Hashable) -> None:
        live = self._live.setdefault(app, set())
        live.add(conversation.transport)
        try:
            await conversation.run()
        finally:
            live.discard(conversation.transport)


class _Conversation:
    """Passes messages on between two websockets, including how each of them ends."""

    def __init__(
        self,
        browser: web.WebSocketResponse,
        server: aiohttp.ClientWebSocketResponse,
        transport: asyncio.Transport,
    ) -> None:
        self.transport = transport
        self._browser = browser
        self._server = server
        self._is_closing = False

    async def run(self) -> None:
        """Pass messages on until both websockets have ended."""
        outward = asyncio.create_task(self._pump(self._server, self._browser))
        inward = asyncio.create_task(self._pump(self._browser, self._server))
        try:
            await asyncio.wait({outward, inward}, return_when=asyncio.FIRST_COMPLETED)
            if not self._is_closing and outward.done():
                self.transport.close()  # without a close frame, as the server has
            elif not self._is_closing:
                await self._server.close()
            await asyncio.wait({outward, inward})
        finally:
            outward.cancel()
            inward.cancel()

    async def _pump(self, source: AnySocket, target: AnySocket) -> None:
        with contextlib.suppress(ConnectionError, aiohttp.ClientConnectionError):
            async for message in messages(source):
                if message.type is WSMsgType.TEXT:
                    await target.send_str(message.data)
                elif message.type is WSMsgType.BINARY:
                    await target.send_bytes(message.data)
                elif message.type is WSMsgType.PING:
                    await target.ping(message.data)
                elif message.type is WSMsgType.PONG:
                    await target.pong(message.data)
                else:
                    self._is_closing = True
                    await target.close(code=message.data or _NORMAL_CLOSE, message=(message.extra or "").encode())
                    await source.close(code=message.data or _NORMAL_CLOSE)


async def messages(source: AnySocket) -> AsyncIterator[aiohttp.WSMessage]:
    """Yield messages up to and including the close frame, if there is one."""
    passed_on = (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG)
    while (message := await source.receive()).type in passed_on:
        yield message
    if message.type is WSMsgType.CLOSE:
        yield message


def bad_gateway() -> web.Response:
    """Return the answer for a server that cannot be reached."""
    return web.Response(status=502, text=_BAD_GATEWAY_PAGE, content_type="text/html")


def _forwarded(request: web.Request, without: set[str]) -> CIMultiDict[str]:
    headers = end_to_end(request.headers, without)
    headers["X-Forwarded-For"] = request.remote or ""
    return headers


def end_to_end(headers: object, without: set[str]) -> CIMultiDict[str]:
    """Return the headers that are passed on, without the hop-by-hop ones and those named."""
    items = headers.items() if hasattr(headers, "items") else ()
    return CIMultiDict(
        (name, value) for name, value in items if name.lower() not in _HOP_BY_HOP and name.lower() not in without
    )


def reset(transport: asyncio.Transport) -> None:
    """Cut a connection as a broken network does."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        # With a linger time of zero the other side gets a reset, not an orderly end; it may have ended just now.
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
