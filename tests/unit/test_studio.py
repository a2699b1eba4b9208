"""SageMaker's side: exactly these calls, every status of an app, and a login that keeps its secrets."""

from __future__ import annotations

import random
from typing import Any

import pytest
import requests
from botocore.stub import Stubber
from studio_setup.access.studio import Studio

from studio_setup.model.app import App
from studio_setup.model.errors import (
    AppDeleted,
    AppFailed,
    AppNotReady,
    ConnectionLost,
    ControlPlaneRefused,
    LoginRefused,
    SpaceWithoutOwner,
    SsoDomain,
)
from tests.support.fakes import Answer, FakeTime, Wire, everything_said, page, redirect

HOST = "https://d-abcdefghijkl.studio.us-east-1.sagemaker.aws"
TOKEN = "eyJ0b2tlbiI6IlNFQ1JFVCJ9"
START = f"{HOST}/auth?token={TOKEN}"
APP = {
    "DomainId": "d-abcdefghijkl",
    "UserProfileName": "alice",
    "AppType": "JupyterServer",
    "AppName": "default",
}
PRESIGN = {
    "DomainId": "d-abcdefghijkl",
    "UserProfileName": "alice",
    "ExpiresInSeconds": 30,
    "SessionExpirationDurationInSeconds": 1800,
    "LandingUri": "app:JupyterServer:",
}
UNKNOWN_CODES = ["ResourceNotFound", "ValidationException"]


@pytest.fixture
def studio(sagemaker: Stubber, app: App, fake_time: FakeTime) -> Studio:
    """The app's Studio, with ten minutes to go."""
    return Studio(sagemaker.client, app, fake_time.deadline(600))


def _statuses(sagemaker: Stubber, *statuses: str, **more: str) -> None:
    for status in statuses:
        if status in UNKNOWN_CODES:
            sagemaker.add_client_error("describe_app", status, "No such app.", 400, expected_params=APP)
        else:
            sagemaker.add_response("describe_app", {"Status": status, **more}, APP)


# The domain


def test_a_domain_in_iam_mode_is_ours(sagemaker: Stubber, studio: Studio) -> None:
    """Where users sign in with IAM, presigned URLs exist, and the setup goes on."""
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, {"DomainId": "d-abcdefghijkl"})
    studio.refuse_sso()


def test_a_domain_with_sso_is_refused(sagemaker: Stubber, studio: Studio) -> None:
    """Where users sign in with Identity Center there is no presigned URL, and the message says so."""
    sagemaker.add_response("describe_domain", {"AuthMode": "SSO"}, {"DomainId": "d-abcdefghijkl"})
    with pytest.raises(SsoDomain, match="d-abcdefghijkl signs in through IAM Identity Center"):
        studio.refuse_sso()


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFound"])
def test_a_refused_domain_call_names_the_code(sagemaker: Stubber, studio: Studio, code: str) -> None:
    """What SageMaker says no to is told with its own code."""
    sagemaker.add_client_error("describe_domain", code, "No.", 400)
    with pytest.raises(ControlPlaneRefused, match=f"describe_domain: {code}: No.") as caught:
        studio.refuse_sso()
    assert caught.value.aws_code == code


def test_a_throttled_call_is_made_again(sagemaker: Stubber, studio: Studio, fake_time: FakeTime) -> None:
    """What SageMaker refuses for now is asked again, within our time."""
    sagemaker.add_client_error("describe_domain", "ThrottlingException", "Rate exceeded", 400)
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, {"DomainId": "d-abcdefghijkl"})
    studio.refuse_sso()
    assert len(fake_time.slept) == 1


# Whom to log in as


SPACE_APP = App("d-abcdefghijkl", "", "JupyterLab", "default", space_name="team-space")
SPACE = {"DomainId": "d-abcdefghijkl", "SpaceName": "team-space"}


def test_the_user_of_an_app_is_known(studio: Studio) -> None:
    """The app of a user is logged in to as that user; nobody is asked."""
    studio.find_user("bot")


@pytest.mark.parametrize(("owner", "user"), [("alice", "alice"), (None, "bot")])
def test_an_app_of_a_space_is_logged_in_to_as_its_owner(
    *,
    sagemaker: Stubber,
    fake_time: FakeTime,
    wire: Wire,
    session: requests.Session,
    caplog: pytest.LogCaptureFixture,
    owner: str | None,
    user: str,
) -> None:
    """A space's owner, or the user profile for spaces that nobody owns, asks for the URL, which names the space.

    The log says which of the two it is.
    """
    settings = {"OwnershipSettings": {"OwnerUserProfileName": owner}} if owner else {}
    sagemaker.add_response("describe_space", settings, SPACE)
    expected = PRESIGN | {"UserProfileName": user, "SpaceName": "team-space", "LandingUri": "app:JupyterLab:"}
    sagemaker.add_response("create_presigned_domain_url", {"AuthorizedUrl": START}, expected)
    wire.answer(f"GET {START}", redirect("https://xyz.studio.us-east-1.sagemaker.aws/jupyterlab/default/lab"))
    wire.answer("GET https://xyz.studio.us-east-1.sagemaker.aws/jupyterlab/default/lab", page())
    studio = Studio(sagemaker.client, SPACE_APP, fake_time.deadline(600))
    caplog.set_level("INFO", logger="studio_setup")
    studio.find_user("bot")
    (record,) = caplog.records
    assert record.getMessage() == "user.found"
    assert (record.__dict__["user_profile_name"], record.__dict__["is_owner"]) == (user, owner is not None)
    assert studio.log_in(session) == "https://xyz.studio.us-east-1.sagemaker.aws/jupyterlab/default"


def test_a_space_without_owner_is_not_ours(sagemaker: Stubber, fake_time: FakeTime) -> None:
    """Where nobody owns the space and no user profile is configured for that, the message says how to."""
    sagemaker.add_response("describe_space", {}, SPACE)
    with pytest.raises(SpaceWithoutOwner, match=r"team-space has no owner.*SharedSpaceUser"):
        Studio(sagemaker.client, SPACE_APP, fake_time.deadline(600)).find_user("")


def test_a_refused_space_call_names_the_code(sagemaker: Stubber, fake_time: FakeTime) -> None:
    """A space that cannot be described is told with the code."""
    sagemaker.add_client_error("describe_space", "AccessDeniedException", "No.", 400, expected_params=SPACE)
    with pytest.raises(ControlPlaneRefused, match="describe_space: AccessDeniedException"):
        Studio(sagemaker.client, SPACE_APP, fake_time.deadline(600)).find_user("bot")


def test_the_app_of_a_space_is_described_by_its_space(sagemaker: Stubber, fake_time: FakeTime) -> None:
    """DescribeApp takes the space or the user, never both."""
    app = App("d-abcdefghijkl", "alice", "JupyterLab", "default", space_name="team-space")
    expected = SPACE | {"AppType": "JupyterLab", "AppName": "default"}
    sagemaker.add_response("describe_app", {"Status": "InService"}, expected)
    Studio(sagemaker.client, app, fake_time.deadline(600)).wait_until_in_service(0)


# Waiting for the app


def test_an_app_in_service_is_not_waited_for(sagemaker: Stubber, studio: Studio, fake_time: FakeTime) -> None:
    """One look is enough."""
    _statuses(sagemaker, "InService")
    studio.wait_until_in_service(60)
    assert fake_time.slept == []


def test_a_pending_app_is_waited_for(sagemaker: Stubber, studio: Studio, fake_time: FakeTime) -> None:
    """It is looked at every few seconds, not quite regularly."""
    _statuses(sagemaker, *["Pending"] * 20, "InService")
    studio.wait_until_in_service(0)
    assert len(set(fake_time.slept)) == 20
    assert all(3 < pause < 6 for pause in fake_time.slept)


def test_a_slow_app_is_looked_at_less_often(sagemaker: Stubber, studio: Studio, fake_time: FakeTime) -> None:
    """After some minutes the looks become rarer, up to half a minute apart."""
    _statuses(sagemaker, *["Pending"] * 50, "InService")
    studio = Studio(sagemaker.client, studio._app, fake_time.deadline(3600))
    studio.wait_until_in_service(0)
    assert fake_time.slept[-1] > 25
    assert max(fake_time.slept) <= 33


@pytest.mark.parametrize(("pause_seconds", "how_often"), [(5.0, 31), (4.3, 35)], ids=["on-the-dot", "just-after"])
def test_the_looks_become_rarer_evenly(
    *,
    sagemaker: Stubber,
    app: App,
    fake_time: FakeTime,
    monkeypatch: pytest.MonkeyPatch,
    pause_seconds: float,
    how_often: int,
) -> None:
    """If chance is always the same, every pause after 150 seconds is 15 % longer than the last, up to half a minute."""
    chance = pause_seconds / 4.5
    monkeypatch.setattr(random, "uniform", lambda _low, _high: chance)
    _statuses(sagemaker, *["Pending"] * 60, "InService")
    Studio(sagemaker.client, app, fake_time.deadline(3600)).wait_until_in_service(0)
    assert fake_time.slept[:how_often] == pytest.approx([pause_seconds] * how_often)
    rarer = [min(pause_seconds * 1.15**number, 30 * chance) for number in range(1, 61 - how_often)]
    assert fake_time.slept[how_often:] == pytest.approx(rarer)


def test_waiting_is_in_the_log(
    sagemaker: Stubber, studio: Studio, fake_time: FakeTime, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever wonders why nothing happens finds the status, and how long it has been waited for."""
    caplog.set_level("INFO", logger="studio_setup")
    _statuses(sagemaker, "Deleted", "Pending", "InService")
    studio.wait_until_in_service(60)
    first, both = round(fake_time.slept[0], 3), round(sum(fake_time.slept), 3)
    assert [
        (record.msg, record.__dict__.get("status"), record.__dict__["waited_seconds"]) for record in caplog.records
    ] == [
        ("app.waiting", "Deleted", 0),
        ("app.waiting", "Pending", first),
        ("app.in_service", None, both),
    ]


def test_a_failed_app_gives_its_reason(sagemaker: Stubber, studio: Studio) -> None:
    """SageMaker's own reason is in the message, and nobody waits any longer."""
    _statuses(sagemaker, "Pending")
    _statuses(sagemaker, "Failed", FailureReason="The lifecycle configuration exited with 1.")
    with pytest.raises(AppFailed, match=r"The lifecycle configuration exited with 1\."):
        studio.wait_until_in_service(60)


def test_a_failed_app_without_a_reason_says_so(sagemaker: Stubber, studio: Studio) -> None:
    """A reason that is missing is not made up."""
    _statuses(sagemaker, "Failed")
    with pytest.raises(AppFailed, match=r"start: no reason given\."):
        studio.wait_until_in_service(60)


@pytest.mark.parametrize("status", ["Deleting", "Deleted", *UNKNOWN_CODES])
def test_an_app_that_is_gone_is_not_waited_for(sagemaker: Stubber, studio: Studio, status: str) -> None:
    """Without a grace, an app that is deleted or unknown ends the setup at once."""
    _statuses(sagemaker, status)
    with pytest.raises(AppDeleted, match=f"alice/JupyterServer/default is .*{status}"):
        studio.wait_until_in_service(0)


@pytest.mark.parametrize("status", ["Deleting", "Deleted", *UNKNOWN_CODES])
def test_the_app_before_is_not_mistaken_for_ours(sagemaker: Stubber, studio: Studio, status: str) -> None:
    """Right after the event, a deleted or unknown app is the one before; ours comes."""
    _statuses(sagemaker, status, status, "Pending", "InService")
    studio.wait_until_in_service(60)


@pytest.mark.parametrize("status", ["Deleting", "Deleted", *UNKNOWN_CODES])
def test_the_grace_for_the_app_before_ends(
    sagemaker: Stubber, studio: Studio, fake_time: FakeTime, status: str
) -> None:
    """An app that stays deleted or unknown is gone."""
    _statuses(sagemaker, *[status] * 4)
    with pytest.raises(AppDeleted):
        studio.wait_until_in_service(12)
    assert sum(fake_time.slept) >= 12


def test_a_status_nobody_knows_is_no_success(sagemaker: Stubber, studio: Studio) -> None:
    """A status that AWS may invent is not taken for in service."""
    _statuses(sagemaker, "Hibernating")
    with pytest.raises(AppDeleted, match="is Hibernating"):
        studio.wait_until_in_service(0)


@pytest.mark.parametrize("status", ["Pending", "Deleted"])
def test_out_of_time_names_what_it_waited_for(sagemaker: Stubber, app: App, fake_time: FakeTime, status: str) -> None:
    """When our time is up first, the message has the status and how long it was waited in."""
    _statuses(sagemaker, *[status] * 4)
    with pytest.raises(AppNotReady, match=f"still {status} after 12 seconds"):
        Studio(sagemaker.client, app, fake_time.deadline(12)).wait_until_in_service(60)


@pytest.mark.parametrize("code", ["AccessDeniedException", "UnrecognizedClientException"])
def test_a_refused_call_is_no_status(sagemaker: Stubber, studio: Studio, code: str) -> None:
    """Being refused says nothing of the app: it ends the attempt, with the code."""
    sagemaker.add_client_error("describe_app", code, "Not you.", 400)
    with pytest.raises(ControlPlaneRefused, match=f"describe_app: {code}: Not you") as caught:
        studio.wait_until_in_service(60)
    assert caught.value.aws_code == code


class _InOrder:
    """A client that remembers the order of calls, and the app's status at each."""

    def __init__(self, *statuses: str) -> None:
        self._statuses = list(statuses)
        self.calls: list[str] = []

    def describe_app(self, **_: str) -> dict[str, Any]:
        """Go one status on."""
        self.calls.append(self._statuses.pop(0))
        return {"Status": self.calls[-1]}

    def create_presigned_domain_url(self, **_: Any) -> dict[str, Any]:  # noqa: ANN401 (strings and numbers)
        """Give a URL."""
        self.calls.append("presigned")
        return {"AuthorizedUrl": START}


def test_a_url_is_asked_for_in_service_only(
    app: App, fake_time: FakeTime, wire: Wire, session: requests.Session
) -> None:
    """A presigned URL that is opened too early can start an app; nothing is asked for before it is in service."""
    client = _InOrder("Deleted", "Pending", "Pending", "InService")
    studio = Studio(client, app, fake_time.deadline(600))  # type: ignore[arg-type]
    studio.wait_until_in_service(60)
    assert client.calls[-1] == "InService"
    wire.answer(f"GET {START}", redirect("/jupyter/default/lab"))
    wire.answer(f"GET {HOST}/jupyter/default/lab", page())
    studio.log_in(session)
    assert client.calls == ["Deleted", "Pending", "Pending", "InService", "presigned"]


# The login


@pytest.fixture
def presigned(sagemaker: Stubber) -> None:
    """SageMaker gives the URL, asked in exactly this way."""
    sagemaker.add_response("create_presigned_domain_url", {"AuthorizedUrl": START}, PRESIGN)


@pytest.mark.usefixtures("presigned")
def test_a_login_leads_to_the_jupyter_server(studio: Studio, wire: Wire, session: requests.Session) -> None:
    """The presigned URL is short-lived, for the shortest session and for our app; where it ends is the base URL."""
    wire.answer(f"GET {START}", redirect(f"{HOST}/jupyter/default/lab?token={TOKEN}", "studio=S; Path=/; Secure"))
    wire.answer(f"GET {HOST}/jupyter/default/lab?token={TOKEN}", page("_xsrf=X; Path=/jupyter/default"))
    assert studio.log_in(session) == f"{HOST}/jupyter/default"
    assert session.cookies.get_dict() == {"studio": "S", "_xsrf": "X"}
    assert wire.calls[1].headers["Cookie"] == "studio=S"


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize(
    "path", ["/jupyter/default", "/jupyter/default/", "/jupyter/default/lab/tree/a", "/jupyterlab/x"]
)
def test_the_base_url_comes_from_where_the_login_ends(
    studio: Studio, wire: Wire, session: requests.Session, path: str
) -> None:
    """The name of the server in the path is whatever Studio says, and a page behind it does not matter."""
    wire.answer(f"GET {START}", redirect(path))
    wire.answer(f"GET {HOST}{path}", page())
    assert studio.log_in(session) == HOST + "/".join(path.split("/")[:3])


@pytest.mark.usefixtures("presigned")
def test_a_space_has_a_host_of_its_own(studio: Studio, wire: Wire, session: requests.Session) -> None:
    """A sibling of Studio's host is followed, and the base URL is there."""
    sibling = "https://xyz1234default.studio.us-east-1.sagemaker.aws"
    wire.answer(f"GET {START}", redirect(f"{sibling}/jupyter/default/lab"))
    wire.answer(f"GET {sibling}/jupyter/default/lab", page())
    assert studio.log_in(session) == f"{sibling}/jupyter/default"


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://us-east-1.signin.aws.amazon.com/oauth",
        "https://evil.example/jupyter/default/lab",
        "https://evilstudio.us-east-1.sagemaker.aws/jupyter/default/lab",
        "https://d-abcdefghijkl.studio.us-east-1.sagemaker.aws.evil.example/jupyter/default/lab",
        "https://d-abcdefghijkl.studio.eu-west-1.sagemaker.aws/jupyter/default/lab",
        "https://studio.us-east-1.sagemaker.aws@evil.example/jupyter/default/lab",
        "//evil.example/jupyter/default/lab",
    ],
)
def test_a_login_that_leads_away_is_refused(
    studio: Studio, wire: Wire, session: requests.Session, elsewhere: str
) -> None:
    """Nothing is sent to a host that is not Studio's: no request, so no cookie and no token either."""
    wire.answer(f"GET {START}", redirect(elsewhere, "studio=S; Path=/; Domain=.sagemaker.aws"))
    with pytest.raises(LoginRefused, match="leads away from Studio"):
        studio.log_in(session)
    assert [call.url for call in wire.calls] == [START]


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize("path", ["/", "/auth", "/signin", "/jupyter", "/jupyter/", "/personal-studio/jupyter/default"])
def test_a_login_that_ends_on_another_page_is_refused(
    studio: Studio, wire: Wire, session: requests.Session, path: str
) -> None:
    """A page with status 200 that is not the app is no login."""
    wire.answer(f"GET {START}", redirect(path))
    wire.answer(f"GET {HOST}{path}", page())
    with pytest.raises(LoginRefused, match=f"landed on the page '{path}'") as caught:
        studio.log_in(session)
    assert TOKEN not in everything_said(caught.value)


@pytest.mark.usefixtures("presigned")
def test_a_login_that_goes_round_in_circles_is_refused(studio: Studio, wire: Wire, session: requests.Session) -> None:
    """Redirects come to an end."""
    wire.answer(f"GET {HOST}/*", redirect(START))
    with pytest.raises(LoginRefused, match="redirects more than"):
        studio.log_in(session)
    assert len(wire.calls) < 20


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_login_is_told(studio: Studio, wire: Wire, session: requests.Session, status: int) -> None:
    """A refusal has its status, and the hint that the URL expired or a policy keeps us out."""
    wire.answer(f"GET {START}", page(status=status))
    with pytest.raises(LoginRefused, match=f"HTTP {status}.*may have expired.*aws:SourceIp") as caught:
        studio.log_in(session)
    assert TOKEN not in everything_said(caught.value)


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize("status", [404, 429, 500, 502, 503, 504])
def test_a_busy_front_door_is_tried_again(studio: Studio, wire: Wire, session: requests.Session, status: int) -> None:
    """What passes by itself is a lost connection, which is made again."""
    wire.answer(f"GET {START}", page(status=status))
    with pytest.raises(ConnectionLost, match=f"HTTP {status}"):
        studio.log_in(session)


@pytest.mark.usefixtures("presigned")
def test_every_request_of_a_login_has_timeouts(
    studio: Studio, wire: Wire, session: requests.Session, fake_time: FakeTime
) -> None:
    """No request waits for ever, nor much longer than our time."""
    wire.answer(f"GET {START}", redirect("/jupyter/default/lab"))
    wire.answer(f"GET {HOST}/jupyter/default/lab", page())
    fake_time.now += 590
    studio.log_in(session)
    assert [call.timeout for call in wire.calls] == [(5, 11), (5, 11)]


def test_a_login_starts_without_cookies(
    sagemaker: Stubber, studio: Studio, wire: Wire, session: requests.Session
) -> None:
    """What an earlier login left is not sent along."""
    session.cookies.set("old", "1", domain="d-abcdefghijkl.studio.us-east-1.sagemaker.aws")
    sagemaker.add_response("create_presigned_domain_url", {"AuthorizedUrl": START}, PRESIGN)
    wire.answer(f"GET {START}", Answer(403))
    with pytest.raises(LoginRefused):
        studio.log_in(session)
    assert "Cookie" not in wire.calls[0].headers


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFound"])
def test_a_refused_url_is_told(
    sagemaker: Stubber, studio: Studio, wire: Wire, session: requests.Session, code: str
) -> None:
    """Without a presigned URL nothing is sent anywhere, and the code says why."""
    sagemaker.add_client_error("create_presigned_domain_url", code, "No.", 400)
    with pytest.raises(ControlPlaneRefused, match=f"create_presigned_domain_url: {code}") as caught:
        studio.log_in(session)
    assert caught.value.aws_code == code
    assert wire.calls == []


@pytest.mark.usefixtures("presigned")
def test_no_error_text_holds_the_token(studio: Studio, wire: Wire, session: requests.Session) -> None:
    """What `requests` says of a broken connection holds the presigned URL; what we say of it does not."""
    with pytest.raises(requests.ConnectionError) as raw, requests.Session() as real:
        real.get(f"http://127.0.0.1:1/auth?token={TOKEN}", timeout=5)
    assert TOKEN in everything_said(raw.value)

    wire.answer(f"GET {START}", raw.value)
    with pytest.raises(ConnectionLost, match=r"The login failed: ConnectionError\.") as caught:
        studio.log_in(session)
    assert TOKEN not in everything_said(caught.value)


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize(
    "answer",
    [
        redirect(f"https://evil.example/?token={TOKEN}"),
        redirect(f"/signin?token={TOKEN}"),
        redirect(START),
        page(status=403),
        page(status=503),
        requests.ReadTimeout(f"GET {START} timed out"),
        requests.TooManyRedirects(START),
        requests.exceptions.InvalidURL(START),
    ],
    ids=repr,
)
def test_no_refusal_holds_the_token(
    studio: Studio, wire: Wire, session: requests.Session, answer: Answer | Exception
) -> None:
    """However a login goes wrong, nothing said about it holds the token."""
    wire.answer(f"GET {START}", answer)
    wire.answer(f"GET {HOST}/signin*", page())
    with pytest.raises((LoginRefused, ConnectionLost)) as caught:
        studio.log_in(session)
    assert TOKEN not in everything_said(caught.value)
