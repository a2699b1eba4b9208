"""The terminals of a Jupyter server: ours have names of our own, and none of them is left behind."""

from __future__ import annotations

import json
import re

import pytest
import requests

from studio_setup.access.jupyter_server import JupyterServer
from studio_setup.access.terminals import Terminals, is_ours
from studio_setup.model.errors import ConnectionLost, JupyterRefused, LoginExpired, OutOfTime, TerminalsDisabled
from tests.support.fakes import Answer, FakeTime, Wire, everything_said, json_answer, page, redirect

HOST = "d-abc.studio.us-east-1.sagemaker.aws"
BASE = f"https://{HOST}/jupyter/default"
LIST = f"GET {BASE}/api/terminals"
POST = f"POST {BASE}/api/terminals"
SIGN_IN = redirect("https://us-east-1.signin.aws.amazon.com/oauth?token=SECRET")
CREATED = json_answer({"name": "studiosetupabc"})


@pytest.fixture
def terminals(wire: Wire, session: requests.Session, fake_time: FakeTime) -> Terminals:
    """The terminals of a server that sets an XSRF token and deletes whatever it is asked to, with a minute left."""
    wire.answer(f"GET {BASE}/lab", page("_xsrf=from-the-page; Path=/jupyter/default/"))
    wire.answer(f"DELETE {BASE}/api/terminals/*", Answer(204))
    return Terminals(JupyterServer(session, BASE, fake_time.deadline(60)))


# Creating


def test_a_terminal_has_a_name_of_our_own(terminals: Terminals, wire: Wire) -> None:
    r"""The name asked for is `\w+`, which is what the server takes, and a new one each time."""
    wire.answer(POST, CREATED)
    assert terminals.create() == "studiosetupabc"
    terminals.create()
    names = [json.loads(call.body)["name"] for call in wire.asked(POST)]
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"studiosetup\w{16}", name) for name in names)


def test_the_call_has_an_xsrf_token(terminals: Terminals, wire: Wire) -> None:
    """Creating and deleting carry the server's token."""
    wire.answer(POST, CREATED)
    terminals.delete(terminals.create())
    tokens = {call.headers["X-XSRFToken"] for call in wire.asked(POST) + wire.asked("DELETE")}
    assert tokens == {"from-the-page"}


def test_a_server_that_numbers_terminals_creates_a_named_one_by_its_page(terminals: Terminals, wire: Wire) -> None:
    """Notebook 6 ignores the name and answers with a number: that terminal is deleted, and a page creates ours."""
    wire.answer(POST, json_answer({"name": "1"}, status=201))
    wire.answer(f"GET {BASE}/terminals/new/*", lambda call: redirect(call.url.replace("/new/", "/")))
    assert is_ours(terminals.create())
    assert [call.url for call in wire.calls if call.method == "DELETE"] == [f"{BASE}/api/terminals/1"]


def test_a_server_that_only_numbers_terminals_gives_the_name(terminals: Terminals, wire: Wire) -> None:
    """The oldest versions have no such page: then the terminal's name is its number."""
    wire.answer(POST, json_answer({"name": "1"}, status=201))
    wire.answer(f"GET {BASE}/terminals/new/*", page(status=404))
    assert terminals.create() == "1"
    assert not is_ours("1")


@pytest.mark.parametrize("answer", [Answer(200, ""), json_answer([]), json_answer({}), json_answer({"name": 1})])
def test_a_truncated_answer_is_a_lost_connection(terminals: Terminals, wire: Wire, answer: Answer) -> None:
    """After an answer without a name, the terminal that may have been created is deleted."""
    wire.answer(POST, answer)
    with pytest.raises(ConnectionLost):
        terminals.create()
    assert [call.method for call in wire.calls][-1] == "DELETE"


@pytest.mark.parametrize("answer", [page(status=404), page()])
def test_a_server_without_terminals_is_reported(terminals: Terminals, wire: Wire, answer: Answer) -> None:
    """A page instead of a terminal means that the server has no terminals."""
    wire.answer(POST, answer)
    with pytest.raises(TerminalsDisabled, match="terminals_enabled"):
        terminals.create()


@pytest.mark.parametrize(
    "answer", [page(status=502), page(status=500), requests.ReadTimeout("x"), requests.ConnectionError("x")], ids=repr
)
def test_a_terminal_that_may_have_been_created_is_deleted(
    terminals: Terminals, wire: Wire, answer: Answer | Exception
) -> None:
    """When the answer was lost, the terminal of the name that was asked for is deleted, and no other."""
    wire.answer(POST, answer)
    with pytest.raises(ConnectionLost):
        terminals.create()
    name = json.loads(wire.asked(POST)[0].body)["name"]
    assert [call.url for call in wire.asked("DELETE")] == [f"{BASE}/api/terminals/{name}"]


@pytest.mark.parametrize("status", [302, 400, 401, 413])
def test_a_refused_terminal_is_reported_with_the_status(terminals: Terminals, wire: Wire, status: int) -> None:
    """The message has the status of the refusal."""
    wire.answer(POST, page(status=status))
    with pytest.raises(JupyterRefused, match=f"HTTP {status}"):
        terminals.create()


def test_a_terminal_that_every_token_is_refused_for_is_reported(terminals: Terminals, wire: Wire) -> None:
    """A server that refuses a new token as well refuses the terminal."""
    wire.answer(POST, page(status=403))
    with pytest.raises(JupyterRefused, match="refused us a terminal: HTTP 403"):
        terminals.create()
    assert len(wire.asked(POST)) == 2


def test_a_redirect_to_the_sign_in_page_is_an_expired_login(terminals: Terminals, wire: Wire) -> None:
    """If the login has expired in the meantime, the connection is lost."""
    wire.answer(POST, SIGN_IN)
    with pytest.raises(LoginExpired):
        terminals.create()


def test_only_the_kind_of_a_librarys_error_is_reported(terminals: Terminals, wire: Wire) -> None:
    """The text of an error of `requests` may hold anything; only its class name is passed on."""
    wire.answer(POST, requests.ConnectionError("Cookie: SECRET"))
    with pytest.raises(ConnectionLost, match="POST api/terminals failed: ConnectionError") as caught:
        terminals.create()
    assert "SECRET" not in everything_said(caught.value)


# Deleting


@pytest.mark.parametrize("times", [1, 2])
def test_deleting_is_retried(terminals: Terminals, wire: Wire, times: int) -> None:
    """After a lost or garbled answer, a terminal is deleted again."""
    faults: list[Answer | Exception] = [page(status=502), requests.ReadTimeout("x")]
    wire.answer(f"DELETE {BASE}/api/terminals/x", *faults[:times], Answer(204))
    assert terminals.delete("x")


@pytest.mark.parametrize(
    ("answer", "is_gone"),
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
    terminals: Terminals, wire: Wire, answer: Answer | Exception, *, is_gone: bool
) -> None:
    """A terminal that was deleted, or is not there, is gone; after any other answer that is not known."""
    wire.answer(f"DELETE {BASE}/api/terminals/*", answer)
    assert terminals.delete("studiosetupabc") is is_gone


def test_a_terminal_can_be_deleted_after_the_deadline(terminals: Terminals, wire: Wire, fake_time: FakeTime) -> None:
    """Cleaning up has a few seconds of its own; opening a terminal does not."""
    fake_time.now += 100
    with pytest.raises(OutOfTime):
        terminals.create()
    assert wire.calls == []
    assert terminals.delete("studiosetupabc")
    assert wire.asked("DELETE")[0].headers["X-XSRFToken"] == "from-the-page"


# Abandoned terminals


def _listing(*terminals: object, date: str = "Sun, 22 Nov 2026 15:00:00 GMT") -> Answer:
    headers = (("Content-Type", "application/json"), ("Date", date))
    return Answer(200, json.dumps(terminals), headers)


def test_a_terminal_that_a_killed_attempt_left_is_deleted(terminals: Terminals, wire: Wire) -> None:
    """One of ours that has been idle for longer than an attempt ever is; no other user's, and none in use."""
    times = {
        "studiosetup1": "2026-11-22T14:59:14.900000Z",
        "studiosetup2": "2026-11-22T14:59:15.100000Z",
        "studiosetup3": "2026-11-22T16:00:00.000000+02:00",
        "1": "2026-11-21T00:00:00.000000Z",
        "mystudiosetup": "2026-11-21T00:00:00.000000Z",
    }
    listed = [{"name": name, "last_activity": last_activity} for name, last_activity in times.items()]
    wire.answer(LIST, _listing(*listed))
    terminals.delete_abandoned()
    deleted = [call.url.rpartition("/")[2] for call in wire.asked("DELETE")]
    assert deleted == ["studiosetup1", "studiosetup3"]


OLD = {"name": "studiosetup1", "last_activity": "2026-11-22T14:00:00.000000Z"}


@pytest.mark.parametrize(
    "answer",
    [
        _listing({"name": "studiosetup1"}, {"last_activity": "2026-11-22T14:00:00Z"}, "studiosetup1", None),
        _listing({"name": "studiosetup1", "last_activity": "yesterday"}),
        _listing({"name": "studiosetup1", "last_activity": "2026-11-22T14:00:00.000000"}),
        _listing(OLD, date=""),
        _listing(OLD, date="today"),
        json_answer({"message": "Forbidden"}, status=403),
        json_answer({"name": "studiosetup1"}),
        page(),
        page(status=502),
        requests.ConnectionError("x"),
    ],
    ids=repr,
)
def test_terminals_about_which_too_little_is_known_are_left(
    terminals: Terminals, wire: Wire, answer: Answer | Exception
) -> None:
    """Without a name, a time or an answer, nothing is deleted, and the setup goes on."""
    wire.answer(LIST, answer)
    terminals.delete_abandoned()
    assert wire.asked("DELETE") == []


# Every call


def test_every_call_has_timeouts(terminals: Terminals, wire: Wire) -> None:
    """No call waits for ever."""
    wire.answer(POST, CREATED)
    wire.answer(LIST, _listing(OLD))
    terminals.create()
    terminals.delete_abandoned()
    terminals.delete("studiosetupabc")
    assert len(wire.calls) == 5
    for call in wire.calls:
        assert isinstance(call.timeout, tuple), call
        assert all(0 < seconds <= 30 for seconds in call.timeout)


def test_the_websocket_of_a_terminal_is_addressed_by_its_name(terminals: Terminals) -> None:
    """The path is the one that the server has for websockets of terminals."""
    assert terminals.address("t").url == f"wss://{HOST}/jupyter/default/terminals/websocket/t"
