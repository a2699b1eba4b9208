"""What a test needs and a machine may lack: a program, root, a right. Such a test is skipped; the last lines say why.

With CI=true a skip for what can be had (a program, root) fails the run; what the kernel refuses is only said.
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
    "sh": "dash",
    "unshare": "util-linux",
    "zsh": "zsh",
}
_CAN_BE_HAD = "needs "
_REFUSED = "refused by the kernel: "


def needs(program: str) -> str:
    """Where a program of PACKAGES is; skips the test where there is none. KeyError for one that is not listed."""
    package = PACKAGES[program]
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{_CAN_BE_HAD}{program} (apt-get install {package})")
    return found


def needs_root() -> None:
    """Skip the test for everybody but root."""
    if os.geteuid() != 0:
        pytest.skip(f"{_CAN_BE_HAD}root (run the tests as root)")


def refused(right: str, message: str) -> NoReturn:
    """Skip the test because the kernel refuses a right, with its message."""
    pytest.skip(f"{_REFUSED}{right} ({message.strip()})")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Say, after all else, what was skipped for something missing, and how to have it: a line for each."""
    yield
    skipped = _skipped(terminalreporter)
    if not skipped:
        return
    terminalreporter.write_sep("=", "not tested on this machine")
    for reason, count in sorted(skipped.items()):
        terminalreporter.write_line(f"{count:4} skipped: {reason}")
    if _fails_on_ci(skipped):
        terminalreporter.write_line("CI=true: a test that is skipped for what it needs is a failure.", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run on CI that skipped what it need not have."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")  # None in a worker of xdist
    if reporter and session.exitstatus == pytest.ExitCode.OK and _fails_on_ci(_skipped(reporter)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped(reporter: pytest.TerminalReporter) -> Counter[str]:
    """Reason → how many tests, of those that were skipped for something missing."""
    places = [report.longrepr for report in reporter.stats.get("skipped", [])]
    reasons = [place[2].removeprefix("Skipped: ") for place in places if isinstance(place, tuple)]
    return Counter(reason for reason in reasons if reason.startswith((_CAN_BE_HAD, _REFUSED)))


def _fails_on_ci(skipped: Counter[str]) -> bool:
    return os.environ.get("CI") == "true" and any(reason.startswith(_CAN_BE_HAD) for reason in skipped)
