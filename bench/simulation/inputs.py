"""What a simulation is given. Times are in seconds.

Documented (Lambda developer guide, *Lambda quotas* and *How Lambda handles errors and retries with asynchronous
invocation*): an account's 1,000 concurrent executions; an asynchronous event that is throttled goes back to the queue
and is tried again after 1 second at first, then after more, up to 5 minutes; one whose function fails is tried again
after 1 and 2 minutes; neither once the event is older than its maximum age. That the pauses of throttled events double
is assumed. With many events in the queue Lambda tries less often still; by how much is not documented, nor simulated.

Of our own template: time-out, number of retries, maximum event age. Measured by `bench.cold_start`: the CPU time of a
cold start, here at the template's memory, in proportion.

Assumed, because nothing is published: the API's rate and how long it takes to answer, start-up times (evenly from 30 to
240 s), how long an event is on its way (no time: then the function waits for longest). Assumed as well: how long the
commands take, and that half of the apps are those of spaces.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Inputs:
    """One world; `session_seconds` from the login to the end of the last command, in an app that is ready."""

    api_calls_per_second: float = 20.0
    call_seconds: float = 0.1
    concurrency: float = 1_000
    maximum_event_age_seconds: float = 7_200.0
    function_retry_seconds: tuple[float, ...] = (60.0, 120.0)
    throttle_first_seconds: float = 1.0
    throttle_most_seconds: float = 300.0
    function_seconds: float = 880.0
    cold_start_seconds: float = 2.3
    session_seconds: float = 20.0
    start_up_seconds: tuple[float, float] = (30.0, 240.0)
    event_delay_seconds: float = 0.0
    space_share: float = 0.5
    learned_quantile: float = 0.1
