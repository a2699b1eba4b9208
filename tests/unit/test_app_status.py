"""What SageMaker says about the app, its domain and its space: exactly these calls, and every status of an app."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.stub import Stubber

from studio_setup.access.app_status import AppStatus, Owner
from studio_setup.access.control_plane import ControlPlane
from studio_setup.model.app import App
from studio_setup.model.errors import (
    AppDeleted,
    AppFailed,
    AppNotReady,
    ControlPlaneRefused,
    SpaceWithoutOwner,
    SsoDomain,
)
from tests.support.fakes import FakeTime

DOMAIN = {"DomainId": "d-abcdefghijkl"}
APP = DOMAIN | {"UserProfileName": "alice", "AppType": "JupyterServer", "AppName": "default"}
SPACE_APP = App("d-abcdefghijkl", "", "JupyterLab", "default", space_name="team-space")
SPACE = DOMAIN | {"SpaceName": "team-space"}
UNKNOWN_CODES = ["ResourceNotFound", "ValidationException"]
GONE = ["Deleting", "Deleted", "ResourceNotFound"]
NOT_IN_SERVICE = ["Deleting", "Deleted", *UNKNOWN_CODES]
HOST = "d-abcdefghijkl.studio.us-east-1.sagemaker.aws"
SPACE_HOST = "xyz1234default.studio.us-east-1.sagemaker.aws"

MakeStatus = Callable[[App, float], AppStatus]


@pytest.fixture
def make_status(control_plane: ControlPlane, fake_time: FakeTime) -> MakeStatus:
    """Make the status of an app, with that many seconds left."""
    return lambda app, seconds: AppStatus(control_plane, app, fake_time.deadline(seconds))


@pytest.fixture
def status(make_status: MakeStatus, app: App) -> AppStatus:
    """The status of the user's app, with ten minutes left."""
    return make_status(app, 600)


@pytest.fixture
def space_status(make_status: MakeStatus) -> AppStatus:
    """The status of a space's app, with ten minutes left."""
    return make_status(SPACE_APP, 600)


def _add_statuses(sagemaker: Stubber, *statuses: str, **more: str) -> None:
    for status in statuses:
        if status in UNKNOWN_CODES:
            sagemaker.add_client_error("describe_app", status, "No such app.", 400, expected_params=APP)
        else:
            sagemaker.add_response("describe_app", {"Status": status, **more}, APP)


# The domain


def test_a_domain_in_iam_mode_is_accepted(sagemaker: Stubber, status: AppStatus) -> None:
    """Presigned URLs exist for a domain in IAM mode."""
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, DOMAIN)
    assert status.find_owner("") == Owner("alice")


def test_a_domain_in_sso_mode_is_refused(sagemaker: Stubber, status: AppStatus) -> None:
    """Presigned URLs do not exist for a domain in SSO mode, and the message says so."""
    sagemaker.add_response("describe_domain", {"AuthMode": "SSO"}, DOMAIN)
    with pytest.raises(SsoDomain, match="d-abcdefghijkl signs in through IAM Identity Center"):
        status.find_owner("")


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFound"])
def test_a_refused_domain_call_names_the_code(sagemaker: Stubber, status: AppStatus, code: str) -> None:
    """If SageMaker refuses to describe the domain, its own code is in the error."""
    sagemaker.add_client_error("describe_domain", code, "No.", 400)
    with pytest.raises(ControlPlaneRefused, match=f"describe_domain: {code}: No.") as caught:
        status.find_owner("")
    assert caught.value.aws_code == code


def test_while_the_api_is_throttled_the_domain_is_left_out(
    sagemaker: Stubber, status: AppStatus, fake_time: FakeTime
) -> None:
    """It is asked about once; then the next call is made, after a pause, and the login is told."""
    sagemaker.add_client_error("describe_domain", "ThrottlingException", "Rate exceeded", 400)
    assert status.find_owner("") == Owner("alice", is_domain_known=False)
    assert len(fake_time.slept) == 1


@pytest.mark.parametrize(("owner", "user"), [("alice", "alice"), (None, "bot")])
def test_while_the_api_is_throttled_the_space_is_not_left_out(
    sagemaker: Stubber, space_status: AppStatus, owner: str | None, user: str
) -> None:
    """Nobody else knows its owner."""
    settings = {"OwnershipSettings": {"OwnerUserProfileName": owner}} if owner else {}
    sagemaker.add_client_error("describe_domain", "ThrottlingException", "Rate exceeded", 400)
    sagemaker.add_client_error("describe_space", "ThrottlingException", "Rate exceeded", 400)
    sagemaker.add_response("describe_space", settings | {"Url": f"https://{SPACE_HOST}"}, SPACE)
    assert space_status.find_owner("bot") == Owner(user, frozenset({SPACE_HOST}), is_domain_known=False)


def test_the_users_name_given_for_a_space_does_not_make_its_domain_known(
    sagemaker: Stubber, make_status: MakeStatus
) -> None:
    """The login is told whoever the user is."""
    sagemaker.add_client_error("describe_domain", "ThrottlingException", "Rate exceeded", 400)
    sagemaker.add_response("describe_space", {}, SPACE)
    status = make_status(App("d-abcdefghijkl", "alice", "JupyterLab", "default", space_name="team-space"), 600)
    assert status.find_owner("bot") == Owner("alice", is_domain_known=False)


# Whom to log in as, and where that may lead


def test_a_users_app_is_logged_in_to_as_that_user(sagemaker: Stubber, status: AppStatus) -> None:
    """The user of the app is known from the event; only the domain is described, for its host."""
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM", "Url": f"https://{HOST}"}, DOMAIN)
    assert status.find_owner("bot") == Owner("alice", frozenset({HOST}))


@pytest.mark.parametrize(("owner", "user"), [("alice", "alice"), (None, "bot")])
def test_a_spaces_app_is_logged_in_to_as_its_owner_or_as_the_shared_space_user(
    sagemaker: Stubber, space_status: AppStatus, caplog: pytest.LogCaptureFixture, owner: str | None, user: str
) -> None:
    """The user is the space's owner, or the configured user profile if it has none; the log says which of the two."""
    caplog.set_level("INFO", logger="studio_setup")
    settings = {"OwnershipSettings": {"OwnerUserProfileName": owner}} if owner else {}
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM", "Url": f"https://{HOST}"}, DOMAIN)
    sagemaker.add_response("describe_space", settings | {"Url": f"https://{SPACE_HOST}/x"}, SPACE)
    assert space_status.find_owner("bot") == Owner(user, frozenset({HOST, SPACE_HOST}))
    (record,) = caplog.records
    assert record.getMessage() == "user.found"
    fields = record.__dict__
    assert (fields["login_user_profile_name"], fields["is_owner"]) == (user, owner is not None)


def test_the_user_of_a_spaces_app_may_be_given(sagemaker: Stubber, make_status: MakeStatus) -> None:
    """Whoever the owner is: the space is described for its host alone."""
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, DOMAIN)
    sagemaker.add_response(
        "describe_space", {"OwnershipSettings": {"OwnerUserProfileName": "bob"}, "Url": f"https://{SPACE_HOST}"}, SPACE
    )
    status = make_status(App("d-abcdefghijkl", "alice", "JupyterLab", "default", space_name="team-space"), 600)
    assert status.find_owner("bot") == Owner("alice", frozenset({SPACE_HOST}))


def test_a_space_without_owner_is_refused_if_no_user_is_configured(sagemaker: Stubber, space_status: AppStatus) -> None:
    """With no owner and no shared space user, the message says which parameter to set."""
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, DOMAIN)
    sagemaker.add_response("describe_space", {}, SPACE)
    with pytest.raises(SpaceWithoutOwner, match=r"team-space has no owner.*SharedSpaceUser"):
        space_status.find_owner("")


def test_a_refused_space_call_names_the_code(sagemaker: Stubber, space_status: AppStatus) -> None:
    """If SageMaker refuses to describe the space, its own code is in the error."""
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, DOMAIN)
    sagemaker.add_client_error("describe_space", "AccessDeniedException", "No.", 400, expected_params=SPACE)
    with pytest.raises(ControlPlaneRefused, match="describe_space: AccessDeniedException"):
        space_status.find_owner("bot")


@pytest.mark.parametrize("space", [{"OwnershipSettings": None}, {"OwnershipSettings": {"OwnerUserProfileName": 3}}])
def test_a_garbled_owner_is_no_owner(space: dict[str, Any], fake_time: FakeTime) -> None:
    """An answer of another shape than documented is not taken for a user's name."""
    client: Any = SimpleNamespace(
        describe_domain=lambda **_: {"AuthMode": "IAM", "Url": 3}, describe_space=lambda **_: space
    )
    deadline = fake_time.deadline(600)
    status = AppStatus(ControlPlane(client, deadline), SPACE_APP, deadline)
    with pytest.raises(SpaceWithoutOwner):
        status.find_owner("")


def test_a_spaces_app_is_described_by_its_space(sagemaker: Stubber, make_status: MakeStatus) -> None:
    """DescribeApp takes the space or the user, never both."""
    app = App("d-abcdefghijkl", "alice", "JupyterLab", "default", space_name="team-space")
    expected = SPACE | {"AppType": "JupyterLab", "AppName": "default"}
    sagemaker.add_response("describe_app", {"Status": "InService"}, expected)
    make_status(app, 600).wait_until_in_service(0)


# Waiting for the app


def test_an_app_in_service_is_not_waited_for(sagemaker: Stubber, status: AppStatus, fake_time: FakeTime) -> None:
    """One call is enough."""
    _add_statuses(sagemaker, "InService")
    assert status.wait_until_in_service(60) == ""
    assert fake_time.slept == []


def test_the_apps_creation_time_is_known(sagemaker: Stubber, status: AppStatus) -> None:
    """In ISO 8601, as SageMaker says it when the app is in service."""
    created_at = datetime(2026, 11, 22, 14, 59, 30, tzinfo=UTC)
    _add_statuses(sagemaker, "Pending")
    sagemaker.add_response("describe_app", {"Status": "InService", "CreationTime": created_at}, APP)
    assert status.wait_until_in_service(60) == "2026-11-22T14:59:30+00:00"


@pytest.mark.parametrize("answer", [{}, {"Status": None}, {"Status": ""}, {"Status": 3}])
def test_an_app_without_a_status_cannot_be_waited_for(answer: dict[str, Any], app: App, fake_time: FakeTime) -> None:
    """An answer without a status says nothing about the app, and does not crash."""
    client: Any = SimpleNamespace(describe_app=lambda **_: answer)
    deadline = fake_time.deadline(600)
    with pytest.raises(ControlPlaneRefused, match=r"describe_app: the answer has no Status\. Check"):
        AppStatus(ControlPlane(client, deadline), app, deadline).wait_until_in_service(60)


def test_a_pending_app_is_waited_for(sagemaker: Stubber, status: AppStatus, fake_time: FakeTime) -> None:
    """Its status is polled every few seconds, with some jitter."""
    _add_statuses(sagemaker, *["Pending"] * 20, "InService")
    status.wait_until_in_service(0)
    assert len(set(fake_time.slept)) == 20
    assert all(3 < pause < 6 for pause in fake_time.slept)


def test_a_slow_app_is_polled_less_often(
    sagemaker: Stubber, make_status: MakeStatus, app: App, fake_time: FakeTime
) -> None:
    """After some minutes the pauses grow, up to half a minute."""
    _add_statuses(sagemaker, *["Pending"] * 80, "InService")
    make_status(app, 3600).wait_until_in_service(0)
    assert fake_time.slept[-1] > 25
    assert max(fake_time.slept) <= 33


def test_an_app_is_polled_less_often_where_calls_are_throttled(
    sagemaker: Stubber, status: AppStatus, fake_time: FakeTime
) -> None:
    """Each refusal makes the pauses between later looks half as long again: everybody's polls have to fit the rate."""
    for _ in range(3):
        sagemaker.add_client_error("describe_app", "ThrottlingException", "Rate exceeded", 400, expected_params=APP)
        _add_statuses(sagemaker, "Pending")
    _add_statuses(sagemaker, "Pending", "InService")
    status.wait_until_in_service(0)
    polls = [*fake_time.slept[1:6:2], fake_time.slept[6]]
    assert polls == pytest.approx([4 * 1.5, 4 * 1.5**2, 4 * 1.5**3, 4 * 1.5**3], rel=0.101)


@pytest.mark.parametrize(("pause_seconds", "count"), [(5.0, 49), (4.3, 56)], ids=["on-the-dot", "just-after"])
def test_the_pauses_grow_evenly(
    *,
    sagemaker: Stubber,
    make_status: MakeStatus,
    app: App,
    fake_time: FakeTime,
    monkeypatch: pytest.MonkeyPatch,
    pause_seconds: float,
    count: int,
) -> None:
    """With constant jitter, each pause after four minutes is 15 % longer than the one before, up to half a minute."""
    jitter = pause_seconds / 4
    monkeypatch.setattr(random, "uniform", lambda _low, _high: jitter)
    _add_statuses(sagemaker, *["Pending"] * 80, "InService")
    make_status(app, 3600).wait_until_in_service(0)
    assert fake_time.slept[:count] == pytest.approx([pause_seconds] * count)
    growing = [min(pause_seconds * 1.15**number, 30 * jitter) for number in range(1, 81 - count)]
    assert fake_time.slept[count:] == pytest.approx(growing)


def test_waiting_is_logged(
    sagemaker: Stubber, status: AppStatus, fake_time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    """The log has each status that was waited in, and for how long so far."""
    caplog.set_level("INFO", logger="studio_setup")
    _add_statuses(sagemaker, "Deleted", "Pending", "InService")
    status.wait_until_in_service(60)
    first, both = round(fake_time.slept[0], 3), round(sum(fake_time.slept), 3)
    assert [
        (record.msg, record.__dict__.get("status"), record.__dict__["waited_seconds"]) for record in caplog.records
    ] == [
        ("app.waiting", "Deleted", 0),
        ("app.waiting", "Pending", first),
        ("app.in_service", None, both),
    ]


def test_a_failed_app_gives_its_reason(sagemaker: Stubber, status: AppStatus) -> None:
    """SageMaker's own reason is in the message, and waiting ends at once."""
    _add_statuses(sagemaker, "Pending")
    _add_statuses(sagemaker, "Failed", FailureReason="The lifecycle configuration exited with 1.")
    with pytest.raises(AppFailed, match=r"The lifecycle configuration exited with 1\."):
        status.wait_until_in_service(60)


def test_a_failed_app_without_a_reason_says_so(sagemaker: Stubber, status: AppStatus) -> None:
    """A missing reason is said to be missing."""
    _add_statuses(sagemaker, "Failed")
    with pytest.raises(AppFailed, match=r"start: no reason given\."):
        status.wait_until_in_service(60)


@pytest.mark.parametrize("not_in_service", GONE)
def test_without_grace_a_deleted_app_is_not_waited_for(
    sagemaker: Stubber, status: AppStatus, not_in_service: str
) -> None:
    """An app that is deleted or unknown ends the setup at once."""
    _add_statuses(sagemaker, not_in_service)
    with pytest.raises(AppDeleted, match=f"alice/JupyterServer/default is .*{not_in_service}"):
        status.wait_until_in_service(0)


@pytest.mark.parametrize("not_in_service", NOT_IN_SERVICE)
def test_an_earlier_app_of_that_name_is_not_taken_for_the_one_that_started(
    sagemaker: Stubber, status: AppStatus, not_in_service: str
) -> None:
    """Right after the event, DescribeApp may still describe the app before: deleted, or unknown."""
    _add_statuses(sagemaker, not_in_service, not_in_service, "Pending", "InService")
    status.wait_until_in_service(60)


@pytest.mark.parametrize("not_in_service", GONE)
def test_the_grace_for_an_earlier_app_ends(
    sagemaker: Stubber, status: AppStatus, fake_time: FakeTime, not_in_service: str
) -> None:
    """An app that stays deleted or unknown for longer than the grace is gone."""
    _add_statuses(sagemaker, *[not_in_service] * 4)
    with pytest.raises(AppDeleted):
        status.wait_until_in_service(10)
    assert sum(fake_time.slept) >= 10


@pytest.mark.parametrize(("grace_seconds", "calls"), [(0, 1), (10, 4)])
def test_a_call_that_sagemaker_takes_for_invalid_is_refused_and_no_app_is_gone(
    sagemaker: Stubber, status: AppStatus, grace_seconds: float, calls: int
) -> None:
    """A ValidationException may mean an unknown app, but also a wrong call: it is an error, and not a quiet end."""
    _add_statuses(sagemaker, *["ValidationException"] * calls)
    with pytest.raises(ControlPlaneRefused, match="describe_app: ValidationException: No such app") as caught:
        status.wait_until_in_service(grace_seconds)
    assert caught.value.aws_code == "ValidationException"


def test_an_unknown_status_is_not_in_service(sagemaker: Stubber, status: AppStatus) -> None:
    """A status that AWS may add one day is not taken for InService."""
    _add_statuses(sagemaker, "Hibernating")
    with pytest.raises(AppDeleted, match="is Hibernating"):
        status.wait_until_in_service(0)


@pytest.mark.parametrize("last", ["Pending", "Deleted"])
def test_at_the_deadline_the_last_status_is_named(
    sagemaker: Stubber, make_status: MakeStatus, app: App, last: str
) -> None:
    """If the deadline passes first, the message has the status and how long it was waited for."""
    _add_statuses(sagemaker, *[last] * 4)
    with pytest.raises(AppNotReady, match=f"still {last} after 10 seconds"):
        make_status(app, 10).wait_until_in_service(60)


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnrecognizedClientException"])
def test_a_refused_call_is_not_a_status(sagemaker: Stubber, status: AppStatus, code: str) -> None:
    """A refusal says nothing about the app: it ends the attempt, with its code."""
    sagemaker.add_client_error("describe_app", code, "Not you.", 400)
    with pytest.raises(ControlPlaneRefused, match=f"describe_app: {code}: Not you") as caught:
        status.wait_until_in_service(60)
    assert caught.value.aws_code == code


def test_after_a_loss_a_deleted_app_is_not_waited_for(
    sagemaker: Stubber, status: AppStatus, fake_time: FakeTime
) -> None:
    """Once the app was in service, a deleted one is not an earlier one of that name."""
    _add_statuses(sagemaker, "Deleted")
    with pytest.raises(AppDeleted):
        status.check_in_service()
    assert fake_time.slept == []
