"""The way into an app that several calls share: whose turn it is, how long that may take, and who can end it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from studio_setup import App, BadInput, ConnectedApp, OutOfTime, SetupError
from studio_setup.api.app_access import AppAccess
from studio_setup.model.errors import AppNotReady

JOB = "0123456789ab"


class _Api:
    """A SageMaker API that answers DescribeDomain once `may_answer` is set; the app never gets as far as InService."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.was_asked = threading.Event()
        self.calls: list[str] = []
        self.client: Any = SimpleNamespace(
            describe_domain=self._describe_domain, describe_app=self._describe_app, create_presigned_domain_url=None
        )

    def _describe_domain(self, **_: str) -> dict[str, object]:
        self.was_asked.set()
        assert self.may_answer.wait(20)
        return {"AuthMode": "IAM"}

    def _describe_app(self, **_: str) -> dict[str, object]:
        self.calls.append("describe_app")
        return {"Status": "Pending", "CreationTime": datetime.now(UTC)}


@pytest.fixture
def api() -> _Api:
    """The API that the app is reached through."""
    return _Api()


@pytest.fixture
def connected(app: App, api: _Api) -> ConnectedApp:
    """A connection to the app."""
    return ConnectedApp(AppAccess(app, api.client))


@contextmanager
def busy(connected: ConnectedApp, api: _Api) -> Iterator[None]:
    """Another thread uses the connection meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(connected.terminals)
        assert api.was_asked.wait(20)
        yield
        connected.close()
        api.may_answer.set()
        with pytest.raises(SetupError):
            other.result(20)


@pytest.mark.timeout(30)
def test_waiting_for_a_job_has_a_limit_while_another_thread_is_at_work(connected: ConnectedApp, api: _Api) -> None:
    """The wait for our turn counts."""
    with busy(connected, api), pytest.raises(OutOfTime, match="other threads"):
        connected.attach(JOB).wait(timeout_seconds=0.1)


@pytest.mark.timeout(30)
def test_who_waits_for_a_turn_learns_that_the_connection_was_closed(connected: ConnectedApp, api: _Api) -> None:
    """It does not wait for the other thread to end first."""
    with busy(connected, api), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(connected.run, "true")
        connected.close()
        with pytest.raises(BadInput, match="is closed"):
            waiting.result(20)
        assert not api.may_answer.is_set()


@pytest.mark.timeout(30)
def test_waiting_for_a_job_has_a_limit_while_the_app_starts(connected: ConnectedApp, api: _Api) -> None:
    """The way into the app counts, and the next call waits for the app again."""
    api.may_answer.set()
    for _ in range(2):
        api.calls.clear()
        with pytest.raises(AppNotReady):
            connected.attach(JOB).wait(timeout_seconds=0.5)
        assert "describe_app" in api.calls


def test_an_interruption_is_for_one_thread_alone(connected: ConnectedApp) -> None:
    """Whoever ends `run_many` does not end what other threads do in the same app."""

    def in_another_thread(work: Callable[[], object]) -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(work).result()

    with connected.access.interrupted_by(lambda: True):
        in_another_thread(connected.access.check_open)
        with pytest.raises(KeyboardInterrupt):
            connected.access.check_open()
    connected.access.check_open()
