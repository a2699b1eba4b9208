"""Properties of the engine: what holds for any setup over an app in memory, whatever faults happen to it."""

from __future__ import annotations

import contextlib
import itertools
import logging
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from greenlet import getcurrent, greenlet
from hypothesis import example, given
from hypothesis import strategies as st

from studio_setup.model.app import App
from studio_setup.model.errors import ConnectionLost
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import CommandResult, CommandState, SetupReport
from studio_setup.model.setup import Command, Setup
from studio_setup.runs import command_run, remote_runs
from studio_setup.runs.command_run import CommandRun
from studio_setup.runs.remote_runs import Progress, RemoteRuns, Start
from studio_setup.setup_run import Job, Tools, set_up
from studio_setup.terminal import shell
from studio_setup.terminal.output import OutputText
from tests.support.fuzzing import streams
from tests.support.in_memory_channel import AppStart, Behaviour, Fault, InMemoryStudio, Killed

APP = App("d-0", "alice", "JupyterServer", "default")
REMOTE_SCRIPT = ": A 'script' for \\0101 the app: ☃\n" * 3
# So small that a short script takes several lines, and that of a short output some is left out.
SMALL = {"HEAD_BYTES": 30, "TAIL_BYTES": 45, "_CHUNK_BYTES": 30}
MAX_TEXT_CHARACTERS = 50
TRIES_OF_A_CALL = 5
VERDICTS = {Outcome.SUCCEEDED: "succeeded", Outcome.FAILED: "command-failed", Outcome.TIMED_OUT: "command-timed-out"}
CODES = set(VERDICTS.values())
INTERRUPTS = {Fault.INTERRUPTED_BEFORE, Fault.INTERRUPTED_AFTER}


@pytest.fixture(scope="module", autouse=True)
def _small_numbers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make the limits so small that scripts and outputs are cut in many places."""
    script = tmp_path_factory.mktemp("remote") / "remote.sh"
    script.write_text(REMOTE_SCRIPT, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote_runs, "REMOTE_SCRIPT", script)
        patch.setattr(shell, "MAX_TEXT_CHARACTERS", MAX_TEXT_CHARACTERS)
        patch.setattr(shell, "_LINES_AT_ONCE", 1)
        for name, value in SMALL.items():
            patch.setattr(command_run, name, value)
        yield


class _FixedHandlers(list[logging.Handler]):
    """The handlers of a logger, to which none can be added."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__([handler])

    def append(self, handler: logging.Handler) -> None:
        """Do not add it."""


class _LogOfEach(logging.Handler):
    """Keeps the log lines of each invocation apart."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[object, list[Any]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.setdefault(getcurrent(), []).append(record)


@pytest.fixture(scope="module")
def log() -> Iterator[_LogOfEach]:
    """The log; pytest does not collect it too, which would take long for so many lines."""
    logger, log = logging.getLogger("studio_setup"), _LogOfEach()
    was = logger.level, logger.propagate, logger.handlers
    logger.propagate, logger.handlers = False, _FixedHandlers(log)
    logger.setLevel(logging.INFO)
    yield log
    level, logger.propagate, logger.handlers = was
    logger.setLevel(level)


@dataclass
class _World:
    """A Studio in memory, the setup for its app, and the reports of all invocations."""

    studio: InMemoryStudio
    setup: Setup
    log: _LogOfEach
    reports: list[SetupReport] = field(default_factory=list)
    were_killed: int = 0

    def invoke(self, setup: Setup, seconds: float) -> None:
        """Set the app up in an invocation of its own, and check its report."""
        self.log.lines.pop(getcurrent(), None)
        logging.getLogger("studio_setup").setLevel(logging.INFO)
        tools = Tools(self.studio.sagemaker, self.studio.http_session(), self.studio.open_channel)
        try:
            report = set_up(Job(APP, setup), tools, self.studio.time.deadline(seconds))
        except Killed:
            self.were_killed += 1
            return
        self._check(report, setup, self.log.lines.get(getcurrent(), []))
        self.reports.append(report)

    def _check(self, report: SetupReport, setup: Setup, log: Sequence[Any]) -> None:
        expected = _expected(setup, self.studio.behaviours)
        start = self._start_of(report)
        for result, true in zip(report.commands, expected, strict=False):
            known = (result.name, result.state, result.exit_status)
            assert known == true or result.state is CommandState.RUNNING
            assert result.exit_status in {None, true[2]}
        if report.outcome in VERDICTS and report.code == VERDICTS[report.outcome]:
            assert start is not None
            assert [(result.name, result.state, result.exit_status) for result in report.commands] == expected
            assert report.outcome == _verdict(expected) == start.over[report.run_id][0]
            self._check_done(report, setup, start)
            for result in report.commands:
                _check_log(log, result, start.commands[report.run_id, result.name].log)
        else:
            self._check_reason(report)

    def _start_of(self, report: SetupReport) -> AppStart | None:
        """The app start of a report: the latest, as an attempt that never heard of its claim may claim the next too."""
        kept = [*self.studio.emptied, *self.studio.starts]
        return next((start for start in reversed(kept) if report.run_id in start.runs), None)

    def _check_done(self, report: SetupReport, setup: Setup, start: AppStart) -> None:
        done = {name: command for (run, name), command in start.commands.items() if run == report.run_id}
        commands = {command.name: command for command in setup.commands}
        assert list(done) == [result.name for result in report.commands], "each once, in their order, and no other"
        for name, command in done.items():
            assert command.is_over
            assert command.script == commands[name].script
            exported = shlex.split(command.environment)[1::2]
            assert exported == [f"{variable}={value}" for variable, value in commands[name].environment.items()]

    def _check_reason(self, report: SetupReport) -> None:
        match report.code:
            case "already-set-up":
                assert "succeeded" in {verdict for start in self.studio.starts for verdict, _ in start.over.values()}
            case "app-replaced":
                assert len(self.studio.starts) > 1
            case "run-lost":
                assert self.studio.emptied
                assert report.outcome is Outcome.FAILED
            case "setup-changed" | "claimed-by-other-setup":
                assert report.commands == ()
            case _:
                assert report.outcome in {Outcome.UNFINISHED, Outcome.UNREACHABLE}, report

    def invoke_without_faults(self) -> None:
        """Set the app up once more without faults, and check what must hold over all invocations."""
        self.studio.calm_down()
        app, version = self.studio.now, self.setup.version
        verdict = app.over.get(app.claimed_by, ("", ""))[0]
        if app.was_claimed and not app.claimed_by:
            codes = {"run-lost"}
        elif verdict == "succeeded":
            codes = {"already-set-up"}
        elif app.runs.get(app.claimed_by, version) == version:
            codes = CODES
        else:
            codes = {"claimed-by-other-setup" if verdict else "setup-changed"}
        self.invoke(self.setup, 1e6)
        assert self.reports[-1].code in codes
        self._check_end()

    def _check_end(self) -> None:
        for start in self.studio.starts:
            emptied = [kept for kept in self.studio.emptied if kept.identity == start.identity]
            ran = [(run, name) for kept in (*emptied, start) for run, name in kept.commands]
            assert len({run for run, _ in ran}) <= 1, "one run for each app start"
            assert len(set(ran)) == len(ran), "no command a second time, whatever was lost"
            reports = [each for each in self.reports if self._start_of(each) is start and each.code in CODES]
            first = [report for report in reports if not report.repeated]
            assert len(first) <= 1
            if reports and not self.were_killed and all(report.code in CODES for report in self.reports):
                assert len(first) == 1


@dataclass(frozen=True)
class _Step:
    """A command: its script, whether the setup goes on after its failure, what it does, its variables."""

    script: str
    goes_on: bool
    behaviour: Behaviour
    environment: dict[str, str] = field(default_factory=dict)


def _expected(setup: Setup, behaviours: dict[str, Behaviour]) -> list[tuple[str, CommandState, int | None]]:
    """How each command that is to run truly ends."""
    results: list[tuple[str, CommandState, int | None]] = []
    for command in setup.commands:
        does = behaviours[command.script]
        state = CommandState.EXITED if not does.ended else CommandState(does.ended.replace("-", "_"))
        if does.is_lost:
            results.append((command.name, state if does.ended else CommandState.LOST, None))
        else:
            results.append((command.name, state, does.exit_status))
        if results[-1][1:] != (CommandState.EXITED, 0) and not command.go_on_after_failure:
            break
    return results


def _verdict(results: Sequence[tuple[str, CommandState, int | None]]) -> Outcome:
    failures = [state for _, state, status in results if (state, status) != (CommandState.EXITED, 0)]
    if not failures:
        return Outcome.SUCCEEDED
    return Outcome.TIMED_OUT if failures[-1] is CommandState.TIMED_OUT else Outcome.FAILED


def _check_log(log: Sequence[Any], result: CommandResult, printed: str) -> None:
    """Check that the logged output is what the command printed, and that every byte is logged or counted."""
    at = left_out = 0
    for line in log:
        if getattr(line, "command", None) != result.name:
            continue
        if line.msg == "command.output":
            assert printed.startswith(line.text, at)
            at += len(line.text)
        elif line.msg == "command.output_left_out":
            at += line.left_out_bytes
            left_out += line.left_out_bytes
    assert at == result.output_bytes
    assert left_out == result.left_out_bytes
    assert at - left_out >= min(at, SMALL["HEAD_BYTES"])


PRINTS = st.lists(
    st.sampled_from(
        ["", "", "line\n", "no end", "{prompt}", "{prompt}\n", "<a:1:0:has yes>\n", "finish succeeded x\n", "x" * 25]
    ),
    max_size=3,
).map(tuple)
BEHAVIOURS = st.builds(
    Behaviour,
    prints=PRINTS,
    exit_status=st.sampled_from([0, 0, 0, 0, 1, 130, 255]),
    ended=st.sampled_from(["", "", "", "", "", "timed-out", "stopped"]),
    is_lost=st.sampled_from([False] * 6 + [True]),
    follows_until_kept=st.sampled_from([0, 0, 0, 1, 2]),
    prints_after_its_end=st.sampled_from([(), (), ("later\n",), ("much later " * 5, "{prompt}")]),
)
FITS_INTO_A_LINE = "as long as a line takes" + "." * 18
SCRIPTS = st.sampled_from(["true", "echo 'it''s' \\0101 %s ☃", "long " * 30, FITS_INTO_A_LINE])
ENVIRONMENTS = st.sampled_from([{}, {}, {"X": "1"}, {"X": "it's \\0101 %s ☃\n", "LONG": "long " * 30}])
COMMANDS = st.lists(st.builds(_Step, SCRIPTS, st.booleans(), BEHAVIOURS, ENVIRONMENTS), min_size=1, max_size=3)
FAULTS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(Fault)), max_size=6)
CUTS = st.lists(st.integers(1, 60), min_size=1, max_size=3)
SHELLS = st.lists(st.sampled_from([0, 0, 0, 1, 2, None]), min_size=1, max_size=2)
TURNS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 25)), max_size=6)
SECONDS = st.sampled_from([900.0, 900.0, 900.0, 30.0, 5.0])
IS_CHANGED = st.sampled_from([False] * 7 + [True])


def _setup(commands: Sequence[_Step], comment: str = "") -> Setup:
    return Setup(
        tuple(
            Command(f"c{number}", f"{step.script} # {number}{comment}\n", 60, step.goes_on, step.environment)
            for number, step in enumerate(commands)
        )
    )


def _world(
    log: _LogOfEach,
    commands: Sequence[_Step],
    faults: Sequence[tuple[int, Fault]] = (),
    **of_studio: Any,  # noqa: ANN401 (as InMemoryStudio's)
) -> _World:
    setup = _setup(commands)
    behaviours = {command.script: step.behaviour for command, step in zip(setup.commands, commands, strict=True)}
    interrupts = [number for number, (_, fault) in enumerate(faults) if fault in INTERRUPTS]
    kept = [fault for number, fault in enumerate(faults) if number not in interrupts[TRIES_OF_A_CALL - 1 :]]
    return _World(InMemoryStudio(behaviours, kept, remote_script=REMOTE_SCRIPT, **of_studio), setup, log)


@streams(150, 12000)
@given(commands=COMMANDS, cuts=CUTS, swallowed=SHELLS, noise=st.sampled_from(["", "noise \x1b[0m", "<a:$sn:$?:>\r\n"]))
def test_an_undisturbed_setup_reports_what_happened(
    log: _LogOfEach,
    commands: Sequence[_Step],
    cuts: Sequence[int],
    swallowed: Sequence[int | None],
    noise: str,
) -> None:
    """Any command, whatever it prints and however frames are cut, runs once, and is reported and logged as it was."""
    world = _world(log, commands, cuts=cuts, swallowed=swallowed, noise=noise)
    world.invoke(world.setup, 1e6)
    report = world.reports[0]
    assert report.code == VERDICTS[report.outcome]
    assert not report.resumed
    assert not report.repeated
    assert not world.studio.terminals


@streams(150, 15000)
@given(commands=COMMANDS, faults=FAULTS, cuts=CUTS, swallowed=SHELLS, seconds=st.lists(SECONDS, min_size=1, max_size=3))
def test_whatever_happens_the_report_is_true(
    *,
    log: _LogOfEach,
    commands: Sequence[_Step],
    faults: Sequence[tuple[int, Fault]],
    cuts: Sequence[int],
    swallowed: Sequence[int | None],
    seconds: Sequence[float],
) -> None:
    """Whatever breaks and whoever types, in one invocation after the other, each report says what happened."""
    world = _world(log, commands, faults, cuts=cuts, swallowed=swallowed)
    for limit in seconds:
        world.invoke(world.setup, limit)
    world.invoke_without_faults()


@streams(150, 15000)
@given(
    commands=COMMANDS,
    faults=FAULTS,
    cuts=CUTS,
    turns=TURNS,
    invocations=st.lists(st.tuples(IS_CHANGED, SECONDS), min_size=2, max_size=3),
)
def test_any_number_of_invocations_run_each_command_once(
    *,
    log: _LogOfEach,
    commands: Sequence[_Step],
    faults: Sequence[tuple[int, Fault]],
    cuts: Sequence[int],
    turns: Sequence[tuple[int, int]],
    invocations: Sequence[tuple[bool, float]],
) -> None:
    """Invocations at the same time, with any faults: each command runs once, with one verdict and one first report.

    Some of them have another version of the commands: only commands of one version run.
    """
    world = _world(log, commands, faults, cuts=cuts)
    changed = _setup(commands, " changed")
    world.studio.behaviours.update(
        {
            new.script: world.studio.behaviours[old.script]
            for old, new in zip(world.setup.commands, changed.commands, strict=True)
        }
    )
    running = [
        greenlet(lambda setup=changed if is_changed else world.setup, limit=limit: world.invoke(setup, limit))
        for is_changed, limit in invocations
    ]
    _interleave(running, turns)
    world.invoke_without_faults()


@pytest.mark.parametrize("fault", Fault)
def test_any_fault_may_happen_to_any_line(log: _LogOfEach, fault: Fault) -> None:
    """With each fault at each line of a setup, one by one, each report says what happened."""
    fits = _Step(FITS_INTO_A_LINE, goes_on=False, behaviour=Behaviour(("out\n",)), environment={"X": "long " * 12})
    long = _Step("long " * 12, goes_on=False, behaviour=Behaviour(("{prompt}", "x" * 90), exit_status=3))
    for number in itertools.count():
        world = _world(log, [fits, long], [(number, fault)])
        world.invoke(world.setup, 1e4)
        if world.studio.next_fault() is fault:
            break
        world.invoke_without_faults()
    assert number > 15


def _interleave(running: Sequence[greenlet], turns: Sequence[tuple[int, int]]) -> None:
    """Let the invocations go on in turns until all have ended."""
    for which, count in itertools.chain(turns, itertools.cycle([(0, 1), (1, 1), (2, 1)])):
        alive = [each for each in running if not each.dead]
        if not alive:
            return
        for _ in range(count):
            if not alive[which % len(alive)].dead:
                alive[which % len(alive)].switch()


class _RunsWithOutput(RemoteRuns):
    """The runs of an app whose command is over; some calls are lost, and somebody may empty the command's log."""

    def __init__(self, output: bytes, lost_calls: set[int], emptied_at: int | None) -> None:
        self.output = output
        self._lost_calls = lost_calls
        self._emptied_at = emptied_at
        self.calls = 0

    def log_path(self, run_id: str, command: str) -> str:
        return f"/{run_id}/{command}"

    def follow(self, run_id: str, command: str, offset: int, count: int, start: Start | None = None) -> Progress:  # noqa: ARG002
        self.calls += 1
        assert self.calls < 100, "it never ends"
        if self.calls in self._lost_calls:
            raise ConnectionLost("Lost.")
        if self._emptied_at is not None and self.calls > self._emptied_at:
            self.output = b""
        return Progress("over", 0, "", 1.0, len(self.output), self.output[offset : offset + count])


@streams(200, 10000)
@given(
    output=st.binary(max_size=150)
    | st.binary(min_size=75, max_size=200)
    | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")),
    lost_calls=st.sets(st.integers(1, 6)),
    emptied_at=st.sampled_from([None, None, None, 0, 1, 2, 3]),
)
@example(output=b"x" * 100, lost_calls={3}, emptied_at=None)
@example(output=b"x" * 100, lost_calls=set(), emptied_at=1)
def test_any_output_is_logged_within_bounds(
    log: _LogOfEach, output: bytes, lost_calls: set[int], emptied_at: int | None
) -> None:
    """Over any losses, head and tail of any output are logged once, and the rest is counted."""
    log.lines.clear()
    runs, command = _RunsWithOutput(output, lost_calls, emptied_at), CommandRun("r", Command("c", "true"))
    result = None
    while result is None:
        with contextlib.suppress(ConnectionLost):
            result = command.carry_out(runs)
    assert result.succeeded
    if runs.output != output:
        return  # what was in it cannot be known
    head, tail = SMALL["HEAD_BYTES"], max(SMALL["HEAD_BYTES"], len(output) - SMALL["TAIL_BYTES"])
    pieces = [output[:head], output[tail:]] if tail > head else [output]
    expected = "".join(OutputText().feed(piece, final=True) for piece in pieces)
    shown = [line.text for line in log.lines[getcurrent()] if line.msg == "command.output"]
    assert "".join(shown) == expected
    assert (result.output_bytes, result.left_out_bytes) == (len(output), tail - head)
