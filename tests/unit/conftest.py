"""What the unit tests share."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
import requests
from botocore.stub import Stubber

from studio_setup.model.app import App
from tests.support.fakes import FakeTime, Wire
from tests.support.loopback import Loopback

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_LOGGERS = ("", "studio_setup", "boto3", "botocore", "requests", "urllib3", "websocket")


@pytest.fixture(autouse=True)
def _process_as_before() -> Iterator[None]:
    """Both ways in change log levels, and one a signal; the next test knows nothing of it."""
    levels = {name: logging.getLogger(name).level for name in _LOGGERS}
    on_terminate = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, on_terminate)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def app() -> App:
    """An app like any other."""
    return App("d-abcdefghijkl", "alice", "JupyterServer", "default")


@pytest.fixture
def fake_time() -> FakeTime:
    """Time that passes only where somebody sleeps."""
    return FakeTime()


@pytest.fixture(scope="session")
def _sagemaker_client() -> SageMakerClient:
    return boto3.client("sagemaker")


@pytest.fixture
def sagemaker(_sagemaker_client: SageMakerClient) -> Iterator[Stubber]:
    """A SageMaker client that answers exactly the calls it is told of, in their order, and was asked them all."""
    with Stubber(_sagemaker_client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def wire() -> Wire:
    """What is at the other end of HTTP."""
    return Wire()


@pytest.fixture
def session(wire: Wire) -> Iterator[requests.Session]:
    """A session whose every request goes over the wire."""
    with requests.Session() as session:
        session.mount("https://", wire)
        session.mount("http://", wire)
        yield session


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A SageMaker API and a Studio on a port of this machine; the SDK finds it by its own environment variable."""
    with Loopback() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", server.url)
        yield server
