"""What the unit tests share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
import requests
from botocore.stub import Stubber

from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.http import Http
from studio_setup.access.jupyter_server import JupyterServer
from studio_setup.model.app import App
from tests.support.fakes import FakeTime, Wire, page
from tests.support.jupyter_wire import BASE

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


@pytest.fixture
def app() -> App:
    """The default app of a user."""
    return App("d-abcdefghijkl", "alice", "JupyterServer", "default")


@pytest.fixture
def fake_time() -> FakeTime:
    """Time that passes only when somebody sleeps."""
    return FakeTime()


@pytest.fixture(scope="session")
def sagemaker_client() -> SageMakerClient:
    """A client of the SageMaker API; `sagemaker` says what it answers."""
    return boto3.client("sagemaker")


@pytest.fixture
def sagemaker(sagemaker_client: SageMakerClient) -> Iterator[Stubber]:
    """What the SageMaker API answers: exactly the calls that are added, in that order, and each must be made."""
    with Stubber(sagemaker_client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def control_plane(sagemaker_client: SageMakerClient, fake_time: FakeTime) -> ControlPlane:
    """The SageMaker API, with ten minutes left."""
    return ControlPlane(sagemaker_client, fake_time.deadline(600))


@pytest.fixture
def wire() -> Wire:
    """The other end of HTTP."""
    return Wire()


@pytest.fixture
def session(wire: Wire) -> Iterator[requests.Session]:
    """A session whose requests all go over the wire."""
    with requests.Session() as session:
        session.mount("https://", wire)
        session.mount("http://", wire)
        yield session


@pytest.fixture
def http(session: requests.Session) -> Http:
    """The requests that the engine makes in that session."""
    return Http(session)


@pytest.fixture
def server(wire: Wire, http: Http, fake_time: FakeTime) -> JupyterServer:
    """A Jupyter server that sets an XSRF token with its page, with a minute left."""
    wire.answer(f"GET {BASE}/lab", page("_xsrf=from-the-page; Path=/jupyter/default/"))
    return JupyterServer(http, BASE, fake_time.deadline(60))
