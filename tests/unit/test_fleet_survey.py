"""A survey of the fleet: the list of apps, the log and the function's answer, put together."""

from __future__ import annotations

import boto3
import pytest

from studio_setup.fleet.apps import Selection
from studio_setup.fleet.function_log import FunctionLog
from studio_setup.fleet.status import State
from studio_setup.fleet.survey import Sources, Survey, survey
from studio_setup.model.app import App
from tests.support.fake_aws import OUTPUTS, FakeAws
from tests.support.fleet_lines import OTHER_VERSION, Attempt, at

DOMAIN = "d-abcdefghijkl"
NOW = at("12:00")


def user(name: str, app_type: str = "JupyterServer") -> App:
    """A user's app."""
    return App(DOMAIN, name, app_type, "default")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An AWS with an empty fleet."""
    fake = FakeAws()
    fake.install(monkeypatch)
    return fake


def look(selection: Selection = Selection()) -> Survey:  # noqa: B008 (a frozen value)
    """The survey of that AWS."""
    session = boto3.Session()
    log = FunctionLog(session.client("logs"), OUTPUTS["LogGroupName"])
    sources = Sources(session.client("sagemaker"), session.client("lambda"), OUTPUTS["FunctionName"], log)
    return survey(sources, selection, NOW, lambda _start, _apps: None)


def states(found: Survey) -> list[tuple[str, State]]:
    """Who is in which state."""
    return [(app.app.space_name or app.app.user_profile_name, app.state) for app in found.apps]


def test_every_running_app_has_a_state_and_those_that_need_somebody_come_first(aws: FakeAws) -> None:
    """The list, the log and what is deployed are joined, app by app."""
    for name in ("alice", "bob", "carol", "dave"):
        aws.add_app(user(name), at("09:00"))
    aws.add_line(at("09:05"), Attempt(user("alice")).finished("succeeded"))
    aws.add_line(at("09:06"), Attempt(user("bob"), version=OTHER_VERSION).finished("succeeded"))
    aws.add_line(at("09:07"), Attempt(user("carol")).finished("command-failed"))
    found = look()
    assert states(found) == [
        ("carol", State.FAILED),
        ("dave", State.NOT_SET_UP),
        ("bob", State.OUTDATED),
        ("alice", State.SUCCEEDED),
    ]
    assert found.not_described == ""


def test_types_without_a_jupyter_server_are_excluded_without_asking_the_function(aws: FakeAws) -> None:
    """Code Editor, kernels and the like are never set up; those that the function leaves out, it says itself."""
    aws.add_app(user("alice", "CodeEditor"), at("09:00"))
    aws.add_app(user("bob", "JupyterLab"), at("09:00"))
    found = look()
    assert states(found) == [("alice", State.EXCLUDED), ("bob", State.EXCLUDED)]
    assert [app.code for app in found.apps] == ["other-app-type", "other-app-type"]
    requests = [params["Payload"].decode() for operation, params in aws.calls if operation == "Invoke"]
    assert [("bob" in request, "alice" in request) for request in requests] == [(True, False)]


def test_where_the_function_does_not_describe_its_setup_nothing_is_outdated(aws: FakeAws) -> None:
    """Everything else is still known, and why that is not."""
    aws.add_app(user("alice"), at("09:00"))
    aws.add_line(at("09:05"), Attempt(user("alice"), version=OTHER_VERSION).finished("succeeded"))
    aws.refuse("Invoke", "AccessDeniedException")
    found = look()
    assert states(found) == [("alice", State.SUCCEEDED)]
    assert "lambda:InvokeFunction" in found.not_described


def test_only_the_selected_apps_are_looked_at(aws: FakeAws) -> None:
    """Neither the list nor the log is read for others."""
    for name in ("alice", "bob"):
        aws.add_app(user(name), at("09:00"))
    assert states(look(Selection(user_profile_names=("bob",)))) == [("bob", State.NOT_SET_UP)]
    patterns = [params["filterPattern"] for operation, params in aws.calls if operation == "FilterLogEvents"]
    assert [pattern for pattern in patterns if "alice" in pattern] == []


def test_for_an_empty_fleet_nobody_else_is_asked(aws: FakeAws) -> None:
    """Nothing runs, so there is nothing to look up."""
    assert states(look()) == []
    assert aws.operations() == ["ListApps"]


def test_a_refused_call_is_the_callers_to_explain(aws: FakeAws) -> None:
    """Without the log there is no survey."""
    aws.add_app(user("alice"), at("09:00"))
    aws.refuse("FilterLogEvents", "AccessDeniedException")
    client = boto3.client("logs")
    with pytest.raises(client.exceptions.ClientError, match="AccessDeniedException"):
        look()
