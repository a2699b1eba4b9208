"""Searches all log lines for all secrets, and checks that the search would find them."""

from __future__ import annotations

import logging
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.soak_invocations import JsonFormatter

_MIN_PIECE_CHARACTERS = 16  # shorter pieces of a secret could occur by chance


@dataclass(frozen=True)
class Search:
    """What was searched and found; `finds_planted`: every secret is found in a line that has it on purpose."""

    secrets: int
    log_bytes: int
    found: list[str]
    finds_planted: bool


def search(folder: Path) -> Search:
    """Search the logs of all invoking processes for their secrets, also for parts of them."""
    secrets = {line for file in folder.glob("*/secrets") for line in file.read_text().splitlines()}
    pieces = folder / "pieces"
    pieces.write_text("".join(f"{piece}\n" for piece in sorted(_pieces(secrets))))
    logs = sorted(folder.glob("*/log"))
    planted = folder / "planted"
    planted.write_text("".join(f"{_leak(secret)}\n" for secret in secrets))
    return Search(
        secrets=len(secrets),
        log_bytes=sum(log.stat().st_size for log in logs),
        found=_grep(pieces, logs),
        finds_planted=bool(secrets) and len(_grep(pieces, [planted])) == len(secrets),
    )


def _leak(secret: str) -> str:
    """A log line with a secret in it, as there must be none."""
    record = logging.makeLogRecord({"msg": "login.done", "url": f"http://studio/auth?token={secret}"})
    return JsonFormatter().format(record)


def _pieces(secrets: set[str]) -> set[str]:
    """The end of each part of each secret; the beginnings may be the same for all."""
    parts = {part for secret in secrets for part in re.split(r"[.|]", secret)}
    return {part[-24:] for part in parts if len(part) >= _MIN_PIECE_CHARACTERS}


def _grep(pieces: Path, logs: list[Path]) -> list[str]:
    """The log lines with one of the pieces, shortened."""
    found = subprocess.run(
        ["grep", "--fixed-strings", "--no-filename", "--file", pieces, *logs],
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if found.returncode > 1:
        raise RuntimeError(found.stderr)
    return [line[:300] for line in found.stdout.splitlines()]
