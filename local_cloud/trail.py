"""What CloudTrail is in AWS: takes the events of API calls to EventBridge."""

from __future__ import annotations

import json
import queue
import threading
from typing import Any, Self

from local_cloud.cloud import LocalCloud

Event = dict[str, Any]


class Trail:
    """Delivers events to the cloud's default bus, in order, on a thread of its own."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._bus = cloud.client("events")
        self._thread = threading.Thread(target=self._deliver, name="trail", daemon=True)

    def __enter__(self) -> Self:
        """Start delivering."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop, once everything is delivered."""
        self._events.put(None)
        self._thread.join()

    def log(self, event: Event) -> None:
        """Take an event for delivery; never blocks."""
        self._events.put(event)

    def _deliver(self) -> None:
        while (event := self._events.get()) is not None:
            put_event(self._bus, event)


def put_event(bus: Any, event: Event) -> str:  # noqa: ANN401 (an SDK client)
    """Put an event on the default bus; return the id it got there.

    Raises:
        RuntimeError: the bus refused it.
    """
    entry = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Resources": event["resources"],
    }
    answer = bus.put_events(Entries=[entry])
    if answer["FailedEntryCount"]:
        raise RuntimeError(f"EventBridge refused the event: {answer['Entries'][0]['ErrorMessage']}")
    return str(answer["Entries"][0]["EventId"])
