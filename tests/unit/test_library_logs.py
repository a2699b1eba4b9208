"""What the libraries below may write into the log: that there was an error, and nothing of what they say."""

from __future__ import annotations

import logging

import pytest

from studio_setup.access.library_logs import quiet_libraries

SECRET = "SECRET-0123456789"
LOGGERS = ["boto3", "botocore", "botocore.hooks", "requests", "urllib3", "urllib3.connectionpool", "websocket"]
BELOW_ERROR = [logging.DEBUG, logging.INFO, logging.WARNING]


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


@pytest.mark.parametrize("level", BELOW_ERROR)
@pytest.mark.parametrize("name", LOGGERS)
def test_nothing_below_an_error_is_logged(caplog: pytest.LogCaptureFixture, name: str, level: int) -> None:
    """urllib3 warns of a malformed header with the whole URL."""
    quiet_libraries()
    logging.getLogger(name).log(level, "Failed to parse headers (url=%s)", SECRET)
    assert caplog.records == []


@pytest.mark.parametrize("level", [logging.ERROR, logging.CRITICAL])
@pytest.mark.parametrize("name", LOGGERS)
def test_of_an_error_only_the_librarys_name_is_logged(caplog: pytest.LogCaptureFixture, name: str, level: int) -> None:
    """Neither its message nor its arguments, its exception or its fields, which may all hold URLs and headers."""
    quiet_libraries()
    logging.getLogger(name).log(level, SECRET, SECRET, exc_info=ValueError(SECRET), extra={"header": SECRET})
    (record,) = caplog.records
    assert (record.name, record.levelno, record.getMessage()) == ("studio_setup", logging.ERROR, "library.error")
    assert record.__dict__["library"] == name
    assert SECRET not in repr(vars(record))


def test_calling_it_again_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Every invocation of a warm function does."""
    quiet_libraries()
    quiet_libraries()
    logging.getLogger("urllib3").error("x")
    assert len(caplog.records) == 1


def test_our_own_lines_and_others_are_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Only the libraries that handle secrets are kept quiet."""
    quiet_libraries()
    logging.getLogger("studio_setup").info("ours")
    logging.getLogger("somebody.else").debug("theirs")
    assert [record.getMessage() for record in caplog.records] == ["ours", "theirs"]
