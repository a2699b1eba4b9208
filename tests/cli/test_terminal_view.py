"""What a person sees while a setup runs here: the engine's events, and what is being waited for."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from studio_setup.model import log
from studio_setup.model.report import CommandResult, CommandState
from studio_setup_cli.terminal_view import EventView, TerminalView, command_result
from tests.support.screen import Screen
from tests.support.waiting import wait_until

RESULT = CommandResult("one", CommandState.EXITED, 3, 1.5, 10, 0, "/tmp/one.log")


@pytest.fixture(autouse=True)
def _level_as_before() -> Iterator[None]:
    """A view lets the engine say everything; the next test knows nothing of it."""
    level = log.LOG.level
    yield
    log.LOG.setLevel(level)


def test_what_the_engine_logs_is_shown() -> None:
    """Output as it is, the rest as sentences; what only machines want is left out."""
    stream = io.StringIO()
    with TerminalView(stream):
        log.SETUP_STARTED.log(event_id="")
        log.APP_IN_SERVICE.log(waited_seconds=1.0)
        log.TERMINAL_OPENED.log(terminal="studiosetup0123456789abcdef")
        log.COMMAND_STARTED.log(command="one")
        log.COMMAND_OUTPUT.log(command="one", text="hello\n")
        log.COMMAND_OUTPUT.log(command="one", text="no line end")
        log.COMMAND_FINISHED.log(command="one", result=RESULT.as_fields())
        log.SETUP_FINISHED.log(outcome="succeeded")
    assert stream.getvalue() == "The app is in service.\n== one\nhello\nno line end\n"


def test_after_it_nothing_is_shown() -> None:
    """A view that is over is no handler any more."""
    with TerminalView(io.StringIO()) as view:
        assert view in log.LOG.handlers
    assert view not in log.LOG.handlers


def test_every_sentence_can_be_filled() -> None:
    """Each event that is shown has the fields that its sentence names."""
    stream = io.StringIO()
    view = TerminalView(stream)
    for event in log.EVENTS.values():
        record = logging.LogRecord("studio_setup", logging.INFO, "", 0, event.name, None, None)
        record.__dict__.update(dict.fromkeys(event.fields, "value"))
        view.emit(record)
    assert "Connection lost: value" in stream.getvalue()
    assert "?" not in stream.getvalue()


def test_on_a_terminal_it_says_what_is_waited_for() -> None:
    """A line below counts the seconds, and makes room for what comes."""
    screen = Screen()
    with EventView(screen, "SageMaker") as view:
        wait_until(lambda: "waiting for SageMaker, " in screen.text, "the line below", 10)
        view.show("app.waiting", {"status": "Pending"})
        wait_until(lambda: "waiting for the app to be in service (Pending), " in screen.text, "the line below", 10)
        view.show("app.in_service", {})
    assert "\r\x1b[KThe app is in service.\n" in screen.getvalue()
    assert screen.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("result", "text"),
    [
        (RESULT, "one: exited, exit status 3, 1.5 s, 10 bytes"),
        (
            replace(RESULT, left_out_bytes=4),
            "one: exited, exit status 3, 1.5 s, 10 bytes, 4 not shown: /tmp/one.log",
        ),
        (
            replace(RESULT, state=CommandState.LOST, exit_status=None, seconds=None),
            "one: lost, exit status -, - s, 10 bytes",
        ),
    ],
)
def test_a_result_is_a_line(result: CommandResult, text: str) -> None:
    """How a command ended, the same from a report and from the log."""
    assert command_result(result.as_fields()) == text
