"""The websocket part of a faulty network: messages are passed on and counted, until a fault is injected."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from emulator.faulty_network.steps import Fault, FaultKind, StepKind, Steps
from emulator.faulty_network.wire import inject_into_wire, wire_of
from emulator.proxy import AnySocket, messages

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp

_NOTHING_TYPED = json.dumps(["stdin", ""])  # only acknowledges what has arrived
_NORMAL_CLOSE = 1000


class FaultyWebSocket:
    """A terminal's websocket, with faults."""

    def __init__(
        self,
        steps: Steps,
        end_session: Callable[[], None],
        request: web.Request,
        app: aiohttp.ClientWebSocketResponse,
    ) -> None:
        self._steps = steps
        self._end_session = end_session
        self._request = request
        self._wire = wire_of(request)
        self._app = app
        self._client = web.WebSocketResponse(autoping=False, autoclose=False, max_msg_size=0)
        self._line = 0
        self._is_greeted = False
        self._is_answered = True

    async def run(self) -> web.WebSocketResponse:
        """Pass messages on until one side is gone; then close the other too."""
        await self._client.prepare(self._request)
        inward = asyncio.create_task(self._pass_on(self._client, self._app))
        outward = asyncio.create_task(self._pass_on(self._app, self._client))
        try:
            await asyncio.wait({inward, outward}, return_when=asyncio.FIRST_COMPLETED)
            if outward.done():
                self._wire.close()
            await self._app.close()
            await self._wire.gone.wait()
        finally:
            inward.cancel()
            outward.cancel()
            await asyncio.gather(inward, outward, return_exceptions=True)
        return self._client

    async def _pass_on(self, source: AnySocket, target: AnySocket) -> None:
        async for message in messages(source):
            if message.type is WSMsgType.CLOSE:
                await target.close(code=message.data or _NORMAL_CLOSE)
                await source.close(code=message.data or _NORMAL_CLOSE)
                return
            is_step = message.type is WSMsgType.TEXT and message.data != _NOTHING_TYPED
            if is_step:
                fault = self._next_line() if target is self._app else self._next_answer()
                if fault and await self._inject(fault):
                    await self._wire.gone.wait()
                    return
            data = message.data.encode() if message.type is WSMsgType.TEXT else message.data
            await target.send_frame(data, message.type)
            if is_step and target is self._app:
                self._is_answered = False

    def _next_line(self) -> Fault | None:
        self._line += 1
        return self._steps.record(StepKind.LINE, self._line)

    def _next_answer(self) -> Fault | None:
        if not self._is_greeted:  # even if the first line has been typed meanwhile
            self._is_greeted = True
            return self._steps.record(StepKind.LINE, 0, is_answer=True)
        if self._is_answered:
            return None
        self._is_answered = True
        return self._steps.record(StepKind.LINE, self._line, is_answer=True)

    async def _inject(self, fault: Fault) -> bool:
        """Inject a fault; is that the end of the connection?"""
        if fault.kind is FaultKind.CLOSE_CODE:
            frame = fault.number.to_bytes(2, "big") if fault.number else b""
            await self._client.send_frame(frame, WSMsgType.CLOSE)
            return True
        if fault.kind is FaultKind.SESSION_ENDS:
            self._end_session()
            self._wire.close()
            return True
        return inject_into_wire(fault.kind, self._wire)
