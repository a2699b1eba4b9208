"""One command of a run, followed to its end: how much of its output is fetched, logged and counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from studio_setup.model.errors import ConnectionLost, RunLost
from studio_setup.model.report import CommandResult
from studio_setup.model.setup import Command
from studio_setup.runs.command_run import HEAD_BYTES, TAIL_BYTES, CommandRun, Listener
from studio_setup.runs.remote_runs import Progress, RemoteRuns, Start

COMMAND = Command("one", "echo $X", 77, environment={"X": "spam"}, cwd="here")
START = Start("echo $X", 77, {"X": "spam"}, "here")

CarryOut = Callable[[RemoteRuns], CommandResult]


class _Runs(RemoteRuns):
    """The runs of an app with one command: for each call its state and what it has printed; None loses the call."""

    def __init__(self, *states: tuple[str, bytes] | None) -> None:
        self._states = list(states)
        self.fetched: list[tuple[int, int]] = []
        self.starts: list[Start | None] = []
        self.stops = 0

    def stop(self, run_id: str, command: str) -> None:  # noqa: ARG002 (as that of RemoteRuns)
        """End it, over a connection that may be lost as that of any other call."""
        self.stops += 1
        if self._states[0] is None:
            raise ConnectionLost("Lost.")

    def log_path(self, run_id: str, command: str) -> str:
        """Say where its output is."""
        return f"/{run_id}/{command}"

    def follow(self, run_id: str, command: str, offset: int, count: int, start: Start | None = None) -> Progress:  # noqa: ARG002
        """Go on to the next state; the last one stays."""
        self.fetched.append((offset, count))
        self.starts.append(start)
        now = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if now is None:
            raise ConnectionLost("Lost.")
        state, printed = now
        is_over = state == "over"
        return Progress(state, 0 if is_over else None, "", 1.0, len(printed), printed[offset : offset + count])


@pytest.fixture
def carry_out() -> CarryOut:
    """Carry out one command, over as many connections as it takes."""
    return CommandRun("run", COMMAND).carry_out


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The output in the log, one item for each record."""
    caplog.set_level("INFO", logger="studio_setup")
    return lambda: [record.__dict__["text"] for record in caplog.records if record.msg == "command.output"]


def test_a_line_is_logged_when_it_is_whole(carry_out: CarryOut, logged: Callable[[], list[str]]) -> None:
    """A line that is printed in two parts is logged as one; each byte of output is fetched once."""
    runs = _Runs(("running", b"on"), ("over", b"one\n"))
    assert carry_out(runs).succeeded
    assert logged() == ["one\n"]
    assert runs.fetched == [(0, HEAD_BYTES), (2, HEAD_BYTES - 2)]


@pytest.mark.parametrize("left_out_bytes", [0, 1])
def test_every_byte_between_head_and_tail_is_counted(
    carry_out: CarryOut, logged: Callable[[], list[str]], left_out_bytes: int
) -> None:
    """Output of exactly head and tail is logged whole; of one byte more, one byte is left out and counted."""
    result = carry_out(_Runs(("over", b"h" * HEAD_BYTES + b"x" * left_out_bytes + b"t" * TAIL_BYTES)))
    assert result.left_out_bytes == left_out_bytes
    assert "".join(logged()) == "h" * HEAD_BYTES + "t" * TAIL_BYTES


def test_output_that_is_not_to_be_logged_is_never_fetched(logged: Callable[[], list[str]]) -> None:
    """Of a command without `log_output`, no byte leaves the app; its length and exit status are in the result."""
    runs = _Runs(("running", b"a sec"), ("over", b"a secret\n"))
    result = CommandRun("run", Command("one", "print-secret", log_output=False)).carry_out(runs)
    assert (result.exit_status, result.output_bytes, result.left_out_bytes) == (0, 9, 9)
    assert logged() == []
    assert {count for _, count in runs.fetched} == {0}


def test_the_bytes_left_out_add_up(carry_out: CarryOut) -> None:
    """If children of the command print more while the connection is lost, the bytes left out then are added."""
    runs = _Runs(("over", b"x" * 100_000), None, ("over", b"x" * 200_000))
    with pytest.raises(ConnectionLost):
        carry_out(runs)
    assert carry_out(runs).left_out_bytes == 200_000 - HEAD_BYTES - TAIL_BYTES


def test_text_that_was_held_back_is_logged_if_the_rest_is_gone(
    carry_out: CarryOut, logged: Callable[[], list[str]]
) -> None:
    """If somebody empties the command's log before its tail is fetched, the text that was fetched is logged."""
    lines, rest = b"\n" * 32_000, b"x" * 1000
    assert carry_out(_Runs(("over", lines + rest), ("over", b""))).succeeded
    assert logged() == [lines.decode(), rest[: HEAD_BYTES - len(lines)].decode()]


def test_a_command_that_is_over_is_not_followed_again(carry_out: CarryOut, caplog: pytest.LogCaptureFixture) -> None:
    """After a later loss, the result of a command that was followed to its end is the same, and is not logged again."""
    caplog.set_level("INFO", logger="studio_setup")
    runs = _Runs(("over", b"one\n"))
    result = carry_out(runs)
    lines, asked = len(caplog.records), len(runs.fetched)
    assert carry_out(runs) is result
    assert (len(caplog.records), len(runs.fetched)) == (lines, asked)


def test_a_command_is_started_with_its_script_limit_variables_and_folder(carry_out: CarryOut) -> None:
    """The first call starts the command with all that it was given; the others only follow it."""
    runs = _Runs(("running", b""), ("running", b""), ("over", b""))
    carry_out(runs)
    assert runs.starts == [START, None, None]


def test_a_command_that_has_not_begun_is_started_again(carry_out: CarryOut) -> None:
    """As long as the app knows nothing of the command, every call tries to start it."""
    runs = _Runs(("none", b""), ("none", b""), ("over", b""))
    assert carry_out(runs).succeeded
    assert None not in runs.starts


def test_a_command_that_never_begins_is_a_lost_connection(carry_out: CarryOut) -> None:
    """Starting is not tried for ever; the message names the command."""
    runs = _Runs(("none", b""))
    with pytest.raises(ConnectionLost, match="Command one does not start"):
        carry_out(runs)
    assert len(runs.starts) == 30


@pytest.mark.parametrize("loss", [(), (None,)], ids=["at-once", "after-a-loss"])
def test_a_command_that_was_seen_and_is_unknown_then_is_lost(carry_out: CarryOut, loss: tuple[None, ...]) -> None:
    """It is not started a second time: its files are gone, and what it did is not."""
    runs = _Runs(("running", b"a"), *loss, ("none", b""))
    for _ in loss:
        with pytest.raises(ConnectionLost):
            carry_out(runs)
    with pytest.raises(RunLost, match="What the app kept of command one is gone"):
        carry_out(runs)
    assert [start for start in runs.starts if start] == [runs.starts[0]] * (1 + len(loss))


def test_a_command_is_logged_when_it_is_started(carry_out: CarryOut, caplog: pytest.LogCaptureFixture) -> None:
    """Before the app answers about it, and once, over however many connections."""
    caplog.set_level("INFO", logger="studio_setup")
    with pytest.raises(ConnectionLost):
        carry_out(_Runs(None))
    assert [(record.msg, record.__dict__["command"]) for record in caplog.records] == [("command.started", "one")]
    carry_out(_Runs(("over", b"")))
    assert [record.msg for record in caplog.records] == ["command.started", "command.finished"]


def test_whoever_listens_hears_the_output_and_what_is_left_out_of_it() -> None:
    """The same text that is logged, in its order, and a line in the place of what stays in the app."""
    heard: list[str] = []
    output = b"h" * HEAD_BYTES + b"x" * 5 + b"t" * TAIL_BYTES
    CommandRun("run", COMMAND, Listener(heard.append)).carry_out(_Runs(("over", output)))
    assert heard == ["h" * HEAD_BYTES, "[5 bytes left out]\n", "t" * TAIL_BYTES]


@pytest.mark.parametrize("state", ["running", "over", "lost"])
def test_a_command_is_left_to_itself_once_it_has_begun(state: str) -> None:
    """It is started with all that it was given until the app knows it; no output is fetched."""
    runs = _Runs(("none", b""), (state, b"printed"))
    CommandRun("run", COMMAND).start(runs)
    assert runs.starts == [START] * 2
    assert runs.fetched == [(0, 0)] * 2


def test_a_command_to_be_left_to_itself_that_never_begins_is_a_lost_connection() -> None:
    """The number of tries is bounded."""
    runs = _Runs(("none", b""))
    with pytest.raises(ConnectionLost, match="one does not start"):
        CommandRun("run", COMMAND).start(runs)
    assert len(runs.starts) == 30


def test_an_error_of_whoever_listens_leaves_the_command_alone() -> None:
    """It comes out as it is, and the command goes on in the app."""

    def hear(text: str) -> None:
        raise ValueError(text)

    runs = _Runs(("running", b"spam\n"))
    with pytest.raises(ValueError, match="spam"):
        CommandRun("run", COMMAND, Listener(hear)).carry_out(runs)
    assert runs.stops == 0


def test_an_interruption_outlives_a_lost_connection() -> None:
    """Ctrl-C is what people press when nothing comes any more: the command is ended over the next connection."""
    presses = iter([None, KeyboardInterrupt()])

    def press() -> None:
        if error := next(presses, None):
            raise error

    carry_out = CommandRun("run", COMMAND, Listener(on_look=press)).carry_out
    lost = _Runs(("running", b""), None)
    with pytest.raises(ConnectionLost):
        carry_out(lost)
    again = _Runs(("running", b""))
    with pytest.raises(KeyboardInterrupt):
        carry_out(again)
    assert (lost.stops, again.stops) == (1, 1)
    assert again.starts == []
