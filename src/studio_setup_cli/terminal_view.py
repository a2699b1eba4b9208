"""The engine's events, as a person at a terminal wants to see them: output as it comes, and what is being waited for.

They come as records while a setup runs here, and as lines of the function's log.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Self, TextIO

from studio_setup.model import log
from studio_setup.model.deadline import Stopwatch
from studio_setup.model.text import printable

_TICK_SECONDS = 0.5
_SENTENCES = {
    "app.in_service": "The app is in service.",
    "login.done": "Logged in at {host}.",
    "login.refused": "{reason}",
    "terminal.opened": "Opened terminal {terminal}.",
    "connection.lost": "Connection lost: {reason} Connecting again.",
    "command.started": "== {command}",
    "command.stopped": "Stopped {command}.",
    "command.output_left_out": "[{left_out_bytes} bytes not shown; all of it is in the app: {log_path}]",
}
_BEGINNING = "{app}: attempt {attempt} at setup {setup_version} begins ({trigger})"
_WAITS = {
    "control_plane.waiting": "SageMaker to take the call {operation} ({aws_code})",
    "app.waiting": "the app to be in service ({status})",
    "app.in_service": "the login",
    "login.done": "the Jupyter server",
    "terminal.opened": "the run",
    "command.started": "{command}",
    "connection.lost": "a new connection",
}


def is_screen(stream: TextIO) -> bool:
    """Is it a terminal that can erase what was written?"""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class OutputClosed(KeyboardInterrupt):
    """Whoever read our output is gone: as Ctrl-C, it ends what runs, in the app too."""


class EventView:
    """Shows events on a stream; on a terminal, with a line below that says what is waited for, and how long.

    What an event's fields say is made printable; one that is missing is shown as `?`.

    Raises:
        OutputClosed: nobody reads the stream any more, the first time; then nothing more is shown.
    """

    def __init__(self, stream: TextIO, wait: str) -> None:
        self._stream = stream
        self._is_terminal = is_screen(stream)
        self._wait = wait
        self._watch = Stopwatch()
        self._stopped = threading.Event()
        self._is_closed = False
        self._lock = threading.RLock()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        if self._ticker.is_alive():
            self._ticker.join()
        with suppress(OutputClosed):
            self._put("")

    def show(self, event: str, fields: Mapping[str, object]) -> None:
        """Show an event: its name decides how."""
        shown = _Fields(fields)
        if event == "command.output":
            self.write(shown["text"])
        elif event in _SENTENCES:
            self.write(_SENTENCES[event].format_map(shown))
        if event in _WAITS:
            self.wait_for(_WAITS[event].format_map(shown))

    def show_logged(self, at: datetime, event: str, fields: Mapping[str, object]) -> None:
        """Show an event that was logged then, also what somebody who runs a setup here reads in its report."""
        time, result = f"{at:%Y-%m-%d %H:%M:%S} UTC", fields.get("result")
        if event == "setup.started":
            self.write(f"{time}  {_BEGINNING.format_map(_Fields(fields))}")
        elif event == "setup.finished":
            self.write(f"{time}  {_ending(_Fields(fields))}")
        elif event == "command.finished" and isinstance(result, Mapping):
            self.write(command_result(result))
        else:
            self.show(event, fields)

    def write(self, text: str) -> None:
        """Show a text, as whole lines."""
        self._put(text if text.endswith("\n") else f"{text}\n")

    def wait_for(self, what: str) -> None:
        """Say from now on that this is waited for."""
        with self._lock:
            if what != self._wait:
                self._wait, self._watch = what, Stopwatch()

    def _tick(self) -> None:
        with suppress(OSError):  # whoever shows the next event hears of it
            while not self._stopped.wait(_TICK_SECONDS):
                with self._lock:
                    self._write(f"waiting for {self._wait}, {self._watch.seconds:.0f} s")

    def _put(self, text: str) -> None:
        with self._lock:
            if self._is_closed:
                return
            try:
                self._write(text)
            except OSError:  # a pipe without a reader, a terminal that hung up
                self._is_closed = True
                raise OutputClosed from None

    def _write(self, text: str) -> None:
        """Write a text in the place of the line below."""
        self._stream.write(f"\r\x1b[K{text}" if self._is_terminal else text)
        self._stream.flush()


class TerminalView(logging.Handler):
    """Shows the records of what runs here; `command` is the name to show for the command.

    Every command has a terminal of its own, which is gone with it: that is not shown.
    """

    def __init__(self, stream: TextIO, wait: str = "SageMaker") -> None:
        super().__init__(logging.INFO)
        self._view = EventView(stream, wait)
        self.command = ""

    def __enter__(self) -> Self:
        logger = logging.getLogger("studio_setup")
        logger.setLevel(logging.INFO)
        logger.addHandler(self)
        self._view.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        logging.getLogger("studio_setup").removeHandler(self)
        self._view.__exit__(*details)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record of the engine's."""
        named = {"command": self.command} if self.command else {}
        event = record.getMessage()
        if event == log.TERMINAL_OPENED.name:
            self._view.wait_for(_WAITS[event])
        else:
            self._view.show(event, record.__dict__ | named)


class _Fields:
    """Fields as texts fit to be shown: `-` for what has no value, `?` for what is missing."""

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        value = self._fields.get(name, "?")
        return "-" if value is None else printable(str(value))


def command_result(fields: Mapping[str, object]) -> str:
    """How a command ended, in one line; `fields` are those of a `CommandResult`."""
    left_out = ", {left_out_bytes} not shown: {log_path}" if fields.get("left_out_bytes") else ""
    text = "{name}: {state}, exit status {exit_status}, {seconds} s, {output_bytes} bytes"
    return (text + left_out).format_map(_Fields(fields))


def _ending(shown: _Fields) -> str:
    """How a setup ended: outcome, code where it says more, reason where there is one."""
    verdict = ", ".join(dict.fromkeys((shown["outcome"], shown["code"])))
    return f"{verdict}: {shown['reason']}" if shown["reason"] else verdict
