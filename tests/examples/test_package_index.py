"""The example `package_index`: pip installs from a private index, and goes on doing so when a token is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from examples.setups import package_index
from studio_setup.model.setup import Command
from tests.support.example_services import Aws, SetUp, running_index
from tests.support.scenario import Scenario, statuses
from tests.support.waiting import wait_until
from tests.support.wheels import write_wheel

INSTALL = "python3 -m pip install --quiet --no-cache-dir --target ~/installed team_package"
# The app's own environment says so, as there is no index otherwise.
ALLOWED = {"PIP_NO_INDEX": "false"}


@pytest.fixture(scope="module")
def index_url(aws: Aws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A package index for whoever has a token."""
    folder = tmp_path_factory.mktemp("index")
    write_wheel(folder, "team_package", "1.0", {"team_package.py": b""})
    with running_index(folder, aws.tokens) as url:
        yield url + "/simple/"


@pytest.fixture(autouse=True)
def _no_valid_token(aws: Aws) -> None:
    aws.tokens.write_text("")


def codeartifact(index_url: str) -> tuple[Command, ...]:
    """The example."""
    return package_index.codeartifact(
        domain="team",
        domain_owner="111122223333",
        region="us-east-1",
        repository="pypi",
        index_url=index_url,
    )


def install(set_up: SetUp, command: str = INSTALL) -> int | None:
    """Install a package as the user does; the exit status."""
    report, _ = set_up(Command("install", command, environment=ALLOWED))
    return report.commands[0].exit_status


def renewers(app: Scenario) -> list[str]:
    """The command lines of the processes that renew the token."""
    lines = [Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in app.app.processes()]
    return [line for line in lines if "renew-codeartifact-token loop" in line]


def test_pip_installs_with_the_token_in_every_environment(
    app: Scenario, set_up: SetUp, index_url: str, aws: Aws
) -> None:
    """After the setup, and after another, pip is let in; one process renews the token, and the user's netrc stays."""
    app.write_files({".netrc": "machine git.example.com login me password mine\n"})
    for _ in range(2):
        report, printed = set_up(*codeartifact(index_url))
        assert statuses(report) == [0, 0, 0], printed
    assert install(set_up) == 0
    assert install(set_up, "python3 -m venv ~/own && ~/own/bin/pip install --quiet team_package") == 0
    lines = (app.home / ".netrc").read_text().splitlines()
    assert [line.partition(" password")[0] for line in lines] == [
        "machine git.example.com login me",
        "machine 127.0.0.1 login aws",
    ]
    assert (app.home / ".netrc").stat().st_mode & 0o777 == 0o600
    wait_until(lambda: len(renewers(app)) == 1, "the end of the second process")
    token = aws.tokens.read_text().split()[-1]
    assert token not in printed
    assert token not in (app.home / ".config" / "pip" / "pip.conf").read_text()


def test_a_token_that_is_over_is_renewed_without_a_setup(
    app: Scenario, set_up: SetUp, index_url: str, aws: Aws
) -> None:
    """The process that is left in the app replaces the token; here it does so after a second."""
    configure, log_in, check = codeartifact(index_url)
    report, _ = set_up(configure, replace(log_in, environment={**log_in.environment, "PAUSE_SECONDS": "1"}), check)
    assert statuses(report) == [0, 0, 0]
    old = (app.home / ".netrc").read_text()
    wait_until(lambda: (app.home / ".netrc").read_text() != old, "another token")
    token = (app.home / ".netrc").read_text().split()[-1]
    assert token in aws.tokens.read_text()


def test_without_permission_the_setup_says_what_the_role_needs(
    app: Scenario, set_up: SetUp, index_url: str, aws: Aws
) -> None:
    """CodeArtifact refuses: the setup fails with its reason and the remedy, and no process is left."""
    aws.is_refused = True
    report, printed = set_up(*codeartifact(index_url))
    assert statuses(report) == [0, 1]
    assert "AccessDenied" in printed
    assert "sts:GetServiceBearerToken" in printed
    assert not (app.home / ".netrc").exists()
    assert renewers(app) == []


def test_an_index_that_is_away_fails_the_setup(set_up: SetUp) -> None:
    """Nobody answers at the index's address."""
    report, printed = set_up(*package_index.private_index("http://127.0.0.1:1/simple/"))
    assert statuses(report) == [0, 1]
    assert "The index http://127.0.0.1:1/simple/ does not answer" in printed


def test_what_the_user_has_configured_stays(app: Scenario, set_up: SetUp, index_url: str) -> None:
    """Another index and other channels are left and named, without the password that may be in them."""
    own = "[global]\nindex-url = https://me:mine@pypi.example.com/simple\nextra-index-url = https://pypi.org/simple\n"
    (app.home / ".config" / "pip").mkdir(parents=True)
    (app.home / ".config" / "pip" / "pip.conf").write_text(own)
    app.write_files({".condarc": "channels:\n  - mine\n"})
    configure = package_index.private_index(index_url, "https://conda.example.com/team")[0]
    report, printed = set_up(configure)
    assert statuses(report) == [0]
    assert (app.home / ".config" / "pip" / "pip.conf").read_text() == own
    assert (app.home / ".condarc").read_text() == "channels:\n  - mine\n"
    assert "me:mine" not in printed
    assert printed.count("left") == 2
    assert "extra-index-url" in printed


def test_conda_gets_its_channel_once(app: Scenario, set_up: SetUp, index_url: str) -> None:
    """However often the setup runs, the channel is there once."""
    configure = package_index.private_index(index_url, "https://conda.example.com/team")[0]
    for _ in range(2):
        report, _ = set_up(configure)
        assert statuses(report) == [0]
    assert (app.home / ".condarc").read_text() == "channels:\n  - https://conda.example.com/team\n"


def test_the_url_is_that_of_codeartifact() -> None:
    """Without another URL, it is the repository's, without user name and password."""
    configure, log_in, _ = codeartifact("")
    host = "team-111122223333.d.codeartifact.us-east-1.amazonaws.com"
    assert configure.environment["INDEX_URL"] == f"https://{host}/pypi/pypi/simple/"
    assert log_in.environment["HOST"] == host
