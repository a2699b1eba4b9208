"""A command that goes on in the app, whoever looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from studio_setup.api.one_run import COMMAND_NAME, listener_of
from studio_setup.api.results import CommandFailed, Result, result_of
from studio_setup.model.errors import ConnectionLost, OutOfTime
from studio_setup.model.report import CommandState
from studio_setup.runs.command_run import CommandRun
from studio_setup.runs.remote_runs import RemoteRuns

if TYPE_CHECKING:
    from studio_setup.api.app_access import AppAccess

_PIECE_BYTES = 32 * 1024
_PIECES_PER_CONNECTION = 256  # 8 MiB, which then need not be kept here
DEFAULT_WAIT_SECONDS = 12 * 3600


class Job:
    """A command in an app, by its `id`; `ConnectedApp.start` and `ConnectedApp.attach` make one."""

    def __init__(self, access: AppAccess, job_id: str) -> None:
        self._access = access
        self.id = job_id

    def __repr__(self) -> str:
        """The job by its id."""
        return f"Job({self.id!r})"

    def wait(
        self,
        *,
        check: bool = True,
        timeout_seconds: float = DEFAULT_WAIT_SECONDS,
        on_output: Callable[[str], object] | None = None,
    ) -> Result:
        """Wait until the command is over, from any process; its output comes from the beginning.

        Ctrl-C ends the command as in `run`. `timeout_seconds` is how long to wait, the way into the app included, not
        the command's own limit.

        Raises:
            CommandFailed: it ended otherwise than with exit status 0, and `check` is true.
            OutOfTime: it was not known to be over after `timeout_seconds`; it goes on until its own limit.
            RunLost: the app does not know such a job: it is of another app, or of an earlier start of this one.
            SetupError: the app cannot be reached; `str()` has the remedy.
        """
        output: list[str] = []
        command_run = CommandRun(self.id, COMMAND_NAME, listener_of(self._access, output, on_output))
        try:
            done = self._access.carry_out(command_run.carry_out, until=self._access.deadline(timeout_seconds))
        except ConnectionLost as lost:
            raise OutOfTime(f"The time is up, and the connection is lost: {lost.message}") from None
        return checked(result_of(done, "".join(output), self.id), check=check)

    @property
    def state(self) -> CommandState:
        """How far the command has got.

        Raises:
            RunLost, SetupError: as `wait`.
        """
        return self._access.carry_out(lambda runs: runs.state_of(self.id, COMMAND_NAME))

    def stop(self) -> None:
        """End the command with its whole process group, if it is not over yet.

        Raises:
            RunLost, SetupError: as `wait`.
        """

        def stop(runs: RemoteRuns) -> None:
            runs.state_of(self.id, COMMAND_NAME)  # whoever mistypes an id is not to think that something was ended
            runs.stop(self.id, COMMAND_NAME)

        self._access.carry_out(stop)

    def log(self, on_progress: Callable[[int, int], object] | None = None) -> bytes:
        """All that the command has printed so far, as it is kept in the app.

        `on_progress` is called with the bytes that have come and the bytes that there are.

        Raises:
            RunLost, SetupError: as `wait`.
        """
        return b"".join(self._pieces(on_progress))

    def download_log(self, path: str | Path, on_progress: Callable[[int, int], object] | None = None) -> int:
        """Write all that the command has printed so far to a file; how many bytes that was.

        Raises:
            OSError: the file cannot be written.
            RunLost, SetupError: as `wait`.
        """
        with Path(path).open("wb") as file:
            return sum(file.write(piece) for piece in self._pieces(on_progress))

    def _pieces(self, on_progress: Callable[[int, int], object] | None) -> Iterator[bytes]:
        """The log as it is at the first look, piece by piece; each connection fetches as many as it can."""
        pieces: list[bytes] = []
        offset, end = 0, -1  # a command may print faster than we read

        def fetch(runs: RemoteRuns) -> bool:
            nonlocal offset, end
            for _ in range(_PIECES_PER_CONNECTION):
                wanted = _PIECE_BYTES if end < 0 else min(_PIECE_BYTES, end - offset)
                progress = runs.follow(self.id, COMMAND_NAME, offset, wanted)
                end = end if end >= 0 else progress.size_bytes
                piece = progress.output[: end - offset]
                offset += len(piece)
                pieces.append(piece)
                if on_progress:
                    on_progress(offset, end)
                if offset >= end or not piece:
                    return False
            return True

        is_more = True
        while is_more:
            is_more = self._access.carry_out(fetch)
            yield from pieces
            pieces.clear()


def checked(result: Result, *, check: bool) -> Result:
    """The result; raises CommandFailed if it is to be checked and is not a success."""
    if check and not result.succeeded:
        raise CommandFailed(result)
    return result
