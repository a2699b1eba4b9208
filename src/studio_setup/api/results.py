"""The result of a command that was run from Python."""

from __future__ import annotations

from dataclasses import dataclass, field

from studio_setup.model import outcomes
from studio_setup.model.errors import SetupError
from studio_setup.model.notebook_html import details, output
from studio_setup.model.report import CommandResult, CommandState, how_it_ended
from studio_setup.model.text import one_line

_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended, and what it printed.

    `exit_status`: 0 to 255, None if it has none (`state` says why: timed_out and stopped commands were ended, a lost
    one was killed together with what waited for it). `output`: standard output and standard error as one text, made
    printable; of more than 64 KiB the first and the last half, with a line that says how much is left out.
    `output_bytes`: all that it printed; `left_out_bytes`: how many of them are not in `output`. `job_id`: what
    `ConnectedApp.attach` finds it by, and with it `Job.log`, all of the output; `log_path`: where that is kept in the
    app. `seconds`: how long it ran. `str()` is the output.
    """

    exit_status: int | None
    output: str
    output_bytes: int
    left_out_bytes: int
    seconds: float | None
    state: CommandState
    job_id: str
    log_path: str = field(repr=False)

    @property
    def succeeded(self) -> bool:
        """Did it end by itself, with exit status 0?"""
        return self.state is CommandState.EXITED and self.exit_status == 0

    def __str__(self) -> str:
        """What it printed."""
        return self.output

    def _repr_html_(self) -> str:
        """How a notebook shows it: state, status and time, with the output folded in; open if it failed."""
        status = "" if self.exit_status is None else f", exit status {self.exit_status}"
        took = "" if self.seconds is None else f", {self.seconds} s"
        summary = f"{self.state}{status}{took}, {self.output_bytes} bytes"
        return details(summary, output(self.output), is_open=not self.succeeded)


class CommandFailed(SetupError):
    """A command did not end with exit status 0; `result` has how it ended and what it printed."""

    code = outcomes.COMMAND_FAILED

    def __init__(self, result: Result) -> None:
        how = how_it_ended(result.state, result.exit_status)
        last = one_line(result.output[-_SHOWN_CHARACTERS:])
        super().__init__(f"The command failed ({how}); it printed last: {last!r}.")
        self.result = result

    def __str__(self) -> str:
        """What happened; the remedy of a setup is no help here."""
        return self.message


def result_of(command: CommandResult, output: str, job_id: str) -> Result:
    """The result of a command of ours."""
    return Result(
        exit_status=command.exit_status,
        output=output,
        output_bytes=command.output_bytes,
        left_out_bytes=command.left_out_bytes,
        seconds=command.seconds,
        state=command.state,
        job_id=job_id,
        log_path=command.log_path,
    )
