"""The simulation of many app starts: it repeats itself, loses nothing, and asks when the engine would ask."""

from __future__ import annotations

import math
import random
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bench.simulation.inputs import Inputs
from bench.simulation.invocation import Invocation
from bench.simulation.scenario import DESIGNS, Scenario, simulate
from bench.simulation.world import Failed, Process, Start, World
from studio_setup.access.app_status import AppStatus
from studio_setup.access.control_plane import ControlPlane
from studio_setup.model.app import App
from tests.support.fakes import FakeTime
from tests.support.stack import source

# Little of everything, so that everything is used up.
_NARROW = Inputs(api_calls_per_second=3, concurrency=20, maximum_event_age_seconds=900)
_STARTS = Scenario("some starts", 200, 120)
# Nothing by chance: an app of a user in a world without cold starts.
_PLAIN = Inputs(call_seconds=0.0, cold_start_seconds=0.0, session_seconds=10.0, space_share=0.0)


def _world(inputs: Inputs) -> World:
    return World(inputs, random.Random(1))  # noqa: S311 (no secret)


def _start(in_service_at: float = 0.0) -> Start:
    return Start(0.0, in_service_at, is_space=False, session_left_seconds=10.0)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_same_seed_gives_the_same_result(design: str) -> None:
    """And another seed another one."""
    first, again = (simulate(_NARROW, _STARTS, design, seed=3) for _ in range(2))
    assert [asdict(start) for start in first.starts] == [asdict(start) for start in again.starts]
    assert first.samples == again.samples
    other = simulate(_NARROW, _STARTS, design, seed=4)
    assert [asdict(start) for start in first.starts] != [asdict(start) for start in other.starts]


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("seed", range(3))
def test_every_start_is_set_up_or_given_up(design: str, seed: int) -> None:
    """Never both, and never neither; the world has made the calls that the starts have."""
    result = simulate(_NARROW, _STARTS, design, seed)
    assert len(result.starts) == _STARTS.starts
    assert all((start.set_up_at is None) == bool(start.given_up) for start in result.starts)
    assert result.per_start("calls") * _STARTS.starts == pytest.approx(result.world.calls)
    assert result.world.first_refused_call is not None
    assert result.world.running == result.world.waiting_events == 0


def test_the_limits_hold() -> None:
    """There are never more functions at once than allowed, nor more accepted calls than the rate gives."""
    result = simulate(_NARROW, _STARTS)
    assert result.world.most_running == _NARROW.concurrency
    accepted = result.world.calls - result.world.refused_calls
    assert accepted <= _NARROW.api_calls_per_second * (result.world.now + 1)


def test_a_start_with_nothing_in_the_way() -> None:
    """By hand: domain and app at 0 s, the app at about 4 and 8 s, the URL, 10 s of commands; in service at 5 s."""
    world, start = _world(_PLAIN), _start(in_service_at=5.0)
    world.clock.process(world.invoke(start, lambda one: Invocation(world, one).set_up()))
    world.clock.run()
    assert start.calls == 1 + 3 + 1
    assert 2 * 3.6 + 10 <= (start.set_up_at or 0.0) <= 2 * 4.4 + 10
    assert start.billed_seconds == start.set_up_at
    assert (start.invocations, start.given_up) == (1, "")


def test_a_throttled_event_is_tried_after_1_2_4_8_seconds() -> None:
    """By hand: with room for one, taken for 10 s, the second event is tried at 0, 1, 3, 7 and 15 s."""
    world = _world(replace(_PLAIN, concurrency=1))
    starts = [_start(), _start()]
    for start in starts:
        world.clock.process(world.invoke(start, lambda one: Invocation(world, one).set_up()))
    world.clock.run()
    assert [start.set_up_at for start in starts] == [10, 15 + 10]
    assert (world.throttled_events, world.longest_wait_seconds) == (4, 15)


def test_a_throttled_event_is_given_up_when_it_is_too_old() -> None:
    """It is not tried after its maximum age."""
    world = _world(replace(_PLAIN, concurrency=0, maximum_event_age_seconds=20))
    start = _start()
    world.clock.process(world.invoke(start, lambda one: Invocation(world, one).set_up()))
    world.clock.run()
    assert (start.given_up, world.now, start.billed_seconds) == ("event too old", 15, 0)


def test_a_failed_function_is_tried_again_after_one_and_two_minutes() -> None:
    """Twice, as documented; then the start is given up for the reason of the last attempt."""
    world, start, began = _world(_PLAIN), _start(), list[float]()

    def fail(_start: Start) -> Process:
        began.append(world.now)
        yield world.pause(5)
        raise Failed("no")

    world.clock.process(world.invoke(start, fail))
    world.clock.run()
    assert began == [0, 65, 65 + 125]
    assert (start.given_up, start.billed_seconds, start.invocations) == ("no", 15, 3)


def test_what_the_function_does_not_do_in_time_is_left_to_the_next_attempt() -> None:
    """A setup that is longer than the function's time is resumed, not begun again."""
    world = _world(replace(_PLAIN, function_seconds=100.0))
    start = replace(_start(), session_left_seconds=150.0)
    world.clock.process(world.invoke(start, lambda one: Invocation(world, one).set_up()))
    world.clock.run()
    assert start.set_up_at == 100 + 60 + 50
    assert start.invocations == 2


def test_the_api_refuses_what_is_more_than_its_rate_within_a_second() -> None:
    """The second that counts moves on with the clock."""
    world = _world(replace(_PLAIN, api_calls_per_second=2))
    assert [world.accepts_call() for _ in range(3)] == [True, True, False]
    world.clock.run(until=1.0)
    assert [world.accepts_call() for _ in range(3)] == [True, True, False]
    assert (world.calls, world.refused_calls, world.first_refused_call) == (6, 2, 0)


@pytest.mark.parametrize("refused", [[], [0, 3], [5, 6, 7, 30]], ids=["never-refused", "sometimes", "in-a-row"])
def test_the_simulated_function_asks_when_the_engine_asks(
    monkeypatch: pytest.MonkeyPatch, app: App, refused: list[int]
) -> None:
    """With the same refusals, and chance in the middle, both make their calls at the same moments."""
    monkeypatch.setattr(random, "uniform", lambda low, high: (low + high) / 2)
    world, start = _world(_PLAIN), _start(in_service_at=300.0)
    monkeypatch.setattr(world.chance, "uniform", lambda low, high: (low + high) / 2)
    simulated: list[float] = []

    def accepts_call(one: World) -> bool:
        simulated.append(one.now)
        return len(simulated) - 1 not in refused

    monkeypatch.setattr(World, "accepts_call", accepts_call)
    world.clock.process(Invocation(world, start).set_up())
    world.clock.run()
    assert simulated == pytest.approx(_moments_of_the_engine(app, refused, in_service_at=300.0))


def _moments_of_the_engine(app: App, refused: list[int], in_service_at: float) -> list[float]:
    """When the engine calls the API, from its first call to the presigned URL; those calls are refused."""
    time, moments = FakeTime(0.0), list[float]()

    def answer(**_: object) -> dict[str, Any]:
        moments.append(time.now)
        if len(moments) - 1 in refused:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "any")
        return {"AuthMode": "IAM", "Status": "InService" if time.now >= in_service_at else "Pending"}

    client: Any = SimpleNamespace(describe_domain=answer, describe_app=answer, create_presigned_domain_url=answer)
    deadline = time.deadline(Inputs().function_seconds)
    control_plane = ControlPlane(client, deadline)
    status = AppStatus(control_plane, app, deadline)
    status.find_owner("")
    status.wait_until_in_service(60)
    control_plane.call("create_presigned_domain_url")
    return moments


def test_what_uses_up_first_is_told() -> None:
    """With more room for functions than for calls the rate is, with less the room; with all of both nothing."""
    few = Scenario("few", 30, 10)
    assert simulate(replace(_PLAIN, api_calls_per_second=1), few).first_saturated.startswith("the API's rate, after ")
    narrow = replace(_PLAIN, api_calls_per_second=math.inf, concurrency=3)
    assert simulate(narrow, few).first_saturated.startswith("Lambda's concurrency, after ")
    assert simulate(replace(narrow, concurrency=math.inf), few).first_saturated == "nothing"


def test_the_inputs_are_those_of_the_template() -> None:
    """Time-out less what the function keeps for its end, retries, and maximum event age."""
    function = source()["Resources"]["StudioSetupFunction"]["Properties"]
    inputs = Inputs()
    assert function["Timeout"] - 20 == inputs.function_seconds
    assert function["EventInvokeConfig"]["MaximumRetryAttempts"] == len(inputs.function_retry_seconds)
    assert function["EventInvokeConfig"]["MaximumEventAgeInSeconds"] == inputs.maximum_event_age_seconds
