"""The login with a presigned URL: where it may lead, what is sent there, and that its secrets stay secret."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import requests
from botocore.stub import Stubber
from requests.cookies import RequestsCookieJar

from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.login import Login, _same_studio
from studio_setup.model.app import App
from studio_setup.model.errors import ConnectionLost, ControlPlaneRefused, LoginRefused
from tests.support.fakes import Answer, FakeTime, Wire, everything_said, page, redirect

HOST = "https://d-abcdefghijkl.studio.us-east-1.sagemaker.aws"
TOKEN = "eyJ0b2tlbiI6IlNFQ1JFVCJ9"
START = f"{HOST}/auth?token={TOKEN}"
PRESIGN = {
    "DomainId": "d-abcdefghijkl",
    "UserProfileName": "alice",
    "ExpiresInSeconds": 30,
    "SessionExpirationDurationInSeconds": 1800,
    "LandingUri": "app:JupyterServer:",
}


@pytest.fixture
def login(control_plane: ControlPlane, app: App, fake_time: FakeTime) -> Login:
    """The login to the user's app, with ten minutes left."""
    return Login(control_plane, app, "alice", fake_time.deadline(600))


@pytest.fixture
def presigned(sagemaker: Stubber) -> None:
    """SageMaker gives a presigned URL, if it is asked in exactly this way."""
    sagemaker.add_response("create_presigned_domain_url", {"AuthorizedUrl": START}, PRESIGN)


# Where a login leads


@pytest.mark.usefixtures("presigned")
def test_a_login_leads_to_the_jupyter_server(login: Login, wire: Wire, session: requests.Session) -> None:
    """The presigned URL is short-lived, for the shortest session and for our app; the base URL is where it ends."""
    wire.answer(f"GET {START}", redirect(f"{HOST}/jupyter/default/lab?token={TOKEN}", "studio=S; Path=/; Secure"))
    wire.answer(f"GET {HOST}/jupyter/default/lab?token={TOKEN}", page("_xsrf=X; Path=/jupyter/default"))
    assert login.log_in(session) == f"{HOST}/jupyter/default"
    assert session.cookies.get_dict() == {"studio": "S", "_xsrf": "X"}
    assert wire.calls[1].headers["Cookie"] == "studio=S"


@pytest.mark.parametrize("user", ["alice", "bot"])
def test_a_login_to_a_space_names_the_space_and_the_user(
    *,
    sagemaker: Stubber,
    control_plane: ControlPlane,
    fake_time: FakeTime,
    wire: Wire,
    session: requests.Session,
    user: str,
) -> None:
    """The presigned URL for a space's app is asked for as the given user, and leads to the space's own host."""
    app = App("d-abcdefghijkl", "", "JupyterLab", "default", space_name="team-space")
    expected = PRESIGN | {"UserProfileName": user, "SpaceName": "team-space", "LandingUri": "app:JupyterLab:"}
    sagemaker.add_response("create_presigned_domain_url", {"AuthorizedUrl": START}, expected)
    wire.answer(f"GET {START}", redirect("https://xyz.studio.us-east-1.sagemaker.aws/jupyterlab/default/lab"))
    wire.answer("GET https://xyz.studio.us-east-1.sagemaker.aws/jupyterlab/default/lab", page())
    login = Login(control_plane, app, user, fake_time.deadline(600))
    assert login.log_in(session) == "https://xyz.studio.us-east-1.sagemaker.aws/jupyterlab/default"


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize(
    "path", ["/jupyter/default", "/jupyter/default/", "/jupyter/default/lab/tree/a", "/jupyterlab/x"]
)
def test_the_base_url_comes_from_where_the_login_ends(
    login: Login, wire: Wire, session: requests.Session, path: str
) -> None:
    """The server's name in the path is whatever Studio says; the rest of the path does not matter."""
    wire.answer(f"GET {START}", redirect(path))
    wire.answer(f"GET {HOST}{path}", page())
    assert login.log_in(session) == HOST + "/".join(path.split("/")[:3])


@pytest.mark.usefixtures("presigned")
def test_a_space_has_a_host_of_its_own(login: Login, wire: Wire, session: requests.Session) -> None:
    """A redirect to a sibling of Studio's host is followed, and the base URL is there."""
    sibling = "https://xyz1234default.studio.us-east-1.sagemaker.aws"
    wire.answer(f"GET {START}", redirect(f"{sibling}/jupyter/default/lab"))
    wire.answer(f"GET {sibling}/jupyter/default/lab", page())
    assert login.log_in(session) == f"{sibling}/jupyter/default"


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
    login: Login, wire: Wire, session: requests.Session, elsewhere: str
) -> None:
    """Nothing is sent to a host that is not Studio's: no request, and so no cookie and no token."""
    wire.answer(f"GET {START}", redirect(elsewhere, "studio=S; Path=/; Domain=.sagemaker.aws"))
    with pytest.raises(LoginRefused, match="leads away from Studio"):
        login.log_in(session)
    assert [call.url for call in wire.calls] == [START]


@pytest.mark.usefixtures("presigned")
def test_a_host_that_two_parsers_read_differently_gets_nothing(
    login: Login, wire: Wire, session: requests.Session
) -> None:
    """Where `urlsplit` and `requests` disagree about the host of a URL, neither host is sent anything."""
    wire.answer(f"GET {START}", redirect(f"https://evil.example\\@{HOST.removeprefix('https://')}/jupyter/default/lab"))
    wire.answer("GET https://evil.example*", page())
    with pytest.raises((LoginRefused, ConnectionLost)):
        login.log_in(session)
    assert [call.url for call in wire.calls] == [START]


@pytest.mark.usefixtures("presigned")
def test_a_login_stays_on_https(login: Login, wire: Wire, session: requests.Session) -> None:
    """A redirect from https to http is not followed: cookies and commands would be sent unencrypted."""
    plain = HOST.replace("https", "http")
    wire.answer(f"GET {START}", redirect(f"{plain}/jupyter/default/lab"))
    wire.answer(f"GET {plain}/*", page())
    with pytest.raises(LoginRefused):
        login.log_in(session)
    assert [call.url for call in wire.calls] == [START]


@pytest.mark.usefixtures("presigned")
def test_a_redirect_to_an_invalid_url_is_a_failed_login(login: Login, wire: Wire, session: requests.Session) -> None:
    """A Location that is not a URL fails the login and does not crash."""
    wire.answer(f"GET {START}", redirect("https://[nonsense"))
    with pytest.raises((LoginRefused, ConnectionLost)):
        login.log_in(session)


@pytest.mark.parametrize(
    ("host", "studio_host", "is_same"),
    [
        ("d-0.studio.us-east-1.sagemaker.aws", "d-0.studio.us-east-1.sagemaker.aws", True),
        ("space.studio.us-east-1.sagemaker.aws", "d-0.studio.us-east-1.sagemaker.aws", True),
        ("b.x.example.com", "a.x.example.com", True),
        ("b.example.com", "a.example.com", False),
        ("10.0.0.1", "11.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("localhost", "localhost", True),
        ("x.b.c.d", ".b.c.d", False),
        ("a.x.example.com", "", False),
    ],
)
def test_only_siblings_belong_to_the_same_studio(host: str, studio_host: str, *, is_same: bool) -> None:
    """The login may lead to a sibling of the domain's host; IP addresses and top-level company domains have none."""
    assert _same_studio(host, studio_host) == is_same


# Logins that fail


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize("path", ["/", "/auth", "/signin", "/jupyter", "/jupyter/", "/personal-studio/jupyter/default"])
def test_a_login_that_ends_on_another_page_is_refused(
    login: Login, wire: Wire, session: requests.Session, path: str
) -> None:
    """A page with status 200 that is not the app is not a login."""
    wire.answer(f"GET {START}", redirect(path))
    wire.answer(f"GET {HOST}{path}", page())
    with pytest.raises(LoginRefused, match=f"landed on the page '{path}'") as caught:
        login.log_in(session)
    assert TOKEN not in everything_said(caught.value)


@pytest.mark.usefixtures("presigned")
def test_a_redirect_loop_is_refused(login: Login, wire: Wire, session: requests.Session) -> None:
    """Only so many redirects are followed."""
    wire.answer(f"GET {HOST}/*", redirect(START))
    with pytest.raises(LoginRefused, match="redirects more than"):
        login.log_in(session)
    assert len(wire.calls) < 20


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_login_has_its_status(login: Login, wire: Wire, session: requests.Session, status: int) -> None:
    """The message has the status, and the hint that the URL expired or a policy keeps us out."""
    wire.answer(f"GET {START}", page(status=status))
    with pytest.raises(LoginRefused, match=f"HTTP {status}.*may have expired.*aws:SourceIp") as caught:
        login.log_in(session)
    assert TOKEN not in everything_said(caught.value)


@pytest.mark.usefixtures("presigned")
@pytest.mark.parametrize("status", [404, 429, 500, 502, 503, 504])
def test_a_temporary_error_of_studio_is_a_lost_connection(
    login: Login, wire: Wire, session: requests.Session, status: int
) -> None:
    """An error that passes by itself is a lost connection, which is opened again."""
    wire.answer(f"GET {START}", page(status=status))
    with pytest.raises(ConnectionLost, match=f"HTTP {status}"):
        login.log_in(session)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFound"])
def test_without_a_presigned_url_nothing_is_sent(
    sagemaker: Stubber, login: Login, wire: Wire, session: requests.Session, code: str
) -> None:
    """If SageMaker refuses the URL, no host is called, and the code says why."""
    sagemaker.add_client_error("create_presigned_domain_url", code, "No.", 400)
    with pytest.raises(ControlPlaneRefused, match=f"create_presigned_domain_url: {code}") as caught:
        login.log_in(session)
    assert caught.value.aws_code == code
    assert wire.calls == []


# Every request of a login


@pytest.mark.usefixtures("presigned")
def test_every_request_of_a_login_has_timeouts(
    login: Login, wire: Wire, session: requests.Session, fake_time: FakeTime
) -> None:
    """No request waits for ever, nor for much longer than until the deadline."""
    wire.answer(f"GET {START}", redirect("/jupyter/default/lab"))
    wire.answer(f"GET {HOST}/jupyter/default/lab", page())
    fake_time.now += 590
    login.log_in(session)
    assert [call.timeout for call in wire.calls] == [(5, 11), (5, 11)]


@pytest.mark.usefixtures("presigned")
def test_a_login_starts_without_cookies(login: Login, wire: Wire, session: requests.Session) -> None:
    """Cookies of an earlier login are not sent."""
    session.cookies.set("old", "1", domain="d-abcdefghijkl.studio.us-east-1.sagemaker.aws")
    wire.answer(f"GET {START}", Answer(403))
    with pytest.raises(LoginRefused):
        login.log_in(session)
    assert "Cookie" not in wire.calls[0].headers


def test_the_body_of_the_landing_page_is_not_read(app: App, fake_time: FakeTime) -> None:
    """Only we follow redirects, and the body of the page where they end is not fetched."""
    options_of_calls: list[dict[str, Any]] = []

    class _Page:
        is_redirect, status_code = False, 200

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            pass

    def get(_url: str, **options: object) -> _Page:
        options_of_calls.append(options)
        return _Page()

    url = "https://d-0.studio.us-east-1.sagemaker.aws/jupyter/default/lab"
    client: Any = SimpleNamespace(create_presigned_domain_url=lambda **_: {"AuthorizedUrl": url})
    session: Any = SimpleNamespace(cookies=RequestsCookieJar(), get=get)
    deadline = fake_time.deadline(100)
    assert Login(ControlPlane(client, deadline), app, "alice", deadline).log_in(session) == url.removesuffix("/lab")
    assert options_of_calls == [{"timeout": (5.0, 30.0), "allow_redirects": False, "stream": True}]


# Its secrets


@pytest.mark.usefixtures("presigned")
def test_a_broken_connection_does_not_reveal_the_token(login: Login, wire: Wire, session: requests.Session) -> None:
    """What `requests` says about a broken connection holds the presigned URL; what we say about it does not."""
    with pytest.raises(requests.ConnectionError) as raw, requests.Session() as real:
        real.get(f"http://127.0.0.1:1/auth?token={TOKEN}", timeout=5)
    assert TOKEN in everything_said(raw.value)

    wire.answer(f"GET {START}", raw.value)
    with pytest.raises(ConnectionLost, match=r"The login failed: ConnectionError\.") as caught:
        login.log_in(session)
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
def test_a_failed_login_does_not_reveal_the_token(
    login: Login, wire: Wire, session: requests.Session, answer: Answer | Exception
) -> None:
    """However a login fails, nothing said about it holds the token."""
    wire.answer(f"GET {START}", answer)
    wire.answer(f"GET {HOST}/signin*", page())
    with pytest.raises((LoginRefused, ConnectionLost)) as caught:
        login.log_in(session)
    assert TOKEN not in everything_said(caught.value)
