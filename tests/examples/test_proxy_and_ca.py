"""The example `proxy_and_ca`: what the Jupyter server starts goes through the proxy and trusts the authority."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
import trustme

from examples.setups import proxy_and_ca
from studio_setup.model.report import SetupReport
from studio_setup.model.setup import Command
from tests.support.example_services import ENVIRONMENT
from tests.support.git_server import GitServer, git
from tests.support.scenario import Place, Scenario, statuses
from tests.support.waiting import wait_until

# Not one of the addresses that are reached without the proxy.
ADDRESS = "127.0.0.3"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The private certificate authority."""
    return trustme.CA()


@pytest.fixture
def host(authority: trustme.CA, tmp_path: Path) -> Iterator[GitServer]:
    """A git host with a certificate of the authority."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(ADDRESS).configure_cert(tls)
    git(tmp_path, "init", "--quiet", "--bare", "team.git")
    with GitServer(tmp_path, tls=tls, address=ADDRESS) as server:
        yield server


class Proxy:
    """A real proxy."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self._log = log

    def connections(self, host: GitServer) -> int:
        """How often it has connected somebody to a host."""
        return self._log.read_text().count(f"CONNECT {host.url.removeprefix('https://')}")


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[Proxy]:
    """A proxy on this machine."""
    port, log = tmp_path / "port", tmp_path / "proxy.log"
    files = ["--port-file", str(port), "--log-file", str(log), "--data-dir", str(tmp_path / "proxy")]
    command = [str(ENVIRONMENT / "proxy"), "--hostname", "127.0.0.1", "--port", "0", "--num-workers", "1", *files]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True) as process:
        wait_until(lambda: port.exists() and port.read_text().strip(), "the proxy")
        yield Proxy(f"http://127.0.0.1:{port.read_text().split()[0]}", log)
        os.killpg(process.pid, signal.SIGKILL)  # its workers with it; to end by itself takes it seconds


def run(scenario: Scenario, *commands: Command) -> tuple[SetupReport, str]:
    """Run commands through the engine; the report, and all that they printed."""
    report = scenario.set_up(*commands, claims_start=False)
    return report, b"".join(scenario.log(report, one.name) for one in report.commands).decode()


def pem(authority: trustme.CA) -> str:
    """The authority's certificate as text."""
    return authority.cert_pem.bytes().decode()


def test_everything_goes_through_the_proxy_and_trusts_the_authority(
    start_app: Callable[..., Scenario], space: Place, proxy: Proxy, host: GitServer, authority: trustme.CA
) -> None:
    """Two setups restart the server once; then Python, git and kernels have the way, and the user's lines are kept."""
    scenario = start_app(place=space)
    own = "c.ServerApp.shutdown_no_activity_timeout = 0\n"
    (scenario.home / ".jupyter").mkdir()
    (scenario.home / ".jupyter" / "jupyter_server_config.py").write_text(own)
    commands = proxy_and_ca.commands(proxy.url, ca_pem=pem(authority), check_url=f"{host.url}/")
    report, printed = run(scenario, *commands)
    assert statuses(report) == [0, 0, 0], printed
    assert "The Jupyter server was restarted." in printed
    pid = scenario.app.jupyter_pid
    report, printed = run(scenario, *commands)
    assert statuses(report) == [0, 0, 0], printed
    assert "No restart is needed." in printed
    assert scenario.app.jupyter_pid == pid
    assert (scenario.home / ".jupyter" / "jupyter_server_config.py").read_text().startswith(own)

    before = proxy.connections(host)
    report, printed = run(scenario, Command("git", f"git ls-remote {host.url}/team.git"))
    assert statuses(report) == [0], printed
    assert proxy.connections(host) > before > 0
    headers = {"X-XSRFToken": "x", "Cookie": "_xsrf=x"}
    requests.post(f"{scenario.app.base_url}api/kernels", json={}, headers=headers, timeout=60).raise_for_status()
    assert f"https_proxy={proxy.url}" in environment_of(scenario, "ipykernel")


def check_route(proxy_url: str, authority: trustme.CA, host: GitServer, folder: Path) -> Command:
    """The example's check, with a proxy and an authority as its variables say."""
    path = folder / "authority.pem"
    path.write_text(pem(authority))
    check = proxy_and_ca.commands(proxy_url, check_url=f"{host.url}/")[-1]
    variables = {"https_proxy": proxy_url, "SSL_CERT_FILE": str(path)}
    return replace(check, environment={**check.environment, **variables})


def test_another_authority_is_refused(app: Scenario, proxy: Proxy, host: GitServer, tmp_path: Path) -> None:
    """With the certificate of another authority, the check fails and says which host."""
    report, printed = run(app, check_route(proxy.url, trustme.CA(), host, tmp_path))
    assert statuses(report) == [1]
    assert f"{host.url}/ cannot be reached" in printed
    assert "CERTIFICATE_VERIFY_FAILED" in printed


def test_a_proxy_that_is_away_fails_the_setup(
    app: Scenario, host: GitServer, authority: trustme.CA, tmp_path: Path
) -> None:
    """Nothing goes around the proxy: where it does not answer, the check fails."""
    report, printed = run(app, check_route("http://127.0.0.1:1", authority, host, tmp_path))
    assert statuses(report) == [1]
    assert "cannot be reached" in printed
    assert host.answers == []


def environment_of(scenario: Scenario, program: str) -> list[str]:
    """The variables of the first process in the app that has a word in its command line."""
    folders = [Path(f"/proc/{pid}") for pid in scenario.app.processes()]
    folder = next(folder for folder in folders if program in (folder / "cmdline").read_text())
    return (folder / "environ").read_text().split("\0")
