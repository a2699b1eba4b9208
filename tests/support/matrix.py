"""The fault matrix: what must come of each network fault at each step of a setup, as data.

`tools/faults_page.py` writes `docs/faults.md` from it, and `matrix_cells.py` runs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from emulator.faulty_network.steps import Fault, FaultKind, Step, StepKind

LINES = {
    1: "take over the shell",
    2: "send remote.sh",
    3: "open the run",
    4: "start the command and follow it",
    5: "record the outcome",
}
OPENS_RUN, STARTS = 3, 4
REQUESTS = {
    StepKind.LOGIN: "GET the presigned URL",
    StepKind.PAGE: "GET the page it redirects to",
    StepKind.STATUS: "GET api/status",
    StepKind.LIST: "GET api/terminals",
    StepKind.CREATE: "POST api/terminals",
    StepKind.WEBSOCKET: "websocket handshake",
    StepKind.DELETE: "DELETE the terminal",
}


def _requests(whats: Iterable[StepKind] = REQUESTS) -> list[Step]:
    return [Step(what) for what in whats]


def _answers(whats: Iterable[StepKind] = REQUESTS) -> list[Step]:
    return [Step(what, is_answer=True) for what in whats]


TYPED = [Step(StepKind.LINE, number) for number in LINES]
REPLIES = [Step(StepKind.LINE, number, is_answer=True) for number in (0, *LINES)]
# Every step of a setup, in no particular order; a test compares them with those of a setup without faults.
STEPS = [*_requests(), *_answers(), *TYPED, *REPLIES]
# Without the last line: after a new connection that has nothing left to do but record the outcome, its number differs.
_TYPED_EVERY_TIME = [step for step in (*TYPED, *REPLIES) if step.number <= STARTS]
_PAGES = [what for what in REQUESTS if what is not StepKind.WEBSOCKET]
_SIGNED_IN = [what for what in REQUESTS if what is not StepKind.LOGIN]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a setup must end; an empty outcome stands for the command's own, as if nothing had gone wrong.

    `effects`: how often the command must have taken effect.
    """

    outcome: str = ""
    codes: tuple[str, ...] = ()
    effects: int = 1
    leaves_terminal: bool = False  # it ends by itself, a minute after its last line


OWN = Verdict()
LEFT = Verdict(leaves_terminal=True)
# The connection did not come back in time; the code depends on what was being done when the time was up.
LOST = Verdict("unreachable", ("connection-lost", "out-of-time"), effects=0)
LOGIN_EXPIRED = Verdict("unreachable", ("login-expired", "out-of-time"), effects=0)
LOGIN_REFUSED = Verdict("unreachable", ("login-refused",), effects=0)
JUPYTER_REFUSED = Verdict("unreachable", ("jupyter-refused",), effects=0)
TERMINALS_DISABLED = Verdict("unreachable", ("terminals-disabled",), effects=0)
TERMINAL_GONE = Verdict("unreachable", ("shell-silent", "shell-gone", "out-of-time"), effects=0)
UNFINISHED = Verdict("unfinished", ("out-of-time",), effects=0)
UNFINISHED_AFTER = Verdict("unfinished", ("out-of-time",), effects=1)


@dataclass(frozen=True, slots=True)
class Row:
    """One fault and every step where it can happen: the first time only or, with `always`, every time."""

    name: str
    fault: Fault
    steps: list[Step]
    always: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault at one step, and how the setup must end."""

    row: Row
    step: Step
    verdict: Verdict

    @property
    def label(self) -> str:
        """The cell's name in failure messages and in KNOWN."""
        return f"{self.row.name}{', always' if self.row.always else ''} @ {describe(self.step)}"


_STATUSES = (403, 404, 429, 500, 502, 503, 504)
_CLOSED = "TCP connection closed, without a close frame"
ONCE = [
    Row("TCP reset", Fault(FaultKind.RESET), STEPS),
    Row(_CLOSED, Fault(FaultKind.CLOSE), STEPS),
    Row("silence on an open connection", Fault(FaultKind.STALL), STEPS),
    Row("answer cut in the middle of a page or a frame", Fault(FaultKind.CUT), [*_answers(), *REPLIES]),
    Row("0.2 s of latency from there on", Fault(FaultKind.LATENCY), [*_answers(), *REPLIES]),
    Row("one byte at a time, from there on", Fault(FaultKind.TRICKLE), [*_answers(), *REPLIES]),
    *(Row(f"HTTP {status} with an HTML page", Fault(FaultKind.STATUS, status), _requests()) for status in _STATUSES),
    *(
        Row(f"HTTP {status} after the request took effect", Fault(FaultKind.STATUS, status), _answers())
        for status in (500, 502, 503, 504)
    ),
    Row("HTTP 200 with an unrelated page", Fault(FaultKind.PAGE), _requests()),
    Row("redirect to the sign-in host", Fault(FaultKind.SIGN_IN), _requests()),
    *(
        Row(
            f"websocket closed {f'with code {code}' if code else 'without a code'}",
            Fault(FaultKind.CLOSE_CODE, code),
            [*TYPED, *REPLIES],
        )
        for code in (1000, 1001, 1011, 0)
    ),
    Row(
        "session ended, every later request and frame denied",
        Fault(FaultKind.SESSION_ENDS),
        [*_requests(_SIGNED_IN), *_answers(), *TYPED, *REPLIES],
    ),
    Row("presigned URL expired or already used", Fault(FaultKind.TOKEN_USED), _requests([StepKind.LOGIN])),
    Row("`_xsrf` cookie missing", Fault(FaultKind.XSRF_MISSING), _answers([StepKind.PAGE])),
    Row("a second `_xsrf` cookie, for another path", Fault(FaultKind.XSRF_DUPLICATED), _answers(_PAGES)),
    Row("`_xsrf` changed on the server", Fault(FaultKind.XSRF_CHANGED), _requests([StepKind.CREATE, StepKind.DELETE])),
]
ALWAYS = [
    Row("TCP reset", Fault(FaultKind.RESET), [*_requests(), *_TYPED_EVERY_TIME], always=True),
    Row("silence on an open connection", Fault(FaultKind.STALL), [*_requests(), *_TYPED_EVERY_TIME], always=True),
    *(
        Row(f"HTTP {status} with an HTML page", Fault(FaultKind.STATUS, status), _requests(), always=True)
        for status in _STATUSES
    ),
    Row("HTTP 200 with an unrelated page", Fault(FaultKind.PAGE), _requests(), always=True),
    Row("redirect to the sign-in host", Fault(FaultKind.SIGN_IN), _requests(), always=True),
    Row("presigned URL expired or already used", Fault(FaultKind.TOKEN_USED), _requests([StepKind.LOGIN]), always=True),
    Row("`_xsrf` cookie missing", Fault(FaultKind.XSRF_MISSING), _answers([StepKind.PAGE]), always=True),
    Row("`_xsrf` changed on the server", Fault(FaultKind.XSRF_CHANGED), _requests([StepKind.CREATE]), always=True),
]

# A single refusal of these ends the setup, since the server has answered; Lambda retries.
_ENDS_AT_ONCE = {
    (Fault(FaultKind.STATUS, 404), StepKind.CREATE): TERMINALS_DISABLED,
    (Fault(FaultKind.PAGE), StepKind.CREATE): TERMINALS_DISABLED,
}
_ALWAYS = {
    (Fault(FaultKind.STATUS, 403), StepKind.LOGIN): LOGIN_REFUSED,
    (Fault(FaultKind.PAGE), StepKind.LOGIN): LOGIN_REFUSED,
    (Fault(FaultKind.SIGN_IN), StepKind.LOGIN): LOGIN_REFUSED,
    (Fault(FaultKind.TOKEN_USED), StepKind.LOGIN): LOGIN_REFUSED,
    (Fault(FaultKind.STATUS, 403), StepKind.PAGE): LOGIN_REFUSED,
    (Fault(FaultKind.PAGE), StepKind.PAGE): JUPYTER_REFUSED,
    (Fault(FaultKind.SIGN_IN), StepKind.PAGE): LOGIN_REFUSED,
    (Fault(FaultKind.XSRF_MISSING), StepKind.PAGE): JUPYTER_REFUSED,
    # A 403 that is not Jupyter's own is Studio's answer to an expired login.
    (Fault(FaultKind.STATUS, 403), StepKind.STATUS): LOGIN_EXPIRED,
    (Fault(FaultKind.SIGN_IN), StepKind.STATUS): LOGIN_EXPIRED,
    (Fault(FaultKind.STATUS, 403), StepKind.CREATE): LOGIN_EXPIRED,
    (Fault(FaultKind.STATUS, 403), StepKind.WEBSOCKET): LOGIN_EXPIRED,
    (Fault(FaultKind.STATUS, 404), StepKind.CREATE): TERMINALS_DISABLED,
    (Fault(FaultKind.PAGE), StepKind.CREATE): TERMINALS_DISABLED,
    (Fault(FaultKind.SIGN_IN), StepKind.CREATE): LOGIN_EXPIRED,
    (Fault(FaultKind.XSRF_CHANGED), StepKind.CREATE): JUPYTER_REFUSED,
    (Fault(FaultKind.STATUS, 404), StepKind.WEBSOCKET): TERMINAL_GONE,
}

# Cells where the engine deviates from what is required, and how; empty when there are none.
KNOWN: dict[str, str] = {}


def cells(row: Row) -> list[Cell]:
    """The row's cells."""
    return [Cell(row, step, _always(row.fault, step) if row.always else _once(row.fault, step)) for step in row.steps]


def _once(fault: Fault, step: Step) -> Verdict:
    # Every other fault is gone at the second try; an ended session is not.
    if step == Step(StepKind.DELETE) and fault.kind is FaultKind.SESSION_ENDS:
        return LEFT
    return OWN if step.is_answer else _ENDS_AT_ONCE.get((fault, step.kind), OWN)


def _always(fault: Fault, step: Step) -> Verdict:
    if step.kind is StepKind.DELETE:
        return LEFT
    if step.kind is StepKind.LIST:
        return OWN  # terminals that were left over are deleted the next time
    if step.kind is not StepKind.LINE:
        return _ALWAYS.get((fault, step.kind), LOST)
    if step.number <= OPENS_RUN:
        return LOST
    return UNFINISHED if step == Step(StepKind.LINE, STARTS) else UNFINISHED_AFTER


def describe(step: Step) -> str:
    """The step in words."""
    if step.kind is StepKind.LINE:
        if not step.number:
            return "the terminal's greeting"
        line = f"line {step.number} ({LINES[step.number]})"
        return f"answer to {line}" if step.is_answer else line
    return f"answer to {REQUESTS[step.kind]}" if step.is_answer else REQUESTS[step.kind]
