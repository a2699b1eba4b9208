"""When to repeat calls that the API throttles, so that a few are through soon and many do not hammer.

A refused call says that more are made than the API takes, but not how many more. So whoever is refused comes back at
any time within a first round of some seconds; whoever is refused then, within a second round, which begins where the
first one ends and is longer; and so on. A small burst is over after the first round. A big one takes up what the API
gives in every round and loses some calls to each, one or two more for each doubling of the number of setups. The rounds
count from the first refusal, not from the last one: otherwise those with bad luck would add up their pauses.

A setup whose very first call is refused has begun together with many. It leaves the first round to those that the API
has accepted once, which are few and soon through, and comes back within a longer one after that.

No pause is longer than some seconds. Where new setups begin all the time, those that have been refused often would
otherwise wait for minutes, and those that have just come would take their place.
"""

from __future__ import annotations

FIRST_ROUND_SECONDS = 4.0
# Where not even its first call was accepted: so many times as late.
_MANY = 3.2
_GROWTH = 1.6
# A rate is counted over some time, over a second for what is so many a second: nobody is accepted before that is over.
_LEAST_SECONDS = 1.0
_MOST_SECONDS = 20.0


class Backoff:
    """The rounds of one setup, over all of its calls. Times are in seconds on the clock of the caller."""

    def __init__(self) -> None:
        self.refusals = 0
        self._began = 0.0
        self._round_ends = 0.0  # after `_began`; 0: nothing has been refused so far
        self._was_accepted = False

    def accepted(self) -> None:
        """Note that a call was not throttled."""
        self._was_accepted = True

    def refused(self, now: float) -> tuple[float, float]:
        """Note that a call was throttled; how long to wait before the next, at least and at most, evenly by chance."""
        self.refusals += 1
        at_least = min(_LEAST_SECONDS, FIRST_ROUND_SECONDS)
        gone = now - self._began
        if not self._round_ends or gone > 2 * self._round_ends:
            self._began = now
            begins, self._round_ends = at_least, FIRST_ROUND_SECONDS
            if not self._was_accepted:
                begins, self._round_ends = FIRST_ROUND_SECONDS, FIRST_ROUND_SECONDS * _MANY
            return begins, self._round_ends
        begins = self._round_ends
        self._round_ends = min(begins * _GROWTH, max(begins, gone) + _MOST_SECONDS)
        least = min(max(begins - gone, at_least), _MOST_SECONDS / 2)
        # Late in a round there is still room to spread.
        return least, min(max(self._round_ends - gone, least + begins / 2), _MOST_SECONDS)
