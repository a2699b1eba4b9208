"""One command of a run: start it once, follow it to its end, log its output within bounds."""

from __future__ import annotations

from studio_setup.model import log
from studio_setup.model.errors import ConnectionLost, RunLost
from studio_setup.model.report import CommandResult, CommandState
from studio_setup.model.setup import Command
from studio_setup.runs.remote_runs import Progress, RemoteRuns, Start
from studio_setup.terminal.output import OutputText

HEAD_BYTES = 32 * 1024
TAIL_BYTES = 32 * 1024
_CHUNK_BYTES = 32 * 1024
_TRIES_TO_START = 30


class CommandRun:
    """What is known of a command so far; it survives the connection.

    The first HEAD_BYTES of output are logged as they come, the last TAIL_BYTES when the command is over; the
    output in between is counted, and stays in the app.
    """

    def __init__(self, run_id: str, command: Command) -> None:
        self._run_id = run_id
        self._command = command
        self._start = Start(command.script, command.timeout_seconds, command.environment)
        self._text = OutputText()
        self._logged_to = 0
        self._left_out_bytes = 0
        self._announced = False
        self._was_seen = False
        self._done = False
        self.result = self._result(CommandState.RUNNING, None, "")

    def carry_out(self, runs: RemoteRuns) -> CommandResult:
        """Start the command, or find it started, and stay until it is over.

        Raises:
            KeyboardInterrupt: after its process group was ended.
            ConnectionLost, OutOfTime, NoWorkspace: it may go on in the app; calling this again goes on here.
        """
        if self._done:
            return self.result
        try:
            progress = self._follow_to_end(runs)
        except KeyboardInterrupt:
            runs.stop(self._run_id, self._command.name)
            log.COMMAND_STOPPED.log(command=self._command.name)
            raise
        self._log_tail(runs, progress)
        self._done = True
        self.result = self._result(_state(progress), progress, self._log_path(runs))
        log.COMMAND_FINISHED.log(command=self._command.name, result=self.result.as_fields())
        return self.result

    def _follow_to_end(self, runs: RemoteRuns) -> Progress:
        if not self._announced:
            self._announced = True
            log.COMMAND_STARTED.log(command=self._command.name)
        for _ in range(_TRIES_TO_START):
            progress = self._look(runs, self._start)
            while progress.state == "running":
                progress = self._look(runs)
            if progress.state != "none":
                return progress
            if self._was_seen:
                raise RunLost(f"What the app kept of command {self._command.name} is gone.")
        raise ConnectionLost(f"Command {self._command.name} does not start.")

    def _look(self, runs: RemoteRuns, start: Start | None = None) -> Progress:
        wanted = max(0, min(_CHUNK_BYTES, HEAD_BYTES - self._logged_to))
        progress = runs.follow(self._run_id, self._command.name, self._logged_to, wanted, start)
        self._was_seen = self._was_seen or progress.state != "none"
        self._log_output(progress.output)
        self.result = self._result(CommandState.RUNNING, progress, self._log_path(runs))
        return progress

    def _log_tail(self, runs: RemoteRuns, progress: Progress) -> None:
        tail_start = progress.size_bytes - TAIL_BYTES
        left_out_bytes = tail_start - self._logged_to
        if left_out_bytes > 0:
            self._log_output(b"", final=True)
            self._left_out_bytes += left_out_bytes  # more than once if it prints on after its end and we come again
            self._logged_to = tail_start
            log.COMMAND_OUTPUT_LEFT_OUT.log(
                command=self._command.name, left_out_bytes=left_out_bytes, log_path=self._log_path(runs)
            )
        while self._logged_to < progress.size_bytes:
            wanted = min(_CHUNK_BYTES, progress.size_bytes - self._logged_to)
            chunk = runs.follow(self._run_id, self._command.name, self._logged_to, wanted).output
            if not chunk:  # somebody has emptied the file
                break
            self._log_output(chunk)
        self._log_output(b"", final=True)

    def _log_output(self, chunk: bytes, *, final: bool = False) -> None:
        self._logged_to += len(chunk)
        text = self._text.feed(chunk, final=final)
        if text:
            log.COMMAND_OUTPUT.log(command=self._command.name, text=text)

    def _log_path(self, runs: RemoteRuns) -> str:
        return runs.log_path(self._run_id, self._command.name)

    def _result(self, state: CommandState, progress: Progress | None, log_path: str) -> CommandResult:
        return CommandResult(
            name=self._command.name,
            state=state,
            exit_status=progress.exit_status if progress else None,
            seconds=progress.seconds if progress else None,
            output_bytes=progress.size_bytes if progress else 0,
            left_out_bytes=self._left_out_bytes,
            log_path=log_path,
        )


def _state(progress: Progress) -> CommandState:
    if progress.ended == "timed-out":
        return CommandState.TIMED_OUT
    if progress.ended == "stopped":
        return CommandState.STOPPED
    return CommandState.EXITED if progress.state == "over" else CommandState.LOST
