"""Takes the place of CloudTrail: puts the events of API calls on the event bus."""

from __future__ import annotations

import json
import queue
import threading
from typing import Any, Self

from local_cloud.cloud import LocalCloud

Event = dict[str, Any]


class Trail:
    """Puts events on the cloud's default bus, in order, in a thread of its own."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._events: queue.Queue[Event | None] = queue.Queue()
        self._bus = cloud.client("events")
        self._thread = threading.Thread(target=self._deliver, name="trail", daemon=True)

    def __enter__(self) -> Self:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Deliver what is left, and stop."""
        self._events.put(None)
        self._thread.join()

    def log(self, event: Event) -> None:
        """Take an event to deliver; does not block."""
        self._events.put(event)

    def _deliver(self) -> None:
        while (event := self._events.get()) is not None:
            put_event(self._bus, event)


def put_event(bus: Any, event: Event) -> str:  # noqa: ANN401 (an SDK client)
    """Put an event on the default bus; return its id there.

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
