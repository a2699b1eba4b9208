"""What a test needs and a machine may lack; it is skipped then, and the last lines of the run say why.

With CI=true a skip for what can be provided (a program, root) fails the run. What the kernel refuses is only listed,
and so is an old Python: Debian and Ubuntu have none to install.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Generator
from typing import NoReturn

import pytest

# Program → the Debian package that brings it; .ci/run installs them all.
PACKAGES = {
    "bash": "bash",
    "busybox": "busybox",
    "chromium": "chromium",
    "dash": "dash",
    "fish": "fish",
    "ksh": "ksh",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "sh": "dash",
    "unshare": "util-linux",
    "zsh": "zsh",
}
_NEEDS = "needs "
_REFUSED = "refused by the kernel: "
_NO_PYTHON = "there is no Python 3.9 (pyenv install 3.9, then make setup)"


def needs(program: str) -> str:
    """Where a program of PACKAGES is; skips the test where there is none. KeyError for one that is not listed."""
    package = PACKAGES[program]
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{_NEEDS}{program} (apt-get install {package})")
    return found


def needs_root() -> None:
    """Skip the test for everybody but root."""
    if os.geteuid() != 0:
        pytest.skip(f"{_NEEDS}root (run the tests as root)")


def refused(right: str, message: str) -> NoReturn:
    """Skip the test because the kernel refuses a right, with its message."""
    pytest.skip(f"{_REFUSED}{right} ({message.strip()})")


def needs_server(name: str) -> str:
    """The name of a Jupyter server on Python 3.9 (`emulator.servers`); skips the test where `make setup` found none."""
    from emulator.servers import SERVERS  # noqa: PLC0415 (the mutation check has no emulator)

    assert name.endswith("-python39"), f"every machine has the server {name!r}"
    if not SERVERS[name].packages.is_dir():
        pytest.skip(_NO_PYTHON)
    return name


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """List, after everything else, what was missing, how to have it, and how many tests were skipped for it."""
    yield
    skipped = _skipped(terminalreporter)
    if not skipped:
        return
    terminalreporter.write_sep("=", "not tested on this machine")
    for reason, count in sorted(skipped.items()):
        terminalreporter.write_line(f"{count:4} skipped: {reason}")
    if _fails_on_ci(skipped):
        terminalreporter.write_line("CI=true: no test may be skipped for want of a program or root.", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run on CI in which tests were skipped for what can be provided."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")  # None in a worker of xdist
    if reporter and session.exitstatus == pytest.ExitCode.OK and _fails_on_ci(_skipped(reporter)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped(reporter: pytest.TerminalReporter) -> Counter[str]:
    """Reason → how many tests were skipped for it, as far as something was missing."""
    places = [report.longrepr for report in reporter.stats.get("skipped", [])]
    reasons = [place[2].removeprefix("Skipped: ") for place in places if isinstance(place, tuple)]
    return Counter(reason for reason in reasons if reason.startswith((_NEEDS, _REFUSED, _NO_PYTHON)))


def _fails_on_ci(skipped: Counter[str]) -> bool:
    return os.environ.get("CI") == "true" and any(reason.startswith(_NEEDS) for reason in skipped)
