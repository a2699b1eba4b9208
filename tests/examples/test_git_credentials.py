"""The example `git_credentials`: git gets what Secrets Manager has, when it asks; nothing is stored or shown."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples.setups import git_credentials
from studio_setup.model.setup import Command
from tests.support.example_services import Aws, SetUp
from tests.support.git_server import GitServer, git
from tests.support.scenario import Scenario, statuses
from tests.support.waiting import wait_until

SECRET_ID = "team/git"
PASSWORD = "s3cret-passw0rd-0123456789"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    """A git host with one repository, for whoever has the password."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "work")
    git(tmp_path / "work", "commit", "--quiet", "--allow-empty", "--message=First")
    git(tmp_path, "clone", "--quiet", "--bare", "work", "team.git")
    with GitServer(tmp_path, ("robot", PASSWORD)) as server:
        yield server


@pytest.fixture
def secret(aws: Aws) -> Iterator[None]:
    """The secret with the password, in Secrets Manager."""
    secrets = aws.client("secretsmanager")
    secrets.create_secret(Name=SECRET_ID, SecretString=json.dumps({"username": "robot", "password": PASSWORD}))
    yield
    secrets.delete_secret(SecretId=SECRET_ID, ForceDeleteWithoutRecovery=True)


def commands(app: Scenario, url: str) -> tuple[Command, ...]:
    """The example, for one git host."""
    return git_credentials.commands(app.name, urls=[url], secret_id=SECRET_ID, email_domain="example.com")


@pytest.mark.usefixtures("secret")
def test_git_clones_with_the_secrets_credentials(app: Scenario, set_up: SetUp, server: GitServer) -> None:
    """After the setup, and after it has run again, a clone is let in; a user name in the URL does not matter."""
    configurations = []
    for _ in range(2):
        report, printed = set_up(*commands(app, server.url))
        assert statuses(report) == [0, 0], printed
        configurations.append((app.home / ".gitconfig").read_text())
    assert configurations[0] == configurations[1]
    assert f"git has credentials for {server.url}\n" in printed
    report, printed = set_up(
        Command("clone", f"git clone -q {server.url}/team.git; git config user.email"),
        Command("clone-as-alice", f"git clone -q {server.url.replace('//', '//alice@')}/team.git other"),
    )
    assert statuses(report) == [0, 0], printed
    assert printed == "examples@example.com\n"
    assert git(app.home / "team", "log", "--format=%s") == git(app.home / "other", "log", "--format=%s") == "First"


@pytest.mark.usefixtures("secret")
def test_a_pattern_of_hosts_has_credentials(app: Scenario, set_up: SetUp) -> None:
    """One pattern stands for every host of a domain, and for no other."""
    report, printed = set_up(
        *commands(app, "https://*.example.com"),
        Command("other", "printf 'url=https://example.org\\n\\n' | git credential fill"),
    )
    assert statuses(report)[:2] == [0, 0], printed
    assert "host=example.org\n" in printed
    assert PASSWORD not in printed


@pytest.mark.usefixtures("secret")
def test_an_identity_that_the_user_has_chosen_stays(app: Scenario, set_up: SetUp, server: GitServer) -> None:
    """The user's own name and address are not replaced, and neither are their helpers for other hosts."""
    own = "[user]\n\tname = Alice\n\temail = alice@home.example\n[credential]\n\thelper = cache\n"
    app.write_files({".gitconfig": own})
    report, _ = set_up(*commands(app, server.url))
    assert statuses(report) == [0, 0]
    assert (app.home / ".gitconfig").read_text().startswith(own)


@pytest.mark.usefixtures("secret")
def test_what_was_fetched_is_not_stored(app: Scenario, set_up: SetUp, server: GitServer) -> None:
    """Even where the user's git stores credentials, it does not store these."""
    app.write_files({".gitconfig": "[credential]\n\thelper = store\n"})
    set_up(*commands(app, server.url))
    report, _ = set_up(Command("clone", f"git clone -q {server.url}/team.git"))
    assert statuses(report) == [0]
    assert not (app.home / ".git-credentials").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "secret team/git cannot be read"),
        ("just text", "no JSON object with username and password"),
        ('{"username": "robot"}', "no JSON object with username and password"),
        ('{"username": "robot", "password": "two\\nlines"}', "no JSON object with username and password"),
    ],
    ids=["missing", "text", "no-password", "two-lines"],
)
def test_a_secret_that_is_not_there_or_not_right_fails_loudly(
    app: Scenario, set_up: SetUp, aws: Aws, content: str | None, reason: str
) -> None:
    """The setup fails with the reason, without what the secret has, and git asks nobody."""
    secrets = aws.client("secretsmanager")
    if content is not None:
        secrets.create_secret(Name=SECRET_ID, SecretString=content)
    report, printed = set_up(*commands(app, "https://git.example.com"))
    if content is not None:
        secrets.delete_secret(SecretId=SECRET_ID, ForceDeleteWithoutRecovery=True)
    assert statuses(report) == [0, 1]
    assert reason in printed
    assert "git has no credentials for https://git.example.com" in printed
    assert "two" not in printed


@pytest.mark.usefixtures("secret")
def test_a_new_password_counts_at_once(app: Scenario, set_up: SetUp, server: GitServer, aws: Aws) -> None:
    """Nothing is kept: after the password has changed, git uses the new one, without another setup."""
    set_up(*commands(app, server.url))
    new = json.dumps({"username": "robot", "password": "another"})
    aws.client("secretsmanager").put_secret_value(SecretId=SECRET_ID, SecretString=new)
    server.login = ("robot", "another")
    report, _ = set_up(Command("look", f"git ls-remote {server.url}/team.git"))
    assert statuses(report) == [0]


def test_without_a_route_to_secrets_manager_the_setup_says_so(app: Scenario, set_up: SetUp, server: GitServer) -> None:
    """Where nobody answers, the check fails and names the endpoint that is needed."""
    configure, check = commands(app, server.url)
    nowhere = {**check.environment, "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://127.0.0.1:1"}
    report, printed = set_up(configure, Command(check.name, check.script, environment=nowhere))
    assert statuses(report) == [0, 1]
    assert "an interface endpoint for secretsmanager" in printed


@pytest.mark.usefixtures("secret")
def test_the_secret_is_seen_nowhere(
    app: Scenario, set_up: SetUp, server: GitServer, records: list[logging.LogRecord]
) -> None:
    """It is on no command line, in no file and no log; what prints it without `log_output` stays in the app."""
    show = Command("show", f"printf 'url={server.url}\\n\\n' | git credential fill", log_output=False)
    with watched_command_lines() as seen:
        set_up(*commands(app, server.url), Command("clone", f"git clone -q {server.url}/team.git"))
        report, printed = set_up(show)
        assert seen.count(PASSWORD) == 0
        with subprocess.Popen([sys.executable, "-c", "input()", PASSWORD], stdin=subprocess.PIPE) as planted:
            wait_until(lambda: seen.count(PASSWORD), "a command line that has the secret on purpose")
            planted.kill()
    assert f"password={PASSWORD}\n" in printed
    assert statuses(report) == [0]
    shown = report.commands[0]
    assert shown.output_bytes == shown.left_out_bytes > len(PASSWORD)
    assert PASSWORD not in "".join(str(record.__dict__) for record in records)
    assert places_of(PASSWORD, app.home) == []
    assert places_of(PASSWORD, app.app.tmp / "studio-setup") == ["show.log"]


def places_of(text: str, folder: Path) -> list[str]:
    """The names of the files that have a text."""
    run = subprocess.run(["grep", "-rlF", text, folder], capture_output=True, text=True, check=False)
    return [Path(line).name for line in run.stdout.splitlines()]


class CommandLines:
    """Every command line that was seen on this machine."""

    def __init__(self) -> None:
        self.lines: set[str] = set()
        self.is_over = False

    def watch(self) -> None:
        """Look again and again, until it is over."""
        while not self.is_over:
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.lines.add(path.read_text(errors="replace"))
                except OSError:
                    continue

    def count(self, text: str) -> int:
        """How many of them have a text."""
        return sum(text in line for line in self.lines.copy())


@contextmanager
def watched_command_lines() -> Iterator[CommandLines]:
    """Look at the command lines of all processes meanwhile."""
    seen = CommandLines()
    thread = threading.Thread(target=seen.watch)
    thread.start()
    try:
        yield seen
    finally:
        seen.is_over = True
        thread.join()
