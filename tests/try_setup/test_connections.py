"""Whom processes talk to."""

from __future__ import annotations

import os
import socket
from contextlib import closing

from tests.support.needs import refused
from tests.support.waiting import wait_until
from try_setup import connections
from try_setup.connections import Connections


def test_a_peer_beyond_this_machine_is_seen() -> None:
    """An open socket's peer is named with its port. The address is one for documentation, to which nothing is sent."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as open_socket:
        if open_socket.connect_ex(("192.0.2.7", 443)):
            refused("a route", "this machine has none")
        with Connections(lambda: [os.getpid()]) as watched:
            wait_until(lambda: "192.0.2.7:443" in watched.addresses, "the peer")


def test_the_addresses_of_the_kernel_are_read_as_they_are_meant() -> None:
    """IPv4, IPv6 and IPv4 in IPv6; loopback and no peer are left out. The digits are as Linux writes them."""
    read = connections._beyond_loopback
    assert read("070200C0:01BB") == "192.0.2.7:443"
    assert read("B80D0120000000000000000001000000:0050") == "[2001:db8::1]:80"
    assert read("0000000000000000FFFF0000070200C0:01BB") == "192.0.2.7:443"
    assert [read("0100007F:1F90"), read("00000000:0000"), read("00000000000000000000000001000000:0050")] == [""] * 3


def test_processes_that_have_ended_are_passed_over() -> None:
    """A process id that nothing has is no error."""
    with Connections(lambda: [2**22 + 1]) as watched:
        pass
    assert watched.addresses == ()
