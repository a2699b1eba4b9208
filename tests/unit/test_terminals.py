"""The terminals of a Jupyter server: ours have names of our own, and none of them is left behind."""

from __future__ import annotations

import json
import re

import pytest
import requests

from studio_setup.access.jupyter_server import JupyterServer
from studio_setup.access.terminals import Terminals, is_ours
from studio_setup.model.errors import ConnectionLost, JupyterRefused, LoginExpired, OutOfTime, TerminalsDisabled
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

LIST = f"GET {BASE}/api/terminals"
POST = f"POST {BASE}/api/terminals"
OURS = "studiosetup0123456789abcdef"


def _created(call: Call) -> Answer:
    """Answer as a server that gives a terminal the name that was asked for."""
    return json_answer({"name": json.loads(call.body)["name"]})


@pytest.fixture
def terminals(wire: Wire, server: JupyterServer) -> Terminals:
    """The terminals of a server that deletes whatever it is asked to."""
    wire.answer(f"DELETE {BASE}/api/terminals/*", Answer(204))
    return Terminals(server)


# Creating


def test_a_terminal_has_a_name_of_our_own(terminals: Terminals, wire: Wire) -> None:
    r"""The name asked for is `\w+`, which is what the server takes, and a new one each time."""
    wire.answer(POST, _created)
    given = [terminals.create(), terminals.create()]
    names = [json.loads(call.body)["name"] for call in wire.asked(POST)]
    assert given == names
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"studiosetup[0-9a-f]{16}", name) for name in names)


def test_the_call_has_an_xsrf_token(terminals: Terminals, wire: Wire) -> None:
    """Creating and deleting carry the server's token."""
    wire.answer(POST, _created)
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


@pytest.mark.parametrize("answer", [page(status=302), page(status=400), jupyter_error(401), page(status=413)], ids=repr)
def test_a_refused_terminal_is_reported_with_the_status(terminals: Terminals, wire: Wire, answer: Answer) -> None:
    """The message has the status of the refusal."""
    wire.answer(POST, answer)
    with pytest.raises(JupyterRefused, match=f"HTTP {answer.status}"):
        terminals.create()


def test_a_terminal_that_every_token_is_refused_for_is_reported(terminals: Terminals, wire: Wire) -> None:
    """A server that refuses a new token as well refuses the terminal."""
    wire.answer(POST, jupyter_error(403))
    with pytest.raises(JupyterRefused, match="refused us a terminal: HTTP 403"):
        terminals.create()
    assert len(wire.asked(POST)) == 2


@pytest.mark.parametrize("answer", [SIGN_IN, page(status=401), page(status=403)], ids=repr)
def test_the_front_door_reports_an_expired_login(terminals: Terminals, wire: Wire, answer: Answer) -> None:
    """If the login has expired in the meantime, the connection is lost, and the server is not said to refuse."""
    wire.answer(POST, answer)
    with pytest.raises(LoginExpired):
        terminals.create()


@pytest.mark.parametrize(
    "name",
    [
        "studiosetup/../../../../admin/users/alice",
        "studiosetup0123456789abcde/..",
        OURS,
        OURS + "\n",
        "\x1b[31mstudiosetup0123456789abcdef",
        "1/../2",
        "-1",
        "1" * 10,
        "٣",
        "",
    ],
)
def test_a_name_that_was_not_asked_for_is_not_used(terminals: Terminals, wire: Wire, name: str) -> None:
    """Neither a terminal of that name is opened nor anything at that path deleted, only what we asked for."""
    wire.answer(POST, json_answer({"name": name}))
    with pytest.raises(ConnectionLost, match="cut or garbled"):
        terminals.create()
    asked = json.loads(wire.asked(POST)[0].body)["name"]
    assert [call.url for call in wire.asked("DELETE")] == [f"{BASE}/api/terminals/{asked}"]


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        (OURS, True),
        ("studiosetup0123456789abcde", False),
        ("studiosetup0123456789abcdef0", False),
        ("studiosetup0123456789ABCDEF", False),
        ("studiosetup" + "٣" * 16, False),
        (OURS + "\n", False),
        (f"my{OURS}", False),
        (f"{OURS}/../1", False),
        ("1", False),
        ("", False),
    ],
)
def test_a_name_is_ours_only_in_full(name: str, *, ours: bool) -> None:
    """Names that only begin like ours belong to somebody else."""
    assert is_ours(name) is ours


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
    assert terminals.delete(OURS) is is_gone


def test_a_terminal_can_be_deleted_after_the_deadline(terminals: Terminals, wire: Wire, fake_time: FakeTime) -> None:
    """Cleaning up has a few seconds of its own; opening a terminal does not."""
    fake_time.now += 100
    with pytest.raises(OutOfTime):
        terminals.create()
    assert wire.calls == []
    assert terminals.delete(OURS)
    assert wire.asked("DELETE")[0].headers["X-XSRFToken"] == "from-the-page"


# Abandoned terminals


def _ours(number: int) -> str:
    return f"studiosetup{number:016x}"


def _listing(*terminals: object, date: str = "Sun, 22 Nov 2026 15:00:00 GMT") -> Answer:
    headers = (("Content-Type", "application/json"), ("Date", date))
    return Answer(200, json.dumps(terminals), headers)


def test_a_terminal_that_a_killed_attempt_left_is_deleted(terminals: Terminals, wire: Wire) -> None:
    """One of ours that has been idle for longer than an attempt ever is; no other user's, and none in use."""
    times = {
        _ours(1): "2026-11-22T14:59:14.900000Z",
        _ours(2): "2026-11-22T14:59:15.100000Z",
        _ours(3): "2026-11-22T16:00:00.000000+02:00",
        "1": "2026-11-21T00:00:00.000000Z",
        f"my{_ours(4)}": "2026-11-21T00:00:00.000000Z",
        f"{_ours(5)}/../1": "2026-11-21T00:00:00.000000Z",
        "studiosetup6": "2026-11-21T00:00:00.000000Z",
    }
    listed = [{"name": name, "last_activity": last_activity} for name, last_activity in times.items()]
    wire.answer(LIST, _listing(*listed))
    terminals.delete_abandoned("")
    deleted = [call.url.rpartition("/")[2] for call in wire.asked("DELETE")]
    assert deleted == [_ours(1), _ours(3)]


def test_the_terminal_in_use_is_not_deleted_however_idle_it_seems(terminals: Terminals, wire: Wire) -> None:
    """The date is the front door's, and its clock may be ahead of the app's."""
    listed = [{"name": _ours(number), "last_activity": "2026-11-22T14:00:00.000000Z"} for number in (1, 2)]
    wire.answer(LIST, _listing(*listed))
    terminals.delete_abandoned(_ours(1))
    assert [call.url.rpartition("/")[2] for call in wire.asked("DELETE")] == [_ours(2)]


def test_of_very_many_abandoned_terminals_five_are_deleted(terminals: Terminals, wire: Wire) -> None:
    """A server can list any number of them, and each takes a request: the next attempt deletes the next ones."""
    listed = [{"name": _ours(number), "last_activity": "2026-11-22T14:00:00.000000Z"} for number in range(500)]
    wire.answer(LIST, _listing(*listed))
    terminals.delete_abandoned("")
    assert [call.url.rpartition("/")[2] for call in wire.asked("DELETE")] == [_ours(number) for number in range(5)]


OLD = {"name": OURS, "last_activity": "2026-11-22T14:00:00.000000Z"}


@pytest.mark.parametrize(
    "answer",
    [
        _listing({"name": OURS}, {"last_activity": "2026-11-22T14:00:00Z"}, OURS, None),
        _listing({"name": OURS, "last_activity": "yesterday"}),
        _listing({"name": OURS, "last_activity": "2026-11-22T14:00:00.000000"}),
        _listing({"name": [OURS], "last_activity": "2026-11-22T14:00:00Z"}),
        _listing(OLD, date=""),
        _listing(OLD, date="today"),
        _listing(OLD, date="Sun, 22 Nov 99999999999 15:00:00 GMT"),
        _listing(OLD, date="Sun, 22 Nov 2026 15:00:00 -99999999999999"),
        Answer(200, "[" * 100_000, (("Date", "Sun, 22 Nov 2026 15:00:00 GMT"),)),
        json_answer({"message": "Forbidden"}, status=403),
        json_answer({"name": OURS}),
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
    terminals.delete_abandoned("")
    assert wire.asked("DELETE") == []


# Every call


def test_every_call_has_timeouts(terminals: Terminals, wire: Wire) -> None:
    """No call waits for ever."""
    wire.answer(POST, _created)
    wire.answer(LIST, _listing(OLD))
    terminals.create()
    terminals.delete_abandoned("")
    terminals.delete(OURS)
    assert len(wire.calls) == 5
    for call in wire.calls:
        assert isinstance(call.timeout, tuple), call
        assert all(0 < seconds <= 30 for seconds in call.timeout)


def test_the_websocket_of_a_terminal_is_addressed_by_its_name(terminals: Terminals) -> None:
    """The path is the one that the server has for websockets of terminals."""
    assert terminals.address("t").url == f"wss://{HOST}/jupyter/default/terminals/websocket/t"
