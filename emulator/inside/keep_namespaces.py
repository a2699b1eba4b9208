"""Makes the namespaces that it was started in (`unshare`) look like an app's image; keeps them until its input ends.

It prints `ready` when they do. Its argument is a JSON object: `system`, a folder to work in; `private`, folders of
which the app gets a copy of its own on writing; `extended`, folders to which something is added, with their content as
it is; `binds` and `files`, path → folder or text to be found there; `folders`, to be made; `home`. With `network`, the
network namespace gets loopback and nothing else: connections to the socket `enter` go to `server_port` inside,
connections to `control_port` inside to the socket `leave`, and a resolver knows no name and notes in `names` which ones
it was asked for.

Only the standard library. Linux only.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_BLOCK_BYTES = 1 << 16
_INTERFACE_FLAGS, _SET_INTERFACE_FLAGS, _IS_UP = 0x8913, 0x8914, 1
_DNS_HEADER_BYTES = 12
_ANSWER_NO_SUCH_NAME = 0x8183


def main(wanted: dict[str, Any]) -> None:
    """Make the namespaces, and keep them."""
    _make_private(wanted["private"], Path(wanted["system"]))
    for folder in wanted["extended"]:
        _extend(Path(folder))
    for folder in wanted["folders"]:
        with contextlib.suppress(PermissionError):  # below a folder of the system, of which only root gets a copy
            Path(folder).mkdir(parents=True, exist_ok=True)
    for path, text in wanted["files"].items():
        _write(Path(path), text, Path(wanted["system"]))
    for path, folder in wanted["binds"].items():
        Path(path).mkdir(parents=True, exist_ok=True)
        _mount("--bind", folder, path)
    os.chdir(wanted["home"])
    asyncio.run(_keep(wanted.get("network")))


def _make_private(folders: list[str], system: Path) -> None:
    """Put an overlay in memory on each folder: whatever is written there is this app's alone, and ends with it."""
    _mount("-t", "tmpfs", "none", str(system))
    for number, folder in enumerate(folders):
        with _held([folder, *_mounts_below(folder)]) as held:
            upper, work = system / str(number) / "upper", system / str(number) / "work"
            upper.mkdir(parents=True)
            work.mkdir()
            _mount("-t", "overlay", "-o", f"lowerdir={folder},upperdir={upper},workdir={work}", "none", folder)
            for path, descriptor in list(held.items())[1:]:
                _mount("--rbind", f"/proc/self/fd/{descriptor}", path, pass_fds=[descriptor])


def _extend(folder: Path) -> None:
    """Put a folder in memory on this one, with everything that was in it: it can then be added to."""
    with _held([str(folder)]) as held:
        (descriptor,) = held.values()
        _mount("-t", "tmpfs", "-o", "mode=755", "none", str(folder))
        for before in Path(f"/proc/self/fd/{descriptor}").iterdir():
            again = folder / before.name
            if before.is_symlink():
                again.symlink_to(before.readlink())
                continue
            again.mkdir() if before.is_dir() else again.touch()
            _mount("--rbind", str(before), str(again), pass_fds=[descriptor])


def _write(path: Path, text: str, system: Path) -> None:
    """Let a path have this text, whatever is there."""
    new = system / path.name
    new.write_text(text)
    with contextlib.suppress(OSError):  # somebody else's folder: what is there is covered
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        path.touch()
    _mount("--bind", str(new), str(path))


def _mounts_below(folder: str) -> list[str]:
    """The mounts below a folder, those above before those below them."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return sorted({path for line in lines if (path := line.split()[4]).startswith(f"{folder}/")})


@contextlib.contextmanager
def _held(paths: list[str]) -> Iterator[dict[str, int]]:
    """Hold folders open, so that they can be reached once something else is mounted there."""
    descriptors = {path: os.open(path, os.O_PATH) for path in paths}
    try:
        yield descriptors
    finally:
        for descriptor in descriptors.values():
            os.close(descriptor)


def _mount(*arguments: str, pass_fds: list[int] | None = None) -> None:
    subprocess.run(["mount", *arguments], check=True, stdin=subprocess.DEVNULL, pass_fds=pass_fds or [])


async def _keep(network: dict[str, Any] | None) -> None:
    if network:
        await _open_network(network)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


async def _open_network(network: dict[str, Any]) -> None:
    _bring_up("lo")
    to_server = PassOn(lambda: asyncio.open_connection("127.0.0.1", network["server_port"]))
    await asyncio.start_unix_server(to_server, network["enter"])
    to_control = PassOn(lambda: asyncio.open_unix_connection(network["leave"]))
    await asyncio.start_server(to_control, "127.0.0.1", network["control_port"])
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: _Resolver(Path(network["names"])), ("127.0.0.1", 53))


def _bring_up(interface: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", interface.encode(), 0)
        name, flags = struct.unpack("16sh14x", fcntl.ioctl(control, _INTERFACE_FLAGS, request))
        fcntl.ioctl(control, _SET_INTERFACE_FLAGS, struct.pack("16sh14x", name, flags | _IS_UP))


class PassOn:
    """Handles connections: passes bytes on, both ways, to the connection that `connect` opens for each."""

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self._connect = connect
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection."""
        task = asyncio.current_task()
        assert task  # noqa: S101 (asyncio's servers make one)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Ended by `end`, it ends as if by itself: asyncio's servers of Python 3.11 report a cancelled handler.
        with contextlib.suppress(OSError, asyncio.CancelledError), contextlib.closing(writer):
            other_reader, other_writer = await self._connect()
            with contextlib.closing(other_writer):
                await asyncio.gather(_copy(reader, other_writer), _copy(other_reader, writer))

    async def end(self) -> None:
        """Cut every connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while block := await reader.read(_BLOCK_BYTES):
            writer.write(block)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.transport.abort()


class _Resolver(asyncio.DatagramProtocol):
    """Knows no name, and notes each that it is asked for, one a line."""

    def __init__(self, names: Path) -> None:
        self._names = names

    def connection_made(self, transport: Any) -> None:  # noqa: ANN401 (asyncio's)
        self._transport = transport

    def datagram_received(self, query: bytes, address: tuple[str, int]) -> None:
        name, end = _name_in(query)
        with self._names.open("a") as file:
            file.write(f"{name}\n")
        header = query[:2] + struct.pack("!HHHHH", _ANSWER_NO_SUCH_NAME, 1, 0, 0, 0)
        self._transport.sendto(header + query[_DNS_HEADER_BYTES : end + 4], address)


def _name_in(query: bytes) -> tuple[str, int]:
    """The name that a DNS query asks for (RFC 1035, 4.1.2), and where it ends."""
    labels, at = [], _DNS_HEADER_BYTES
    while at < len(query) and (length := query[at]):
        labels.append(query[at + 1 : at + 1 + length].decode(errors="replace"))
        at += 1 + length
    return ".".join(labels), at + 1


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
