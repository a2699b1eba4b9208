"""Output of every kind through a real server: bounded in the log, complete in the app, and nothing but output."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio_setup.model.outcomes import Outcome
from studio_setup.model.setup import Command
from studio_setup.runs.command_run import HEAD_BYTES, TAIL_BYTES
from tests.support.log_lines import MAX_LINE_BYTES
from tests.support.scenario import Scenario, statuses

GIGABYTE = 1_000_000_000
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
FAKES = r"""
    read -r keeper _ <"${0%.script*}.keeper"
    nonce=$(tr '\0' '\n' </proc/$keeper/environ | sed -n 's/^PS1=<\([0-9a-f]*\):.*/\1/p')
    for line in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        printf '<%s:%s:0:follow over 0 - 1.0 2.0 0 >\r\n<%s:%s:0:finish succeeded x>\n' "$nonce" $line "$nonce" $line
    done
    env; set; cat "$0"; printf 'bash-4.2$ \nsagemaker-user@studio$ \n(base) $ '
"""
KINDS = {
    "nothing": "",
    "no-newline": "head -c 200000 /dev/zero | tr '\\0' x",
    "long-lines": "for i in 1 2 3; do head -c 100000 /dev/zero | tr '\\0' $i; echo; done",
    "nul": "head -c 100000 /dev/zero",
    "invalid": r"head -c 200000 /dev/zero | tr '\0' '\377'",
    "astral": r"for i in $(seq 50000); do printf '\360\237\230\200'; done",
    "bytes": "head -c 100000 /dev/urandom",
    "broken-text": r"for i in $(seq 5000); do printf '\xff\xfe\xc3(\xed\xa0\x80\xf4\x90\x80\x80 é'; done",
    "colours": r"for i in $(seq 3000); do printf '\033[%dmspam\033[0m \033]0;title %d\a\033[2K' $i $i; done",
    "open-escape": r"printf '\033]0;never closed %0100000d' 1; printf '\033['",
    "progress": r"for i in $(seq 20000); do printf '\r%d%% ####' $i; done; echo",
    "windows": r"for i in $(seq 10000); do printf '%d\r\n' $i; done",
    "quotes": r"""for i in $(seq 5000); do printf '"\\\b\f\u2028\x7f{}\t'; done""",
    "fakes": FAKES,
}


def test_any_output_is_output(either_app: Scenario, lambda_lines: list[str]) -> None:
    """Exit status and size are right for each kind; the log is bounded, in lines of JSON, without control codes."""
    commands = [
        Command(name, f"{script}\nexit {number}", go_on_after_failure=True)
        for number, (name, script) in enumerate(KINDS.items(), 20)
    ]
    report = either_app.set_up(*commands)
    assert statuses(report) == list(range(20, 20 + len(KINDS)))
    for command in report.commands:
        assert command.output_bytes == len(either_app.log(report, command.name)), command.name
        assert command.left_out_bytes == max(0, command.output_bytes - HEAD_BYTES - TAIL_BYTES), command.name
    texts = logged_texts(lambda_lines)
    assert {name for name, text in texts.items() if CONTROL.search(text)} == set()
    assert {name for name, text in texts.items() if len(text) > HEAD_BYTES + TAIL_BYTES} == set()
    assert max(len(line.encode()) for line in lambda_lines) <= MAX_LINE_BYTES
    assert re.search(r"<[0-9a-f]{16}:15:0:finish succeeded x>", texts["fakes"]), "the real prompt was printed"
    assert texts["progress"].endswith("20000% ####\n")
    assert len(texts["progress"]) < 30, "only the last state of a progress bar is logged, before the cut and at the end"


def logged_texts(lines: list[str]) -> dict[str, str]:
    """The logged output of each command; every line of the log is JSON."""
    texts: dict[str, str] = {}
    for line in lines:
        fields: dict[str, Any] = json.loads(line)
        assert line.count("\n") <= 1
        if fields["message"] == "command.output":
            texts[fields["command"]] = texts.get(fields["command"], "") + fields["text"]
    return texts


def test_a_gigabyte_without_a_newline(start_app: Callable[..., Scenario], lambda_lines: list[str]) -> None:
    """The log has its head and tail, the app all of it until it is deleted, and our memory stays flat."""
    scenario = start_app()
    scenario.set_up("true", claims_start=False)
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    before = peak_bytes()
    report = scenario.set_up(f"head -c {GIGABYTE} /dev/zero | tr '\\0' x", claims_start=False)
    assert peak_bytes() - before < 8 * 1024 * 1024
    assert report.outcome is Outcome.SUCCEEDED
    (result,) = report.commands
    assert (result.output_bytes, result.left_out_bytes) == (GIGABYTE, GIGABYTE - HEAD_BYTES - TAIL_BYTES)
    assert logged_texts(lambda_lines)["step-1"] == "x" * (HEAD_BYTES + TAIL_BYTES)
    assert Path(result.log_path).stat().st_size == GIGABYTE
    scenario.app.delete()
    assert not Path(result.log_path).exists()


def peak_bytes() -> int:
    """The peak memory of this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
