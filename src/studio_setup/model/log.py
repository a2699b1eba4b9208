"""The log: every line has a stable event name, declared here with its meaning and its fields.

What all lines of one setup have in common (which app, which run, ...) is added to each of them, so that any single line
can be found by app and by run. `docs/log-events.md` and `docs/log-schema.json` are generated from this table.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType

from studio_setup.model.app import App
from studio_setup.model.report import CommandResult
from studio_setup.model.text import printable

LOG = logging.getLogger("studio_setup")
# Without this, Python would print the bare names of some events where a program has configured no logging.
LOG.addHandler(logging.NullHandler())
# A character has at most four bytes in the log, and one field of a line at most is long: so a line stays below the
# 256 KiB that CloudWatch Logs takes for one event.
MAX_TEXT_CHARACTERS = 40_000

_CONTEXT: ContextVar[Mapping[str, object]] = ContextVar("log_context", default=MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Event:
    """One kind of line: `fields` are its own, beside those that every line of a setup has if it is one of them."""

    name: str
    meaning: str
    fields: Mapping[str, object] = field(default_factory=dict)  # name → type, as the schema is made of it
    level: int = logging.INFO
    is_of_setup: bool = True

    def log(self, level: int | None = None, /, **fields: object) -> None:
        """Write a line, with the fields that are common to all lines of the setup."""
        LOG.log(level or self.level, self.name, extra={**_CONTEXT.get(), **_bounded(fields)})


@contextmanager
def log_context(fields: Mapping[str, object]) -> Iterator[None]:
    """Add these fields to every line that this thread writes meanwhile, on top of those that are added already."""
    token = _CONTEXT.set({**_CONTEXT.get(), **fields})
    try:
        yield
    finally:
        _CONTEXT.reset(token)


def add_to_context(**fields: object) -> None:
    """Add what has become known to every further line, until the innermost `log_context` ends."""
    _CONTEXT.set({**_CONTEXT.get(), **fields})


def _bounded(fields: Mapping[str, object]) -> dict[str, object]:
    return {
        name: printable(value[:MAX_TEXT_CHARACTERS]) if isinstance(value, str) else value
        for name, value in fields.items()
    }


SETUP_STARTED = Event("setup.started", "An attempt at a setup begins.", {"event_id": str})
SETUP_FINISHED = Event(
    "setup.finished",
    "An attempt at a setup is over; the fields are those of the report. At level ERROR if the outcome is an error. An"
    " event that is ignored has only outcome, code and reason; a setup that is not valid has these, its app and what"
    " asked for it.",
)
SETUP_CRASHED = Event(
    "setup.crashed",
    "A defect of Studio Setup, or of `setup_for`: an exception that nothing was prepared for; with the app, if it is"
    " known. Lambda's own line has the traceback.",
    {"error": str, "reason": str},
    logging.ERROR,
    is_of_setup=False,
)
CONTROL_PLANE_WAITING = Event(
    "control_plane.waiting",
    "A call of the SageMaker API was throttled or failed; the next one is made after a pause.",
    {"operation": str, "aws_code": str},
)
USER_FOUND = Event(
    "user.found",
    "The app belongs to a space; this is the user profile to log in as.",
    {"login_user_profile_name": str, "is_owner": bool},
)
APP_WAITING = Event("app.waiting", "The app is not in service yet.", {"status": str, "waited_seconds": float})
APP_IN_SERVICE = Event("app.in_service", "DescribeApp says InService.", {"waited_seconds": float})
LOGIN_DONE = Event(
    "login.done", "The presigned URL led into the app.", {"host": str, "landing_uri": str, "redirects": int}
)
LOGIN_REFUSED = Event("login.refused", "A login failed, and another one is tried.", {"reason": str}, logging.WARNING)
TERMINAL_OPENED = Event("terminal.opened", "A terminal of our own is open, with our shell in it.", {"terminal": str})
CONNECTION_LOST = Event(
    "connection.lost",
    "The connection to the app broke; unless the time is up, it is opened again.",
    {"reason": str},
    logging.WARNING,
)
RUN_CLAIMED = Event("run.claimed", "The run of this app start is known.", {"run_id": str, "resumed": bool})
CLAIM_UNCHECKED = Event(
    "claim.unchecked",
    "The log could not be asked whether an attempt of ours made the claim that the app holds; it is taken for ours.",
    {"run_id": str, "reason": str},
    logging.WARNING,
)
LIBRARY_ERROR = Event(
    "library.error",
    "A library below has logged an error; its text is left out, because it may hold URLs and headers.",
    {"library": str},
    logging.ERROR,
)
COMMAND_STARTED = Event(
    "command.started",
    "A command is started, or joined if it was started before.",
    {"command": str},
)
COMMAND_OUTPUT = Event(
    "command.output", "Text that a command printed: whole lines, made printable.", {"command": str, "text": str}
)
COMMAND_OUTPUT_LEFT_OUT = Event(
    "command.output_left_out",
    "The middle of a long output is not logged, or nothing of it where the command says so; all of it is in the app at"
    " `log_path`.",
    {"command": str, "left_out_bytes": int, "log_path": str},
)
COMMAND_FINISHED = Event("command.finished", "A command is over.", {"command": str, "result": CommandResult})
COMMAND_STOPPED = Event("command.stopped", "A command was ended by Ctrl-C.", {"command": str}, logging.WARNING)
RECONCILE_FOUND = Event(
    "reconcile.found",
    "The reconcile function has looked at the running apps; `missed` is how many of them nobody has taken up.",
    {"running": int, "missed": int},
    is_of_setup=False,
)
RECONCILE_ASKED = Event(
    "reconcile.asked",
    "The setup of an app was asked for, because the event of its start never came.",
    {**dict.fromkeys(("app", *(name.name for name in dataclasses.fields(App))), str), "app_created_at": str},
    is_of_setup=False,
)
RECONCILE_FINISHED = Event(
    "reconcile.finished",
    "The reconcile function is done; `left` is how many missed apps it leaves to its next run.",
    {"asked": int, "left": int},
    is_of_setup=False,
)
RECONCILE_FAILED = Event(
    "reconcile.failed",
    "The reconcile function could not look, or could not ask. Lambda's own line has the traceback.",
    {"error": str, "reason": str},
    logging.ERROR,
    is_of_setup=False,
)

EVENTS: dict[str, Event] = {event.name: event for event in list(vars().values()) if isinstance(event, Event)}
