"""How a command ended in an app, as one line of the file of --results, which --resume reads again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from studio_setup import AppResult
from studio_setup.model.app import App
from studio_setup.model.errors import BadInput
from studio_setup.model.json_text import parse_json
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import code_of_failure, how_it_ended


@dataclass(frozen=True, slots=True)
class Ending:
    """How the command ended in an app: `said` is one line, `output` what it printed (bounded, see Result)."""

    app: App
    outcome: Outcome
    said: str
    output: str = ""
    exit_status: int | None = None
    seconds: float | None = None
    output_bytes: int = 0

    def as_dict(self, version: str) -> dict[str, object]:
        """The ending for JSON; `version` names the command that was run."""
        return {
            **self.app.as_dict(),
            "command_version": version,
            "outcome": self.outcome,
            "reason": self.said,
            "exit_status": self.exit_status,
            "seconds": self.seconds,
            "output_bytes": self.output_bytes,
            "output": self.output,
        }


def ending_of(one: AppResult) -> Ending:
    """The ending that a result of run_many stands for."""
    result = one.result
    if result is None:
        outcome = one.error.code.outcome if one.error else Outcome.FAILED
        return Ending(one.app, outcome, str(one.error))
    outcome = Outcome.SUCCEEDED if result.succeeded else code_of_failure(result.state).outcome
    said = how_it_ended(result.state, result.exit_status)
    return Ending(one.app, outcome, said, result.output, result.exit_status, result.seconds, result.output_bytes)


@contextmanager
def results_file(results: Path | None, resumed: Path | None) -> Iterator[TextIO | None]:
    """The file to add results to: that of --results, which must be new, or the one that is resumed.

    Raises:
        BadInput: it cannot be written, or exists.
    """
    path = results or resumed
    if path is None:
        yield None
        return
    try:
        if path == resumed:
            _drop_cut_off_line(path)
        file = path.open("a" if path == resumed else "x", encoding="utf-8")
    except FileExistsError:
        raise BadInput(f"{path} exists; go on with it with --resume {path}, or name another file.") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from None
    with file:
        yield file


def write_ending(file: TextIO | None, ending: Ending, version: str) -> None:
    """Add a line, so that it is there whatever happens next."""
    if file:
        file.write(json.dumps(ending.as_dict(version)) + "\n")
        file.flush()


def read_done(path: Path, version: str) -> set[tuple[str, str]]:
    """The apps, by label and space name, in which this command succeeded; a cut-off last line does not count.

    Raises:
        BadInput: the file cannot be read, or a line of it is not one of --results.
    """
    done: set[tuple[str, str]] = set()
    for number, line in enumerate(_lines(path), 1):
        match _parsed(line):
            case {"app": str(app), "space_name": str(space), "command_version": str(ran), "outcome": str(outcome)}:
                if (ran, outcome) == (version, Outcome.SUCCEEDED):
                    done.add((app, space))
            case _ if not line.endswith("\n"):
                continue
            case _:
                raise BadInput(f"{path}, line {number}: not a line of --results.")
    return done


def _lines(path: Path) -> Iterator[str]:
    try:
        if path.exists() and not path.is_file():  # it may have no end
            raise BadInput(f"{path} is not a file of --results.")
        with path.open(encoding="utf-8", newline="\n") as file:
            yield from file
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not a file of --results.") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None


def _drop_cut_off_line(path: Path) -> None:
    """End the file at its last whole line: who was killed may have left half of one."""
    with path.open("r+b") as file:
        file.truncate(file.read().rfind(b"\n") + 1)


def _parsed(line: str) -> object:
    try:
        return parse_json(line)
    except ValueError:
        return None
