"""When to repeat calls that the API throttles, so that a few are through soon and many do not hammer.

A refused call says that more are made than the API takes, but not how many more. So whoever is refused comes back at
any time within a first round of some seconds; whoever is refused then, within a second round, which begins where the
first one ends; and so on. The rounds count from the first refusal, not from the last one: otherwise those with bad luck
would add up their pauses.

A small burst is over after the first round, also for those that began a moment later than the others. Whoever is
refused in the second round belongs to hundreds. The rounds grow fast, because each costs a call to everyone who is
refused in it.

No pause is longer than some seconds. Where new setups begin all the time, those that have been refused often would
otherwise wait for minutes, and those that have just come would take their place.
"""

from __future__ import annotations

import math

FIRST_ROUND_SECONDS = 5.0
_GROWTH = 3.4  # when a round ends, as a multiple of when the one before did
# A rate is counted over some time, over a second for what is so many a second: nobody is accepted before that is over.
_LEAST_SECONDS = 1.0
_MOST_SECONDS = 20.0


class Backoff:
    """The rounds of one setup, over all of its calls. Times are in seconds on the clock of the caller."""

    def __init__(self) -> None:
        self.refusals = 0
        self._began = -math.inf
        self._round_ends = 0.0  # after `_began`

    def refused(self, now: float) -> tuple[float, float]:
        """Note that a call was throttled; how long to wait before the next, at least and at most, evenly by chance."""
        self.refusals += 1
        at_least = min(_LEAST_SECONDS, FIRST_ROUND_SECONDS)
        gone = now - self._began
        if gone > 2 * self._round_ends:
            self._began, self._round_ends = now, FIRST_ROUND_SECONDS
            return at_least, self._round_ends
        begins = self._round_ends
        self._round_ends = min(begins * _GROWTH, max(begins, gone) + _MOST_SECONDS)
        least = min(max(begins - gone, at_least), _MOST_SECONDS / 2)
        return least, min(self._round_ends - gone, _MOST_SECONDS)
