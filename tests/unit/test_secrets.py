"""What nobody may read in a log: the presigned URL's token, and the cookies that come of it."""

from __future__ import annotations

import io
import logging
import traceback
from collections.abc import Callable, Iterator

import boto3
import pytest
import requests
from studio_setup.access.jupyter import Jupyter
from studio_setup.access.studio import Studio

from studio_setup.access.library_logs import quiet_libraries
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job, Tools, set_up
from tests.support.loopback import STUDIO_COOKIE, TOKEN, XSRF_COOKIE, Loopback

SECRETS = (TOKEN, STUDIO_COOKIE, XSRF_COOKIE)


class Everything(logging.Handler):
    """Keeps all that any formatter could make of every record: message, arguments, extras, exception."""

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
        """The secrets in it."""
        return {secret for secret in SECRETS if secret in self._text.getvalue()}


@pytest.fixture
def everything() -> Iterator[Everything]:
    """All that is logged by anyone, at DEBUG, from here on."""
    handler = Everything()
    root = logging.getLogger()
    root.addHandler(handler)
    for name in ("", "studio_setup", "boto3", "botocore", "requests", "urllib3", "websocket"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)


@pytest.fixture
def log_in(loopback: Loopback, app: App) -> Callable[[], Jupyter]:
    """Log in over real HTTP, look whether Jupyter is ready, open a terminal and delete it."""

    def log_in() -> Jupyter:
        deadline = Deadline.after(20)
        with requests.Session() as session:
            base_url = Studio(boto3.client("sagemaker"), app, deadline).log_in(session)
            jupyter = Jupyter(session, base_url, deadline)
            jupyter.wait_until_ready(deadline)
            terminal = jupyter.create_terminal()
            assert STUDIO_COOKIE in jupyter.terminal_address(terminal).cookie
            assert jupyter.delete_terminal(terminal)
            return jupyter

    assert loopback.requests == []
    return log_in


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "tell",
    [
        lambda log, secret: log.info(secret),
        lambda log, secret: log.info("%s", secret),
        lambda log, secret: log.info("%r", {"url": secret}),
        lambda log, secret: log.info("x", extra={"url": f"http://127.0.0.1/?token={secret}"}),
        lambda log, secret: log.error("x", exc_info=ValueError(secret)),
    ],
    ids=["message", "argument", "dictionary", "extra", "exception"],
)
def test_a_secret_would_be_found(
    everything: Everything, secret: str, tell: Callable[[logging.Logger, str], None]
) -> None:
    """The test below can fail: a secret is found wherever in a record it is."""
    tell(logging.getLogger("studio_setup.anything"), secret)
    assert everything.found == {secret}


def test_the_libraries_would_tell(everything: Everything, log_in: Callable[[], Jupyter]) -> None:
    """It is not for nothing that they are kept quiet: at DEBUG they log the presigned URL."""
    log_in()
    assert TOKEN in everything.found


def test_nothing_that_is_logged_holds_a_secret(everything: Everything, log_in: Callable[[], Jupyter]) -> None:
    """With the libraries kept quiet, a login at DEBUG shows no token and no cookie, and does show something."""
    quiet_libraries()
    log_in()
    assert everything.count > 0
    assert everything.found == set()


def test_no_failure_holds_a_secret(
    everything: Everything, loopback: Loopback, app: App, capsys: pytest.CaptureFixture[str]
) -> None:
    """A setup that cannot open its terminal's websocket reports and logs that without them."""
    quiet_libraries()
    seconds = iter(range(10_000))
    deadline = Deadline.after(60, lambda: float(next(seconds)), lambda _: None)
    seen = []

    def refuse(address: object, _: Deadline) -> None:
        seen.append(address)
        raise ConnectionLost("The terminal's websocket was refused: HTTP 503.")

    with requests.Session() as http:
        tools = Tools(boto3.client("sagemaker"), http, refuse)  # type: ignore[arg-type]
        report = set_up(Job(app, Setup((Command("one", "true"),))), tools, deadline)
    assert seen
    assert report.code == "connection-lost"
    assert loopback.terminals == set()
    said = "".join(capsys.readouterr())
    assert everything.found == set()
    assert not [secret for secret in SECRETS if secret in f"{report!r}{seen!r}{said}"]
