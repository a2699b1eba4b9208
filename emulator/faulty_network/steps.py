"""The faults that can be injected, and the steps of a setup at which they can happen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What goes wrong."""

    RESET = "reset"
    CLOSE = "close"  # the TCP connection, without a close frame
    STALL = "stall"  # nothing arrives any more, in both directions, while the connection stays open
    LATENCY = "latency"  # from here on
    TRICKLE = "trickle"  # one byte at a time, from here on
    CUT = "cut"  # the connection ends in the middle of an answer or a frame
    STATUS = "status"  # an HTML page with that status
    PAGE = "page"  # an HTML page with status 200
    SIGN_IN = "sign-in"  # a redirect to the sign-in host
    CLOSE_CODE = "close-code"  # a close frame with that code; 0: without one
    SESSION_ENDS = "session-ends"
    TOKEN_USED = "token-used"  # noqa: S105 (not a secret): somebody else has used the URL
    XSRF_MISSING = "xsrf-missing"  # the cookie does not arrive
    XSRF_DUPLICATED = "xsrf-duplicated"  # one more arrives, for another path
    XSRF_CHANGED = "xsrf-changed"  # the server has another token by now


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to inject; `number` is its HTTP status or close code, if it has one."""

    kind: FaultKind
    number: int = 0


class StepKind(StrEnum):
    """What a request is for; LINE is a line typed into a terminal's websocket."""

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
    """The n-th request or line of its kind or, with `is_answer`, the answer to it.

    Line 0 was never typed: its answer is the server's greeting.
    """

    kind: StepKind
    number: int = 1
    is_answer: bool = False


@dataclass(slots=True)
class _Armed:
    fault: Fault
    step: Step
    always: bool

    def is_due_at(self, step: Step) -> bool:
        if not self.always:
            return step == self.step
        is_late_enough = step.kind is not StepKind.LINE or step.number >= self.step.number
        return (step.kind, step.is_answer) == (self.step.kind, self.step.is_answer) and is_late_enough


class Steps:
    """Every step so far, and the faults that are still to be injected."""

    def __init__(self) -> None:
        self.seen: list[Step] = []
        self.injected = 0
        self._armed: list[_Armed] = []

    def arm(self, fault: Fault, step: Step, *, always: bool) -> None:
        """Plan a fault."""
        self._armed.append(_Armed(fault, step, always))

    def record(self, kind: StepKind, number: int, *, is_answer: bool = False) -> Fault | None:
        """Record a step, and return the fault to inject there."""
        step = Step(kind, number, is_answer)
        self.seen.append(step)
        for armed in self._armed:
            if armed.is_due_at(step):
                if not armed.always:
                    self._armed.remove(armed)
                self.injected += 1
                return armed.fault
        return None
