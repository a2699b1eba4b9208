"""What is behind the terminal misbehaves: a shell that floods and lies."""

from __future__ import annotations

from collections.abc import Callable

from emulator.hostile.api_modes import ESCAPES
from emulator.hostile.exchange import Exchange
from emulator.hostile.mode import Behaviour, Mode, at
from emulator.hostile.polite import Step, serve_terminal
from emulator.hostile.shell import ROOT, Terminal, answer
from emulator.hostile.terminal_modes import accepted

Say = Callable[[Terminal, str], str]
MANY_DIGITS = "9" * 5000


class _Liar(Terminal):
    """A terminal whose shell says what `say` makes of a call."""

    def __init__(self, say: Say) -> None:
        super().__init__()
        self._say = say

    def type(self, line: str) -> str:
        """Type a line; what the terminal shows then."""
        call = self.read(line)
        return self._say(self, call) if call is not None else ""


def _shell(name: str, what: str, say: Say) -> Mode:
    def lie(exchange: Exchange) -> None:
        serve_terminal(exchange, _Liar(say))

    behaviour: Behaviour = accepted(lie)
    return at(Step.WEBSOCKET)(name, what, behaviour)


def _answers(call_name: str, instead: str) -> Say:
    """Answer every call with this name so, and all others well."""

    def say(terminal: Terminal, call: str) -> str:
        is_meant = call_name in call.split() or (call_name == "prepare" and "prepare" in call)
        return terminal.prompt(instead if is_meant else answer(call))

    return say


def _well(terminal: Terminal, call: str) -> str:
    return terminal.prompt(answer(call))


SHELL_MODES = (
    _shell("shell-silent", "The shell shows nothing.", lambda _terminal, _call: ""),
    _shell(
        "shell-digits",
        "Line number and status in the prompt have 5,000 digits each.",
        lambda terminal, call: terminal.prompt(answer(call), MANY_DIGITS, MANY_DIGITS) if call else terminal.prompt(),
    ),
    _shell(
        "shell-flood",
        "Every line is answered with 20,000 prompts of other lines.",
        lambda terminal, _call: "".join(terminal.prompt(number=f"{number}") for number in range(900000, 920000)),
    ),
    _shell(
        "shell-megabytes",
        "Every line is answered with 4 MB of escape codes.",
        lambda terminal, call: ESCAPES * 200_000 + _well(terminal, call),
    ),
    _shell(
        "shell-endless-prompts",
        "Every line is answered with 50,000 prompts that have no end.",
        lambda terminal, _call: terminal.prompt()[:-1] * 50_000,
    ),
    _shell(
        "shell-wrong-line",
        "Every prompt has the number of the line before.",
        lambda terminal, call: terminal.prompt(answer(call), number=str(int(terminal.number or 0) - 1)),
    ),
    _shell(
        "shell-wrong-status",
        "Every line fails with status 999.",
        lambda terminal, _call: terminal.prompt("", "999"),
    ),
    _shell(
        "shell-control",
        "Every answer has control characters in it.",
        lambda terminal, call: terminal.prompt(f"{answer(call)}\x1b[2J\u202e\x00"),
    ),
    _shell(
        "shell-root",
        "The folder of the runs has escape codes in its name.",
        _answers("prepare", f"ready b {ROOT}\x1b[2J\u202e"),
    ),
    _shell("shell-claim", "The claim's answer is nonsense.", _answers("claim", "claim ../../x \x1b[2J y")),
    _shell(
        "shell-forged",
        "The claim says that this app start is set up already.",
        _answers("claim", "claim a b succeeded"),
    ),
    _shell("shell-run-lost", "Every run is said to be lost.", _answers("follow", "run-lost")),
    _shell("shell-none", "No command ever starts.", _answers("follow", "follow none - - - - 0 ")),
    _shell("shell-running", "The command never ends.", _answers("follow", "follow running - - 1.0 - 0 ")),
    _shell(
        "shell-size",
        "The output has 10^18 bytes, and none of them can be had.",
        _answers("follow", f"follow over 0 - 1.0 2.0 {'9' * 18} "),
    ),
    _shell("shell-base64", "The output is not base64.", _answers("follow", "follow over 0 - 1.0 2.0 9 \x1b[2J!!")),
    _shell(
        "shell-seconds",
        "The command took a thousand million years.",
        _answers("follow", f"follow over 0 - 1.0 {'9' * 12}.{'9' * 9} 0 "),
    ),
    _shell("shell-failed", "The command is over with status 999.", _answers("follow", "follow over 999 - 1.0 2.0 0 ")),
)
