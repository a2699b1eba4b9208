"""Nothing in the log reveals a secret: the presigned URL's token, or a cookie that the login sets."""

from __future__ import annotations

import io
import logging
import socket
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from traceback import TracebackException
from types import SimpleNamespace
from typing import Any, NoReturn

import boto3
import pytest
import requests

from studio_setup.access.app_status import Owner
from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.http import Http
from studio_setup.access.jupyter_server import JupyterServer
from studio_setup.access.library_logs import quiet_libraries
from studio_setup.access.login import Login
from studio_setup.access.terminals import Terminals
from studio_setup.api.app_access import AppAccess
from studio_setup.api.connected_app import ConnectedApp
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, LoginRefused, SetupError
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job, Tools, set_up
from tests.support.fakes import FakeTime, everything_said
from tests.support.loopback import STUDIO_COOKIE, TOKEN, XSRF_COOKIE, Loopback
from tests.support.raw_server import RawServer

SECRETS = (TOKEN, STUDIO_COOKIE, XSRF_COOKIE)


class WholeLog(logging.Handler):
    """Keeps all that a formatter could show of every record: message, arguments, extra fields, exception."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self._text = io.StringIO()
        self.count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.count += 1
        self._text.write(f"{record.getMessage()}\n{record.args!r}\n{record.__dict__!r}\n")
        if record.exc_info:
            self._text.write("".join(traceback.format_exception(*record.exc_info)))

    @property
    def found(self) -> set[str]:
        """The secrets that are in it."""
        return {secret for secret in SECRETS if secret in self._text.getvalue()}


@pytest.fixture
def log() -> Iterator[WholeLog]:
    """All that is logged at DEBUG, by our code and by the libraries."""
    handler = WholeLog()
    root = logging.getLogger()
    root.addHandler(handler)
    for name in ("", "studio_setup", "boto3", "botocore", "requests", "urllib3", "websocket"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)


@pytest.fixture
def log_in(loopback: Loopback, app: App) -> Callable[[], None]:
    """Log in over real HTTP, wait until the server is ready, create a terminal and delete it."""

    def log_in() -> None:
        deadline = Deadline.after(20)
        control_plane = ControlPlane(boto3.client("sagemaker"), deadline)
        with requests.Session() as session:
            http = Http(session)
            base_url = Login(control_plane, app, Owner("alice"), deadline).log_in(http)
            server = JupyterServer(http, base_url, deadline)
            server.wait_until_ready(deadline)
            terminals = Terminals(server)
            terminal = terminals.create()
            assert STUDIO_COOKIE in terminals.address(terminal).cookie
            assert terminals.delete(terminal)

    assert loopback.requests == []
    return log_in


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "write",
    [
        lambda logger, secret: logger.info(secret),
        lambda logger, secret: logger.info("%s", secret),
        lambda logger, secret: logger.info("%r", {"url": secret}),
        lambda logger, secret: logger.info("x", extra={"url": f"http://127.0.0.1/?token={secret}"}),
        lambda logger, secret: logger.error("x", exc_info=ValueError(secret)),
    ],
    ids=["message", "argument", "dictionary", "extra", "exception"],
)
def test_a_secret_would_be_found(log: WholeLog, secret: str, write: Callable[[logging.Logger, str], None]) -> None:
    """The tests below can fail: a secret is found wherever in a record it is."""
    write(logging.getLogger("studio_setup.anything"), secret)
    assert log.found == {secret}


def test_the_libraries_would_reveal_a_secret(log: WholeLog, log_in: Callable[[], None]) -> None:
    """At DEBUG the libraries log the presigned URL, which is why they are kept quiet."""
    log_in()
    assert TOKEN in log.found


def test_a_login_reveals_no_secret(log: WholeLog, log_in: Callable[[], None]) -> None:
    """With the libraries kept quiet, a login at DEBUG logs something, but no token and no cookie."""
    quiet_libraries()
    log_in()
    assert log.count > 0
    assert log.found == set()


MALFORMED = {
    "a-line-that-is-no-header": b"HTTP/1.1 200 OK\r\nno colon here\r\nX: y\r\n\r\n",
    "a-chunk-without-a-length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "an-encoding-that-is-none": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nhello",
    "a-foreign-cookie": f"HTTP/1.1 403 No\r\nSet-Cookie: a={STUDIO_COOKIE}; Domain=evil.example\r\n\r\n".encode(),
    "a-cookie-that-is-none": f"HTTP/1.1 403 No\r\nSet-Cookie: {STUDIO_COOKIE}; =;\x00; age=x\r\n\r\n".encode(),
    "a-cookie": f"HTTP/1.1 403 No\r\nSet-Cookie: a={STUDIO_COOKIE}; Path=/\r\nContent-Length: 0\r\n\r\n".encode(),
    "a-redirect-with-a-user": f"HTTP/1.1 302 Go\r\nLocation: http://{TOKEN}:x@evil.example/\r\n\r\n".encode(),
    "a-redirect-with-a-query": f"HTTP/1.1 302 Go\r\nLocation: //evil.example/?token={TOKEN}\r\n\r\n".encode(),
    "a-redirect-to-no-url": f"HTTP/1.1 302 Go\r\nLocation: http://[{TOKEN}\r\n\r\n".encode(),
    "a-redirect-that-nobody-answers": f"HTTP/1.1 302 Go\r\nLocation: //127.0.0.1:1/?{TOKEN}\r\n\r\n".encode(),
    "nothing": b"",
}


def _log_in_to(answer: bytes, app: App) -> BaseException:
    """Log in to a Studio that answers so, and return the error that this ends in."""
    deadline = Deadline.after(20)
    with RawServer(lambda connection, _: connection.sendall(answer)) as server, requests.Session() as session:
        url = {"AuthorizedUrl": f"http://127.0.0.1:{server.port}/auth?token={TOKEN}"}
        client: Any = SimpleNamespace(create_presigned_domain_url=lambda **_: url)
        with pytest.raises((LoginRefused, ConnectionLost)) as caught:
            Login(ControlPlane(client, deadline), app, Owner("alice"), deadline).log_in(Http(session))
        assert server.heads[0].startswith(f"GET /auth?token={TOKEN} ".encode())
    return caught.value


def test_a_malformed_answer_would_reveal_a_secret(log: WholeLog, app: App) -> None:
    """urllib3 warns of it with the whole URL, which is why not even warnings are let through."""
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    _log_in_to(MALFORMED["a-line-that-is-no-header"], app)
    assert TOKEN in log.found


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_answer_reveals_no_secret(log: WholeLog, app: App, name: str) -> None:
    """Whatever is wrong with what the URL leads to, neither the log nor the error has the token or a cookie."""
    quiet_libraries()
    said = everything_said(_log_in_to(MALFORMED[name], app))
    assert log.found == set()
    assert not [secret for secret in SECRETS if secret in said]


def _variables_of(error: BaseException) -> str:
    """What the variables of a traceback show, as rich, IPython and error trackers print them."""
    errors: list[BaseException | None] = [error, error.__cause__, error.__context__]
    tracebacks = [TracebackException.from_exception(one, capture_locals=True) for one in errors if one]
    return "".join(line for one in tracebacks for line in one.format())


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("a-redirect-with-a-query", ConnectedApp.terminals),
        ("a-redirect-with-a-user", lambda connected: connected.run("true")),
        ("nothing", lambda connected: connected.attach("0123456789ab").wait(timeout_seconds=1)),
    ],
)
def test_an_error_of_the_python_api_has_no_secret_among_its_variables(
    app: App, name: str, use: Callable[[ConnectedApp], object]
) -> None:
    """The presigned URL is a variable of the frames that use it; those are not among what a program gets to see."""

    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(MALFORMED[name])

    with RawServer(answer) as server:
        client: Any = SimpleNamespace(
            describe_domain=lambda **_: {"AuthMode": "IAM"},
            describe_app=lambda **_: {"Status": "InService", "CreationTime": datetime.now(UTC)},
            create_presigned_domain_url=lambda **_: {
                "AuthorizedUrl": f"http://127.0.0.1:{server.port}/auth?token={TOKEN}"
            },
        )
        with ConnectedApp(AppAccess(app, client)) as connected, pytest.raises(SetupError) as caught:
            use(connected)
    said = _variables_of(caught.value)
    assert "connected = " in said
    assert [secret for secret in SECRETS if secret in said] == []


def test_a_failed_setup_reveals_no_secret(
    log: WholeLog, loopback: Loopback, app: App, fake_time: FakeTime, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setup that cannot open the terminal's websocket reports and logs that without a token or a cookie."""
    quiet_libraries()
    addresses: list[object] = []

    def refuse(address: object, _: Deadline) -> NoReturn:
        addresses.append(address)
        fake_time.sleep(25)
        raise ConnectionLost("The terminal's websocket was refused: HTTP 503.")

    with requests.Session() as http:
        tools = Tools(boto3.client("sagemaker"), http, refuse)
        report = set_up(Job(app, Setup((Command("one", "true"),))), tools, fake_time.deadline(60))
    assert len(addresses) == 3
    assert report.code == "connection-lost"
    assert loopback.terminals == set()
    said = "".join(capsys.readouterr())
    assert log.found == set()
    assert not [secret for secret in SECRETS if secret in f"{report!r}{addresses!r}{said}"]
