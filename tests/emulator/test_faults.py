"""The network on which things go wrong: sound until told otherwise, and each harm is what it says."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from emulator.faulty_network.network import FaultyNetwork
from emulator.faulty_network.steps import Fault, Harm, Step, What
from emulator.studio import LocalStudio

LOGIN = Step(What.LOGIN)


@pytest.fixture
def network(studio: LocalStudio) -> Iterator[FaultyNetwork]:
    """A network to the front door."""
    network = studio.open_network()
    yield network
    network.close()


def get(network: FaultyNetwork) -> requests.Response:
    """Ask for what nobody is signed in for."""
    url = network.through("http://127.0.0.1:1/auth?token=none")
    return requests.get(url, timeout=1, allow_redirects=False)


def test_a_sound_network_passes_everything_on(network: FaultyNetwork) -> None:
    """Nothing armed: the front door's own answer, and both steps are noted."""
    assert get(network).status_code == 302
    assert network.steps.seen == [LOGIN, Step(What.LOGIN, answered=True)]
    assert network.steps.fired == 0


def test_a_fault_happens_once(network: FaultyNetwork) -> None:
    """The next request is answered as always, and the network knows what it did."""
    network.arm(Fault(Harm.STATUS, 503), LOGIN)
    assert [get(network).status_code for _ in range(2)] == [503, 302]
    assert network.steps.fired == 1


def test_a_fault_may_stay(network: FaultyNetwork) -> None:
    """Armed for always, it happens whenever its step comes."""
    network.arm(Fault(Harm.STATUS, 429), LOGIN, always=True)
    assert [get(network).status_code for _ in range(3)] == [429] * 3
    assert network.steps.fired == 3


def test_another_step_is_left_alone(network: FaultyNetwork) -> None:
    """A fault waits for its step."""
    network.arm(Fault(Harm.STATUS, 500), Step(What.STATUS))
    assert get(network).status_code == 302
    assert network.steps.fired == 0


@pytest.mark.parametrize("harm", [Harm.RESET, Harm.CLOSE])
def test_a_connection_ends(network: FaultyNetwork, harm: Harm) -> None:
    """Reset or closed, there is no answer."""
    network.arm(Fault(harm), LOGIN)
    with pytest.raises(requests.ConnectionError):
        get(network)


def test_a_cut_answer_is_half_an_answer(network: FaultyNetwork) -> None:
    """Of a page that is cut, the end is missing."""
    network.arm(Fault(Harm.CUT), LOGIN)
    assert "Server" not in get(network).headers


def test_silence_is_silence(network: FaultyNetwork) -> None:
    """Nothing comes and nothing ends, until the client has enough."""
    network.arm(Fault(Harm.STALL), LOGIN)
    with pytest.raises(requests.ReadTimeout):
        get(network)


def test_late_and_in_crumbs_is_all_there(network: FaultyNetwork) -> None:
    """Latency and single bytes change nothing but the time it takes."""
    network.arm(Fault(Harm.LATENCY), LOGIN)
    begun = time.monotonic()
    assert get(network).status_code == 302
    assert time.monotonic() - begun >= 0.2
    network.arm(Fault(Harm.CRUMBS), Step(What.LOGIN, 2))
    assert get(network).headers["Location"].endswith("/signin")
