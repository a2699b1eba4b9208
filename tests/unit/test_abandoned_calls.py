"""Calls that are given up go on in threads that nobody waits for: not for long, however slowly an answer drips."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import boto3
import pytest
import requests

from studio_setup.access.control_plane import SDK_CONFIG, ControlPlane
from studio_setup.access.http import Http
from studio_setup.model import bounded_call
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import SetupError
from studio_setup.terminal.channel import Channel, WebSocketAddress
from tests.support.raw_server import RawServer
from tests.support.waiting import wait_until

AT_ONCE = 5
Call = Callable[[int], object]


def _login(port: int) -> None:
    with requests.Session() as session:
        Http(session).ask("GET", f"http://127.0.0.1:{port}/", Deadline.after(0))


def _sagemaker(port: int) -> None:
    url = f"http://127.0.0.1:{port}"
    with closing(boto3.client("sagemaker", endpoint_url=url, config=SDK_CONFIG)) as client:
        ControlPlane(client, Deadline.after(0)).call("describe_domain", DomainId="d-0")


def _terminal(port: int) -> None:
    Channel.open(WebSocketAddress(f"ws://127.0.0.1:{port}/", "", "http://x"), Deadline.after(0))


@pytest.mark.timeout(60)
@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"])
@pytest.mark.parametrize("call", [_login, _sagemaker, _terminal])
def test_a_call_that_was_given_up_ends_though_bytes_keep_dripping(
    call: Call, first: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warm process, which invocation after invocation gives calls up in, has no threads but those to use again."""
    monkeypatch.setattr(bounded_call, "GRACE_SECONDS", 0.2)
    server: RawServer

    def drip(connection: socket.socket, _: bytes) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(b"1")
            server.pause(0.05)

    server = RawServer(drip)
    before = set(threading.enumerate())
    with server, ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(call, server.port) for _ in range(AT_ONCE)]:
            with pytest.raises(SetupError):
                future.result()
        ours = {thread for thread in threading.enumerate() if thread.name == "call_within"} - before
        wait_until(lambda: not any(_is_lost(thread) for thread in ours), "the abandoned threads end", 15)


def _is_lost(thread: threading.Thread) -> bool:
    """Does it still run, though not as one that waits for the next call?"""
    return thread.is_alive() and thread not in bounded_call._FREE
