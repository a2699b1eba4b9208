"""An app starts, its event arrives, and the function sets it up: time, and secrets."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

import pytest
import requests

from studio_setup.handler import lambda_handler
from studio_setup.model.report import SetupFailed
from studio_setup.model.setup import Command, Setup
from tests.support.context import Context
from tests.support.scenario import ONCE, PATIENT, Place, Scenario

pytestmark = pytest.mark.usefixtures("poll_often")


def test_the_function_fails_when_time_is_up_and_resumes(
    start_app: Callable[..., Scenario], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With too little time the invocation fails, with one error line in the log; a retry carries on."""
    monkeypatch.setattr("studio_setup.handler.setup_for", lambda _: Setup((Command("patient", PATIENT),)))
    scenario = start_app()
    caplog.set_level("INFO", logger="studio_setup")
    with pytest.raises(SetupFailed):
        lambda_handler(scenario.event, Context(seconds=21))
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == ["setup.finished"]
    scenario.release()
    assert lambda_handler(scenario.event, Context())["outcome"] == "succeeded"
    assert scenario.effects() == ONCE


def test_no_secret_is_in_any_log_line_or_error(
    start_app: Callable[..., Scenario], space: Place, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No record at any level and no error has a token, session cookie or `_xsrf`; a planted one is found."""
    scenario = start_app(place=space)
    caplog.set_level("DEBUG")
    secrets = _watch_secrets(monkeypatch)
    texts = [_fail(scenario)]
    lambda_handler(scenario.event, Context())
    texts.append("".join(str(record.__dict__) for record in caplog.records))
    assert len(secrets) >= 3
    logging.getLogger("studio_setup").info("deliberately %s", next(iter(secrets)))
    assert any(secret in str(caplog.records[-1].__dict__) for secret in secrets), "the search finds nothing"
    assert [secret for secret in secrets if any(secret in text for text in texts)] == []


def _watch_secrets(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The tokens and cookies of every request from now on; the set grows as they come."""
    secrets: set[str] = set()
    send = requests.Session.send

    def watching(self: requests.Session, request: requests.PreparedRequest, **options: object) -> requests.Response:
        response = send(self, request, **options)  # type: ignore[arg-type]
        if "token=" in (request.url or ""):
            secrets.add((request.url or "").partition("token=")[2])
        secrets.update(
            str(cookie.value) for cookie in self.cookies if cookie.name == "_xsrf" or len(str(cookie.value)) > 30
        )
        return response

    monkeypatch.setattr(requests.Session, "send", watching)
    return secrets


def _fail(scenario: Scenario) -> str:
    """Invoke the function with too little time; the text of its error."""
    try:
        lambda_handler(scenario.event, Context(seconds=20.2))
    except SetupFailed:
        return traceback.format_exc()
    return ""
