"""The Lambda function, driven as Lambda drives it, against a SageMaker API on a port of this machine."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from studio_setup.handler import lambda_handler, sagemaker_client
from studio_setup.model.errors import BadInput
from studio_setup.model.report import SetupFailed
from tests.support.loopback import Loopback


class Context:
    """What is used of Lambda's context."""

    def __init__(self, seconds: float = 900) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends this invocation."""
        return int(self._seconds * 1000)


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


def test_a_warm_function_has_its_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's client, with its connections, is used again by the next invocation."""
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
def test_an_ignored_event_is_no_error(
    events_folder: Path, loopback: Loopback, log: pytest.LogCaptureFixture, name: str, code: str
) -> None:
    """What is not ours returns normally with outcome, code and reason, logs them in one line, and calls nobody."""
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
def test_what_is_no_event_is_no_error(loopback: Loopback, log: pytest.LogCaptureFixture, event: object) -> None:
    """An invocation by mistake is answered, not retried."""
    assert lambda_handler(event, Context())["code"] == "not-an-event"
    assert len(_finished(log)) == 1
    assert loopback.calls == []


def test_an_app_that_failed_is_no_error_of_ours(
    event: dict[str, Any], loopback: Loopback, log: pytest.LogCaptureFixture
) -> None:
    """An app that SageMaker could not start returns normally, with SageMaker's reason; retries would not mend it."""
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
    """A domain without presigned URLs is skipped, with the reason, and nothing else is asked."""
    loopback.answers["DescribeDomain"] = (200, {"AuthMode": "SSO"})
    answer = lambda_handler(event, Context())
    assert (answer["outcome"], answer["code"]) == ("skipped", "sso-domain")
    assert loopback.calls == [("DescribeDomain", {"DomainId": "d-abcdefghijkl"})]


def test_an_error_is_raised_and_logged_once(
    event: dict[str, Any], loopback: Loopback, log: pytest.LogCaptureFixture
) -> None:
    """What Lambda must see as an error is raised, after one line with everything that is known."""
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
    """A function whose time is less than what it keeps for cleaning up says so and waits for nothing."""
    loopback.answers["DescribeApp"] = (200, {"Status": "Pending"})
    with pytest.raises(SetupFailed, match="app-not-ready"):
        lambda_handler(event, Context(seconds=5))
    assert len(_errors(log)) == 1


def test_a_wrong_setting_is_an_error(
    event: dict[str, Any], log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that was deployed with an impossible setting fails, with one line that names it."""
    monkeypatch.setenv("APP_TYPES", "CodeEditor")
    with pytest.raises(BadInput, match="APP_TYPES has 'CodeEditor'"):
        lambda_handler(event, Context())
    (fields,) = _errors(log)
    assert (fields["message"], fields["error"]) == ("setup.crashed", "BadInput")


def test_only_the_domain_of_the_settings_is_set_up(
    event: dict[str, Any], loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment says which domain is ours."""
    monkeypatch.setenv("DOMAIN_ID", "d-other")
    assert lambda_handler(event, Context())["code"] == "other-domain"
    assert loopback.calls == []


def test_what_nobody_thought_of_is_logged_and_raised(
    event: dict[str, Any], loopback: Loopback, log: pytest.LogCaptureFixture
) -> None:
    """An error outside our tree is never swallowed: one line, then Lambda sees it."""
    del loopback.answers["DescribeApp"][1]["Status"]
    with pytest.raises(KeyError):
        lambda_handler(event, Context())
    (fields,) = _errors(log)
    assert (fields["message"], fields["error"]) == ("setup.crashed", "KeyError")
