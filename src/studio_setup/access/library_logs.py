"""What the libraries below may write into the log."""

from __future__ import annotations

import logging


def quiet_libraries() -> None:
    """Keep the libraries' own lines out of the log: at DEBUG they hold URLs and headers."""
    for name in ("boto3", "botocore", "requests", "urllib3", "websocket"):
        logging.getLogger(name).setLevel(logging.WARNING)
