"""What is worth knowing about a setup that was tried, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from studio_setup.model.setup import Setup
from try_setup import script_checks
from try_setup.results import TriedApp, TriedStart
from try_setup.secret_shapes import secrets_in

SLOW_SECONDS = 10.0


def about_files(files: Iterator[Path]) -> list[str]:
    """Warnings about the files as they are on this disk."""
    return [
        f"{path.name} has CRLF line ends. Here they become LF; git or a lifecycle configuration would pass them on, and"
        " bash fails on them. Save it with LF."
        for path in script_checks.files_with_crlf(files)
    ]


def about_scripts(setup: Setup) -> list[str]:
    """Warnings that need no run."""
    found = []
    for command in setup.commands:
        if script_checks.goes_on_after_failure(command.script):
            found.append(
                f"{command.name} has no `set -e`: it goes on after a command that fails, and its exit status is that of"
                " its last command. Begin with `set -eu`."
            )
        if packages := script_checks.unpinned_packages(command.script):
            found.append(
                f"{command.name} installs {', '.join(packages)} in whatever version there is that day. Pin with `==`."
            )
    return found


def about_runs(tried: TriedApp) -> list[str]:
    """Warnings about what was seen while the setup ran, each once."""
    found = [warning for start in tried.starts for warning in _about_start(start)]
    return list(dict.fromkeys(found))


def second_start(tried: TriedApp) -> str:
    """Whether the setup is idempotent, as far as two starts can tell."""
    first, second = tried.starts
    if first.report.outcome != second.report.outcome:
        return f"NOT THE SAME: the first start {first.report.outcome}, the second {second.report.outcome}."
    differing = [
        f"{one.name} {_how(one.exit_status)}, then {_how(other.exit_status)}"
        for one, other in zip(first.report.commands, second.report.commands, strict=False)
        if one.exit_status != other.exit_status
    ]
    if differing:
        return f"NOT THE SAME: {'; '.join(differing)}."
    if second.report.outcome.is_error:
        return "The second start ended the same way."
    if second.changes:
        return "NOT IDEMPOTENT: the second start changed the home again."
    return "Idempotent: the second start had the same outcome and changed nothing in the home."


def _how(exit_status: int | None) -> str:
    return "has no exit status" if exit_status is None else f"exit status {exit_status}"


def _about_start(start: TriedStart) -> Iterator[str]:
    for one in start.report.commands:
        if (one.seconds or 0) > SLOW_SECONDS:
            yield f"{one.name} took more than {SLOW_SECONDS:.0f} s; the user works in the app meanwhile."
        for secret in secrets_in(start.outputs.get(one.name, "")):
            yield f"{one.name} prints what looks like {secret}; its output would be in CloudWatch Logs."
    if start.terminals:
        yield f"A terminal is left open ({', '.join(start.terminals)}): it keeps a space from shutting down when idle."
    if start.processes:
        yield f"Left running: {'; '.join(start.processes)}. Only what is meant to serve the user should be."
