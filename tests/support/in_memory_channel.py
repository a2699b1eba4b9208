"""A Studio app in memory, for the engine to set up: the other end of its HTTP session and of its channel.

It models what `remote.sh` and an interactive shell do: each connection has a terminal with a shell that becomes ours;
the runs outlive it in `AppStart`. A command goes on each time it is followed. Only waiting for something that does not
come takes time. Faults happen to the lines that the engine types, in the order they are given; invocations take turns
at each line.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from itertools import cycle
from types import SimpleNamespace
from typing import Any, Self

import requests
from greenlet import getcurrent
from requests.cookies import RequestsCookieJar

from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost, ShellGone
from studio_setup.runs.remote_runs import _EVALUATE_TEXT
from studio_setup.terminal.channel import WebSocketAddress
from tests.support.fakes import FakeTime

ROOT = "/tmp/studio-setup"
BASE_URL = "https://d-0.studio.us-east-1.sagemaker.aws/jupyter/default"
CREATED_AT = datetime(2026, 11, 22, 14, 59, 30, tzinfo=UTC)
_TAKE_OVER = re.compile(r"\x15 command export HISTFILE= \|\| :; exec env .*<(\w+):\$sn:\$\?:\$answer>.*")
_LINE = re.compile(r"\x15sn=(\d+) answer=; (.*)", re.DOTALL)
_TEXT = re.compile(r"text=(\$\{text\})?'([ -&(-~]*)'; ")
_ONLY_WITH_ALL_TEXT = re.compile(r"\[ \$\{#text\} -eq (\d+) \] && \{ (.*); \}", re.DOTALL)
_PREPARE = f"{_EVALUATE_TEXT}; prepare "
_INTERRUPTED = 130
_SWALLOWED_LINES_OF_A_SLOW_SHELL = 2


class Fault(StrEnum):
    """What can happen to a line on its way to the app, while it runs, or to its answer on the way back."""

    NOT_SENT = "the socket breaks under the line"
    LOST_BEFORE = "the socket breaks before anybody reads the line"
    LOST_AFTER = "the socket breaks when the line has run"
    LOST_IN_ANSWER = "the socket breaks in the middle of the answer"
    SHELL_GONE = "the terminal ends before the line"
    SILENT = "the line runs, and nothing ever comes back"
    UNREAD = "Ctrl-C discards the line"
    INTERRUPTED_BEFORE = "Ctrl-C ends the line before it does anything"
    INTERRUPTED_AFTER = "Ctrl-C ends the line when it has run, and the answer is lost"
    TYPED_BEFORE = "somebody else types a line first"
    TYPED_AFTER = "somebody else types a line afterwards"
    HTTP_FAILS = "the next calls fail, and the socket breaks"
    REPLACED = "the app is deleted and started again"
    EMPTIED = "the folder of the runs is emptied"
    KILLED_BEFORE = "the invocation dies"
    KILLED_AFTER = "the invocation dies, and its line runs"


class Killed(BaseException):
    """The process of an invocation is killed: nothing may catch this."""


@dataclass(frozen=True)
class Behaviour:
    """What a command does: what it prints before each time it is followed, and how it ends.

    `{prompt}` in its output becomes the latest prompt of ours in this app, with its answer.
    """

    prints: tuple[str, ...] = ()
    exit_status: int = 0
    ended: str = ""  # timed-out, stopped
    is_lost: bool = False
    follows_until_kept: int = 0  # how often it is followed before its keeper is there
    prints_after_its_end: tuple[str, ...] = ()


@dataclass
class RemoteCommand:
    """A command in the app, started once."""

    behaviour: Behaviour
    script: str
    environment: str = ""
    log: str = ""
    follows: int = 0
    was_stopped: bool = False

    @property
    def is_kept(self) -> bool:
        """Does its keeper exist yet?"""
        return self.follows > self.behaviour.follows_until_kept

    @property
    def is_over(self) -> bool:
        """Has it ended?"""
        return self.follows > self.behaviour.follows_until_kept + len(self.behaviour.prints)

    @property
    def state(self) -> str:
        """The state that `follow` answers."""
        if not self.is_kept:
            return "none"
        if not self.is_over:
            return "running"
        return "lost" if self.behaviour.is_lost else "over"

    def go_on(self, prompt: str) -> None:
        """Go on until it is followed the next time."""
        since_kept = self.follows - self.behaviour.follows_until_kept
        self.follows += 1
        pieces = self.behaviour.prints + self.behaviour.prints_after_its_end
        if 0 <= since_kept < len(pieces):
            self.log += pieces[since_kept].replace("{prompt}", prompt)


@dataclass
class AppStart:
    """What one start of the app keeps: the setup version of each run, the claim, the verdicts, the commands.

    `identity` tells this start from others. `was_claimed` is known even if all the rest is lost.
    """

    identity: str = "boot_1"
    was_claimed: bool = False
    runs: dict[str, str] = field(default_factory=dict)
    claimed_by: str = ""
    interrupted: set[str] = field(default_factory=set)
    over: dict[str, tuple[str, str]] = field(default_factory=dict)
    environments: dict[tuple[str, str], str] = field(default_factory=dict)
    commands: dict[tuple[str, str], RemoteCommand] = field(default_factory=dict)


@dataclass
class InMemoryStudio:
    """A Studio with one app; `set_up` reaches it through `sagemaker`, `http_session()` and `open_channel`.

    `behaviours` says what each script does; any other script fails the test. `faults` says after how many lines the
    next fault happens. `cuts` are the sizes of frames, `swallowed` how many lines the start-up files of each terminal's
    shell swallow (None: the shell reads nothing until two lines are there). `terminals` are those not deleted yet,
    `emptied` what starts of the app had kept when their folder was emptied.
    """

    behaviours: dict[str, Behaviour]
    faults: Sequence[tuple[int, Fault]] = ()
    cuts: Sequence[int] = (65536,)
    swallowed: Sequence[int | None] = (0,)
    noise: str = ""
    remote_script: str = ""
    time: FakeTime = field(default_factory=FakeTime)
    starts: list[AppStart] = field(default_factory=lambda: [AppStart()])
    emptied: list[AppStart] = field(default_factory=list)
    terminals: dict[str, Terminal] = field(default_factory=dict)
    newest_prompt: str = ""

    def __post_init__(self) -> None:
        """Begin to count lines, frames and terminals."""
        self._faults = self._fault_of_each_line()
        self._frame_sizes = cycle(self.cuts)
        self._swallowed = cycle(self.swallowed)
        self.failing_calls = 0
        url = {"AuthorizedUrl": f"{BASE_URL}/lab?token=x"}
        self.sagemaker: Any = SimpleNamespace(
            describe_domain=lambda **_: {"AuthMode": "IAM", "Url": "https://d-0.studio.us-east-1.sagemaker.aws"},
            describe_app=lambda **_: {"Status": "InService", "CreationTime": CREATED_AT},
            create_presigned_domain_url=lambda **_: url,
        )

    @property
    def now(self) -> AppStart:
        """The current start of the app."""
        return self.starts[-1]

    def http_session(self) -> Any:  # noqa: ANN401 (as much of a session as is used)
        """An HTTP session for one invocation."""
        return _HttpSession(self)

    def open_channel(self, address: WebSocketAddress, _deadline: Deadline) -> InMemoryChannel:
        """Connect to a terminal of the app."""
        terminal = self.terminals.get(address.url.rpartition("/")[2])
        if terminal is None:
            raise ShellGone("The terminal is not there.")
        return InMemoryChannel(self, terminal)

    def new_terminal(self, name: str) -> None:
        """Create a terminal."""
        self.terminals[name] = Terminal(self, next(self._swallowed))

    def replace(self) -> None:
        """Start the app again: everything it kept is gone, and so are its terminals."""
        self.starts.append(AppStart(f"boot_{len(self.starts) + 1}"))
        self.terminals.clear()

    def empty(self) -> None:
        """Empty the folder in which this start of the app keeps its runs."""
        self.emptied.append(self.now)
        self.starts[-1] = AppStart(self.now.identity, self.now.was_claimed)

    def calm_down(self) -> None:
        """Have no more faults from now on."""
        self._faults = iter(())
        self.failing_calls = 0

    def next_fault(self) -> Fault | None:
        """The fault that happens to the next line, if any."""
        return next(self._faults, None)

    def frames(self, text: str) -> list[str]:
        """The text, cut into the frames in which it arrives."""
        frames, at = [], 0
        while at < len(text):
            size = next(self._frame_sizes)
            frames.append(text[at : at + size])
            at += size
        return frames

    def _fault_of_each_line(self) -> Iterator[Fault | None]:
        for lines_before, fault in self.faults:
            yield from [None] * lines_before
            yield fault


class InMemoryChannel:
    """A channel to a terminal of the app in memory."""

    def __init__(self, studio: InMemoryStudio, terminal: Terminal) -> None:
        self._studio = studio
        self._terminal = terminal
        self._frames: list[str] = []
        self._breaks: Exception | None = None
        self._is_silent = False

    def send(self, text: str) -> None:
        """Type a line, if it is not empty; first it is the other invocations' turn."""
        if not text.rstrip("\r"):
            return
        take_turns()
        if self._terminal not in self._studio.terminals.values():
            raise ConnectionLost("The terminal is gone.")
        fault = self._studio.next_fault()
        self._before(fault)
        if self._breaks or self._is_silent:
            return
        shown = self._terminal.type(text.removesuffix("\r").replace("'\\\n'", ""), fault)
        self._after(fault, shown)

    def receive(self, timeout_seconds: float) -> str:
        """The text that arrived next; empty if there was none in that time."""
        if self._frames:
            return self._frames.pop(0)
        if self._breaks:
            raise self._breaks
        self._studio.time.sleep(timeout_seconds)
        return ""

    def close(self) -> None:
        """Hang up."""
        self._breaks = ConnectionLost("Hung up.")

    def _before(self, fault: Fault | None) -> None:
        match fault:
            case Fault.NOT_SENT:
                raise ConnectionLost("The socket broke.")
            case Fault.KILLED_BEFORE:
                raise Killed
            case Fault.LOST_BEFORE:
                self._breaks = ConnectionLost("The socket broke.")
            case Fault.SHELL_GONE:
                self._breaks = ShellGone("The shell is gone.")
            case Fault.HTTP_FAILS:
                self._studio.failing_calls = 3
                self._breaks = ConnectionLost("The network is gone.")
            case Fault.REPLACED:
                self._studio.replace()
                self._breaks = ConnectionLost("The app is gone.")
            case Fault.EMPTIED:
                self._studio.empty()

    def _after(self, fault: Fault | None, shown: str) -> None:
        match fault:
            case Fault.KILLED_AFTER:
                raise Killed
            case Fault.LOST_AFTER:
                self._breaks = ConnectionLost("The socket broke.")
            case Fault.LOST_IN_ANSWER:
                self._frames += self._studio.frames(shown[: len(shown) // 2])
                self._breaks = ConnectionLost("The socket broke.")
            case Fault.SILENT:
                self._is_silent = True
            case _:
                self._frames += self._studio.frames(shown)


class Terminal:
    """A terminal of the app: first the user's shell, then ours."""

    def __init__(self, studio: InMemoryStudio, swallowed: int | None) -> None:
        self._studio = studio
        self._swallows = swallowed or 0
        self._unread: list[str] | None = [] if swallowed is None else None
        self._nonce = self._number = self._answer = self._text = ""

    def type(self, line: str, fault: Fault | None) -> str:
        """Type a line, and what the fault has somebody else type; what the terminal shows then."""
        if not self._nonce:
            return self._for_the_users_shell(line)
        if fault is Fault.UNREAD:
            return "\r\n" + self._prompt(_INTERRUPTED)
        before = "typed\r\n" + self._prompt(5) if fault is Fault.TYPED_BEFORE else ""
        shown = before + self._for_our_shell(line, fault)
        return shown + "typed\r\n" + self._prompt(6) if fault is Fault.TYPED_AFTER else shown

    def _for_the_users_shell(self, line: str) -> str:
        echo = f"{self._studio.noise}$ {line}\r\n"
        if self._swallows > 0:
            self._swallows -= 1
            return echo
        if self._unread is not None:
            self._unread.append(line)
            if len(self._unread) < _SWALLOWED_LINES_OF_A_SLOW_SHELL:
                return echo
        lines = self._unread or [line]
        return echo + "".join(self._become_ours(each) for each in lines)

    def _become_ours(self, line: str) -> str:
        match = _TAKE_OVER.fullmatch(line)
        assert match, f"typed before the shell was ours: {line!r}"
        self._nonce, self._number, self._answer, self._text = match[1], "", "", ""
        return self._prompt(0)

    def _for_our_shell(self, line: str, fault: Fault | None) -> str:
        if _TAKE_OVER.fullmatch(line):
            return self._become_ours(line)
        match = _LINE.fullmatch(line)
        assert match, f"typed into our shell: {line!r}"
        self._number, self._answer = match[1], ""
        if fault is Fault.INTERRUPTED_BEFORE:
            return "\r\n" + self._prompt(_INTERRUPTED)
        status = self._run(match[2])
        if fault is Fault.INTERRUPTED_AFTER:
            self._answer = ""
            return "\r\n" + self._prompt(_INTERRUPTED)
        return self._studio.noise + self._prompt(status)

    def _prompt(self, status: int) -> str:
        prompt = f"<{self._nonce}:{self._number}:{status}:{self._answer}>"
        self._studio.newest_prompt = prompt
        return prompt

    def _run(self, line: str) -> int:
        """Run a line as the shell does; its exit status."""
        line = self._take_text(line)
        if match := _ONLY_WITH_ALL_TEXT.fullmatch(line):
            if len(self._text) != int(match[1]):
                return 1
            line = match[2]
        if line in {"", ":"}:
            return 0
        if line.startswith(_PREPARE):
            assert _printf_b(self._text) == self._studio.remote_script, "remote.sh arrived garbled"
            self._answer = f"ready {self._studio.now.identity} {ROOT}"
            return 0
        for call in line.split(" && "):
            name, *words = call.split()
            try:
                getattr(self, "_" + name)(*words)
            except _RunLost:
                self._answer = "run-lost"
                return 1
        return 0

    def _take_text(self, line: str) -> str:
        """Set the shell's variable `text` as the line begins with; the rest of the line."""
        while match := _TEXT.match(line):
            self._text = (self._text if match[1] else "") + match[2]
            line = line[match.end() :]
        return line

    def _start_with(self, run: str) -> AppStart:
        """The current start of the app, which must keep this run."""
        if run not in self._studio.now.runs:
            raise _RunLost
        return self._studio.now

    # The functions of remote.sh, by the same names.

    def _open_run(self, run: str, version: str) -> None:
        self._studio.now.runs[run] = version
        self._answer = f"opened {run}"

    def _claim(self, run: str, version: str, force: str = "") -> None:
        assert force in {"", "force"}
        app = self._studio.now
        if app.was_claimed and not app.claimed_by and not force:
            raise _RunLost
        app.runs[run] = version
        is_taken_over = force and app.claimed_by in {*app.over, *app.interrupted}
        holder = app.claimed_by = run if is_taken_over else app.claimed_by or run
        app.was_claimed = True
        verdict = app.over.get(holder, ("-", ""))[0]
        self._answer = f"claim {holder} {app.runs[holder]} {verdict}"

    def _has(self, run: str) -> None:
        self._answer = "has yes" if run in self._studio.now.runs else "has no"

    def _finish(self, run: str, verdict: str, attempt: str) -> None:
        verdict, attempt = self._start_with(run).over.setdefault(run, (verdict, attempt))
        self._answer = f"finish {verdict} {attempt}"

    def _note_environment(self, run: str, command: str) -> None:
        self._start_with(run).environments[run, command] = _printf_b(self._text)
        self._answer = "noted"

    def _start(self, run: str, command: str, _limit_seconds: str) -> None:
        app = self._start_with(run)
        app.interrupted.discard(run)
        if (run, command) not in app.commands:
            script = _printf_b(self._text)
            assert all(other.is_over for (of, _), other in app.commands.items() if of == run), "started out of turn"
            assert script in self._studio.behaviours, f"unexpected script: {script!r}"
            environment = app.environments.get((run, command), "")
            app.commands[run, command] = RemoteCommand(self._studio.behaviours[script], script, environment)

    def _interrupt(self, run: str) -> None:
        if run in self._studio.now.runs:
            self._studio.now.interrupted.add(run)
        self._answer = "interrupted"

    def _stop(self, run: str, command: str) -> None:
        self._studio.now.commands[run, command].was_stopped = True
        self._answer = "stopped"

    def _follow(self, run: str, command: str, offset: str, count: str, _wait_seconds: str) -> None:
        found = self._start_with(run).commands.get((run, command))
        assert found, "followed before it was started"
        found.go_on(self._studio.newest_prompt)
        if not found.is_over:
            self._studio.time.sleep(1)
        status = str(found.behaviour.exit_status) if found.state == "over" else "-"
        ended = found.behaviour.ended if found.is_over and found.behaviour.ended else "-"
        finished = "20.75" if found.state == "over" else "-"
        data = base64.b64encode(found.log.encode()[int(offset) :][: int(count)]).decode()
        size = len(found.log.encode())
        self._answer = f"follow {found.state} {status} {ended} 10.25 {finished} {size} {data}"


class _RunLost(Exception):
    """A run is asked for that this start of the app does not keep, or does not keep any more."""


class _HttpSession:
    """As much of a `requests.Session` as the login and the terminals need."""

    def __init__(self, studio: InMemoryStudio) -> None:
        self._studio = studio
        self.cookies = RequestsCookieJar()

    def merge_environment_settings(self, *_: object) -> dict[str, object]:
        return {"verify": True}

    def request(self, method: str, url: str, **options: Any) -> Any:  # noqa: ANN401
        self._fail_if_due()
        self.cookies.set("_xsrf", "x", domain="d-0.studio.us-east-1.sagemaker.aws", path="/")
        if method == "POST":
            self._studio.new_terminal(options["json"]["name"])
            return _Response(201, options["json"])
        if method == "DELETE":
            known = self._studio.terminals.pop(url.rpartition("/")[2], None)
            return _Response(204 if known else 404, {})
        return _Response(200, {"connections": 0})

    def _fail_if_due(self) -> None:
        if self._studio.failing_calls:
            self._studio.failing_calls -= 1
            raise requests.ConnectionError


@dataclass(frozen=True)
class _Response:
    status_code: int
    body: dict[str, Any]
    headers: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"

    def iter_content(self, _size: int) -> Iterator[bytes]:
        yield json.dumps(self.body).encode()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is open."""


def take_turns() -> None:
    """Let the other invocations go on, if there are any."""
    scheduler = getcurrent().parent
    if scheduler is not None:
        scheduler.switch()


def _printf_b(text: str) -> str:
    return re.sub(rb"\\0([0-7]{3})", lambda code: bytes([int(code[1], 8)]), text.encode("ascii")).decode()
