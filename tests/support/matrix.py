"""The matrix: which fault at which step leads to what, as data.

`python -m tests.support.matrix > docs/faults.md` writes the page anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

from emulator.faulty_network.steps import Fault, Harm, Step, What
from studio_setup.runs.remote_runs import REMOTE_SCRIPT
from studio_setup.terminal.shell import _assignments, percent_b

PIECES = len(_assignments(percent_b(REMOTE_SCRIPT.read_text(encoding="utf-8"))))
LINES = {
    1: "take the shell over",
    2: "its settings",
    **{3 + piece: f"bring remote.sh, part {piece + 1}" for piece in range(PIECES)},
    3 + PIECES: "open the run",
    4 + PIECES: "start the command and follow it",
    5 + PIECES: "note the verdict",
}
OPENS_RUN = 3 + PIECES
STARTS = 4 + PIECES
REQUESTS = {
    What.LOGIN: "GET the presigned URL",
    What.PAGE: "GET where it leads",
    What.STATUS: "GET api/status",
    What.LIST: "GET api/terminals",
    What.CREATE: "POST api/terminals",
    What.WEBSOCKET: "websocket handshake",
    What.DELETE: "DELETE the terminal",
}


def _on_the_way_in(whats: Iterable[What] = REQUESTS) -> list[Step]:
    return [Step(what) for what in whats]


def _answers(whats: Iterable[What] = REQUESTS) -> list[Step]:
    return [Step(what, answered=True) for what in whats]


TYPED = [Step(What.LINE, number) for number in LINES]
REPLIES = [Step(What.LINE, number, answered=True) for number in (0, *LINES)]
# Everything a run does, in no order: a test holds this to what a run without faults is seen to do.
STEPS = [*_on_the_way_in(), *_answers(), *TYPED, *REPLIES]
# The last line is another one in a connection that only has the verdict left to note.
_TYPED_AGAIN = [step for step in (*TYPED, *REPLIES) if step.number <= STARTS]
_PAGES = [what for what in REQUESTS if what is not What.WEBSOCKET]
_SIGNED_IN = [what for what in REQUESTS if what is not What.LOGIN]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What must come of a setup; without an outcome: the command's own, as if nothing had gone wrong."""

    outcome: str = ""
    codes: tuple[str, ...] = ()
    effects: int = 1
    leaves_terminal: bool = False  # until it ends by itself, a minute after the last line


OWN = Verdict()
LEFT = Verdict(leaves_terminal=True)
# The connection did not come back in time; the code depends on what was under way when the time was up.
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
    """One fault at all the steps where it can be; `always`: whenever a setup gets there, not once."""

    name: str
    fault: Fault
    steps: list[Step]
    always: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault at one step, and what must come of it."""

    row: Row
    step: Step
    verdict: Verdict

    @property
    def label(self) -> str:
        """How it is called where it fails."""
        return f"{self.row.name}{', always' if self.row.always else ''} @ {describe(self.step)}"


_STATUSES = (403, 404, 429, 500, 502, 503, 504)
_CLOSED = "TCP connection closed, without a close frame"
ONCE = [
    Row("TCP reset", Fault(Harm.RESET), STEPS),
    Row(_CLOSED, Fault(Harm.CLOSE), STEPS),
    Row("silence on an open connection", Fault(Harm.STALL), STEPS),
    Row("cut in the middle of a page or a frame", Fault(Harm.CUT), [*_answers(), *REPLIES]),
    Row("0.2 s later, from there on", Fault(Harm.LATENCY), [*_answers(), *REPLIES]),
    Row("one byte at a time, from there on", Fault(Harm.CRUMBS), [*_answers(), *REPLIES]),
    *(Row(f"HTTP {status} with a page", Fault(Harm.STATUS, status), _on_the_way_in()) for status in _STATUSES),
    *(
        Row(f"HTTP {status} although it took effect", Fault(Harm.STATUS, status), _answers())
        for status in (500, 502, 503, 504)
    ),
    Row("HTTP 200 with a page of something else", Fault(Harm.PAGE), _on_the_way_in()),
    Row("redirect to the sign-in host", Fault(Harm.SIGN_IN), _on_the_way_in()),
    *(
        Row(f"websocket closed with {code or 'no'} code", Fault(Harm.CLOSE_CODE, code), [*TYPED, *REPLIES])
        for code in (1000, 1001, 1011, 0)
    ),
    Row(
        "session ended, and every frame denied",
        Fault(Harm.SESSION_ENDS),
        [*_on_the_way_in(_SIGNED_IN), *_answers(), *TYPED, *REPLIES],
    ),
    Row("presigned URL expired or used", Fault(Harm.TOKEN_USED), _on_the_way_in([What.LOGIN])),
    Row("`_xsrf` cookie missing", Fault(Harm.XSRF_LOST), _answers([What.PAGE])),
    Row("a second `_xsrf` cookie, for another path", Fault(Harm.XSRF_DOUBLED), _answers(_PAGES)),
    Row("`_xsrf` changed on the server", Fault(Harm.XSRF_ROTATED), _on_the_way_in([What.CREATE, What.DELETE])),
]
ALWAYS = [
    Row("TCP reset", Fault(Harm.RESET), [*_on_the_way_in(), *_TYPED_AGAIN], always=True),
    Row("silence on an open connection", Fault(Harm.STALL), [*_on_the_way_in(), *_TYPED_AGAIN], always=True),
    *(
        Row(f"HTTP {status} with a page", Fault(Harm.STATUS, status), _on_the_way_in(), always=True)
        for status in _STATUSES
    ),
    Row("HTTP 200 with a page of something else", Fault(Harm.PAGE), _on_the_way_in(), always=True),
    Row("redirect to the sign-in host", Fault(Harm.SIGN_IN), _on_the_way_in(), always=True),
    Row("presigned URL expired or used", Fault(Harm.TOKEN_USED), _on_the_way_in([What.LOGIN]), always=True),
    Row("`_xsrf` cookie missing", Fault(Harm.XSRF_LOST), _answers([What.PAGE]), always=True),
    Row("`_xsrf` changed on the server", Fault(Harm.XSRF_ROTATED), _on_the_way_in([What.CREATE]), always=True),
]

# Where one time is enough to end the setup: the server has answered, and the answer is no. A retry comes from Lambda.
_ONCE_IS_ENOUGH = {
    (Fault(Harm.STATUS, 403), What.STATUS): JUPYTER_REFUSED,
    (Fault(Harm.STATUS, 404), What.CREATE): TERMINALS_DISABLED,
    (Fault(Harm.PAGE), What.CREATE): TERMINALS_DISABLED,
}
_ALWAYS = {
    (Fault(Harm.STATUS, 403), What.LOGIN): LOGIN_REFUSED,
    (Fault(Harm.PAGE), What.LOGIN): LOGIN_REFUSED,
    (Fault(Harm.SIGN_IN), What.LOGIN): LOGIN_REFUSED,
    (Fault(Harm.TOKEN_USED), What.LOGIN): LOGIN_REFUSED,
    (Fault(Harm.STATUS, 403), What.PAGE): LOGIN_REFUSED,
    (Fault(Harm.PAGE), What.PAGE): JUPYTER_REFUSED,
    (Fault(Harm.SIGN_IN), What.PAGE): LOGIN_REFUSED,
    (Fault(Harm.XSRF_LOST), What.PAGE): JUPYTER_REFUSED,
    (Fault(Harm.STATUS, 403), What.STATUS): JUPYTER_REFUSED,
    (Fault(Harm.SIGN_IN), What.STATUS): LOGIN_EXPIRED,
    (Fault(Harm.STATUS, 403), What.CREATE): JUPYTER_REFUSED,
    (Fault(Harm.STATUS, 404), What.CREATE): TERMINALS_DISABLED,
    (Fault(Harm.PAGE), What.CREATE): TERMINALS_DISABLED,
    (Fault(Harm.SIGN_IN), What.CREATE): LOGIN_EXPIRED,
    (Fault(Harm.XSRF_ROTATED), What.CREATE): JUPYTER_REFUSED,
    (Fault(Harm.STATUS, 404), What.WEBSOCKET): TERMINAL_GONE,
}

# Cells where the engine does something else than it must, and what; empty when all is well.
KNOWN: dict[str, str] = {}


def cells(row: Row) -> list[Cell]:
    """The row's cells."""
    return [Cell(row, step, _always(row.fault, step) if row.always else _once(row.fault, step)) for step in row.steps]


def _once(fault: Fault, step: Step) -> Verdict:
    # Every other fault is over by the second try; a session that has ended is not.
    if step == Step(What.DELETE) and fault.harm is Harm.SESSION_ENDS:
        return LEFT
    return OWN if step.answered else _ONCE_IS_ENOUGH.get((fault, step.what), OWN)


def _always(fault: Fault, step: Step) -> Verdict:
    if step.what is What.DELETE:
        return LEFT
    if step.what is What.LIST:
        return OWN  # what is left over is deleted another time
    if step.what is not What.LINE:
        return _ALWAYS.get((fault, step.what), LOST)
    if step.number <= OPENS_RUN:
        return LOST
    return UNFINISHED if step == Step(What.LINE, STARTS) else UNFINISHED_AFTER


def describe(step: Step) -> str:
    """The step in words."""
    if step.what is What.LINE:
        if not step.number:
            return "the terminal's greeting"
        line = f"line {step.number} ({LINES[step.number]})"
        return f"answer to {line}" if step.answered else line
    return f"answer to {REQUESTS[step.what]}" if step.answered else REQUESTS[step.what]


if __name__ == "__main__":
    from tools.faults_page import page

    sys.stdout.write(page())
