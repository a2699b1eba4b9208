"""The Jupyter server's HTTP API: readiness, XSRF tokens, websocket addresses."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie
from urllib.parse import quote

import pytest
import requests

from studio_setup.access.http import Answer as HttpAnswer
from studio_setup.access.http import Http
from studio_setup.access.jupyter_server import JupyterServer
from studio_setup.model.errors import ConnectionLost, JupyterRefused, LoginExpired, OutOfTime
from studio_setup.model.outcomes import CONNECTION_LOST
from tests.support.fakes import (
    Answer,
    Call,
    FakeTime,
    Wire,
    everything_said,
    json_answer,
    jupyter_error,
    page,
    redirect,
)
from tests.support.jupyter_wire import BASE, HOST, SIGN_IN

STATUS = f"GET {BASE}/api/status"
POST = f"POST {BASE}/api/things"


@pytest.fixture(autouse=True)
def _things(wire: Wire) -> None:
    """Something that can be changed, with an XSRF token."""
    wire.answer(POST, json_answer({}))


def _post(server: JupyterServer) -> HttpAnswer:
    return server.request_with_xsrf("POST", ("api", "things"), {})


def _token_the_server_compares(call: Call) -> str:
    """Return the token as the server reads it from the cookies: the last one sent."""
    tokens: list[str] = re.findall(r"_xsrf=([^;]*)", call.headers["Cookie"])
    return tokens[-1]


# Readiness


def test_a_status_in_json_is_ready(server: JupyterServer, wire: Wire, fake_time: FakeTime) -> None:
    """One answer of 200 with JSON is enough."""
    wire.answer(STATUS, json_answer({"started": "2026-08-03T22:22:31Z"}))
    server.wait_until_ready(fake_time.deadline(20))
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    "not_yet",
    [
        page(),
        json_answer([]),
        Answer(200, ""),
        page(status=404),
        page(status=502),
        page(status=503),
        page(status=504),
        page(status=500),
        page(status=429),
        redirect("/jupyter/default/loading"),
        requests.ConnectTimeout("secret"),
    ],
    ids=repr,
)
def test_a_server_that_is_starting_is_waited_for(
    server: JupyterServer, wire: Wire, fake_time: FakeTime, not_yet: Answer | Exception
) -> None:
    """A page, an error of Studio or no answer is not ready yet; the status that follows is."""
    wire.answer(STATUS, not_yet, not_yet, json_answer({}))
    server.wait_until_ready(fake_time.deadline(20))
    assert len(wire.asked(STATUS)) == 3
    assert fake_time.slept


@pytest.mark.parametrize(
    ("answer", "seen"),
    [
        (page(), "a page instead of its status"),
        (page(status=502), "HTTP 502"),
        (redirect("/jupyter/default/x"), "HTTP 302"),
        (requests.ReadTimeout("secret"), "ReadTimeout"),
    ],
    ids=repr,
)
def test_a_server_that_never_gets_ready_is_reported_with_its_last_answer(
    server: JupyterServer, wire: Wire, fake_time: FakeTime, answer: Answer | Exception, seen: str
) -> None:
    """When the time for it is up, the message has the last answer, and nothing of a library's own text."""
    wire.answer(STATUS, answer)
    with pytest.raises(ConnectionLost, match=f"is not ready: .*{seen}") as caught:
        server.wait_until_ready(fake_time.deadline(20))
    assert str(caught.value).count(CONNECTION_LOST.remedy) == 1
    assert "secret" not in everything_said(caught.value)
    assert sum(fake_time.slept) == pytest.approx(20)


def test_a_redirect_to_the_sign_in_page_is_an_expired_login(
    server: JupyterServer, wire: Wire, fake_time: FakeTime
) -> None:
    """A redirect to another host means that the login has expired; it is not followed."""
    wire.answer(STATUS, SIGN_IN)
    with pytest.raises(LoginExpired, match=r"sign in at us-east-1\.signin\.aws\.amazon\.com") as caught:
        server.wait_until_ready(fake_time.deadline(20))
    assert "SECRET" not in everything_said(caught.value)
    assert len(wire.calls) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_server_that_refuses_its_status_is_not_waited_for(
    server: JupyterServer, wire: Wire, fake_time: FakeTime, status: int
) -> None:
    """A refusal of Jupyter's own that waiting does not change ends the attempt."""
    wire.answer(STATUS, jupyter_error(status))
    with pytest.raises(JupyterRefused, match=f"HTTP {status}"):
        server.wait_until_ready(fake_time.deadline(20))
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    "answer",
    [
        page(status=401),
        page(status=403),
        Answer(403, ""),
        json_answer({"message": "Forbidden"}, 403),
        json_answer(["message", "reason"], 401),
        Answer(200, "Invalid or Expired Auth Token", (("Content-Type", "text/plain"),)),
    ],
    ids=repr,
)
def test_a_refusal_that_is_not_jupyters_is_an_expired_login(
    server: JupyterServer, wire: Wire, fake_time: FakeTime, answer: Answer
) -> None:
    """Studio's front door, and not the server, refuses an expired login; the message has what it answered."""
    wire.answer(STATUS, answer)
    with pytest.raises(LoginExpired, match=f"HTTP {answer.status}, path '/jupyter/default/api/status'"):
        server.wait_until_ready(fake_time.deadline(20))
    assert len(wire.calls) == 1


@pytest.mark.parametrize(
    "body", ["[" * 200_000, '{"started": ' + "9" * 5000 + "}", '{"started": "' + "x" * 200_000 + '"}']
)
def test_a_status_that_no_honest_server_sends_is_not_ready(
    server: JupyterServer, wire: Wire, fake_time: FakeTime, body: str
) -> None:
    """JSON that is too deep, too long or has an absurd number is waited on like a page, and no error of ours."""
    wire.answer(STATUS, Answer(200, body, (("Content-Type", "application/json"),)))
    with pytest.raises(ConnectionLost, match="is not ready: a page instead of its status"):
        server.wait_until_ready(fake_time.deadline(2))


# XSRF tokens


def test_a_token_comes_with_a_page(server: JupyterServer, wire: Wire) -> None:
    """If there is no token yet, a page is fetched to get one; it is sent as cookie and as header."""
    _post(server)
    call = wire.asked(POST)[0]
    assert call.headers["X-XSRFToken"] == _token_the_server_compares(call) == "from-the-page"


def test_another_page_is_tried_for_a_token(server: JupyterServer, wire: Wire) -> None:
    """A server without JupyterLab has another page; a page that is not found sets a token as well."""
    wire.answer(f"GET {BASE}/lab", Answer(404))
    wire.answer(f"GET {BASE}/tree", page("_xsrf=from-the-tree; Path=/jupyter/default/", status=404))
    _post(server)
    assert wire.asked(POST)[0].headers["X-XSRFToken"] == "from-the-tree"


def test_a_server_without_xsrf_checks_gets_no_token(server: JupyterServer, wire: Wire) -> None:
    """Where XSRF checks are off, there is no token to send."""
    wire.answer(f"GET {BASE}/lab", page())
    wire.answer(f"GET {BASE}/tree", page())
    _post(server)
    assert "X-XSRFToken" not in wire.asked(POST)[0].headers


def test_of_several_tokens_the_last_one_sent_counts(
    server: JupyterServer, wire: Wire, session: requests.Session
) -> None:
    """Several cookies may have that name, for several paths; the server compares the last one sent."""
    for path in ("/", "/jupyter/default/", "/jupyter/"):
        session.cookies.set("_xsrf", f"at-{path}", domain=HOST, path=path)
    _post(server)
    call = wire.asked(POST)[0]
    assert len(re.findall("_xsrf=", call.headers["Cookie"])) == 3
    assert call.headers["X-XSRFToken"] == _token_the_server_compares(call)


def test_a_token_of_another_host_or_path_is_not_sent(
    server: JupyterServer, wire: Wire, session: requests.Session
) -> None:
    """Tokens of other hosts and of other paths stay where they belong."""
    session.cookies.set("_xsrf", "foreign", domain="other.example", path="/")
    session.cookies.set("_xsrf", "elsewhere", domain=HOST, path="/jupyter/other")
    _post(server)
    call = wire.asked(POST)[0]
    assert call.headers["X-XSRFToken"] == "from-the-page"
    assert call.headers["Cookie"] == "_xsrf=from-the-page"


@pytest.mark.parametrize("value", ['{"a":1}', 'x"y'])
def test_a_token_is_found_beside_any_other_cookie(server: JupyterServer, wire: Wire, value: str) -> None:
    """A cookie that Python's SimpleCookie cannot parse does not hide the token."""
    wire.answer(f"GET {BASE}/lab", page(f"settings={value}; Path=/jupyter/default/", "_xsrf=token; Path=/"))
    wire.answer(f"GET {BASE}/tree", page())
    _post(server)
    call = wire.asked(POST)[0]
    assert "_xsrf=token" in call.headers["Cookie"]
    assert call.headers.get("X-XSRFToken") == "token"


def test_a_refused_token_is_renewed(server: JupyterServer, wire: Wire) -> None:
    """A server that was restarted wants another token: it is fetched, and the call is repeated."""
    wire.answer(f"GET {BASE}/lab", page("_xsrf=old; Path=/jupyter/default/"), page("_xsrf=new; Path=/jupyter/default/"))
    wire.answer(POST, jupyter_error(403), json_answer({}))
    assert _post(server).status == 200
    assert [call.headers["X-XSRFToken"] for call in wire.asked(POST)] == ["old", "new"]


def test_a_token_is_renewed_only_once(server: JupyterServer, wire: Wire) -> None:
    """If the server refuses the new token as well, its refusal is the answer."""
    wire.answer(POST, jupyter_error(403))
    assert _post(server).status == 403
    assert len(wire.asked(POST)) == 2


def test_a_token_of_an_expired_login_is_not_renewed(server: JupyterServer, wire: Wire) -> None:
    """If the front door refuses the call, another token would not help: the login has expired."""
    wire.answer(POST, page(status=403))
    with pytest.raises(LoginExpired, match="as if the login had expired"):
        _post(server)
    assert len(wire.asked(POST)) == 1


# Every request


def test_every_request_has_timeouts_and_no_redirect_is_followed(
    server: JupyterServer, wire: Wire, fake_time: FakeTime
) -> None:
    """No request waits for ever, and a redirect is an answer: its target is never requested."""
    wire.answer(STATUS, redirect("/elsewhere"), json_answer({}))
    wire.answer(f"GET {BASE}/lab", redirect("/elsewhere", "_xsrf=x; Path=/"))
    wire.answer(POST, jupyter_error(403), json_answer({}))
    server.wait_until_ready(fake_time.deadline(20))
    _post(server)
    _post(server)
    assert len(wire.calls) >= 6
    for call in wire.calls:
        assert isinstance(call.timeout, tuple), call
        assert all(0 < seconds <= 30 for seconds in call.timeout)
        assert "elsewhere" not in call.url


@pytest.mark.parametrize(
    "segment", ["a/../../b", "a?b=c", "a#b", "a%2f..", "http://evil.example/", "a b", "\x1b[31m", "☃", "..;"]
)
def test_a_segment_of_a_path_leads_nowhere_else(server: JupyterServer, wire: Wire, segment: str) -> None:
    """A name from outside is one segment below the server's base URL, whatever is in it."""
    wire.answer(f"GET {BASE}/*", json_answer({}))
    server.request("GET", ("api", segment), server.deadline)
    assert wire.calls[0].url == f"{BASE}/api/{quote(segment, safe='')}"
    assert server.websocket_address(("terminals", segment)).url.count("/") == f"{BASE}/terminals/x".count("/")


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_segment_that_names_nothing_is_a_defect_of_ours(server: JupyterServer, wire: Wire, segment: str) -> None:
    """No URL is made of it."""
    with pytest.raises(AssertionError):
        server.request("GET", ("api", segment), server.deadline)
    assert wire.calls == []


def test_after_the_deadline_nothing_is_requested(server: JupyterServer, wire: Wire, fake_time: FakeTime) -> None:
    """When the deadline has passed, no call is made."""
    fake_time.now += 100
    with pytest.raises(OutOfTime):
        _post(server)
    assert wire.calls == []


def test_only_the_kind_of_a_librarys_error_is_reported(server: JupyterServer, wire: Wire) -> None:
    """The text of an error of `requests` may hold anything; only its class name is passed on."""
    wire.answer(POST, requests.ConnectionError("Cookie: SECRET"))
    with pytest.raises(ConnectionLost, match="POST api/things failed: ConnectionError") as caught:
        _post(server)
    assert "SECRET" not in everything_said(caught.value)


# Websocket addresses


@pytest.mark.parametrize(
    ("base_url", "url", "origin"),
    [
        (BASE, f"wss://{HOST}/jupyter/default/terminals/websocket/t", f"https://{HOST}"),
        (
            "http://127.0.0.1:8888/jupyter/default",
            "ws://127.0.0.1:8888/jupyter/default/terminals/websocket/t",
            "http://127.0.0.1:8888",
        ),
    ],
)
def test_the_websocket_is_encrypted_if_the_page_is(
    http: Http, fake_time: FakeTime, base_url: str, url: str, origin: str
) -> None:
    """Behind https it is wss, behind http it is ws, at the same host and port, with the page's origin."""
    server = JupyterServer(http, base_url, fake_time.deadline(60))
    address = server.websocket_address(("terminals", "websocket", "t"))
    assert (address.url, address.origin) == (url, origin)


def test_only_cookies_that_belong_there_go_with_the_websocket(server: JupyterServer, session: requests.Session) -> None:
    """Cookies of other hosts, of sibling hosts and of other paths are left out; the others are sent."""
    for name, domain, path in [
        ("ours", HOST, "/"),
        ("deep", HOST, "/jupyter/default/"),
        ("wide", ".studio.us-east-1.sagemaker.aws", "/"),
        ("other-path", HOST, "/auth"),
        ("foreign", "signin.aws.amazon.com", "/"),
        ("sibling", "d-xyz.studio.us-east-1.sagemaker.aws", "/"),
    ]:
        session.cookies.set(name, "1", domain=domain, path=path)
    assert set(SimpleCookie(server.websocket_address(("x",)).cookie)) == {"ours", "deep", "wide"}


def test_a_secure_cookie_is_not_sent_unencrypted(http: Http, session: requests.Session, fake_time: FakeTime) -> None:
    """A cookie that was set for https only is not sent over ws."""
    session.cookies.set("safe", "1", domain=HOST, path="/", secure=True)
    plain = JupyterServer(http, f"http://{HOST}/jupyter/default", fake_time.deadline(60))
    assert plain.websocket_address(("x",)).cookie == ""


def test_an_address_does_not_reveal_its_cookies(server: JupyterServer, session: requests.Session) -> None:
    """An address in a log or a traceback shows no cookie."""
    session.cookies.set("studio", "SECRET", domain=HOST, path="/")
    address = server.websocket_address(("x",))
    assert "SECRET" in address.cookie
    assert "SECRET" not in repr(address)
    assert "SECRET" not in str(address)


@pytest.mark.parametrize("named", ["", "/etc/proxy.pem"])
def test_the_certificates_that_the_environment_names_go_with_the_address(
    server: JupyterServer, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    """What HTTPS trusts by REQUESTS_CA_BUNDLE, the websocket trusts too; otherwise it has the system's own."""
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", named)
    assert server.websocket_address(("x",)).ca_bundle == named
