"""Every answer that a good setup gets, changed in any way: bytes, shapes, sizes, order, silence."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_setup.access import control_plane, http
from studio_setup.model.outcomes import CODES
from studio_setup.model.report import SetupReport
from studio_setup.runs import remote_runs
from tests.support.fuzzing import streams
from tests.support.hostile_answers import CHANGES, Change, Changes
from tests.support.hostile_world import REMOTE_SCRIPT, SECONDS, SESSION, TOKEN, XSRF, World

RESERVE_SECONDS = 20.0
# The function has 256 MiB, of which it takes 90 before it does anything.
MEMORY_KIB = 96 * 1024
OURS = re.compile(r"/jupyter/[^/]+/api/terminals(/studiosetup[0-9a-f]{16}|/[0-9]{1,9})?")
# The status before the answer is that of the typed line, and means nothing.
SAYS_HOW_IT_ENDED = re.compile(r"<(\w+:[0-9]+):[0-9]{1,3}:follow over ([0-9]{1,3}) ")
PIECES = {secret[at : at + 9].lower() for secret in (TOKEN, SESSION, XSRF) for at in range(5, len(secret) - 8)}


class _FixedHandlers(list[logging.Handler]):
    """The handlers of a logger, to which none can be added."""

    def append(self, handler: logging.Handler) -> None:
        """Do not add it."""


class _Log(logging.Handler):
    """All that was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"{record.__dict__!r}\n"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Log]:
    """What the engine logs; pytest does not collect it too, which would take long for so many lines."""
    script = tmp_path_factory.mktemp("remote") / "remote.sh"
    script.write_text(REMOTE_SCRIPT, encoding="utf-8")
    logger, log = logging.getLogger("studio_setup"), _Log()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote_runs, "REMOTE_SCRIPT", script)
        # Nothing here takes time: silence is an error at once, by which the test's own clock has gone on.
        for module in (http, control_plane):
            patch.setattr(module, "call_within", lambda _seconds, work: work())
        patch.setattr(logger, "propagate", False)
        patch.setattr(logger, "level", logging.INFO)
        patch.setattr(logger, "handlers", _FixedHandlers([log]))
        yield log


def _begin_to_measure() -> int:
    """The memory that this process has, from which its peak is counted anew (proc(5), clear_refs), in KiB."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak_kib()


def _peak_kib() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found
    return int(found[1])


def _lies(report: SetupReport, world: World) -> list[str]:
    """What the report says about the commands, and the app did not."""
    said = [match for socket in world.sockets for match in SAYS_HOW_IT_ENDED.findall(socket.shown)]
    statuses = [result.exit_status for result in report.commands if result.exit_status is not None]
    lies = [f"exit status {status}" for status in statuses if str(status) not in {status for _, status in said}]
    if report.code == "succeeded" and len({line for line, status in said if status == "0"}) < len(world.setup.commands):
        lies.append("succeeded")
    return lies


@streams(60, 20_000)
@given(changes=CHANGES, goes_on=st.booleans(), exit_status=st.sampled_from([0, 0, 3]))
def test_whatever_is_answered_the_report_is_in_time_and_tells_nothing_but_the_truth(
    *, log: _Log, changes: Sequence[tuple[int, Change]], goes_on: bool, exit_status: int
) -> None:
    """However the answers are changed: a code in time and in little memory, no secret, no lie, no run twice."""
    log.text = ""
    logging.getLogger("studio_setup").setLevel(logging.INFO)
    world = World(Changes(changes, goes_on=goes_on), exit_status)
    ends_seconds = world.studio.time.now + SECONDS
    at_first_kib = _begin_to_measure()
    report = world.set_up()
    assert _peak_kib() - at_first_kib < MEMORY_KIB
    assert report.code in CODES
    assert world.studio.time.now <= ends_seconds + RESERVE_SECONDS
    said = f"{log.text}{report!r}".lower()
    assert [piece for piece in PIECES if piece in said] == []
    asked = [urlsplit(url).path for method, url in world.session.asked if method != "GET"]
    assert [path for path in asked if not OURS.fullmatch(path)] == []
    assert _lies(report, world) == []
    assert len({run for run, _ in world.studio.now.commands}) <= 1


def test_without_a_change_the_setup_succeeds(log: _Log) -> None:
    """The answers that are changed are those of a setup that succeeds, or fails as its command does."""
    assert World(Changes([], goes_on=False), 0).set_up().code == "succeeded"
    assert World(Changes([], goes_on=False), 3).set_up().code == "command-failed"
    assert "setup.finished" in log.text
