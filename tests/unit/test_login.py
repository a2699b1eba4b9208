"""The login with a presigned URL: where it may lead, what is sent there, and that its secrets stay secret."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from botocore.stub import Stubber

from studio_setup.access.app_status import Owner
from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.http import Http
from studio_setup.access.login import Login
from studio_setup.model.app import App
from studio_setup.model.errors import ConnectionLost, ControlPlaneRefused, LoginRefused, SsoDomain
from tests.support.fakes import Answer, FakeTime, Wire, everything_said, json_answer, page, redirect

DOMAIN = "d-abcdefghijkl.studio.us-east-1.sagemaker.aws"
HOST = f"https://{DOMAIN}"
SPACE_HOST = "xyz1234default.studio.us-east-1.sagemaker.aws"
LAB = f"{HOST}/jupyter/default/lab"
STATUS = f"GET {HOST}/jupyter/default/api/status"
TOKEN = "eyJ0b2tlbiI6IlNFQ1JFVCJ9"
START = f"{HOST}/auth?token={TOKEN}"
PRESIGN = {
    "DomainId": "d-abcdefghijkl",
    "UserProfileName": "alice",
    "ExpiresInSeconds": 30,
    "SessionExpirationDurationInSeconds": 1800,
    "LandingUri": "app:JupyterServer:",
}
WITHOUT_LANDING_URI = {name: value for name, value in PRESIGN.items() if name != "LandingUri"}


@pytest.fixture
def login(control_plane: ControlPlane, app: App, fake_time: FakeTime) -> Login:
    """The login to the user's app, with ten minutes left; SageMaker has described no host."""
    return Login(control_plane, app, Owner("alice"), fake_time.deadline(600))


def _presign(sagemaker: Stubber, *asked: dict[str, Any]) -> None:
    for expected in asked:
        sagemaker.add_response("create_presigned_domain_url", {"AuthorizedUrl": START}, expected)


@pytest.fixture
def presigned(sagemaker: Stubber) -> None:
    """SageMaker gives one presigned URL, if it is asked in exactly this way."""
    _presign(sagemaker, PRESIGN)


@pytest.fixture
def presigned_thrice(sagemaker: Stubber) -> None:
    """SageMaker gives a presigned URL for each try: twice for the app's landing URI, and then without one."""
    _presign(sagemaker, PRESIGN, PRESIGN, WITHOUT_LANDING_URI)


# Where a login leads


@pytest.mark.usefixtures("presigned")
def test_a_login_leads_to_the_jupyter_server(login: Login, wire: Wire, http: Http) -> None:
    """The presigned URL is short-lived, for the shortest session and for our app; the base URL is where it ends."""
    wire.answer(f"GET {START}", redirect(f"{HOST}/jupyter/default/lab?token={TOKEN}", "studio=S; Path=/; Secure"))
    wire.answer(f"GET {HOST}/jupyter/default/lab?token={TOKEN}", page("_xsrf=X; Path=/jupyter/default"))
    assert login.log_in(http) == f"{HOST}/jupyter/default"
    assert http.cookies.get_dict() == {"studio": "S", "_xsrf": "X"}
    assert wire.calls[1].headers["Cookie"] == "studio=S"


@pytest.mark.parametrize("user", ["alice", "bot"])
def test_a_login_to_a_space_names_the_space_and_the_user(
    *,
    sagemaker: Stubber,
    control_plane: ControlPlane,
    fake_time: FakeTime,
    wire: Wire,
    http: Http,
    user: str,
) -> None:
    """The presigned URL for a space's app is asked for as the given user, and leads to the space's own host."""
    app = App("d-abcdefghijkl", "", "JupyterLab", "default", space_name="team-space")
    _presign(sagemaker, WITHOUT_LANDING_URI | {"UserProfileName": user, "SpaceName": "team-space"})
    wire.answer(f"GET {START}", redirect(f"https://{SPACE_HOST}/jupyterlab/default/lab"))
    wire.answer(f"GET https://{SPACE_HOST}/jupyterlab/default/lab", page())
    login = Login(control_plane, app, Owner(user, frozenset({SPACE_HOST})), fake_time.deadline(600))
    assert login.log_in(http) == f"https://{SPACE_HOST}/jupyterlab/default"


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize(
    "path", ["/jupyter/default", "/jupyter/default/", "/jupyter/default/lab/tree/a", "/jupyterlab/x"]
)
def test_the_base_url_comes_from_where_the_login_ends(login: Login, wire: Wire, http: Http, path: str) -> None:
    """The server's name in the path is whatever Studio says; the rest of the path does not matter."""
    wire.answer(f"GET {START}", redirect(path))
    wire.answer(f"GET {HOST}{path}", page())
    assert login.log_in(http) == HOST + "/".join(path.split("/")[:3])


@pytest.mark.usefixtures("presigned")
def test_a_space_has_a_host_of_its_own(
    control_plane: ControlPlane, app: App, fake_time: FakeTime, wire: Wire, http: Http
) -> None:
    """A redirect to a host that SageMaker describes is followed, and the base URL is there."""
    login = Login(control_plane, app, Owner("alice", frozenset({SPACE_HOST})), fake_time.deadline(600))
    wire.answer(f"GET {START}", redirect(f"https://{SPACE_HOST}/jupyter/default/lab"))
    wire.answer(f"GET https://{SPACE_HOST}/jupyter/default/lab", page())
    assert login.log_in(http) == f"https://{SPACE_HOST}/jupyter/default"


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize("there", [f"https://studio-{DOMAIN}", HOST.upper().replace("HTTPS", "https")])
def test_the_domain_and_its_portal_are_studio(login: Login, wire: Wire, http: Http, there: str) -> None:
    """Both belong to the domain by their names, and names of hosts have no case."""
    wire.answer(f"GET {START}", redirect(f"{there}/jupyter/default/lab"))
    wire.answer("GET https://*", page())
    assert login.log_in(http) == f"{there.lower()}/jupyter/default"


@pytest.mark.usefixtures("presigned")
def test_credentials_in_a_redirect_are_not_sent(login: Login, wire: Wire, http: Http) -> None:
    """A user and a password in a Location reach neither a header nor the base URL."""
    wire.answer(f"GET {START}", redirect(LAB.replace("://", "://user:password@")))
    wire.answer("GET https://*", page())
    assert login.log_in(http) == f"{HOST}/jupyter/default"
    assert [name for call in wire.calls for name in call.headers if name == "Authorization"] == []


@pytest.mark.usefixtures("presigned_thrice")
@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://us-east-1.signin.aws.amazon.com/oauth",
        "https://evil.example/jupyter/default/lab",
        "https://evilstudio.us-east-1.sagemaker.aws/jupyter/default/lab",
        "https://d-abcdefghijkl.studio.us-east-1.sagemaker.aws.evil.example/jupyter/default/lab",
        "https://d-abcdefghijkl.studio.eu-west-1.sagemaker.aws/jupyter/default/lab",
        "https://d-xyz.studio.us-east-1.sagemaker.aws/jupyter/default/lab",
        f"https://{SPACE_HOST}/jupyter/default/lab",
        "https://studio-d-xyz.studio.us-east-1.sagemaker.aws/jupyter/default/lab",
        "https://studio.us-east-1.sagemaker.aws/jupyter/default/lab",
        "https://studio.us-east-1.sagemaker.aws@evil.example/jupyter/default/lab",
        "//evil.example/jupyter/default/lab",
    ],
)
def test_a_login_that_leads_away_is_refused(login: Login, wire: Wire, http: Http, elsewhere: str) -> None:
    """Nothing is sent to a host that is not Studio's: no request, and so no cookie and no token."""
    wire.answer(f"GET {START}", redirect(elsewhere, "studio=S; Path=/; Domain=.sagemaker.aws"))
    with pytest.raises(LoginRefused, match="leads away from Studio"):
        login.log_in(http)
    assert [call.url for call in wire.calls] == [START] * 3


@pytest.mark.usefixtures("presigned_thrice")
@pytest.mark.parametrize(
    "leads",
    [
        ("https://{secret}.evil.example/", r"https at \.\.\.\.evil\.example"),
        ("https://x{secret}x.evil.example/", r"https at \.\.\.\.evil\.example"),
        ("https://{begin}.{end}.evil.example/", r"https at \.\.\.\.\.\.\.\.evil\.example"),
        ("https://{secret}:{secret}@evil.example/", r"https at evil\.example"),
        ("//{secret}", r"https at \.\.\."),
        ("{secret}://evil.example/", r"another scheme at evil\.example"),
        ("https://a.b.c.d.e.f.g/", r"https at c\.d\.e\.f\.g"),
        ("https://" + "x" * 33 + ".evil.example/", r"https at \.\.\.\.evil\.example"),
    ],
)
@pytest.mark.parametrize("secret", [TOKEN, "Session-0123456789"])
def test_where_a_login_leads_away_to_is_said_without_a_secret(
    login: Login, wire: Wire, http: Http, leads: tuple[str, str], secret: str
) -> None:
    """Whoever redirects can put what they were sent into the name of a host, whole or in parts, in any case."""
    elsewhere, where = leads
    url = elsewhere.format(secret=secret, begin=secret[:8], end=secret[8:])
    wire.answer(f"GET {START}", redirect(url, f"studio={secret}; Path=/"))
    with pytest.raises(LoginRefused, match=f"leads away from Studio, to {where}:") as caught:
        login.log_in(http)
    assert secret[4:].lower() not in caught.value.message.lower()


@pytest.mark.usefixtures("presigned_thrice")
def test_a_refusal_that_repeats_what_was_sent_is_told_without_it(login: Login, wire: Wire, http: Http) -> None:
    """In its path, its content type, its title or the name of a cookie; also a cookie of an earlier login."""
    told = "SESSION-0123456789"
    again = Answer(403, f"<title>{told}</title>", (("Content-Type", told), ("Set-Cookie", f"{told}=1; Path=/")))
    wire.answer(f"GET {START}", redirect("/first", f"studio={told}; Path=/"), redirect(f"/x/{told}"))
    wire.answer(f"GET {HOST}/first", page(status=403))
    wire.answer(f"GET {HOST}/x/*", again)
    with pytest.raises(
        LoginRefused, match=r"path '/x/\.\.\.', content type '\.\.\.', title '\.\.\.'\. Cookies: \.\.\.\."
    ) as caught:
        login.log_in(http)
    assert told not in everything_said(caught.value)


@pytest.mark.usefixtures("presigned_thrice")
def test_a_host_that_two_parsers_read_differently_gets_nothing(login: Login, wire: Wire, http: Http) -> None:
    """Where `urlsplit` and `requests` disagree about the host of a URL, neither host is sent anything."""
    wire.answer(f"GET {START}", redirect(f"https://evil.example\\@{HOST.removeprefix('https://')}/jupyter/default/lab"))
    wire.answer("GET https://evil.example*", page())
    with pytest.raises(LoginRefused):
        login.log_in(http)
    assert [call.url for call in wire.calls] == [START] * 3


@pytest.mark.usefixtures("presigned_thrice")
def test_a_login_stays_on_https(login: Login, wire: Wire, http: Http) -> None:
    """A redirect from https to http is not followed: cookies and commands would be sent unencrypted."""
    plain = HOST.replace("https", "http")
    wire.answer(f"GET {START}", redirect(f"{plain}/jupyter/default/lab"))
    wire.answer(f"GET {plain}/*", page())
    with pytest.raises(LoginRefused):
        login.log_in(http)
    assert [call.url for call in wire.calls] == [START] * 3


@pytest.mark.usefixtures("presigned_thrice")
@pytest.mark.parametrize("location", ["https://[nonsense", "https://a:b:c/", "//[::1", "https://studio.\0/"])
def test_a_redirect_to_an_invalid_url_is_a_failed_login(login: Login, wire: Wire, http: Http, location: str) -> None:
    """A Location that is not a URL fails the login and does not crash."""
    wire.answer(f"GET {START}", redirect(location))
    with pytest.raises(LoginRefused):
        login.log_in(http)
    assert [call.url for call in wire.calls] == [START] * 3


# A domain that was not described, because the API was throttled


@pytest.fixture
def login_unaware(control_plane: ControlPlane, app: App, fake_time: FakeTime) -> Login:
    """The login to the user's app, with ten minutes left, in a domain of which nothing is known."""
    return Login(control_plane, app, Owner("alice", is_domain_known=False), fake_time.deadline(600))


@pytest.mark.usefixtures("presigned")
def test_a_login_that_goes_well_needs_no_description_of_the_domain(
    login_unaware: Login, wire: Wire, http: Http
) -> None:
    """The presigned URL and the domain's name tell the hosts: SageMaker is asked nothing else."""
    wire.answer(f"GET {START}", redirect(LAB))
    wire.answer(f"GET {LAB}", page())
    assert login_unaware.log_in(http) == f"{HOST}/jupyter/default"


def test_the_domain_is_described_once_a_login_leads_away(
    sagemaker: Stubber, login_unaware: Login, wire: Wire, http: Http
) -> None:
    """Where it leads may be the domain's own host; nothing is sent there before SageMaker has said so."""
    other = "https://d-abcdefghijkl.example.aws/jupyter/default/lab"
    _presign(sagemaker, PRESIGN)
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM", "Url": other}, {"DomainId": "d-abcdefghijkl"})
    _presign(sagemaker, PRESIGN)
    wire.answer(f"GET {START}", redirect(other), redirect(other))
    wire.answer(f"GET {other}", page())
    assert login_unaware.log_in(http) == "https://d-abcdefghijkl.example.aws/jupyter/default"


def test_what_the_domain_adds_does_not_replace_the_spaces_host(
    *, sagemaker: Stubber, control_plane: ControlPlane, app: App, fake_time: FakeTime, wire: Wire, http: Http
) -> None:
    """After the first login has led away, the second one may still lead to where the space is."""
    login = Login(
        control_plane, app, Owner("alice", frozenset({SPACE_HOST}), is_domain_known=False), fake_time.deadline(600)
    )
    lab = f"https://{SPACE_HOST}/jupyter/default/lab"
    _presign(sagemaker, PRESIGN)
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM", "Url": HOST}, {"DomainId": "d-abcdefghijkl"})
    _presign(sagemaker, PRESIGN)
    wire.answer(f"GET {START}", redirect("https://evil.example/jupyter/default/lab"), redirect(lab))
    wire.answer(f"GET {lab}", page())
    assert login.log_in(http) == f"https://{SPACE_HOST}/jupyter/default"


def test_the_domain_is_described_once(sagemaker: Stubber, login_unaware: Login, wire: Wire, http: Http) -> None:
    """Further refusals are not due to what is not known of it."""
    _presign(sagemaker, PRESIGN)
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, {"DomainId": "d-abcdefghijkl"})
    _presign(sagemaker, PRESIGN, WITHOUT_LANDING_URI)
    wire.answer(f"GET {START}", *[redirect("https://evil.example/jupyter/default/lab")] * 3)
    with pytest.raises(LoginRefused, match="away from Studio"):
        login_unaware.log_in(http)


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException"])
def test_a_refused_url_shows_that_the_domain_is_in_sso_mode(
    sagemaker: Stubber, login_unaware: Login, http: Http, code: str
) -> None:
    """Which code SageMaker refuses it with is not documented: whatever it is, the domain is looked at."""
    sagemaker.add_client_error("create_presigned_domain_url", code, "No.", 400, expected_params=PRESIGN)
    sagemaker.add_response("describe_domain", {"AuthMode": "SSO"}, {"DomainId": "d-abcdefghijkl"})
    with pytest.raises(SsoDomain, match="d-abcdefghijkl signs in through IAM Identity Center"):
        login_unaware.log_in(http)


def test_a_url_refused_for_another_reason_is_told_as_such(sagemaker: Stubber, login_unaware: Login, http: Http) -> None:
    """The domain is in IAM mode, so that is not why."""
    sagemaker.add_client_error("create_presigned_domain_url", "AccessDeniedException", "No.", 400)
    sagemaker.add_response("describe_domain", {"AuthMode": "IAM"}, {"DomainId": "d-abcdefghijkl"})
    with pytest.raises(ControlPlaneRefused, match="create_presigned_domain_url: AccessDeniedException"):
        login_unaware.log_in(http)


def test_after_the_deadline_the_domain_is_not_described(
    sagemaker: Stubber, control_plane: ControlPlane, app: App, fake_time: FakeTime, http: Http
) -> None:
    """Only the call that was refused is told."""
    login = Login(control_plane, app, Owner("alice", is_domain_known=False), fake_time.deadline(0))
    sagemaker.add_client_error("create_presigned_domain_url", "AccessDeniedException", "No.", 400)
    with pytest.raises(ControlPlaneRefused, match="create_presigned_domain_url: AccessDeniedException"):
        login.log_in(http)


# Logins that fail


@pytest.mark.usefixtures("presigned_thrice")
@pytest.mark.parametrize("path", ["/", "/auth", "/signin", "/jupyter", "/jupyter/", "/personal-studio/jupyter/default"])
@pytest.mark.parametrize("status", [page(), page(status=403), json_answer({}), json_answer({"started": 1}, 404)])
def test_a_login_that_ends_on_another_page_is_refused(
    login: Login, wire: Wire, http: Http, path: str, status: Answer
) -> None:
    """A page with status 200 that is not the app is not a login, if no Jupyter server answers in the app's place."""
    wire.answer(f"GET {START}", redirect(path))
    wire.answer(f"GET {HOST}{path}", page())
    wire.answer(STATUS, status)
    with pytest.raises(LoginRefused, match=rf"landed outside the app.* answered HTTP 200, path '{path}'") as caught:
        login.log_in(http)
    assert f"answered HTTP {status.status}, path '/jupyter/default/api/status'" in caught.value.message
    assert TOKEN not in everything_said(caught.value)


@pytest.mark.usefixtures("presigned_thrice")
def test_a_redirect_loop_is_refused(login: Login, wire: Wire, http: Http) -> None:
    """Only so many redirects are followed in each try."""
    wire.answer(f"GET {HOST}/*", redirect(START))
    with pytest.raises(LoginRefused, match="redirects more than"):
        login.log_in(http)
    assert len(wire.calls) == 3 * 10


@pytest.mark.usefixtures("presigned_thrice")
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_login_has_its_status(login: Login, wire: Wire, http: Http, status: int) -> None:
    """The message has the status, and the hint that the URL expired or a policy keeps us out."""
    wire.answer(f"GET {START}", page(status=status))
    with pytest.raises(LoginRefused, match=f"HTTP {status}.*may have expired.*aws:SourceIp") as caught:
        login.log_in(http)
    assert TOKEN not in everything_said(caught.value)


@pytest.mark.usefixtures("presigned_thrice")
def test_a_page_that_says_that_the_token_has_expired_is_a_refusal(login: Login, wire: Wire, http: Http) -> None:
    """With status 200 too, and also where the app's own page should be."""
    wire.answer(f"GET {START}", redirect("/jupyter/default/lab"))
    wire.answer(f"GET {LAB}", Answer(200, "Invalid or Expired Auth Token"))
    with pytest.raises(LoginRefused, match=r"The login was refused: .* answered HTTP 200, path '/jupyter/default/lab'"):
        login.log_in(http)


@pytest.mark.usefixtures("presigned_thrice")
def test_a_refusal_says_all_that_it_takes_to_understand_it(login: Login, wire: Wire, http: Http) -> None:
    """Status, path, content type and title of both answers, and the cookies' names; no query, no value of a cookie."""
    html = "<html><head><TITLE lang=en>\n Choose \x1b[31man\u202e app </TITLE>" + "x" * 200_000
    portal = Answer(200, html, (("Content-Type", "text/html; charset=utf-8"), ("Set-Cookie", "b=SECRET1; Path=/")))
    wire.answer(f"GET {START}", redirect(f"/portal?token={TOKEN}", "a=SECRET2; Path=/; Secure; HttpOnly"))
    wire.answer(f"GET {HOST}/portal*", portal)
    wire.answer(STATUS, Answer(404, "x"))
    with pytest.raises(LoginRefused) as caught:
        login.log_in(http)
    assert caught.value.message == (
        "The login landed outside the app, and with the cookies so far the app is not there either:"
        f" {DOMAIN} answered HTTP 200, path '/portal', content type 'text/html; charset=utf-8', title 'Choose an app';"
        f" {DOMAIN} answered HTTP 404, path '/jupyter/default/api/status', no content type, no title."
        " Cookies: a, b."
    )
    assert not [secret for secret in (TOKEN, "SECRET") if secret in everything_said(caught.value)]


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize("status", [404, 429, 500, 502, 503, 504])
def test_a_temporary_error_of_studio_is_a_lost_connection(login: Login, wire: Wire, http: Http, status: int) -> None:
    """An error that passes by itself is a lost connection, which is opened again."""
    wire.answer(f"GET {START}", page(status=status))
    with pytest.raises(ConnectionLost, match=f"HTTP {status}"):
        login.log_in(http)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFound"])
def test_without_a_presigned_url_nothing_is_sent(
    sagemaker: Stubber, login: Login, wire: Wire, http: Http, code: str
) -> None:
    """If SageMaker refuses the URL, no host is called, and the code says why."""
    sagemaker.add_client_error("create_presigned_domain_url", code, "No.", 400)
    with pytest.raises(ControlPlaneRefused, match=f"create_presigned_domain_url: {code}") as caught:
        login.log_in(http)
    assert caught.value.aws_code == code
    assert wire.calls == []


# Another try, and another form


@pytest.mark.parametrize("tries", [2, 3])
def test_a_refused_login_is_tried_again(
    *,
    sagemaker: Stubber,
    login: Login,
    wire: Wire,
    http: Http,
    caplog: pytest.LogCaptureFixture,
    tries: int,
) -> None:
    """First with a new URL of the same form, as the old one may have expired on its way, then in the other form."""
    caplog.set_level("INFO", "studio_setup")
    _presign(sagemaker, *[PRESIGN, PRESIGN, WITHOUT_LANDING_URI][:tries])
    wire.answer(f"GET {START}", *[page(status=403)] * (tries - 1), redirect("/jupyter/default/lab"))
    wire.answer(f"GET {LAB}", page())
    assert login.log_in(http) == f"{HOST}/jupyter/default"
    *refused, done = [(record.getMessage(), record.__dict__) for record in caplog.records]
    assert [name for name, _ in refused] == ["login.refused"] * (tries - 1)
    assert all("answered HTTP 403, path '/auth'" in fields["reason"] for _, fields in refused)
    assert done[0] == "login.done"
    assert {name: done[1][name] for name in ("host", "landing_uri", "redirects")} == {
        "host": DOMAIN,
        "landing_uri": "app:JupyterServer:" if tries < 3 else "",
        "redirects": 1,
    }


def test_a_form_that_sagemaker_refuses_is_replaced_by_the_other(
    sagemaker: Stubber, login: Login, wire: Wire, http: Http, caplog: pytest.LogCaptureFixture
) -> None:
    """After a ValidationException the URL is asked for in the other form at once, and never again in the first."""
    sagemaker.add_client_error("create_presigned_domain_url", "ValidationException", "Bad LandingUri.", 400)
    _presign(sagemaker, *[WITHOUT_LANDING_URI] * 3)
    wire.answer(f"GET {START}", page(status=403), page(status=403), redirect("/jupyter/default/lab"))
    wire.answer(f"GET {LAB}", page())
    assert login.log_in(http) == f"{HOST}/jupyter/default"
    assert "Bad LandingUri." in caplog.records[0].__dict__["reason"]


def test_two_forms_that_sagemaker_refuses_are_a_refusal(
    sagemaker: Stubber, login: Login, wire: Wire, http: Http
) -> None:
    """There is no third form: SageMaker's own words are the reason."""
    for _ in range(2):
        sagemaker.add_client_error("create_presigned_domain_url", "ValidationException", "No such user.", 400)
    with pytest.raises(ControlPlaneRefused, match="ValidationException: No such user") as caught:
        login.log_in(http)
    assert caught.value.aws_code == "ValidationException"
    assert wire.calls == []


def test_an_answer_without_a_url_is_a_refusal(sagemaker: Stubber, login: Login, wire: Wire, http: Http) -> None:
    """The message says what is missing."""
    sagemaker.add_response("create_presigned_domain_url", {})
    with pytest.raises(ControlPlaneRefused, match="the answer has no AuthorizedUrl"):
        login.log_in(http)
    assert wire.calls == []


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize("landing", [page("b=2; Path=/"), Answer(200, "<script>location = 'jupyter'</script>")])
def test_a_page_that_goes_on_by_a_script_is_a_login_if_jupyter_answers(
    login: Login, wire: Wire, http: Http, landing: Answer
) -> None:
    """A login may end outside the app: with the cookies so far, the app's own place is asked for its status."""
    wire.answer(f"GET {START}", redirect("/portal", "a=1; Path=/"))
    wire.answer(f"GET {HOST}/portal", landing)
    wire.answer(STATUS, json_answer({"started": "2026-11-22T15:00:00Z", "connections": 0}))
    assert login.log_in(http) == f"{HOST}/jupyter/default"
    assert "a=1" in wire.asked(STATUS)[0].headers["Cookie"]


# Every request of a login


@pytest.mark.usefixtures("presigned")
def test_every_request_of_a_login_has_timeouts(login: Login, wire: Wire, http: Http, fake_time: FakeTime) -> None:
    """No request waits for ever, nor for much longer than until the deadline."""
    wire.answer(f"GET {START}", redirect("/jupyter/default/lab"))
    wire.answer(f"GET {HOST}/jupyter/default/lab", page())
    fake_time.now += 590
    login.log_in(http)
    assert [call.timeout for call in wire.calls] == [(5, 11), (5, 11)]


@pytest.mark.usefixtures("presigned_thrice")
def test_a_login_starts_without_cookies(login: Login, wire: Wire, http: Http) -> None:
    """Cookies of an earlier login, or of a try before, are not sent."""
    http.cookies.set("old", "1", domain=DOMAIN)
    wire.answer(f"GET {START}", Answer(403, "", (("Set-Cookie", "tried=1; Path=/"),)))
    with pytest.raises(LoginRefused):
        login.log_in(http)
    assert [call.headers.get("Cookie") for call in wire.calls] == [None] * 3


# Its secrets


@pytest.mark.usefixtures("presigned")
def test_a_broken_connection_does_not_reveal_the_token(login: Login, wire: Wire, http: Http) -> None:
    """What `requests` says about a broken connection holds the presigned URL; what we say about it does not."""
    with pytest.raises(requests.ConnectionError) as raw, requests.Session() as real:
        real.get(f"http://127.0.0.1:1/auth?token={TOKEN}", timeout=5)
    assert TOKEN in everything_said(raw.value)

    wire.answer(f"GET {START}", raw.value)
    with pytest.raises(ConnectionLost, match=r"The login failed: ConnectionError\.") as caught:
        login.log_in(http)
    assert TOKEN not in everything_said(caught.value)


@pytest.mark.parametrize(
    ("answer", "tries", "error"),
    [
        (redirect(f"https://evil.example/?token={TOKEN}"), 3, LoginRefused),
        (redirect(f"https://{TOKEN}:{TOKEN}@evil.example/"), 3, LoginRefused),
        (redirect(f"/signin?token={TOKEN}"), 3, LoginRefused),
        (redirect(START), 3, LoginRefused),
        (page(status=403), 3, LoginRefused),
        (page(status=503), 1, ConnectionLost),
        (requests.ReadTimeout(f"GET {START} timed out"), 1, ConnectionLost),
        (requests.TooManyRedirects(START), 1, ConnectionLost),
        (requests.exceptions.InvalidURL(START), 1, ConnectionLost),
    ],
    ids=repr,
)
def test_a_failed_login_does_not_reveal_the_token(
    *,
    sagemaker: Stubber,
    login: Login,
    wire: Wire,
    http: Http,
    caplog: pytest.LogCaptureFixture,
    answer: Answer | Exception,
    tries: int,
    error: type[Exception],
) -> None:
    """However a login fails, and in each of its tries, nothing said or logged about it holds the token."""
    caplog.set_level("DEBUG")
    _presign(sagemaker, *[PRESIGN, PRESIGN, WITHOUT_LANDING_URI][:tries])
    wire.answer(f"GET {START}", answer)
    wire.answer(f"GET {HOST}/signin*", page())
    wire.answer(STATUS, page())
    with pytest.raises(error) as caught:
        login.log_in(http)
    ours = [record for record in caplog.records if record.name.startswith("studio_setup")]
    assert [record.getMessage() for record in ours] == ["login.refused"] * (tries - 1)
    assert TOKEN not in everything_said(caught.value) + repr([vars(record) for record in ours])
