"""The Lambda function, invoked as Lambda does it, against a SageMaker API on a port of this machine."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from studio_setup.handler import lambda_handler, sagemaker_client
from studio_setup.model.errors import BadInput
from studio_setup.model.report import SetupFailed
from tests.support.context import Context
from tests.support.loopback import Loopback


@pytest.fixture
def event(events_folder: Path) -> dict[str, Any]:
    """The event of an app that started."""
    return dict(json.loads((events_folder / "jupyter-server-started.json").read_text(encoding="utf-8")))


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The log at Lambda's level."""
    caplog.set_level(logging.INFO)
    return caplog


def _finished(log: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.__dict__ for record in log.records if record.getMessage() == "setup.finished"]


def _errors(log: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.__dict__ for record in log.records if record.levelno >= logging.ERROR]


def test_the_next_invocation_reuses_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's client, with its connections, lives as long as the function's process."""
    client = sagemaker_client()
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert sagemaker_client() is client


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("amplify-create-app", "other-call"),
        ("create-app-failed", "failed-call"),
        ("request-parameters-null", "not-an-event"),
    ],
)
def test_an_ignored_event_is_not_an_error(
    events_folder: Path, loopback: Loopback, log: pytest.LogCaptureFixture, name: str, code: str
) -> None:
    """The function returns outcome, code and reason, logs them in one line, and makes no call."""
    event = json.loads((events_folder / f"{name}.json").read_text(encoding="utf-8"))
    answer = lambda_handler(event, Context())
    assert answer["outcome"] == "skipped"
    assert answer["code"] == code
    assert json.loads(json.dumps(answer)) == answer
    (fields,) = _finished(log)
    assert {key: fields[key] for key in answer} == answer
    assert _errors(log) == []
    assert loopback.calls == []


@pytest.mark.parametrize("event", [None, [], "x", 3, {}, {"detail": None}], ids=repr)
def test_an_invocation_without_an_event_is_not_an_error(
    loopback: Loopback, log: pytest.LogCaptureFixture, event: object
) -> None:
    """An invocation by mistake returns normally, so Lambda does not retry it."""
    assert lambda_handler(event, Context())["code"] == "not-an-event"
    assert len(_finished(log)) == 1
    assert loopback.calls == []


def test_an_app_that_failed_to_start_is_not_an_error(
    event: dict[str, Any], loopback: Loopback, log: pytest.LogCaptureFixture
) -> None:
    """The function returns SageMaker's reason; a retry would not change anything."""
    loopback.answers["DescribeApp"] = (200, {"Status": "Failed", "FailureReason": "Out of volumes."})
    answer = lambda_handler(event, Context())
    assert (answer["outcome"], answer["code"]) == ("app_gone", "app-failed")
    assert "Out of volumes." in answer["reason"]
    assert answer["app"]["user_profile_name"] == "alice"
    assert json.loads(json.dumps(answer)) == answer
    assert len(_finished(log)) == 1
    assert _errors(log) == []
    assert [operation for operation, _ in loopback.calls] == ["DescribeDomain", "DescribeApp"]


def test_an_sso_domain_is_skipped(event: dict[str, Any], loopback: Loopback) -> None:
    """A domain without presigned URLs is skipped after the call that shows it, and no other is made."""
    loopback.answers["DescribeDomain"] = (200, {"AuthMode": "SSO"})
    answer = lambda_handler(event, Context())
    assert (answer["outcome"], answer["code"]) == ("skipped", "sso-domain")
    assert loopback.calls == [("DescribeDomain", {"DomainId": "d-abcdefghijkl"})]


def test_an_error_is_raised_and_logged_once(
    event: dict[str, Any], loopback: Loopback, log: pytest.LogCaptureFixture
) -> None:
    """An outcome that Lambda must see as an error is raised, after one line with the whole report."""
    loopback.refuse("DescribeDomain", "AccessDeniedException", "Not you.")
    with pytest.raises(SetupFailed, match=r"unreachable: control-plane-refused: .*AccessDeniedException: Not you"):
        lambda_handler(event, Context())
    (fields,) = _errors(log)
    assert fields["message"] == "setup.finished"
    assert (fields["outcome"], fields["code"]) == ("unreachable", "control-plane-refused")
    assert _finished(log) == [fields]


def test_an_invocation_without_time_is_an_error(
    event: dict[str, Any], loopback: Loopback, log: pytest.LogCaptureFixture
) -> None:
    """A function with less time than it reserves for cleaning up reports that, and does not wait."""
    loopback.answers["DescribeApp"] = (200, {"Status": "Pending"})
    with pytest.raises(SetupFailed, match="app-not-ready"):
        lambda_handler(event, Context(seconds=5))
    assert len(_errors(log)) == 1


def test_an_invalid_setting_is_an_error(
    event: dict[str, Any], log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that was deployed with an invalid setting fails, with one line that names it."""
    monkeypatch.setenv("APP_TYPES", "CodeEditor")
    with pytest.raises(BadInput, match="APP_TYPES has 'CodeEditor'"):
        lambda_handler(event, Context())
    (fields,) = _errors(log)
    assert (fields["message"], fields["error"]) == ("setup.crashed", "BadInput")


def test_only_the_domain_in_the_settings_is_set_up(
    event: dict[str, Any], loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings come from the function's environment."""
    monkeypatch.setenv("DOMAIN_ID", "d-other")
    assert lambda_handler(event, Context())["code"] == "other-domain"
    assert loopback.calls == []


def test_an_unexpected_error_is_logged_and_raised(
    event: dict[str, Any], loopback: Loopback, log: pytest.LogCaptureFixture
) -> None:
    """An error that is not one of ours is logged in one line, and Lambda sees it."""
    del loopback.answers["DescribeApp"][1]["Status"]
    with pytest.raises(KeyError):
        lambda_handler(event, Context())
    (fields,) = _errors(log)
    assert (fields["message"], fields["error"]) == ("setup.crashed", "KeyError")
