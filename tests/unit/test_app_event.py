"""From an event to the app that started."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from studio_setup.model.app import App
from studio_setup.model.app_event import AppStarted, Ignored, parse
from studio_setup.model.outcomes import NOT_AN_EVENT
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
NOT_NAMES: list[object] = [
    "",
    " ",
    None,
    3,
    True,
    [],
    {},
    ["alice"],
    "../admin",
    "a/b",
    "al ice",
    "-alice",
    "alice-",
    "alice\n",
]
NOT_NAMES += ["älice", "alice;id", "alice?x=1", "alice%2f", "alice\0", "$(id)", "a" * 64, "a" + "-" * 62 + "b"]
NOT_DOMAINS: list[object] = [
    "",
    None,
    3,
    [],
    {},
    "d-",
    "d-ABC",
    "x-abc",
    "d-abc def",
    "d-abc/../d-xyz",
    "../d-abc",
    "d-abc\n",
]
NOT_DOMAINS += ["d-" + "a" * 62, "d-abc-", "d-abc?", "D-abc", "d-äbc"]


def _event(folder: Path, name: str = "jupyter-server-started", /, **parameters: object) -> dict[str, Any]:
    event = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    if parameters:
        event["detail"]["requestParameters"].update(parameters)
    return dict(event)


def _code(event: object, settings: Settings = ANY_DOMAIN) -> str:
    parsed = parse(event, settings)
    assert isinstance(parsed, Ignored), parsed
    assert parsed.reason
    return parsed.code.name


def test_every_event_on_file_is_tested(events_folder: Path) -> None:
    """Each file in the folder of events is one of those below."""
    assert {path.stem for path in events_folder.glob("*.json")} == {*STARTED, NAMED, *IGNORED}


@pytest.mark.parametrize("name", STARTED)
def test_a_started_app_is_known_by_its_names(events_folder: Path, name: str) -> None:
    """The event of an app that started names the app, of a user or of a space; nothing is added."""
    event = _event(events_folder, name)
    assert parse(event, ANY_DOMAIN) == AppStarted(STARTED[name], event["detail"]["eventID"])


def test_an_app_of_any_name_is_set_up(events_folder: Path) -> None:
    """An app that is not called default keeps its own name."""
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
def test_an_invocation_without_an_event_is_ignored(event: object) -> None:
    """Whatever the function is invoked with by mistake, the code says that it is not an event."""
    assert _code(event) == "not-an-event"


@pytest.mark.parametrize("parameters", [None, [], "x", 3, [["domainId", "d-abc"]]], ids=repr)
def test_an_event_without_parameters_is_ignored(events_folder: Path, parameters: object) -> None:
    """An event whose request parameters are missing, null or not an object starts nothing."""
    event = _event(events_folder)
    event["detail"]["requestParameters"] = parameters
    assert _code(event) == "not-an-event"
    del event["detail"]["requestParameters"]
    assert _code(event) == "not-an-event"


@pytest.mark.parametrize("field", ["domainId", "userProfileName", "appName"])
def test_a_missing_name_is_ignored(events_folder: Path, field: str) -> None:
    """Each name is required."""
    event = _event(events_folder)
    del event["detail"]["requestParameters"][field]
    assert _code(event) == "bad-name"


@pytest.mark.parametrize("field", ["userProfileName", "appName"])
@pytest.mark.parametrize("value", NOT_NAMES)
def test_a_malformed_name_is_ignored(events_folder: Path, field: str, value: object) -> None:
    """A value that is not a valid SageMaker name never becomes part of a URL."""
    assert _code(_event(events_folder, **{field: value})) == "bad-name"


@pytest.mark.parametrize("value", [value for value in NOT_NAMES if value])
def test_a_malformed_space_is_ignored(events_folder: Path, value: object) -> None:
    """A value that is not a valid space name never becomes part of a URL, with or without a user."""
    name = "space-jupyterlab-started"
    assert _code(_event(events_folder, name, spaceName=value)) == "bad-name"
    assert _code(_event(events_folder, name, spaceName=value, userProfileName="alice")) == "bad-name"
    assert _code(_event(events_folder, name, userProfileName=value)) == "bad-name"


@pytest.mark.parametrize("value", [None, "", [], {}], ids=repr)
def test_an_app_without_user_and_space_is_ignored(events_folder: Path, value: object) -> None:
    """An app belongs to a user profile or to a space."""
    assert _code(_event(events_folder, userProfileName=value, spaceName=value)) == "bad-name"


def test_the_settings_say_which_app_types_are_set_up(events_folder: Path) -> None:
    """An operator may exclude one of the app types."""
    only = Settings(("JupyterServer",), "")
    assert _code(_event(events_folder, "space-jupyterlab-started"), only) == "other-app-type"


@pytest.mark.parametrize("value", NOT_DOMAINS)
def test_a_malformed_domain_is_ignored(events_folder: Path, value: object) -> None:
    """A value that is not a valid domain id never becomes part of a URL."""
    assert _code(_event(events_folder, domainId=value)) == "bad-name"


@pytest.mark.parametrize("value", ["KernelGateway", "CodeEditor", "", None, [], {}, 3, "jupyterserver"], ids=repr)
def test_other_app_types_are_ignored(events_folder: Path, value: object) -> None:
    """Only the app types in the settings are set up, whatever the event has."""
    assert _code(_event(events_folder, appType=value)) == "other-app-type"


@pytest.mark.parametrize("name", ["a", "A1", "a-b", "a--b", "default-1678800000", "a" * 63])
def test_every_name_that_sagemaker_allows_is_accepted(events_folder: Path, name: str) -> None:
    """The validation refuses no name that SageMaker allows."""
    parsed = parse(_event(events_folder, appName=name, userProfileName=name), ANY_DOMAIN)
    assert isinstance(parsed, AppStarted)
    assert (parsed.app.app_name, parsed.app.user_profile_name) == (name, name)


@pytest.mark.parametrize("field", ["errorCode", "errorMessage"])
def test_a_failed_call_is_ignored(events_folder: Path, field: str) -> None:
    """A failed call started nothing, whichever of the two fields says so."""
    event = _event(events_folder)
    event["detail"][field] = "ThrottlingException"
    assert _code(event) == "failed-call"


@pytest.mark.parametrize("field", ["eventSource", "eventName"])
@pytest.mark.parametrize("value", ["amplify.amazonaws.com", "DeleteApp", None, 3, []], ids=repr)
def test_another_call_is_ignored(events_folder: Path, field: str, value: object) -> None:
    """The source and the name of the call must both be right."""
    event = _event(events_folder)
    event["detail"][field] = value
    assert _code(event) == "other-call"


def test_another_domain_is_ignored(events_folder: Path) -> None:
    """A function that is for one domain ignores the others."""
    only = Settings(("JupyterServer",), "d-abcdefghijkl")
    assert isinstance(parse(_event(events_folder), only), AppStarted)
    assert _code(_event(events_folder, domainId="d-other"), only) == "other-domain"


def test_nothing_else_in_the_event_has_any_effect(events_folder: Path) -> None:
    """Anything else in an event, such as commands, changes nothing."""
    event = _event(events_folder)
    more = copy.deepcopy(event)
    more |= {"commands": ["rm -rf /"], "app_type": "x"}
    more["detail"] |= {"userIdentity": {"userName": "$(id)"}, "commands": ["id"]}
    more["detail"]["requestParameters"] |= {"resourceSpec": {"lifecycleConfigArn": "x"}, "script": "id", "tags": ["x"]}
    assert parse(more, ANY_DOMAIN) == parse(event, ANY_DOMAIN)


def test_parsing_does_not_change_the_event(events_folder: Path) -> None:
    """Parsing is pure: the same event gives the same result, and is not changed."""
    event = _event(events_folder)
    before = copy.deepcopy(event)
    assert parse(event, ANY_DOMAIN) == parse(event, ANY_DOMAIN)
    assert event == before


def test_a_reason_names_the_invalid_value(events_folder: Path) -> None:
    """Whoever reads the log sees the value and the pattern that it must match."""
    parsed = parse(_event(events_folder, userProfileName="../admin"), ANY_DOMAIN)
    assert isinstance(parsed, Ignored)
    assert "'../admin' is not a valid user profile name: it must match" in parsed.reason


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
    """The source, name and error code of the call are in the reason; a missing code is said to be missing."""
    event = _event(events_folder)
    event["detail"] |= changes
    parsed = parse(event, ANY_DOMAIN)
    assert isinstance(parsed, Ignored)
    assert parsed.reason == reason


def test_the_reason_for_an_empty_event_says_what_is_missing() -> None:
    """Whoever invokes the function with `{}` reads what an event must have."""
    expected = Ignored(NOT_AN_EVENT, "this is not an EventBridge event: it has no detail object")
    assert parse({}, ANY_DOMAIN) == expected


@pytest.mark.parametrize(
    ("field", "what"),
    [("domainId", "domain id"), ("userProfileName", "user profile name"), ("appName", "app name")],
)
def test_a_missing_name_is_reported_as_an_empty_one(events_folder: Path, field: str, what: str) -> None:
    """A name that is not in the event is shown as an empty one, with the pattern that it must match."""
    event = _event(events_folder)
    del event["detail"]["requestParameters"][field]
    parsed = parse(event, ANY_DOMAIN)
    assert isinstance(parsed, Ignored)
    assert parsed.reason.startswith(f"'' is not a valid {what}: it must match ")


@pytest.mark.parametrize(
    "event_id", ["x" * 100_000, {"a": 1}, "a\nb", None], ids=["long", "object", "two-lines", "none"]
)
def test_a_malformed_event_id_is_dropped(events_folder: Path, event_id: object) -> None:
    """The id of the event reaches the log only if it has the form of one."""
    event = _event(events_folder)
    event["detail"]["eventID"] = event_id
    parsed = parse(event, ANY_DOMAIN)
    assert isinstance(parsed, AppStarted)
    assert parsed.event_id == ""


def test_a_long_value_is_shortened_in_the_reason(events_folder: Path) -> None:
    """However long a name in the event is, the reason shows only the beginning."""
    parsed = parse(_event(events_folder, appName="x" * 200_000), ANY_DOMAIN)
    assert isinstance(parsed, Ignored)
    assert len(parsed.reason) < 1000
