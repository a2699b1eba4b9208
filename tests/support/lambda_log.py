"""The log as Lambda writes it: AWS's own formatter, from the environment that stands in for Lambda's."""

from __future__ import annotations

import logging
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def runtime_formatter() -> logging.Formatter:
    """The log formatter of AWS's own Lambda runtime."""
    (path,) = ROOT.glob(".venvs/runtime/lib/*/site-packages/awslambdaric/lambda_runtime_log_utils.py")
    module = runpy.run_path(str(path))
    formatter: logging.Formatter = module["JsonFormatter"]()
    return formatter


@pytest.fixture
def lambda_lines(runtime_formatter: logging.Formatter) -> Iterator[list[str]]:
    """The log lines of the engine as Lambda writes them."""
    written: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(runtime_formatter.format(record))

    logger, handler = logging.getLogger("studio_setup"), Lines()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield written
    logger.setLevel(level)
    logger.removeHandler(handler)
