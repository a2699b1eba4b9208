"""From the moment an app answers to its first command, for start-ups of 30 to 240 seconds, and the calls that takes.

The engine's own waiting code runs with a clock that is only counted and an API that answers from memory; what comes
after it (login, terminal, shell) is what `bench.one_setup` has measured.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from bench.results import Results
from bench.table import Measured, Row, Table
from studio_setup.access.app_status import AppStatus
from studio_setup.access.control_plane import ControlPlane
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline

MAX_SECONDS, MAX_CALLS = 2.5, 40
_START_UPS = range(30, 241)
_TIMES = 5  # each: the pauses have some chance in them
_CALL_SECONDS = 0.1
_APP = App("d-abcdefghijkl", "alice", "JupyterLab", "default", space_name="hers")
_WHY_MORE = (
    "nothing says when an app is in service, so it is asked: to be no later than 2.2 s in half of all start-ups from 30"
    " to 240 s takes 48 questions between these two moments, however they are spread"
)


@dataclass(slots=True)
class CountedApi:
    """The SageMaker API of an app that is in service from some moment on; it has the clock, and counts the calls."""

    in_service_at: float
    now: float = 0.0
    calls: int = 0

    def clock(self) -> float:
        """Stand in for `time.monotonic`."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Stand in for `time.sleep`."""
        self.now += seconds

    def answer(self, **_: object) -> dict[str, Any]:
        """Answer any call."""
        self.calls += 1
        self.now += _CALL_SECONDS
        status = "InService" if self.now >= self.in_service_at else "Pending"
        return {"AuthMode": "IAM", "Status": status, "AuthorizedUrl": "https://studio"}

    describe_domain = describe_space = describe_app = create_presigned_domain_url = answer


def wait_for(in_service_at: float) -> CountedApi:
    """Let the engine wait for an app until it knows that it is in service, and ask for the URL."""
    api: Any = CountedApi(in_service_at)
    deadline = Deadline.after(880, api.clock, api.sleep)
    control_plane = ControlPlane(api, deadline)
    status = AppStatus(control_plane, _APP, deadline)
    status.find_owner("somebody")
    status.wait_until_in_service(60)
    control_plane.call("create_presigned_domain_url")
    return CountedApi(api.in_service_at, api.now, api.calls)


def main() -> int:
    """Measure and report; 1 if a target is missed without a reason."""
    table = Table()
    connect_seconds = Results.load().value("one_setup", 'from "in service" to the first command')
    if connect_seconds is None:
        sys.exit("What comes after the waiting is not measured yet: `python -m bench one_setup` does that.")
    waits = [wait_for(seconds) for seconds in _START_UPS for _ in range(_TIMES)]
    delays = Measured.of(wait.now - wait.in_service_at + connect_seconds for wait in waits)
    name = "start-ups of 30-240 s"
    table.add(Row(f'{name}: from "the app answers" to the first command', delays, "s", MAX_SECONDS))
    table.add(Row(f"{name}: control-plane calls a run", Measured.of(wait.calls for wait in waits), "", MAX_CALLS))
    most = max(wait.calls for wait in waits)
    table.add(Row(f"{name}: control-plane calls of the longest", Measured.of([most]), "", MAX_CALLS, reason=_WHY_MORE))
    return table.exit_status


if __name__ == "__main__":
    sys.exit(main())
