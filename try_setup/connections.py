"""Whom the processes of an app talk to, as far as /proc shows: a look every 20 milliseconds.

The limits: a connection that opens and closes between two looks is missed, as is one that is refused at once, and what
has an address need not be the host that was meant (a proxy). It needs neither root nor a tracer. Linux only.
"""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

_INTERVAL_SECONDS = 0.02
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_LISTENING = "0A"
_IPV6 = 6


class Connections:
    """Watches processes from `with` to its end; `addresses` are those beyond loopback that they were connected to.

    Args:
        processes: the ids of the processes to watch, asked for at every look.
    """

    def __init__(self, processes: Callable[[], list[int]]) -> None:
        self._processes = processes
        self._found: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def addresses(self) -> tuple[str, ...]:
        """What they were connected to, or tried to be, as `address:port`, sorted."""
        return tuple(sorted(self._found))

    def _watch(self) -> None:
        while not self._over.wait(_INTERVAL_SECONDS):
            for pid in self._processes():
                self._found.update(_peers(pid))


def _peers(pid: int) -> Iterator[str]:
    inodes = _socket_inodes(pid)
    if not inodes:
        return
    for protocol in ("tcp", "tcp6", "udp", "udp6"):
        for row in _rows(Path(f"/proc/{pid}/net/{protocol}")):
            remote, state, inode = row[2], row[3], row[9]
            if inode in inodes and state != _LISTENING and (peer := _beyond_loopback(remote)):
                yield peer


def _socket_inodes(pid: int) -> set[str]:
    found = set()
    try:
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            if match := _SOCKET.fullmatch(str(descriptor.readlink())):
                found.add(match[1])
    except OSError:
        pass  # it has ended, or is another user's
    return found


def _rows(path: Path) -> list[list[str]]:
    try:
        return [line.split() for line in path.read_text().splitlines()[1:]]
    except OSError:
        return []


def _beyond_loopback(text: str) -> str:
    """`address:port` of an entry of /proc/net/tcp; empty for loopback and for no peer."""
    digits, port = text.split(":")
    # Words of four bytes, each in the byte order of the machine.
    words = [bytes.fromhex(digits[start : start + 8])[::-1] for start in range(0, len(digits), 8)]
    address = ipaddress.ip_address(b"".join(words))
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_unspecified or address.is_loopback:
        return ""
    return f"[{address}]:{int(port, 16)}" if address.version == _IPV6 else f"{address}:{int(port, 16)}"
