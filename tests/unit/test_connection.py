"""The way into an app, opened again and again: which logins are used, and how often it is tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from studio_setup.access.app_status import AppStatus, Owner
from studio_setup.access.connection import Connection
from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.http import Http
from studio_setup.access.login import Login
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import (
    ConnectionLost,
    LoginExpired,
    LoginExpiredAgain,
    OutOfTime,
    SetupError,
    ShellGone,
    ShellSilent,
)
from studio_setup.model.outcomes import Outcome
from studio_setup.runs import remote_runs
from studio_setup.terminal.channel import WebSocketAddress
from tests.support.in_memory_channel import InMemoryChannel, InMemoryStudio

SCRIPT = ": short enough for one line\n"


class _Studio(InMemoryStudio):
    """A Studio in memory that counts logins, and whose websockets fail so often, in this order."""

    def __init__(self, *failures: SetupError | None) -> None:
        super().__init__({}, remote_script=SCRIPT)
        self.logins = 0
        self._failures = list(failures)
        presigned = self.sagemaker.create_presigned_domain_url

        def create_presigned_domain_url(**parameters: object) -> object:
            self.logins += 1
            return presigned(**parameters)

        self.sagemaker.create_presigned_domain_url = create_presigned_domain_url

    def open_channel(self, address: WebSocketAddress, deadline: Deadline) -> InMemoryChannel:
        """Fail, or connect."""
        failure = self._failures.pop(0) if self._failures else None
        if failure:
            raise failure
        return super().open_channel(address, deadline)

    def connection(self, app: App) -> Connection:
        """A connection to its app."""
        deadline = self.time.deadline(600)
        login = Login(ControlPlane(self.sagemaker, deadline), app, Owner("alice"), deadline)
        return Connection(login, Http(self.http_session()), self.open_channel, deadline)


@pytest.fixture(autouse=True)
def _short_remote_script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "remote.sh"
    path.write_text(SCRIPT, encoding="utf-8")
    monkeypatch.setattr(remote_runs, "REMOTE_SCRIPT", path)


def _open(connection: Connection) -> type[SetupError] | None:
    """Open a connection and close it again; the kind of error that this ends in, if it does."""
    try:
        with connection.open():
            pass
    except SetupError as error:
        return type(error)
    return None


# Logins


def test_a_list_of_terminals_that_never_comes_is_asked_for_less_and_less_often(app: App) -> None:
    """Each time takes a presigned URL: after ten minutes it was about one every ten seconds, not one every half."""
    studio = _Studio()
    deadline = studio.time.deadline(600)
    status = AppStatus(ControlPlane(studio.sagemaker, deadline), app, deadline)
    with pytest.raises((ConnectionLost, OutOfTime)):
        studio.connection(app).terminal_names(status)
    assert 50 < studio.logins < 80


def test_a_login_is_used_again_after_a_loss(app: App) -> None:
    """It lasts half an hour; a broken websocket says nothing about it."""
    studio = _Studio(None, ConnectionLost("Lost."), None)
    connection = studio.connection(app)
    assert [_open(connection) for _ in range(3)] == [None, ConnectionLost, None]
    assert studio.logins == 1


def test_an_expired_login_is_replaced(app: App) -> None:
    """The next try begins with a new one."""
    studio = _Studio(None, LoginExpired("Expired."), None)
    connection = studio.connection(app)
    assert [_open(connection) for _ in range(3)] == [None, LoginExpired, None]
    assert studio.logins == 2


def test_a_login_that_expires_during_a_run_is_replaced(app: App) -> None:
    """Wherever the server's answer shows it."""
    studio = _Studio()
    connection = studio.connection(app)
    with pytest.raises(LoginExpired), connection.open():
        raise LoginExpired("Expired.")
    assert _open(connection) is None
    assert studio.logins == 2


def test_a_login_that_does_not_lead_to_a_ready_server_is_not_used_again(app: App) -> None:
    """The server may be elsewhere by now."""
    studio = _Studio()
    connection = studio.connection(app)
    assert _open(connection) is None
    studio.failing_calls = 1000
    assert _open(connection) is ConnectionLost
    studio.failing_calls = 0
    assert _open(connection) is None
    assert studio.logins == 2


def test_five_logins_that_expire_in_a_row_are_the_end(app: App) -> None:
    """Somebody refuses us, and waiting does not change that: the verdict has a code of its own."""
    studio = _Studio(*[LoginExpired(f"Expired {number}.") for number in range(9)])
    connection = studio.connection(app)
    assert [_open(connection) for _ in range(4)] == [LoginExpired] * 4
    with pytest.raises(LoginExpiredAgain, match=r"5 logins in a row: Expired 4\. The cause is usually") as caught:
        connection.open().__enter__()
    assert (caught.value.code.name, caught.value.code.outcome) == ("login-expired", Outcome.UNREACHABLE)
    assert not isinstance(caught.value, ConnectionLost)
    assert studio.logins == 5


def test_logins_that_expire_now_and_then_are_no_end(app: App) -> None:
    """A connection that works in between begins the count anew."""
    studio = _Studio(*[*[LoginExpired("Expired.")] * 4, None] * 3)
    connection = studio.connection(app)
    assert [_open(connection) for _ in range(15)] == [*[LoginExpired] * 4, None] * 3


# Shells and terminals


def test_a_shell_that_ends_by_itself_three_times_is_silent(app: App) -> None:
    """The first two times it may have been a restart."""
    connection = _Studio(*[ShellGone("Gone.")] * 3).connection(app)
    assert [_open(connection) for _ in range(3)] == [ShellGone, ShellGone, ShellSilent]


def test_a_shell_that_is_silent_twice_is_the_end(app: App) -> None:
    """The first time it may have been the connection."""
    connection = _Studio(ShellSilent("Silent."), ShellSilent("Silent.")).connection(app)
    assert [_open(connection) for _ in range(2)] == [ConnectionLost, ShellSilent]


@pytest.mark.parametrize("failure", [None, ConnectionLost("Lost."), LoginExpired("Expired."), ShellGone("Gone.")])
def test_a_terminal_is_deleted_whatever_becomes_of_it(app: App, failure: SetupError | None) -> None:
    """None of ours is left in the app."""
    studio = _Studio(failure)
    _open(studio.connection(app))
    assert studio.terminals == {}


def test_a_terminal_that_could_not_be_deleted_is_deleted_by_the_next_connection(app: App) -> None:
    """Once the server answers again."""
    studio = _Studio()
    connection = studio.connection(app)
    with connection.open():
        studio.failing_calls = 3
    (left,) = studio.terminals
    with connection.open():
        assert left not in studio.terminals
    assert studio.terminals == {}
