"""The stand-in for SageMaker and Studio on this machine, as a fixture."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.loopback import Loopback


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    """A SageMaker API and a Studio on a port of this machine; the SDK finds them by its own environment variable."""
    with Loopback() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", server.url)
        yield server
