"""When to repeat calls that the API throttles, so that a few are through soon and many do not hammer.

A refused call says that more are made than the API takes, but not how many more. So whoever is refused comes back at
any time within a first round of some seconds; whoever is refused then, within a second round, which begins where the
first one ends; and so on. The rounds count from the first refusal, not from the last one: otherwise those with bad luck
would add up their pauses.

The first round is longer for a setup whose very first call is refused: it has begun together with many. After a burst
of some dozens, the second round has to take up only a few with bad luck, so it is short, and they are through soon.
Whoever is refused there as well belongs to hundreds. From then on the rounds grow fast, because each costs a call to
everyone who is refused in it.

No pause is longer than some seconds. Where new setups begin all the time, those that have been refused often would
otherwise wait for minutes, and those that have just come would take their place.
"""

from __future__ import annotations

import math

FIRST_ROUND_SECONDS = 4.0
# Where not even its first call was accepted, a setup has begun together with many: so many times as long.
_MANY = 3.4
# When a round ends, as a multiple of when the one before did: the second one, and those that follow.
_SECOND = 1.2
_GROWTH = 2.2
# A rate is counted over some time, over a second for what is so many a second: nobody is accepted before that is over.
_LEAST_SECONDS = 1.0
_MOST_SECONDS = 20.0


class Backoff:
    """The rounds of one setup, over all of its calls. Times are in seconds on the clock of the caller."""

    def __init__(self) -> None:
        self.refusals = 0
        self._began = -math.inf
        self._round = 0
        self._round_ends = 0.0  # after `_began`
        self._was_accepted = False

    def accepted(self) -> None:
        """Note that a call was not throttled."""
        self._was_accepted = True

    def refused(self, now: float) -> tuple[float, float]:
        """Note that a call was throttled; how long to wait before the next, at least and at most, evenly by chance."""
        self.refusals += 1
        at_least = min(_LEAST_SECONDS, FIRST_ROUND_SECONDS)
        gone = now - self._began
        if gone > 2 * self._round_ends:
            self._began, self._round = now, 1
            self._round_ends = FIRST_ROUND_SECONDS * (1 if self._was_accepted else _MANY)
            return at_least, self._round_ends
        self._round += 1
        begins = self._round_ends
        grown = begins * (_SECOND if self._round == 2 else _GROWTH)  # noqa: PLR2004 (the second round)
        self._round_ends = min(grown, max(begins, gone) + _MOST_SECONDS)
        least = min(max(begins - gone, at_least), _MOST_SECONDS / 2)
        # Late in a round there is still room to spread.
        return least, min(max(self._round_ends - gone, least + FIRST_ROUND_SECONDS / 2), _MOST_SECONDS)
