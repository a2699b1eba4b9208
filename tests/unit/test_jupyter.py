"""The Jupyter server's REST API: readiness, XSRF, terminals of our own, addresses."""

from __future__ import annotations

import json
import re
from http.cookies import SimpleCookie

import pytest
import requests
from studio_setup.access.jupyter import Jupyter, is_ours

from studio_setup.model.errors import ConnectionLost, JupyterRefused, LoginExpired, OutOfTime, TerminalsDisabled
from tests.support.fakes import Answer, Call, FakeTime, Wire, everything_said, json_answer, page, redirect

HOST = "d-abc.studio.us-east-1.sagemaker.aws"
BASE = f"https://{HOST}/jupyter/default"
STATUS = f"GET {BASE}/api/status"
TERMINALS = f"POST {BASE}/api/terminals"
SIGN_IN = redirect("https://us-east-1.signin.aws.amazon.com/oauth?token=SECRET")
MADE = json_answer({"name": "studiosetupabc"})


@pytest.fixture
def jupyter(wire: Wire, session: requests.Session, fake_time: FakeTime) -> Jupyter:
    """A Jupyter server behind the wire that gives a token with its page, with a minute to go."""
    wire.answer(f"GET {BASE}/lab", page("_xsrf=from-the-page; Path=/jupyter/default/"))
    wire.answer(f"DELETE {BASE}/api/terminals/*", Answer(204))
    return Jupyter(session, BASE, fake_time.deadline(60))


def _compared_by_the_server(call: Call) -> str:
    """Return the token as the server reads it from the cookies: the last one sent."""
    return re.findall(r"_xsrf=([^;]*)", call.headers["Cookie"])[-1]


# Readiness


def test_a_status_in_json_is_ready(jupyter: Jupyter, wire: Wire, fake_time: FakeTime) -> None:
    """One answer of 200 with JSON is enough."""
    wire.answer(STATUS, json_answer({"started": "2026-08-03T22:22:31Z"}))
    jupyter.wait_until_ready(fake_time.deadline(20))
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
def test_a_server_that_warms_up_is_waited_for(
    jupyter: Jupyter, wire: Wire, fake_time: FakeTime, not_yet: Answer | Exception
) -> None:
    """A page, an error of the front door or no answer is not ready yet; the status that follows is."""
    wire.answer(STATUS, not_yet, not_yet, json_answer({}))
    jupyter.wait_until_ready(fake_time.deadline(20))
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
def test_a_server_that_is_never_ready_says_what_was_seen(
    jupyter: Jupyter, wire: Wire, fake_time: FakeTime, answer: Answer | Exception, seen: str
) -> None:
    """When the time for it is up, the message has the last answer, and nothing of a library's text."""
    wire.answer(STATUS, answer)
    with pytest.raises(ConnectionLost, match=f"is not ready: .*{seen}") as caught:
        jupyter.wait_until_ready(fake_time.deadline(20))
    assert "secret" not in everything_said(caught.value)
    assert sum(fake_time.slept) == pytest.approx(20)


def test_a_way_to_sign_in_is_no_readiness(jupyter: Jupyter, wire: Wire, fake_time: FakeTime) -> None:
    """A redirect to another host means that the login has expired, and it is not followed."""
    wire.answer(STATUS, SIGN_IN)
    with pytest.raises(LoginExpired, match=r"sign in at us-east-1\.signin\.aws\.amazon\.com") as caught:
        jupyter.wait_until_ready(fake_time.deadline(20))
    assert "SECRET" not in everything_said(caught.value)
    assert len(wire.calls) == 1


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_status_is_not_waited_for(jupyter: Jupyter, wire: Wire, fake_time: FakeTime, status: int) -> None:
    """A refusal that waiting does not mend ends the attempt."""
    wire.answer(STATUS, page(status=status))
    with pytest.raises(JupyterRefused, match=f"HTTP {status}"):
        jupyter.wait_until_ready(fake_time.deadline(20))
    assert len(wire.calls) == 1


# XSRF


def test_a_token_is_fetched_with_a_page(jupyter: Jupyter, wire: Wire) -> None:
    """Where there is no token yet, any page brings one; it goes back as cookie and as header."""
    wire.answer(TERMINALS, MADE)
    jupyter.create_terminal()
    call = wire.asked(TERMINALS)[0]
    assert call.headers["X-XSRFToken"] == _compared_by_the_server(call) == "from-the-page"


def test_another_page_is_tried_for_a_token(jupyter: Jupyter, wire: Wire) -> None:
    """A server without JupyterLab has another page, and a page that is not there brings a token as well."""
    wire.answer(f"GET {BASE}/lab", Answer(404))
    wire.answer(f"GET {BASE}/tree", page("_xsrf=from-the-tree; Path=/jupyter/default/", status=404))
    wire.answer(TERMINALS, MADE)
    jupyter.create_terminal()
    assert wire.asked(TERMINALS)[0].headers["X-XSRFToken"] == "from-the-tree"


def test_a_server_without_tokens_is_asked_without_one(jupyter: Jupyter, wire: Wire) -> None:
    """Where XSRF checks are off, there is no token to send."""
    wire.answer(f"GET {BASE}/lab", page())
    wire.answer(f"GET {BASE}/tree", page())
    wire.answer(TERMINALS, MADE)
    jupyter.create_terminal()
    assert "X-XSRFToken" not in wire.asked(TERMINALS)[0].headers


def test_of_several_tokens_the_last_one_sent_counts(jupyter: Jupyter, wire: Wire, session: requests.Session) -> None:
    """Cookies of one name live at several paths; the server compares with the last, whatever order they came in."""
    for path in ("/", "/jupyter/default/", "/jupyter/"):
        session.cookies.set("_xsrf", f"at-{path}", domain=HOST, path=path)
    wire.answer(TERMINALS, MADE)
    jupyter.create_terminal()
    call = wire.asked(TERMINALS)[0]
    assert len(re.findall("_xsrf=", call.headers["Cookie"])) == 3
    assert call.headers["X-XSRFToken"] == _compared_by_the_server(call)


def test_a_token_of_another_host_is_none(jupyter: Jupyter, wire: Wire, session: requests.Session) -> None:
    """Tokens of other hosts and of other paths are never sent here."""
    session.cookies.set("_xsrf", "foreign", domain="other.example", path="/")
    session.cookies.set("_xsrf", "elsewhere", domain=HOST, path="/jupyter/other")
    wire.answer(TERMINALS, MADE)
    jupyter.create_terminal()
    call = wire.asked(TERMINALS)[0]
    assert call.headers["X-XSRFToken"] == "from-the-page"
    assert call.headers["Cookie"] == "_xsrf=from-the-page"


def test_a_token_is_renewed_once(jupyter: Jupyter, wire: Wire) -> None:
    """A server that was restarted has another token: it is fetched again after a refusal, once."""
    wire.answer(f"GET {BASE}/lab", page("_xsrf=old; Path=/jupyter/default/"), page("_xsrf=new; Path=/jupyter/default/"))
    wire.answer(TERMINALS, page(status=403), MADE)
    assert jupyter.create_terminal() == "studiosetupabc"
    assert [call.headers["X-XSRFToken"] for call in wire.asked(TERMINALS)] == ["old", "new"]


def test_a_token_is_renewed_only_once(jupyter: Jupyter, wire: Wire) -> None:
    """A server that refuses the new token as well refuses us."""
    wire.answer(TERMINALS, page(status=403))
    with pytest.raises(JupyterRefused, match="refused us a terminal: HTTP 403"):
        jupyter.create_terminal()
    assert len(wire.asked(TERMINALS)) == 2


# Terminals


def test_a_terminal_has_a_name_of_our_own(jupyter: Jupyter, wire: Wire) -> None:
    r"""The name asked for is `\w+`, which is what the server takes, and another each time."""
    wire.answer(TERMINALS, MADE)
    jupyter.create_terminal()
    jupyter.create_terminal()
    names = [json.loads(call.body)["name"] for call in wire.asked(TERMINALS)]
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"studiosetup\w{16}", name) for name in names)


def test_a_server_that_numbers_terminals_makes_a_named_one_by_its_page(jupyter: Jupyter, wire: Wire) -> None:
    """Notebook 6 ignores the name and answers with a number: that one is deleted, and the page makes one of ours."""
    wire.answer(TERMINALS, json_answer({"name": "1"}, status=201))
    wire.answer(f"GET {BASE}/terminals/new/*", lambda call: redirect(call.url.replace("/new/", "/")))
    name = jupyter.create_terminal()
    assert is_ours(name)
    assert [call.url for call in wire.calls if call.method == "DELETE"] == [f"{BASE}/api/terminals/1"]


def test_a_server_that_knows_numbers_only_is_heard(jupyter: Jupyter, wire: Wire) -> None:
    """Its oldest versions have no such page: then the number is the terminal's name."""
    wire.answer(TERMINALS, json_answer({"name": "1"}, status=201))
    wire.answer(f"GET {BASE}/terminals/new/*", page(status=404))
    assert jupyter.create_terminal() == "1"
    assert not is_ours("1")


@pytest.mark.parametrize("answer", [Answer(200, ""), json_answer([]), json_answer({}), json_answer({"name": 1})])
def test_an_answer_that_was_cut_is_a_loss(jupyter: Jupyter, wire: Wire, answer: Answer) -> None:
    """An answer without a name says nothing about terminals: the one that may be there is deleted, and it is a loss."""
    wire.answer(TERMINALS, answer)
    with pytest.raises(ConnectionLost):
        jupyter.create_terminal()
    assert [call.method for call in wire.calls][-1] == "DELETE"


@pytest.mark.parametrize("times", [1, 2])
def test_a_terminal_is_deleted_in_spite_of_a_fault(jupyter: Jupyter, wire: Wire, times: int) -> None:
    """A lost or garbled answer to DELETE is not taken for the end of it."""
    faults = [page(status=502), requests.ReadTimeout("x")][:times]
    wire.answer(f"DELETE {BASE}/api/terminals/x", *faults, Answer(204))
    assert jupyter.delete_terminal("x")


@pytest.mark.parametrize("answer", [page(status=404), page()])
def test_a_server_without_terminals_is_told(jupyter: Jupyter, wire: Wire, answer: Answer) -> None:
    """A page instead of a terminal means that there are none."""
    wire.answer(TERMINALS, answer)
    with pytest.raises(TerminalsDisabled, match="terminals_enabled"):
        jupyter.create_terminal()


@pytest.mark.parametrize(
    "answer", [page(status=502), page(status=500), requests.ReadTimeout("x"), requests.ConnectionError("x")], ids=repr
)
def test_a_terminal_that_may_have_been_made_is_deleted(
    jupyter: Jupyter, wire: Wire, answer: Answer | Exception
) -> None:
    """When the answer was lost on its way, the name that was asked for is deleted, and no other."""
    wire.answer(TERMINALS, answer)
    with pytest.raises(ConnectionLost):
        jupyter.create_terminal()
    name = json.loads(wire.asked(TERMINALS)[0].body)["name"]
    assert [call.url for call in wire.asked("DELETE")] == [f"{BASE}/api/terminals/{name}"]


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        (Answer(204), True),
        (Answer(404), True),
        (page(), False),
        (page(status=502), False),
        (page(status=403), False),
        (SIGN_IN, False),
        (requests.ConnectionError("x"), False),
    ],
    ids=repr,
)
def test_deleting_says_whether_the_terminal_is_gone(
    jupyter: Jupyter, wire: Wire, answer: Answer | Exception, *, gone: bool
) -> None:
    """Deleted, or not there, is gone; anything else is not known to be, and is no error."""
    wire.answer(f"DELETE {BASE}/api/terminals/*", answer)
    assert jupyter.delete_terminal("studiosetupabc") is gone


def _terminals(*terminals: object, date: str = "Sun, 22 Nov 2026 15:00:00 GMT") -> Answer:
    headers = (("Content-Type", "application/json"), ("Date", date))
    return Answer(200, json.dumps(terminals), headers)


def test_a_terminal_that_a_killed_attempt_has_left_is_deleted(jupyter: Jupyter, wire: Wire) -> None:
    """One of ours that is idle for longer than an attempt is ever silent; nobody else's, and none that is used."""
    times = {
        "studiosetup1": "2026-11-22T14:59:14.900000Z",
        "studiosetup2": "2026-11-22T14:59:15.100000Z",
        "studiosetup3": "2026-11-22T16:00:00.000000+02:00",
        "1": "2026-11-21T00:00:00.000000Z",
        "mystudiosetup": "2026-11-21T00:00:00.000000Z",
    }
    listed = [{"name": name, "last_activity": last_activity} for name, last_activity in times.items()]
    wire.answer(f"GET {BASE}/api/terminals", _terminals(*listed))
    jupyter.delete_abandoned_terminals()
    deleted = [call.url.rpartition("/")[2] for call in wire.asked("DELETE")]
    assert deleted == ["studiosetup1", "studiosetup3"]


OLD = {"name": "studiosetup1", "last_activity": "2026-11-22T14:00:00.000000Z"}


@pytest.mark.parametrize(
    "answer",
    [
        _terminals({"name": "studiosetup1"}, {"last_activity": "2026-11-22T14:00:00Z"}, "studiosetup1", None),
        _terminals({"name": "studiosetup1", "last_activity": "yesterday"}),
        _terminals({"name": "studiosetup1", "last_activity": "2026-11-22T14:00:00.000000"}),
        _terminals(OLD, date=""),
        _terminals(OLD, date="today"),
        json_answer({"message": "Forbidden"}, status=403),
        json_answer({"name": "studiosetup1"}),
        page(),
        page(status=502),
        requests.ConnectionError("x"),
    ],
    ids=repr,
)
def test_terminals_of_which_too_little_is_known_are_left(
    jupyter: Jupyter, wire: Wire, answer: Answer | Exception
) -> None:
    """Without a name, a time or an answer nothing is deleted, and the setup goes on."""
    wire.answer(f"GET {BASE}/api/terminals", answer)
    jupyter.delete_abandoned_terminals()
    assert wire.asked("DELETE") == []


def test_a_terminal_is_deleted_after_our_time(jupyter: Jupyter, wire: Wire, fake_time: FakeTime) -> None:
    """Cleaning up has a few seconds of its own; opening a terminal has not."""
    fake_time.now += 100
    with pytest.raises(OutOfTime):
        jupyter.create_terminal()
    assert wire.calls == []
    assert jupyter.delete_terminal("studiosetupabc")
    assert wire.asked("DELETE")[0].headers["X-XSRFToken"] == "from-the-page"


@pytest.mark.parametrize("status", [302, 400, 401, 413])
def test_a_refused_terminal_is_told(jupyter: Jupyter, wire: Wire, status: int) -> None:
    """A refusal has its status."""
    wire.answer(TERMINALS, page(status=status))
    with pytest.raises(JupyterRefused, match=f"HTTP {status}"):
        jupyter.create_terminal()


def test_a_terminal_behind_a_sign_in_page_is_no_terminal(jupyter: Jupyter, wire: Wire) -> None:
    """A login that expired in between is a lost connection."""
    wire.answer(TERMINALS, SIGN_IN)
    with pytest.raises(LoginExpired):
        jupyter.create_terminal()


# Every request


def test_every_request_has_timeouts_and_no_redirect_is_followed(
    jupyter: Jupyter, wire: Wire, fake_time: FakeTime
) -> None:
    """Nothing waits for ever, and a redirect is an answer: where it points is never asked."""
    wire.answer(STATUS, redirect("/elsewhere"), json_answer({}))
    wire.answer(f"GET {BASE}/lab", redirect("/elsewhere", "_xsrf=x; Path=/"))
    wire.answer(TERMINALS, page(status=403), MADE)
    jupyter.wait_until_ready(fake_time.deadline(20))
    jupyter.create_terminal()
    jupyter.delete_terminal("studiosetupabc")
    assert len(wire.calls) >= 6
    for call in wire.calls:
        assert isinstance(call.timeout, tuple), call
        assert all(0 < seconds <= 30 for seconds in call.timeout)
        assert "elsewhere" not in call.url


# The websocket's address


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
def test_the_websocket_is_as_safe_as_the_page(
    session: requests.Session, fake_time: FakeTime, base_url: str, url: str, origin: str
) -> None:
    """Behind https it is wss, behind http it is ws, at the same host and port, and it says where it comes from."""
    address = Jupyter(session, base_url, fake_time.deadline(60)).terminal_address("t")
    assert (address.url, address.origin) == (url, origin)


def test_only_cookies_that_belong_there_go_with_the_websocket(jupyter: Jupyter, session: requests.Session) -> None:
    """Cookies of other hosts, other paths and other names of the same host are left out; the others are sent."""
    for name, domain, path in [
        ("ours", HOST, "/"),
        ("deep", HOST, "/jupyter/default/"),
        ("wide", ".studio.us-east-1.sagemaker.aws", "/"),
        ("other-path", HOST, "/auth"),
        ("foreign", "signin.aws.amazon.com", "/"),
        ("sibling", "d-xyz.studio.us-east-1.sagemaker.aws", "/"),
    ]:
        session.cookies.set(name, "1", domain=domain, path=path)
    assert set(SimpleCookie(jupyter.terminal_address("t").cookie)) == {"ours", "deep", "wide"}


def test_a_secure_cookie_stays_off_plain_connections(session: requests.Session, fake_time: FakeTime) -> None:
    """A cookie that was meant for https is not sent over ws."""
    session.cookies.set("safe", "1", domain=HOST, path="/", secure=True)
    plain = Jupyter(session, f"http://{HOST}/jupyter/default", fake_time.deadline(60))
    assert plain.terminal_address("t").cookie == ""


def test_an_address_does_not_show_itself(jupyter: Jupyter, session: requests.Session) -> None:
    """An address in a log or a traceback shows no cookie."""
    session.cookies.set("studio", "SECRET", domain=HOST, path="/")
    address = jupyter.terminal_address("t")
    assert "SECRET" in address.cookie
    assert "SECRET" not in repr(address)
    assert "SECRET" not in str(address)


def test_no_error_text_holds_a_librarys_text(jupyter: Jupyter, wire: Wire) -> None:
    """What `requests` says may hold anything; only the kind of error is passed on."""
    wire.answer(TERMINALS, requests.ConnectionError("Cookie: SECRET"))
    with pytest.raises(ConnectionLost, match="POST api/terminals failed: ConnectionError") as caught:
        jupyter.create_terminal()
    assert "SECRET" not in everything_said(caught.value)
