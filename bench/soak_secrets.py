"""The search of every log line for every secret that was handed out, with the proof that it can find one."""

from __future__ import annotations

import logging
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.soak_invocations import JsonFormatter

_SHORTEST = 16  # characters: pieces of a secret below that may well be something else


@dataclass(frozen=True)
class Search:
    """What was searched, and what was found; `finds_planted`: every secret is found where it was put on purpose."""

    secrets: int
    log_bytes: int
    found: list[str]
    finds_planted: bool


def search(folder: Path) -> Search:
    """Search the logs of all invoking processes for pieces of their secrets, so that no half of one goes unseen."""
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
    """A log line with a secret in it, such as none should be."""
    record = logging.makeLogRecord({"msg": "login.done", "url": f"http://studio/auth?token={secret}"})
    return JsonFormatter().format(record)


def _pieces(secrets: set[str]) -> set[str]:
    """The end of every part of each: parts of one kind may all begin alike."""
    parts = {part for secret in secrets for part in re.split(r"[.|]", secret)}
    return {part[-24:] for part in parts if len(part) >= _SHORTEST}


def _grep(pieces: Path, logs: list[Path]) -> list[str]:
    """The log lines that hold one, shortened."""
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
