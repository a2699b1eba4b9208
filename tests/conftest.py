"""What all tests share: nothing of the developer's own surroundings gets in."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio_setup.handler import sagemaker_client

pytest_plugins = [
    "tests.support.log_lines",
    "tests.support.loopback_fixtures",
    "tests.support.needs",
    "tests.support.machine_fixtures",
    "tests.support.stack_fixtures",
    "tests.support.studio_fixtures",
]

_OURS = ("APP_TYPES", "DOMAIN_ID", "SHARED_SPACE_USER")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_LIBRARIES = ("boto3", "botocore", "requests", "urllib3", "websocket")
_LOGGERS = ("", "studio_setup", *_LIBRARIES)


@pytest.fixture(scope="session", autouse=True)
def _made_up_surroundings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test finds an account, a proxy or settings: region and credentials are made up, the rest is cleared."""
    nowhere = tmp_path_factory.getbasetemp() / "no-such-file"
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AWS_") or name in _OURS or name.lower() in _PROXIES:
                patch.delenv(name)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "NETRC"):
            patch.setenv(name, str(nowhere))
        yield


@pytest.fixture(autouse=True)
def _no_warm_client() -> None:
    """Every test finds a function that Lambda has just started."""
    sagemaker_client.cache_clear()


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """Undo what the entry points change in the process: loggers, and the command line a signal handler."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    on_terminate = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, on_terminate)
    for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate = propagate
        if logger.name in _LIBRARIES:  # the others' handlers are pytest's
            logger.handlers = handlers


@pytest.fixture(scope="session")
def events_folder() -> Path:
    """Where the EventBridge events are, one file per situation."""
    return Path(__file__).with_name("events")
