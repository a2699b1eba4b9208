"""What can go wrong on a network, and at which steps of a setup; values, and the plan made of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Harm(StrEnum):
    """What goes wrong."""

    RESET = "reset"
    CLOSE = "close"  # of the TCP connection, without a close frame
    STALL = "stall"  # nothing arrives any more, in both directions, and nobody says so
    LATENCY = "latency"  # from here on
    CRUMBS = "crumbs"  # one byte at a time, from here on
    CUT = "cut"  # the end comes in the middle of an answer or a frame
    STATUS = "status"  # an HTML page with that status
    PAGE = "page"  # an HTML page with status 200
    SIGN_IN = "sign-in"  # a redirect to the sign-in host
    CLOSE_CODE = "close-code"  # a close frame with that code; 0: without one
    SESSION_ENDS = "session-ends"
    TOKEN_USED = "token-used"  # noqa: S105 (no secret): somebody else was faster
    XSRF_LOST = "xsrf-lost"  # the cookie does not arrive
    XSRF_DOUBLED = "xsrf-doubled"  # one more arrives, for another path
    XSRF_ROTATED = "xsrf-rotated"  # the server has another one by now


@dataclass(frozen=True, slots=True)
class Fault:
    """A harm, with its number if it has one."""

    harm: Harm
    number: int = 0


class What(StrEnum):
    """What a request is for; LINE is a line on a websocket."""

    LOGIN = "login"
    PAGE = "page"
    STATUS = "status"
    LIST = "list"
    CREATE = "create"
    WEBSOCKET = "websocket"
    DELETE = "delete"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Step:
    """The n-th request or line of its kind, on its way in or, `answered`, its answer on its way back.

    Line 0 is nobody's: its answer is the server's greeting.
    """

    what: What
    number: int = 1
    answered: bool = False


@dataclass(slots=True)
class _Armed:
    fault: Fault
    step: Step
    always: bool

    def is_at(self, step: Step) -> bool:
        if not self.always:
            return step == self.step
        is_late_enough = step.what is not What.LINE or step.number >= self.step.number
        return (step.what, step.answered) == (self.step.what, self.step.answered) and is_late_enough


class Steps:
    """Every step so far, and what is to go wrong at those to come."""

    def __init__(self) -> None:
        self.seen: list[Step] = []
        self.fired = 0
        self._armed: list[_Armed] = []

    def arm(self, fault: Fault, step: Step, *, always: bool) -> None:
        """Plan a fault."""
        self._armed.append(_Armed(fault, step, always))

    def due(self, what: What, number: int, *, answered: bool = False) -> Fault | None:
        """Note a step, and return what is to go wrong there."""
        step = Step(what, number, answered)
        self.seen.append(step)
        for armed in self._armed:
            if armed.is_at(step):
                if not armed.always:
                    self._armed.remove(armed)
                self.fired += 1
                return armed.fault
        return None
