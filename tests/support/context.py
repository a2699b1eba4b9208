"""What Lambda hands to the function beside the event."""

from dataclasses import dataclass


@dataclass
class Context:
    """A Lambda context with this much time left."""

    seconds: float = 120.0

    def get_remaining_time_in_millis(self) -> int:
        """As Lambda tells it."""
        return int(self.seconds * 1000)
