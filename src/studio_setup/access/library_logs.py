"""What the libraries below may write into the log: that there was an error, and not a word of its text."""

from __future__ import annotations

import logging

from studio_setup.model import log

_LIBRARIES = ("boto3", "botocore", "requests", "urllib3", "websocket")


def quiet_libraries() -> None:
    """Keep the libraries' own lines out of the log.

    At DEBUG they hold URLs and headers, and urllib3 warns of a malformed header with the whole URL, token included.
    """
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        logger.setLevel(logging.ERROR)
        logger.propagate = False
        logger.handlers = [_ErrorsWithoutText()]


class _ErrorsWithoutText(logging.Handler):
    """Logs the name of the library whose error arrives here, and nothing of what it says."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log that there was an error."""
        log.LIBRARY_ERROR.log(library=record.name)
