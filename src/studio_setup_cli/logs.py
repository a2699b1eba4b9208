"""`studio-setup logs`: one user's or space's setup, from the function's log, as a person wants to read it."""

from __future__ import annotations

import json
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import click

from studio_setup.fleet.apps import Selection
from studio_setup.fleet.function_log import LogLine, from_ms
from studio_setup.fleet.setup_log import SetupLog
from studio_setup.model import log
from studio_setup.model.errors import BadInput
from studio_setup.model.text import printable
from studio_setup_cli.aws import call_errors
from studio_setup_cli.options import selection_options, stack_options
from studio_setup_cli.stack import Place, find_sources
from studio_setup_cli.terminal_view import EventView

_LOOK_AGAIN_SECONDS = 2.0
# So many of the last lines are remembered, so as not to be shown again by --follow.
_REMEMBERED_LINES = 10_000

Show = Callable[[LogLine], None]


@click.command(
    epilog="Exit status: 0; 2 bad input, or nothing in the log. Permissions: cloudformation:DescribeStacks and"
    " logs:FilterLogEvents."
)
@selection_options
@click.option("--all", "every", is_flag=True, help="Show every attempt that the log still has, oldest first.")
@click.option("--follow", is_flag=True, help="Go on until the setup that runs, or else the next one, is over.")
@click.option("--output-of", default="", metavar="COMMAND", help="Print what this command printed, and nothing else.")
@click.option("--json", "as_json", is_flag=True, help="Print every line of the log as one JSON object.")
@stack_options
def logs(*, place: Place, selection: Selection, every: bool, follow: bool, output_of: str, as_json: bool) -> int:
    """Show the last setup of one user or space: what its commands printed, and how it ended.

    That is the last attempt that did something; those that found everything done are shown with --all.
    """
    if len(selection.user_profile_names) + len(selection.space_names) != 1:
        raise BadInput("Whose log is it? Give one --user-profile-name or one --space-name.")
    if output_of and as_json:
        raise BadInput("Give --output-of or --json, not both.")
    setup_log = SetupLog(find_sources(place).function_log, selection)
    with call_errors(), EventView(sys.stdout, "the log") as view:
        show = _show_json(view) if as_json else _show_output(view, output_of) if output_of else _show_event(view)
        seen = _Seen()
        for line in _lines(setup_log, every=every, follow=follow):
            seen.note(line)
            show(line)
    if not follow:
        seen.check(selection, output_of)
        if not (output_of or as_json or every) and not seen.ended:
            click.echo("It has not ended: it still runs (--follow goes on here), or the function was killed.")
    return 0


class _Seen:
    """What was in the lines so far."""

    def __init__(self) -> None:
        self.lines = 0
        self.ended = False
        self._commands: dict[str, int] = {}  # in the order of their first lines

    def note(self, line: LogLine) -> None:
        self.lines += 1
        self.ended = line.fields["message"] == log.SETUP_FINISHED.name
        command = line.fields.get("command")
        if isinstance(command, str):
            self._commands[command] = self.lines

    def check(self, selection: Selection, output_of: str) -> None:
        """Was there anything to show?"""
        if not self.lines:
            raise BadInput(f"The log has no setup of {selection}.")
        if output_of and output_of not in self._commands:
            ran = ", ".join(self._commands) or "none"
            raise BadInput(f"No command {output_of!r} was started; those that were: {ran}.")


def _lines(setup_log: SetupLog, *, every: bool, follow: bool) -> Iterator[LogLine]:
    last: deque[LogLine] = deque(maxlen=_REMEMBERED_LINES)
    for line in setup_log.every(_now()) if every else setup_log.last(_now()):
        last.append(line)
        yield line
    for line in setup_log.follow(last, _now, lambda: time.sleep(_LOOK_AGAIN_SECONDS)) if follow else ():
        yield line
        if line.fields["message"] == log.SETUP_FINISHED.name:
            return


def _show_event(view: EventView) -> Show:
    return lambda line: view.show_logged(from_ms(line.at_ms), str(line.fields["message"]), line.fields)


def _show_output(view: EventView, command: str) -> Show:
    def show(line: LogLine) -> None:
        if line.fields["message"] == log.COMMAND_OUTPUT.name and line.fields.get("command") == command:
            view.write(printable(str(line.fields.get("text", ""))))

    return show


def _show_json(view: EventView) -> Show:
    return lambda line: view.write(json.dumps({"logged_at": from_ms(line.at_ms).isoformat(), **line.fields}))


def _now() -> datetime:
    return datetime.now(UTC)
