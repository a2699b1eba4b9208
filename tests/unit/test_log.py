"""The log: lines of declared events, with what all lines of a setup have in common, of bounded size."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio_setup.model import log
from studio_setup.model.log import EVENTS, Event, add_to_context, log_context

SRC = Path(__file__).parents[2] / "src"
CLOUDWATCH_EVENT_BYTES = 256 * 1024
PLAIN = set(vars(logging.makeLogRecord({}))) | {"message", "taskName"}


@pytest.fixture(autouse=True)
def _log_at_info(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO, "studio_setup"):
        yield


def _fields(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [{name: value for name, value in vars(record).items() if name not in PLAIN} for record in caplog.records]


def test_a_line_has_the_events_name_level_and_fields(caplog: pytest.LogCaptureFixture) -> None:
    """The message is the name alone; all loggers are one."""
    Event("spam.eaten", "Somebody ate.", {"count": int}, logging.WARNING).log(count=3, text="spam")
    (record,) = caplog.records
    assert (record.name, record.levelno, record.getMessage(), record.args) == (
        "studio_setup",
        logging.WARNING,
        "spam.eaten",
        (),
    )
    assert _fields(caplog) == [{"count": 3, "text": "spam"}]


def test_a_line_may_have_another_level(caplog: pytest.LogCaptureFixture) -> None:
    """Where the outcome decides."""
    log.SETUP_FINISHED.log(logging.ERROR)
    log.SETUP_FINISHED.log()
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.INFO]


def test_the_lines_of_a_setup_have_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    """Those that were known from the beginning, and those that became known; a line's own win; then they end."""
    with log_context({"app": "a", "run_id": ""}):
        log.SETUP_STARTED.log()
        add_to_context(run_id="r")
        with log_context({"inner": 1}):
            log.RUN_CLAIMED.log(app="mine")
        log.APP_WAITING.log()
    log.APP_WAITING.log()
    assert _fields(caplog) == [
        {"app": "a", "run_id": ""},
        {"app": "mine", "run_id": "r", "inner": 1},
        {"app": "a", "run_id": "r"},
        {},
    ]


def test_a_setup_that_is_interrupted_leaves_no_fields(caplog: pytest.LogCaptureFixture) -> None:
    """Lambda keeps the process: the next setup's lines are not the last one's."""
    with pytest.raises(KeyboardInterrupt), log_context({"app": "a"}):
        raise KeyboardInterrupt
    log.APP_WAITING.log()
    assert _fields(caplog) == [{}]


def test_two_setups_at_once_do_not_mix_their_fields(caplog: pytest.LogCaptureFixture) -> None:
    """Each thread has its own."""
    together = threading.Barrier(2, timeout=20)

    def set_up(app: str) -> None:
        with log_context({"app": app}):
            together.wait()
            add_to_context(run_id=app)
            together.wait()
            log.APP_WAITING.log(status=app)

    threads = [threading.Thread(target=set_up, args=[app]) for app in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(_fields(caplog), key=str) == [{"app": app, "run_id": app, "status": app} for app in "ab"]


def test_text_in_a_line_is_printable(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it quotes from outside; line ends and tabs stay."""
    log.COMMAND_OUTPUT.log(command="one", text="\x1b[31mred\x1b[0m\r\n\ttab\u202e\x9b")
    assert _fields(caplog) == [{"command": "one", "text": "red\n\ttab"}]


@pytest.mark.parametrize("character", ["x", "\ufffd", "☃", '"', "\\", "\t", "\n", "\x00", "\x1b", "🎉"])
@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_no_line_is_longer_than_cloudwatch_takes(
    caplog: pytest.LogCaptureFixture, event: Event, character: str
) -> None:
    """With a text of any length in it, in UTF-8 as Lambda's formatter writes it, a line stays below 256 KiB."""
    common = dict.fromkeys(("app", "domain_id", "space_name", "app_name", "setup_version", "run_id"), "x" * 100)
    with log_context(common):
        event.log(reason=character * 300_000)
    (fields,) = _fields(caplog)
    line = {"timestamp": "x" * 30, "level": "ERROR", "message": event.name, "requestId": "x" * 40, **fields}
    assert len(json.dumps(line, ensure_ascii=False).encode()) < CLOUDWATCH_EVENT_BYTES


@pytest.mark.parametrize("character", ["x", "☃", "🎉"])
def test_of_a_long_text_the_beginning_is_logged(caplog: pytest.LogCaptureFixture, character: str) -> None:
    """As much of it as fits, whole characters only."""
    log.COMMAND_OUTPUT.log(text=character * 50_000)
    log.COMMAND_OUTPUT.log(text="x" + character * 50_000)
    first, second = [fields["text"] for fields in _fields(caplog)]
    assert first == character * 40_000
    assert second == "x" + character * 39_999


def test_the_table_has_every_event_under_its_name() -> None:
    """No two events have the same name, which would hide one of them."""
    declared = [event for event in vars(log).values() if isinstance(event, Event)]
    assert list(EVENTS.values()) == declared
    assert [event.name for event in declared] == list(EVENTS)


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)
def test_every_event_says_in_sentences_what_it_means(event: Event) -> None:
    """Its name is one or two words with a dot between them; no field of its own has the name of a record's."""
    assert event.meaning.endswith(".")
    assert all(part.isidentifier() and part.islower() for part in event.name.split("."))
    assert not PLAIN & event.fields.keys()


def test_a_program_that_configures_no_logging_hears_nothing() -> None:
    """A notebook would show `connection.lost`, without its reason, between the outputs of its cells."""
    program = "from studio_setup.model import log; log.CONNECTION_LOST.log(reason='x')"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SRC)})
    assert (done.stdout, done.stderr) == ("", "")
