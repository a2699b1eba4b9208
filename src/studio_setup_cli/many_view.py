"""What many apps print, as a person or a pipe wants to read it: prefixed by app as it comes, or grouped at the end."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Self, TextIO

from studio_setup.model import log
from studio_setup.model.app import App
from studio_setup.model.text import printable
from studio_setup_cli.run_results import Ending

_RULE = "-" * 15


def short_names(apps: Sequence[App]) -> dict[App, str]:
    """A name for each app: that of its user or space, or the app's label where that could be two apps."""
    counts = Counter(app.space_name or app.user_profile_name for app in apps)
    labels = Counter(app.label for app in apps)

    def name(app: App) -> str:
        short = app.space_name or app.user_profile_name
        if counts[short] == 1:
            return short
        return f"space:{app.label}" if app.space_name and labels[app.label] > 1 else app.label

    return {app: name(app) for app in apps}


class PrefixedOutput:
    """Shows text with the app's name before each line; called from several threads, it never mixes two lines."""

    def __init__(self, stream: TextIO, names: dict[App, str]) -> None:
        self._stream = stream
        self._names = names
        self._lock = threading.Lock()

    def show(self, app: App, text: str) -> None:
        """Show what a command printed: whole lines."""
        shown = "".join(f"{self._names[app]}: {line}\n" for line in printable(text).removesuffix("\n").split("\n"))
        with self._lock:
            self._stream.write(shown)
            self._stream.flush()


def grouped(endings: Iterable[Ending], names: dict[App, str]) -> str:
    """Each output once, below the apps that gave it and how it ended there; what most apps gave comes first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for ending in endings:
        groups.setdefault((ending.said, ending.output), []).append(names[ending.app])
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return "".join(_group(sorted(apps), said, output) for (said, output), apps in ordered)


def _group(apps: list[str], said: str, output: str) -> str:
    text = output if not output or output.endswith("\n") else f"{output}\n"
    return f"{_RULE}\n{', '.join(apps)} ({len(apps)}): {said}\n{_RULE}\n{text}"


class Begun(logging.Handler):
    """Hears from the engine in which apps the command was started, and where it was ended by Ctrl-C."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._state: dict[str, str] = {}
        self._logger = logging.getLogger(log.LOG.name)

    def __enter__(self) -> Self:
        self._logger.setLevel(logging.INFO)
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Note what happened where."""
        self._state[str(record.__dict__.get("app"))] = record.getMessage()

    def said_of(self, app: App) -> str:
        """What is known of an app whose result did not come, in a few words."""
        last = self._state.get(app.label, "")
        if last == log.COMMAND_STOPPED.name:
            return "stopped; its process group was ended"
        if last == log.COMMAND_FINISHED.name:
            return "ended by itself meanwhile"
        if last in {log.COMMAND_STARTED.name, log.COMMAND_OUTPUT.name, log.COMMAND_OUTPUT_LEFT_OUT.name}:
            return "not known to be stopped; it may go on in the app until its time limit"
        return "not begun"


def summary(endings: Sequence[Ending], not_begun: int, say: Callable[[str], object]) -> None:
    """Say in one line how many apps ended how."""
    counts = Counter(str(ending.outcome) for ending in endings)
    parts = [f"{count} {outcome}" for outcome, count in counts.most_common()]
    parts += [f"{not_begun} not begun"] if not_begun else []
    total = len(endings) + not_begun
    if total:
        say(f"{total} app{'s' if total != 1 else ''}: {', '.join(parts)}")
