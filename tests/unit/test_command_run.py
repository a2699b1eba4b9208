"""One command of a run, followed to its end: what of its output is fetched, shown and counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio_setup.model.errors import ConnectionLost
from studio_setup.model.report import CommandResult
from studio_setup.model.setup import Command
from studio_setup.runs.command_run import HEAD_BYTES, TAIL_BYTES, CommandRun
from studio_setup.runs.remote_runs import Progress, Start


class _Runs:
    """The runs of an app with one command: by each call, its state and what it has printed; None loses the call."""

    def __init__(self, *looks: tuple[str, bytes] | None) -> None:
        self._looks = list(looks)
        self.asked: list[tuple[int, int]] = []

    def log_path(self, run_id: str, command: str) -> str:
        """Say where its output is."""
        return f"/{run_id}/{command}"

    def follow(self, _run: str, _command: str, offset: int, count: int, _start: Start | None = None) -> Progress:
        """Go one look on; the last one stays."""
        self.asked.append((offset, count))
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        if look is None:
            raise ConnectionLost("Lost.")
        state, printed = look
        is_over = state == "over"
        return Progress(state, 0 if is_over else None, "", 1.0, len(printed), printed[offset : offset + count])


@pytest.fixture
def carry_out() -> Callable[[_Runs], CommandResult]:
    """Carry one command out, over as many connections as it takes."""
    run = CommandRun("run", Command("one", "true"))
    return run.carry_out  # type: ignore[return-value]


@pytest.fixture
def shown(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """What the log shows of the output, line by line."""
    caplog.set_level("INFO", logger="studio_setup")
    return lambda: [record.__dict__["text"] for record in caplog.records if record.msg == "command.output"]


def test_a_line_is_shown_when_it_is_whole(
    carry_out: Callable[[_Runs], CommandResult], shown: Callable[[], list[str]]
) -> None:
    """What is printed in two parts is one line of the log; what is there is fetched once, and nothing else is asked."""
    runs = _Runs(("running", b"on"), ("over", b"one\n"))
    assert carry_out(runs).succeeded
    assert shown() == ["one\n"]
    assert runs.asked == [(0, HEAD_BYTES), (2, HEAD_BYTES - 2)]


@pytest.mark.parametrize("left_out_bytes", [0, 1])
def test_every_byte_between_head_and_tail_is_counted(
    carry_out: Callable[[_Runs], CommandResult], shown: Callable[[], list[str]], left_out_bytes: int
) -> None:
    """The least that can be left out is one byte."""
    result = carry_out(_Runs(("over", b"h" * HEAD_BYTES + b"x" * left_out_bytes + b"t" * TAIL_BYTES)))
    assert result.left_out_bytes == left_out_bytes
    assert "".join(shown()) == "h" * HEAD_BYTES + "t" * TAIL_BYTES


def test_what_is_left_out_adds_up(carry_out: Callable[[_Runs], CommandResult]) -> None:
    """If its children print on while the connection is lost, what is left out then comes to what was before."""
    runs = _Runs(("over", b"x" * 100_000), None, ("over", b"x" * 200_000))
    with pytest.raises(ConnectionLost):
        carry_out(runs)
    assert carry_out(runs).left_out_bytes == 200_000 - HEAD_BYTES - TAIL_BYTES


def test_what_is_held_is_shown_when_the_rest_is_gone(
    carry_out: Callable[[_Runs], CommandResult], shown: Callable[[], list[str]]
) -> None:
    """If somebody empties a command's log before its tail is fetched, the last that was fetched is shown."""
    lines, rest = b"\n" * 32_000, b"x" * 1000
    assert carry_out(_Runs(("over", lines + rest), ("over", b""))).succeeded
    assert shown() == [lines.decode(), rest[: HEAD_BYTES - len(lines)].decode()]


def test_a_command_that_is_over_is_not_asked_about_again(
    carry_out: Callable[[_Runs], CommandResult], caplog: pytest.LogCaptureFixture
) -> None:
    """When the connection is lost later on, a command that was followed to its end is as it was, in the log too."""
    caplog.set_level("INFO", logger="studio_setup")
    runs = _Runs(("over", b"one\n"))
    result = carry_out(runs)
    lines, asked = len(caplog.records), len(runs.asked)
    assert carry_out(runs) is result
    assert (len(caplog.records), len(runs.asked)) == (lines, asked)
