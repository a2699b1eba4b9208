"""The faulty network: it passes everything on until a fault is armed, and each fault does what its name says."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from emulator.faulty_network.network import FaultyNetwork
from emulator.faulty_network.steps import Fault, FaultKind, Step, StepKind
from emulator.studio import LocalStudio

LOGIN = Step(StepKind.LOGIN)


@pytest.fixture
def network(studio: LocalStudio) -> Iterator[FaultyNetwork]:
    """A faulty network to the front door."""
    network = studio.open_faulty_network()
    yield network
    network.close()


def get(network: FaultyNetwork) -> requests.Response:
    """Ask for a page without being signed in."""
    url = network.through("http://127.0.0.1:1/auth?token=none")
    return requests.get(url, timeout=1, allow_redirects=False)


def test_without_a_fault_everything_is_passed_on(network: FaultyNetwork) -> None:
    """The answer is the front door's own, and both steps are recorded."""
    assert get(network).status_code == 302
    assert network.steps.seen == [LOGIN, Step(StepKind.LOGIN, is_answer=True)]
    assert network.steps.injected == 0


def test_a_fault_happens_once(network: FaultyNetwork) -> None:
    """The next request is answered as usual; the fault is counted."""
    network.arm(Fault(FaultKind.STATUS, 503), LOGIN)
    assert [get(network).status_code for _ in range(2)] == [503, 302]
    assert network.steps.injected == 1


def test_a_fault_may_happen_every_time(network: FaultyNetwork) -> None:
    """With `always` it happens at each request of its kind."""
    network.arm(Fault(FaultKind.STATUS, 429), LOGIN, always=True)
    assert [get(network).status_code for _ in range(3)] == [429] * 3
    assert network.steps.injected == 3


def test_other_steps_are_left_alone(network: FaultyNetwork) -> None:
    """A fault happens at its own step only."""
    network.arm(Fault(FaultKind.STATUS, 500), Step(StepKind.STATUS))
    assert get(network).status_code == 302
    assert network.steps.injected == 0


@pytest.mark.parametrize("kind", [FaultKind.RESET, FaultKind.CLOSE])
def test_a_connection_ends(network: FaultyNetwork, kind: FaultKind) -> None:
    """After a reset or a close there is no answer."""
    network.arm(Fault(kind), LOGIN)
    with pytest.raises(requests.ConnectionError):
        get(network)


def test_a_cut_answer_is_half_an_answer(network: FaultyNetwork) -> None:
    """The end of the answer is missing."""
    network.arm(Fault(FaultKind.CUT), LOGIN)
    assert "Server" not in get(network).headers


def test_silence_is_silence(network: FaultyNetwork) -> None:
    """Nothing arrives and nothing ends, until the client gives up."""
    network.arm(Fault(FaultKind.STALL), LOGIN)
    with pytest.raises(requests.ReadTimeout):
        get(network)


def test_a_slow_answer_is_complete(network: FaultyNetwork) -> None:
    """With latency, or one byte at a time, the answer is the same."""
    network.arm(Fault(FaultKind.LATENCY), LOGIN)
    begun = time.monotonic()
    assert get(network).status_code == 302
    assert time.monotonic() - begun >= 0.2
    network.arm(Fault(FaultKind.TRICKLE), Step(StepKind.LOGIN, 2))
    assert get(network).headers["Location"].endswith("/signin")
