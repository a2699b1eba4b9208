"""The output: what the setup prints as it comes, then what came of each start, then the findings."""

from __future__ import annotations

import logging
import textwrap
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from studio_setup.model.report import SetupReport
from studio_setup.model.text import one_line, printable
from studio_setup_cli.terminal_view import command_result
from try_setup import findings
from try_setup.home import Changes
from try_setup.results import TriedApp, TriedStart
from try_setup.script_checks import hosts_named
from try_setup.secret_shapes import without_secrets

_MOST_PATHS = 20
_MOST_OF_A_FOLDER = 3


class Screen(logging.Handler):
    """Writes to a stream; as a handler of the engine's log, what commands print, without what looks secret."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(logging.INFO)
        self._stream = stream

    def say(self, text: str, indent: int = 0) -> None:
        """Write lines, without what a terminal would take for more than text: scripts choose names of files too."""
        self._stream.write(textwrap.indent(printable(text), " " * indent) + "\n")
        self._stream.flush()

    @contextmanager
    def following_the_engine(self) -> Iterator[None]:
        """Write what commands print meanwhile."""
        engine = logging.getLogger("studio_setup")
        level = engine.level
        engine.setLevel(logging.INFO)
        engine.addHandler(self)
        try:
            yield
        finally:
            engine.removeHandler(self)
            engine.setLevel(level)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record of the engine's, if it is about a command."""
        event, fields = record.getMessage(), record.__dict__
        if event == "command.started":
            self.say(f"$ {fields['command']}", 4)
        elif event == "command.output":
            self.say(without_secrets(fields["text"].rstrip("\n")), 6)
        elif event == "command.finished":
            self.say(command_result(fields["result"]), 4)
        elif event == "connection.lost":
            self.say(f"Connection lost ({fields['reason']}); connecting again. What runs in the app goes on.", 4)

    def start_result(self, start: TriedStart) -> None:
        """Write what came of one start."""
        self.say(_verdict(start.report), 4)
        self.changes(start.changes)
        self.say(_network(start), 4)
        self.say(_left(start), 4)

    def changes(self, changes: Changes) -> None:
        """Write how the home changed."""
        if not changes:
            self.say("home: nothing changed", 4)
            return
        counts = f"{len(changes.added)} added, {len(changes.changed)} changed, {len(changes.removed)} removed"
        self.say(f"home: {counts}", 4)
        self._paths("+", _by_folder(changes.added))
        self._paths("~", [f"{path}  ({difference})" for path, difference in changes.changed])
        self._paths("-", _by_folder(changes.removed))

    def app_result(self, tried: TriedApp, about_files: list[str]) -> None:
        """Write what the starts of an app say together, and the warnings."""
        self.say(f"\n{tried.app_type}: {'succeeded' if tried.succeeded else 'FAILED'}. {findings.second_start(tried)}")
        hosts = sorted({host for command in tried.setup.commands for host in hosts_named(command.script)})
        if hosts:
            self.say(f"Hosts that the scripts name: {', '.join(hosts)}", 2)
        for warning in [*about_files, *findings.about_scripts(tried.setup), *findings.about_runs(tried)]:
            self.say(f"warning: {without_secrets(warning)}", 2)

    def _paths(self, mark: str, paths: list[str]) -> None:
        for path in paths[:_MOST_PATHS]:
            self.say(f"{mark} {one_line(path)}", 6)
        if len(paths) > _MOST_PATHS:
            self.say(f"{mark} … and {len(paths) - _MOST_PATHS} more", 6)


def _by_folder(paths: tuple[str, ...]) -> list[str]:
    """The paths, but for folders of the home with many of them only how many."""
    counts = Counter(path.split("/")[0] for path in paths)
    many = {folder for folder, count in counts.items() if count > _MOST_OF_A_FOLDER}
    shown = []
    for path in paths:
        folder = path.split("/")[0]
        shown.append(f"{folder}/…  ({counts[folder]} files)" if folder in many else path)
    return list(dict.fromkeys(shown))


def _verdict(report: SetupReport) -> str:
    reason = f": {report.reason}" if report.reason else ""
    return f"{report.outcome}{reason}, {report.seconds:.1f} s"


def _network(start: TriedStart) -> str:
    if start.names is not None:
        return f"network: off; names asked for: {', '.join(start.names) or 'none'}"
    seen = ", ".join(start.addresses)
    return f"network: connected to {seen}" if seen else "network: no connection beyond this machine was seen"


def _left(start: TriedStart) -> str:
    if not start.terminals and not start.processes:
        return "left: no terminal, no process"
    return f"left: {len(start.terminals)} terminals, {len(start.processes)} processes"
