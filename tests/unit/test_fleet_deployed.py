"""What the function answers about its setup, and what is made of an answer that is none."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from studio_setup.fleet.deployed import AppSetup, DescribedCommand, DescribedSetup, NotDescribed, describe_setup
from studio_setup.model.app import App
from tests.support.fake_aws import FakeAws, described

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ALICE = App("d-abcdefghijkl", "alice", "JupyterServer", "default")
LAB = App("d-abcdefghijkl", "", "JupyterLab", "default", "team")
SETUP = AppSetup("0123456789abcdef", (DescribedCommand("one", 60),))
GOOD = described({"source": "studio-setup", "detail-type": "Describe Setup", "detail": {"apps": []}})


@pytest.fixture
def function() -> Iterator[Stubber]:
    """The Lambda API, that answers exactly the calls it is told of."""
    with Stubber(boto3.client("lambda")) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def answer(function: Stubber, body: object, **others: object) -> None:
    """Answer the next invocation with this."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    payload = StreamingBody(io.BytesIO(data), len(data))
    asked = {"FunctionName": "studio-setup", "Payload": ANY}
    function.add_response("invoke", {"StatusCode": 200, "Payload": payload, **others}, asked)


def ask(function: Stubber, *apps: App) -> DescribedSetup:
    """Ask about these apps."""
    return describe_setup(cast("LambdaClient", function.client), "studio-setup", apps)


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    """An AWS with a function that answers as it should."""
    aws = FakeAws()
    aws.install(monkeypatch)
    return aws


def ask_deployed(*apps: App) -> DescribedSetup:
    """Ask that function about these apps."""
    return describe_setup(boto3.Session().client("lambda"), "studio-setup", apps)


def requests(deployed: FakeAws) -> list[dict[str, Any]]:
    """What the function was asked."""
    return [json.loads(params["Payload"]) for _, params in deployed.calls]


def test_the_event_is_explicit_and_names_the_apps(deployed: FakeAws) -> None:
    """What is sent is what only an operator can send, with the five names of each app."""
    ask_deployed(ALICE)
    names = {
        "domain_id": "d-abcdefghijkl",
        "user_profile_name": "alice",
        "app_type": "JupyterServer",
        "app_name": "default",
        "space_name": "",
    }
    assert requests(deployed) == [
        {"source": "studio-setup", "detail-type": "Describe Setup", "detail": {"apps": [names]}}
    ]


@pytest.mark.usefixtures("deployed")
def test_each_app_gets_the_setup_that_is_answered_for_it() -> None:
    """Version, commands and limits; or the code and the reason why it gets none."""
    assert ask_deployed(ALICE, LAB).apps == {
        ALICE: SETUP,
        LAB: AppSetup(code="other-app-type", reason="apps of type JupyterLab are not set up"),
    }


def test_without_apps_it_answers_for_each_type_that_is_set_up(function: Stubber) -> None:
    """Who asks about no app learns which types are set up, how, and how long an attempt can last."""
    answer(function, GOOD)
    assert ask(function) == DescribedSetup(900, {"JupyterServer": SETUP}, {})


def test_many_apps_are_asked_about_two_hundred_at_a_time(deployed: FakeAws) -> None:
    """A request and its answer stay small; every app has its own setup in the end."""
    apps = [App("d-abcdefghijkl", f"user-{number}", "JupyterServer", "default") for number in range(450)]
    assert list(ask_deployed(*apps).apps) == apps
    assert [len(request["detail"]["apps"]) for request in requests(deployed)] == [200, 200, 50]


def test_a_user_and_a_space_of_the_same_name_are_told_apart(function: Stubber) -> None:
    """Their labels are the same, so the order of the answers counts."""
    space = App("d-abcdefghijkl", "", "JupyterServer", "default", "alice")
    setups = [
        {"app": ALICE.label, "setup_version": "v1", "commands": []},
        {"app": space.label, "setup_version": "v2", "commands": []},
    ]
    answer(function, {**GOOD, "setups": setups})
    assert [setup.setup_version for setup in ask(function, ALICE, space).apps.values()] == ["v1", "v2"]


@pytest.mark.parametrize(
    "changed",
    [
        {"commands": []},
        {"commands": {"JupyterServer": {"setup_version": 1, "commands": []}}},
        {"commands": {"JupyterServer": {"setup_version": "v", "commands": [{"name": "one"}]}}},
        {"commands": {"JupyterServer": {"setup_version": "v", "commands": [{"name": "one", "timeout_seconds": "1"}]}}},
        {"setups": None},
        {"setups": []},
        {"setups": ["d-abcdefghijkl/alice/JupyterServer/default"]},
        {"setups": [{"app": "d-abcdefghijkl/bob/JupyterServer/default", "setup_version": "v", "commands": []}]},
        {"setups": [{"app": ALICE.label, "setup_version": "v"}]},
        {"setups": [{"app": ALICE.label, "code": "other-domain"}]},
        {"time_limit_seconds": None},
        {"time_limit_seconds": 0},
        {"time_limit_seconds": "900"},
    ],
    ids=repr,
)
def test_an_answer_of_another_shape_is_refused(function: Stubber, changed: dict[str, Any]) -> None:
    """Nothing is guessed from a garbled answer."""
    setups = [{"app": ALICE.label, "setup_version": "v", "commands": []}]
    answer(function, {**GOOD, "setups": setups, **changed})
    with pytest.raises(NotDescribed, match="garbled"):
        ask(function, ALICE)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"\xff", b"{" * 1000], ids=repr)
def test_an_answer_that_is_no_json_object_is_refused(function: Stubber, body: bytes) -> None:
    """The same for what is no object at all."""
    answer(function, body)
    with pytest.raises(NotDescribed, match="garbled"):
        ask(function)


def test_a_function_that_does_not_know_the_event_is_said_to_be_of_another_version(function: Stubber) -> None:
    """An older function ignores the event as it ignores any other that is not an app's start."""
    answer(function, {"schema_version": 1, "outcome": "skipped", "code": "not-an-event", "reason": "…"})
    with pytest.raises(NotDescribed, match=r"studio-setup is of a version that does not describe its setup; deploy"):
        ask(function)


def test_a_function_that_fails_is_quoted(function: Stubber) -> None:
    """What Lambda says of the failure is in the message, on one line."""
    answer(function, {"errorType": "BadInput", "errorMessage": "no\nscript."}, FunctionError="Unhandled")
    with pytest.raises(NotDescribed, match=r"failed to describe its setup: BadInput: no script\.$"):
        ask(function)


def test_a_function_that_times_out_is_quoted(function: Stubber) -> None:
    """A time-out has a message only."""
    answer(function, {"errorMessage": "Task timed out after 900.00 seconds"}, FunctionError="Unhandled")
    with pytest.raises(NotDescribed, match="Task timed out"):
        ask(function)


def test_a_function_that_may_not_be_invoked_is_named_with_the_permission(function: Stubber) -> None:
    """Somebody who may only look learns what is missing."""
    function.add_client_error("invoke", "AccessDeniedException", "No.")
    with pytest.raises(NotDescribed, match=r"studio-setup cannot be asked .*lambda:InvokeFunction: AccessDenied"):
        ask(function)
