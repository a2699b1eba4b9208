"""What an event says."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from studio_setup.model.app import App
from studio_setup.model.app_event import AppStarted, Ignored, parse
from studio_setup.model.errors import BadInput
from studio_setup.model.settings import Settings

ANY_DOMAIN = Settings.from_env({})
STARTED = {
    "jupyter-server-started": App("d-abcdefghijkl", "alice", "JupyterServer", "default"),
    "sso-domain-started": App("d-ssossossosso", "alice-a1b2c", "JupyterServer", "default"),
    "shared-space-jupyter-server-started": App(
        "d-abcdefghijkl", "", "JupyterServer", "default-1678800000", space_name="team-space"
    ),
    "space-jupyterlab-started": App("d-abcdefghijkl", "", "JupyterLab", "default", space_name="alice-space"),
}
NAMED = "jupyter-server-named-started"
IGNORED = {
    "amplify-create-app": "other-call",
    "create-app-denied": "failed-call",
    "create-app-failed": "failed-call",
    "kernel-gateway-started": "other-app-type",
    "other-api-call": "other-call",
    "request-parameters-null": "not-an-event",
}
NOT_NAMES = ["", " ", None, 3, True, [], {}, ["alice"], "../admin", "a/b", "al ice", "-alice", "alice-", "alice\n"]
NOT_NAMES += ["älice", "alice;id", "alice?x=1", "alice%2f", "alice\0", "$(id)", "a" * 64, "a" + "-" * 62 + "b"]
NOT_DOMAINS = ["", None, 3, [], {}, "d-", "d-ABC", "x-abc", "d-abc def", "d-abc/../d-xyz", "../d-abc", "d-abc\n"]
NOT_DOMAINS += ["d-" + "a" * 62, "d-abc-", "d-abc?", "D-abc", "d-äbc"]


def _event(folder: Path, name: str = "jupyter-server-started", **parameters: object) -> dict[str, Any]:
    event = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    if parameters:
        event["detail"]["requestParameters"].update(parameters)
    return dict(event)


def _code(event: object, settings: Settings = ANY_DOMAIN) -> str:
    parsed = parse(event, settings)
    assert isinstance(parsed, Ignored), parsed
    assert parsed.reason
    return parsed.code


def test_every_event_on_file_has_its_promise_here(events_folder: Path) -> None:
    """No event is collected without a word on what it means."""
    assert {path.stem for path in events_folder.glob("*.json")} == {*STARTED, NAMED, *IGNORED}


@pytest.mark.parametrize("name", STARTED)
def test_a_started_app_is_known_by_its_names(events_folder: Path, name: str) -> None:
    """The event of an app that started names the app, of a user or of a space, and nothing is made up."""
    event = _event(events_folder, name)
    assert parse(event, ANY_DOMAIN) == AppStarted(STARTED[name], event["detail"]["eventID"])


def test_any_app_name_is_honoured(events_folder: Path) -> None:
    """An app that is not named default is set up under its own name."""
    event = _event(events_folder, NAMED)
    parsed = parse(event, ANY_DOMAIN)
    assert isinstance(parsed, AppStarted)
    assert parsed.app.app_name == event["detail"]["requestParameters"]["appName"] != "default"


@pytest.mark.parametrize("name", IGNORED)
def test_other_events_are_ignored_with_a_reason(events_folder: Path, name: str) -> None:
    """Failed calls, other calls, Amplify's CreateApp and other app types start nothing."""
    assert _code(_event(events_folder, name)) == IGNORED[name]


@pytest.mark.parametrize(
    "event",
    [None, [], "x", 3, {}, {"detail": None}, {"detail": []}, {"detail": "{}"}, [{"detail": {}}], b"{}"],
    ids=repr,
)
def test_what_is_no_event_is_ignored(event: object) -> None:
    """Whatever the function is invoked with by mistake, it says that this is no event."""
    assert _code(event) == "not-an-event"


@pytest.mark.parametrize("parameters", [None, [], "x", 3, [["domainId", "d-abc"]]], ids=repr)
def test_parameters_that_are_none_are_ignored(events_folder: Path, parameters: object) -> None:
    """Request parameters that are null or no object start nothing."""
    event = _event(events_folder)
    event["detail"]["requestParameters"] = parameters
    assert _code(event) == "not-an-event"
    del event["detail"]["requestParameters"]
    assert _code(event) == "not-an-event"


@pytest.mark.parametrize("field", ["domainId", "userProfileName", "appName"])
def test_a_missing_name_is_ignored(events_folder: Path, field: str) -> None:
    """Each name is needed."""
    event = _event(events_folder)
    del event["detail"]["requestParameters"][field]
    assert _code(event) == "bad-name"


@pytest.mark.parametrize("field", ["userProfileName", "appName"])
@pytest.mark.parametrize("value", NOT_NAMES)
def test_a_malformed_name_is_ignored(events_folder: Path, field: str, value: object) -> None:
    """What is no SageMaker name never becomes a part of a URL."""
    assert _code(_event(events_folder, **{field: value})) == "bad-name"


@pytest.mark.parametrize("value", [value for value in NOT_NAMES if value])
def test_a_malformed_space_is_ignored(events_folder: Path, value: object) -> None:
    """What is no space's name never becomes a part of a URL, with a user beside it or without."""
    name = "space-jupyterlab-started"
    assert _code(_event(events_folder, name, spaceName=value)) == "bad-name"
    assert _code(_event(events_folder, name, spaceName=value, userProfileName="alice")) == "bad-name"
    assert _code(_event(events_folder, name, userProfileName=value)) == "bad-name"


@pytest.mark.parametrize("value", [None, "", [], {}], ids=repr)
def test_an_app_of_nobody_is_ignored(events_folder: Path, value: object) -> None:
    """An app without a user and without a space is no app."""
    assert _code(_event(events_folder, userProfileName=value, spaceName=value)) == "bad-name"


def test_the_settings_say_which_app_types_are_ours(events_folder: Path) -> None:
    """An operator may leave one of the app types alone."""
    only = Settings(("JupyterServer",), "")
    assert _code(_event(events_folder, "space-jupyterlab-started"), only) == "other-app-type"


@pytest.mark.parametrize("value", NOT_DOMAINS)
def test_a_malformed_domain_is_ignored(events_folder: Path, value: object) -> None:
    """What is no domain id never becomes a part of a URL."""
    assert _code(_event(events_folder, domainId=value)) == "bad-name"


@pytest.mark.parametrize("value", ["KernelGateway", "CodeEditor", "", None, [], {}, 3, "jupyterserver"], ids=repr)
def test_other_app_types_are_ignored(events_folder: Path, value: object) -> None:
    """Only the app types that the settings name are set up, whatever stands there."""
    assert _code(_event(events_folder, appType=value)) == "other-app-type"


@pytest.mark.parametrize("name", ["a", "A1", "a-b", "a--b", "default-1678800000", "a" * 63])
def test_the_names_sagemaker_allows_are_taken(events_folder: Path, name: str) -> None:
    """Validation refuses nothing that SageMaker allows."""
    parsed = parse(_event(events_folder, appName=name, userProfileName=name), ANY_DOMAIN)
    assert isinstance(parsed, AppStarted)
    assert (parsed.app.app_name, parsed.app.user_profile_name) == (name, name)


@pytest.mark.parametrize("field", ["errorCode", "errorMessage"])
def test_a_failed_call_is_ignored(events_folder: Path, field: str) -> None:
    """A call that failed started nothing, whichever of the two says so."""
    event = _event(events_folder)
    event["detail"][field] = "ThrottlingException"
    assert _code(event) == "failed-call"


@pytest.mark.parametrize("field", ["eventSource", "eventName"])
@pytest.mark.parametrize("value", ["amplify.amazonaws.com", "DeleteApp", None, 3, []], ids=repr)
def test_another_call_is_ignored(events_folder: Path, field: str, value: object) -> None:
    """Source and name of the call must both be right."""
    event = _event(events_folder)
    event["detail"][field] = value
    assert _code(event) == "other-call"


def test_another_domain_is_ignored(events_folder: Path) -> None:
    """A function that is for one domain leaves the others alone."""
    only = Settings(("JupyterServer",), "d-abcdefghijkl")
    assert isinstance(parse(_event(events_folder), only), AppStarted)
    assert _code(_event(events_folder, domainId="d-other"), only) == "other-domain"


def test_nothing_else_of_the_event_gets_through(events_folder: Path) -> None:
    """What else an event holds, commands for instance, changes nothing."""
    event = _event(events_folder)
    more = copy.deepcopy(event)
    more |= {"commands": ["rm -rf /"], "app_type": "x"}
    more["detail"] |= {"userIdentity": {"userName": "$(id)"}, "commands": ["id"]}
    more["detail"]["requestParameters"] |= {"resourceSpec": {"lifecycleConfigArn": "x"}, "script": "id", "tags": ["x"]}
    assert parse(more, ANY_DOMAIN) == parse(event, ANY_DOMAIN)


def test_parsing_leaves_the_event_as_it_is(events_folder: Path) -> None:
    """Parsing is pure: the same event gives the same answer, and is not changed."""
    event = _event(events_folder)
    before = copy.deepcopy(event)
    assert parse(event, ANY_DOMAIN) == parse(event, ANY_DOMAIN)
    assert event == before


def test_a_reason_says_what_was_wrong(events_folder: Path) -> None:
    """A person who reads the log sees the value and the pattern it should match."""
    parsed = parse(_event(events_folder, userProfileName="../admin"), ANY_DOMAIN)
    assert isinstance(parsed, Ignored)
    assert "'../admin' is no user profile name" in parsed.reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"eventSource": "amplify.amazonaws.com"}, "not SageMaker's CreateApp: amplify.amazonaws.com CreateApp"),
        ({"errorCode": "AccessDenied", "errorMessage": "No."}, "the CreateApp call itself failed: AccessDenied"),
        ({"errorMessage": "No."}, "the CreateApp call itself failed: no code"),
        ({"requestParameters": None}, "the event has no requestParameters"),
    ],
    ids=["other-call", "failed-call", "failed-call-without-code", "no-parameters"],
)
def test_a_reason_says_what_the_event_is_instead(events_folder: Path, changes: dict[str, Any], reason: str) -> None:
    """What CloudTrail calls source, name and error is in the log; what is missing is not made up."""
    event = _event(events_folder)
    event["detail"] |= changes
    parsed = parse(event, ANY_DOMAIN)
    assert isinstance(parsed, Ignored)
    assert parsed.reason == reason


def test_an_invocation_by_mistake_is_told_what_is_missing() -> None:
    """Somebody who tries the function with `{}` reads what an event has."""
    expected = Ignored("not-an-event", "this is no EventBridge event: it has no detail object")
    assert parse({}, ANY_DOMAIN) == expected


@pytest.mark.parametrize(
    ("field", "what"),
    [("domainId", "domain id"), ("userProfileName", "user profile name"), ("appName", "app name")],
)
def test_a_missing_name_is_told_as_an_empty_one(events_folder: Path, field: str, what: str) -> None:
    """What is not in the event is shown as nothing, with what it should be."""
    event = _event(events_folder)
    del event["detail"]["requestParameters"][field]
    parsed = parse(event, ANY_DOMAIN)
    assert isinstance(parsed, Ignored)
    assert parsed.reason.startswith(f"'' is no {what}: it must match ")


def test_an_app_has_a_label_and_its_names(app: App) -> None:
    """An app shows itself as its ARN ends, and by its names."""
    assert app.label == "d-abcdefghijkl/alice/JupyterServer/default"
    assert app.as_dict() == {
        "domain_id": "d-abcdefghijkl",
        "user_profile_name": "alice",
        "space_name": "",
        "app_type": "JupyterServer",
        "app_name": "default",
    }


def test_an_app_of_a_space_is_the_spaces() -> None:
    """Its label has the space, whoever logs in to it."""
    for user in ("", "alice"):
        app = App("d-abc", user, "JupyterLab", "default", space_name="team-space")
        assert app.label == "d-abc/team-space/JupyterLab/default"


@pytest.mark.parametrize("app_type", ["Jupyter/Server", "", None, "Jupyter Server", "a" * 41])
def test_an_app_type_is_a_word(app_type: Any) -> None:  # noqa: ANN401 (anything may be in an event)
    """An app type is letters only, whoever makes the app."""
    with pytest.raises(BadInput, match="is no app type"):
        App("d-abc", "alice", app_type, "default")
