"""The exit status of a run: how it ended, told apart for scripts."""

from __future__ import annotations

from collections.abc import Iterable

from studio_setup.model.outcomes import Outcome

EXIT_STATUS = {
    Outcome.SUCCEEDED: 0,
    Outcome.FAILED: 1,
    Outcome.TIMED_OUT: 1,
    Outcome.UNFINISHED: 1,
    Outcome.UNREACHABLE: 3,
    Outcome.APP_GONE: 4,
    Outcome.SKIPPED: 5,
}
BAD_INPUT_STATUS = 2
MAX_ERRORS_STATUS = 6
INTERRUPTED_STATUS = 130
OUTPUT_CLOSED_STATUS = 141  # as a shell says of a program that SIGPIPE has ended
_BEST_TO_WORST = (0, 5, 4, 1, 3)


def worst_status(outcomes: Iterable[Outcome]) -> int:
    """The exit status of the worst outcome: unreachable, then failed, then gone, then skipped; 0 if there is none."""
    return max((EXIT_STATUS[outcome] for outcome in outcomes), key=_BEST_TO_WORST.index, default=0)
