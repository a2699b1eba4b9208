"""The context that Lambda passes to the function with the event."""

from dataclasses import dataclass


@dataclass
class Context:
    """A Lambda context with that many seconds left."""

    seconds: float = 120.0

    def get_remaining_time_in_millis(self) -> int:
        """The time left, as Lambda reports it."""
        return int(self.seconds * 1000)
