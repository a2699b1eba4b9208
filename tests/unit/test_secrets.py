"""Nothing in the log reveals a secret: the presigned URL's token, or a cookie that the login sets."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import NoReturn

import boto3
import pytest
import requests

from studio_setup.access.control_plane import ControlPlane
from studio_setup.access.jupyter_server import JupyterServer
from studio_setup.access.library_logs import quiet_libraries
from studio_setup.access.login import Login
from studio_setup.access.terminals import Terminals
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job, Tools, set_up
from tests.support.loopback import STUDIO_COOKIE, TOKEN, XSRF_COOKIE, Loopback

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
            base_url = Login(control_plane, app, "alice", deadline).log_in(session)
            server = JupyterServer(session, base_url, deadline)
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


def test_a_failed_setup_reveals_no_secret(
    log: WholeLog, loopback: Loopback, app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setup that cannot open the terminal's websocket reports and logs that without a token or a cookie."""
    quiet_libraries()
    seconds = iter(range(10_000))
    deadline = Deadline.after(60, lambda: float(next(seconds)), lambda _: None)
    addresses: list[object] = []

    def refuse(address: object, _: Deadline) -> NoReturn:
        addresses.append(address)
        raise ConnectionLost("The terminal's websocket was refused: HTTP 503.")

    with requests.Session() as http:
        tools = Tools(boto3.client("sagemaker"), http, refuse)
        report = set_up(Job(app, Setup((Command("one", "true"),))), tools, deadline)
    assert addresses
    assert report.code == "connection-lost"
    assert loopback.terminals == set()
    said = "".join(capsys.readouterr())
    assert log.found == set()
    assert not [secret for secret in SECRETS if secret in f"{report!r}{addresses!r}{said}"]
