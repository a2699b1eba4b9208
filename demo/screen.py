"""The output of the demo: numbered steps with their times, log lines in words, the report as a table."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

_SENTENCES = {
    "setup.started": "An app has started: {app_type} {app_name!r} of {whose}.",
    "app.waiting": "Waiting for the app ({status}) …",
    "app.in_service": "The app is in service.",
    "login.done": "Logged in at {host} with a presigned URL.",
    "terminal.opened": "Opened terminal {terminal}.",
    "run.claimed": "Run {run_id} has claimed this app start.",
    "command.started": "$ {command}",
    "connection.lost": "Lost the connection ({reason}). The run goes on in the app; connecting again.",
}
_MORE_THAN_ONCE = {"command.started", "command.output", "command.finished", "connection.lost", "terminal.opened"}
# The lines of SAM's output that show its progress.
_PROGRESS = re.compile(r"^(Build Succeeded|\s*Successfully |(CREATE|UPDATE|DELETE)_COMPLETE |\s*- Deleting )")


class Screen:
    """Writes to a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun = time.monotonic()
        self._number = 0
        self._said: set[str] = set()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Write the heading of a step, and at its end how long it took."""
        self._number += 1
        self.say(f"\n[{self._number}] {title}")
        begun = time.monotonic()
        yield
        self.say(f"    … {time.monotonic() - begun:.1f} s")

    def say(self, text: str) -> None:
        """Write a line."""
        self._stream.write(text + "\n")
        self._stream.flush()

    def detail(self, text: str) -> None:
        """Write lines that belong to a step."""
        for line in text.splitlines():
            self.say(f"    {line}")

    def printed(self, line: str) -> None:
        """Write a line that a command has printed, as much of it as the terminal has room for."""
        room = shutil.get_terminal_size((160, 24)).columns - len("    ")
        self.detail(line if len(line) <= room else f"{line[: room - 1]}…")

    def progress(self, line: str) -> None:
        """Write a line of SAM's output, if it shows progress."""
        if _PROGRESS.match(line):
            self.detail(re.sub(r"\s{2,}", "  ", line.strip()))

    def log_line(self, line: dict[str, Any], seconds: float) -> None:
        """Write a line of the function's log in words."""
        message = line.get("message", "")
        if message == "command.output":
            text = "".join(f"\n{' ' * 12}{output}" for output in line["text"].splitlines())[1:]
        elif message == "command.finished":
            result = line["result"]
            text = f"{seconds:7.1f} s  {line['command']}: exit status {result['exit_status']}, {result['seconds']} s"
        elif message in _SENTENCES and (message in _MORE_THAN_ONCE or message not in self._said):
            self._said.add(message)
            words = {**line, "whose": line.get("space_name") or line.get("user_profile_name")}
            text = f"{seconds:7.1f} s  {_SENTENCES[message].format_map(words)}"
        else:
            return
        self.say(text)

    def report(self, report: dict[str, Any]) -> None:
        """Write the report."""
        self.detail(f"outcome      {report['outcome']}" + (f": {report['reason']}" if report["reason"] else ""))
        self.detail(f"run          {report['run_id']}, {report['seconds']:.1f} s")
        for one in report["commands"]:
            self.detail(
                f"{one['name']:<20} {one['state']}, exit status {one['exit_status']}, "
                f"{one['seconds']:.2f} s, {one['output_bytes']} bytes of output"
            )

    def done(self, text: str) -> None:
        """Write the last line of a demo that succeeded."""
        self.say(f"\n{text} ({time.monotonic() - self._begun:.0f} s)")

    def failed(self, text: str) -> None:
        """Write the last line of a demo that failed."""
        self.say(f"\nFAILED: {text}")
