"""One command of a run: start it once, follow it to its end, log its output within bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Listener:
    """Who follows a command: `on_output` gets its text as it comes, `on_look` may interrupt it by raising."""

    on_output: Callable[[str], object] = lambda _text: None
    on_look: Callable[[], object] = lambda: None


_NOBODY = Listener()


class CommandRun:
    """What is known of a command so far; it survives the connection.

    The first HEAD_BYTES of output are logged as they come, the last TAIL_BYTES when the command is over; the
    output in between is counted, and stays in the app. So does all the output of a command that is not to be logged:
    it is never fetched.
    """

    def __init__(self, run_id: str, command: Command | str, listener: Listener = _NOBODY) -> None:
        """A `command` by its name alone is never started, only joined."""
        self._run_id = run_id
        self._name = command if isinstance(command, str) else command.name
        self._start = None if isinstance(command, str) else _start_of(command)
        logs_output = isinstance(command, str) or command.log_output
        self._head_bytes, self._tail_bytes = (HEAD_BYTES, TAIL_BYTES) if logs_output else (0, 0)
        self._listener = listener
        self._text = OutputText()
        self._logged_to = 0
        self._left_out_bytes = 0
        self._announced = False
        self._was_seen = False
        self._done = False
        self._is_interrupted = False
        self.result = self._result(CommandState.RUNNING, None, "")

    def carry_out(self, runs: RemoteRuns) -> CommandResult:
        """Start the command, or find it started, and stay until it is over.

        Raises:
            KeyboardInterrupt: after its process group was ended; if the connection is lost before, by the next call.
            RunLost: the app does not know the command, or no longer.
            ConnectionLost, OutOfTime, NoWorkspace: it may go on in the app; calling this again goes on here.
        """
        if self._done:
            return self.result
        try:
            progress = self._follow_to_end(runs)
        except KeyboardInterrupt:
            self._is_interrupted = True
            runs.stop(self._run_id, self._name)
            log.COMMAND_STOPPED.log(command=self._name)
            raise
        self._log_tail(runs, progress)
        self._done = True
        self.result = self._result(progress.command_state, progress, self._log_path(runs))
        log.COMMAND_FINISHED.log(command=self._name, result=self.result.as_fields())
        return self.result

    def start(self, runs: RemoteRuns) -> None:
        """Start the command, and leave it to itself.

        Raises:
            ConnectionLost, OutOfTime, NoWorkspace: as `carry_out`.
        """
        for _ in range(_TRIES_TO_START):
            if runs.follow(self._run_id, self._name, 0, 0, self._start).state != "none":
                return
        raise ConnectionLost(f"Command {self._name} does not start.")

    def _follow_to_end(self, runs: RemoteRuns) -> Progress:
        if self._is_interrupted:
            raise KeyboardInterrupt
        if not self._announced:
            self._announced = True
            log.COMMAND_STARTED.log(command=self._name)
        for _ in range(_TRIES_TO_START):
            progress = self._look(runs, self._start)
            while progress.state == "running":
                progress = self._look(runs)
            if progress.state != "none":
                return progress
            if self._was_seen or not self._start:
                raise RunLost(f"What the app kept of command {self._name} is gone.")
        raise ConnectionLost(f"Command {self._name} does not start.")

    def _look(self, runs: RemoteRuns, start: Start | None = None) -> Progress:
        self._listener.on_look()
        wanted = max(0, min(_CHUNK_BYTES, self._head_bytes - self._logged_to))
        progress = runs.follow(self._run_id, self._name, self._logged_to, wanted, start)
        self._was_seen = self._was_seen or progress.state != "none"
        self._log_output(progress.output)
        self.result = self._result(CommandState.RUNNING, progress, self._log_path(runs))
        return progress

    def _log_tail(self, runs: RemoteRuns, progress: Progress) -> None:
        tail_start = progress.size_bytes - self._tail_bytes
        left_out_bytes = tail_start - self._logged_to
        if left_out_bytes > 0:
            self._log_output(b"", final=True)
            self._left_out_bytes += left_out_bytes  # more than once if it prints on after its end and we come again
            self._logged_to = tail_start
            self._listener.on_output(f"[{left_out_bytes} bytes left out]\n")
            log.COMMAND_OUTPUT_LEFT_OUT.log(
                command=self._name, left_out_bytes=left_out_bytes, log_path=self._log_path(runs)
            )
        while self._logged_to < progress.size_bytes:
            wanted = min(_CHUNK_BYTES, progress.size_bytes - self._logged_to)
            chunk = runs.follow(self._run_id, self._name, self._logged_to, wanted).output
            if not chunk:  # somebody has emptied the file
                break
            self._log_output(chunk)
        self._log_output(b"", final=True)

    def _log_output(self, chunk: bytes, *, final: bool = False) -> None:
        self._logged_to += len(chunk)
        text = self._text.feed(chunk, final=final)
        if text:
            self._listener.on_output(text)
            log.COMMAND_OUTPUT.log(command=self._name, text=text)

    def _log_path(self, runs: RemoteRuns) -> str:
        return runs.log_path(self._run_id, self._name)

    def _result(self, state: CommandState, progress: Progress | None, log_path: str) -> CommandResult:
        return CommandResult(
            name=self._name,
            state=state,
            exit_status=progress.exit_status if progress else None,
            seconds=progress.seconds if progress else None,
            output_bytes=progress.size_bytes if progress else 0,
            left_out_bytes=self._left_out_bytes,
            log_path=log_path,
        )


def _start_of(command: Command) -> Start:
    return Start(command.script, command.timeout_seconds, command.environment, command.cwd)
