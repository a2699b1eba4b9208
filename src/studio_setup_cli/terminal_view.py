"""The engine's log, as a person at a terminal wants to see it: output as it comes, and what is being waited for."""

from __future__ import annotations

import logging
import threading
from typing import Self, TextIO

from studio_setup.model.deadline import Stopwatch

_TICK_SECONDS = 0.5
_SENTENCES = {
    "app.in_service": "The app is in service.",
    "login.done": "Logged in at {host}.",
    "login.refused": "{reason}",
    "terminal.opened": "Opened terminal {terminal}.",
    "connection.lost": "Connection lost: {reason} Connecting again.",
    "command.stopped": "Stopped {command}.",
    "command.output_left_out": "[{left_out_bytes} bytes not shown; all of it is in the app: {log_path}]",
}
_WAITS = {
    "control_plane.waiting": "SageMaker to take the call {operation} ({aws_code})",
    "app.waiting": "the app to be in service ({status})",
    "app.in_service": "the login",
    "login.done": "the Jupyter server",
    "terminal.opened": "the run",
    "command.started": "{command}",
    "connection.lost": "a new connection",
}


class TerminalView(logging.Handler):
    """Shows log records on a stream; on a terminal, with a line below that says what is waited for, and how long."""

    def __init__(self, stream: TextIO, wait: str = "SageMaker") -> None:
        super().__init__(logging.INFO)
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._wait = wait
        self._watch = Stopwatch()
        self._stopped = threading.Event()
        self._ticker = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> Self:
        logging.getLogger("studio_setup").setLevel(logging.INFO)
        if self._is_terminal:
            self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        logging.getLogger("studio_setup").removeHandler(self)
        if self._ticker.is_alive():
            self._ticker.join()
        self._erase()

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record of the engine's: its event name decides how."""
        event, fields = record.getMessage(), record.__dict__
        self._erase()
        if event == "command.started":
            self._stream.write(f"== {fields['command']}\n")
        elif event == "command.output":
            self._stream.write(fields["text"] if fields["text"].endswith("\n") else fields["text"] + "\n")
        elif event in _SENTENCES:
            self._stream.write(_SENTENCES[event].format_map(fields) + "\n")
        if event in _WAITS:
            wait = _WAITS[event].format_map(fields)
            if wait != self._wait:
                self._wait, self._watch = wait, Stopwatch()
        self._stream.flush()

    def _tick(self) -> None:
        while not self._stopped.wait(_TICK_SECONDS):
            with self.lock or threading.RLock():
                self._erase()
                self._stream.write(f"waiting for {self._wait}, {self._watch.seconds:.0f} s")
                self._stream.flush()

    def _erase(self) -> None:
        if self._is_terminal:
            self._stream.write("\r\x1b[K")
