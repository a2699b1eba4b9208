"""No line of the log is too long for CloudWatch Logs, and no report for a destination, whatever goes into them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from studio_setup.model import log
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import NoWorkspace
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import SetupFailed, SetupReport
from studio_setup.model.setup import Command, Setup
from studio_setup.runs.command_run import HEAD_BYTES, TAIL_BYTES, CommandRun
from studio_setup.runs.remote_runs import Claim, Progress, RemoteRuns, Start
from studio_setup.setup_run import Job, Tools, set_up
from studio_setup.terminal.prompt import Reply
from tests.support.fakes import ScriptedShell
from tests.support.log_lines import MAX_LINE_BYTES, complaints

NAME = "n" * 63
APP = App("d-" + "0" * 61, "", "JupyterServer", NAME, NAME)
CONTEXT = {**APP.as_dict(), "setup_version": "0" * 16, "trigger": "reconcile", "attempt": "0" * 12, "run_id": "0" * 64}
ASTRAL = "\U0001f600"  # four bytes, the most that a character has
LONGEST_ROOT = "/" + ASTRAL * 399
COMMANDS = 3000
# The most that an asynchronous invocation passes on: Lambda developer guide, "Lambda quotas".
MAX_PAYLOAD_BYTES = 256 * 1024
MANY = HEAD_BYTES + TAIL_BYTES + 100_000
OUTPUTS = {
    "invalid": b"\xff" * MANY,
    "invalid-lines": b"\xff\n" * MANY,
    "astral": ASTRAL.encode() * MANY,
    "astral-off-by-one": b"x" + ASTRAL.encode() * MANY,
    "controls": bytes(range(32)) * MANY,
    "delete": b"\x7f" * MANY,
    "quotes": b'"\\' * MANY,
    "tabs": b"\t" * MANY,
    "newlines": b"\n" * MANY,
    "separators": "\u2028\u202e".encode() * MANY,
    "escape-then-invalid": b"\x1b" + b"\xff" * MANY,
    "surrogates": b"\xed\xa0\x80" * MANY,
}


class _Runs(RemoteRuns):
    """Runs whose commands have all printed the same and failed."""

    def __init__(self, output: bytes) -> None:
        super().__init__(ScriptedShell(), "start", LONGEST_ROOT)
        self._output = output

    def claim(self, run_id: str, setup_version: str, *, force: bool) -> Claim:  # noqa: ARG002
        return Claim(run_id, setup_version, "")

    def finish(self, run_id: str, verdict: str, attempt: str) -> bool:  # noqa: ARG002
        return True

    def follow(self, run_id: str, command: str, offset: int, count: int, start: Start | None = None) -> Progress:  # noqa: ARG002
        output = self._output[offset : offset + count]
        return Progress("over", 255, "timed-out", 43200.25, len(self._output), output)


def _lengths(lines: list[str]) -> list[int]:
    return [len(line.encode()) for line in lines]


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_no_output_makes_a_line_too_long(lambda_lines: list[str], output: bytes) -> None:
    """The worst that a command can print fits into lines of valid UTF-8, and nothing of head and tail is cut off."""
    with log.log_context(CONTEXT):
        result = CommandRun("0" * 12, Command(NAME, "x")).carry_out(_Runs(output))
    assert result.left_out_bytes == len(output) - HEAD_BYTES - TAIL_BYTES
    assert max(_lengths(lambda_lines)) <= MAX_LINE_BYTES
    fields = [json.loads(line) for line in lambda_lines]
    texts = [line["text"] for line in fields if line["message"] == "command.output"]
    assert max(map(len, texts), default=0) < log.MAX_TEXT_CHARACTERS, "a text of this length may have been cut"


def test_no_error_makes_a_line_too_long(lambda_lines: list[str]) -> None:
    """The reason of a defect or of a loss may be any text of any length."""
    for text in (ASTRAL, "\x01", "\ud800", '"', "\n"):
        with log.log_context(CONTEXT):
            log.SETUP_CRASHED.log(error="E" * 100, reason=text * 1_000_000)
            log.CONNECTION_LOST.log(reason=text * 1_000_000)
    assert max(_lengths(lambda_lines)) <= MAX_LINE_BYTES


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch, lambda_lines: list[str]) -> SetupReport:
    """The report of a setup of very many commands with the longest of names, all of which have failed."""
    assert lambda_lines == []
    monkeypatch.setattr("studio_setup.setup_run._SetupRun._carry_out", lambda run: run._run_commands(_Runs(b"x\n")))
    names = [f"{number:063}" for number in range(COMMANDS)]
    setup = Setup(tuple(Command(name, "x", go_on_after_failure=True) for name in names))
    nothing: Any = None
    return set_up(Job(APP, setup), Tools(nothing, nothing), Deadline.after(600))


def test_very_many_commands_make_no_line_too_long(report: SetupReport, lambda_lines: list[str]) -> None:
    """Of 3,000 commands each has lines of its own; the last line has the first and the last of them, and the count."""
    assert report.outcome is Outcome.TIMED_OUT
    fields = [json.loads(line) for line in lambda_lines]
    assert [line["message"] for line in fields].count("command.finished") == COMMANDS
    assert max(_lengths(lambda_lines)) <= MAX_LINE_BYTES
    last = fields[-1]
    assert last["message"] == "setup.finished"
    names = [int(command["name"]) for command in last["commands"]]
    assert len(names) + last["commands_left_out"] == COMMANDS
    assert (names[0], names[-1]) == (0, COMMANDS - 1)
    assert complaints([{**line, "requestId": "r"} for line in fields]) == []


def test_very_many_commands_make_no_report_too_long(report: SetupReport) -> None:
    """What the function returns, and the message it fails with, are short enough for a destination."""
    # As Lambda encodes it from Python 3.12 on: awslambdaric, `lambda_runtime_marshaller`.
    assert len(json.dumps(report.as_dict(), ensure_ascii=False).encode()) < MAX_PAYLOAD_BYTES
    assert len(str(SetupFailed(report)).encode()) < MAX_PAYLOAD_BYTES // 2


@pytest.mark.parametrize("answer", ["ready start /" + "x" * 400, "ready start " + "/" * 401])
def test_a_folder_with_too_long_a_path_is_no_workspace(answer: str) -> None:
    """The path is in every command's result, so the app does not decide how long it is."""
    with pytest.raises(NoWorkspace, match="cannot keep a run"):
        RemoteRuns.prepare(ScriptedShell(Reply(0, answer, "")))


def test_a_run_with_too_long_an_id_is_not_followed() -> None:
    """The id is in every line from then on, so the app does not decide how long it is."""
    runs = RemoteRuns(ScriptedShell(Reply(0, "claim " + "a" * 65 + " 0 -", "")), "start", "/tmp/studio-setup")
    with pytest.raises(NoWorkspace, match="cannot keep a run"):
        runs.claim("0" * 12, "0", force=False)
