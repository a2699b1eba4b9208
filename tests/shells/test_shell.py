"""A shell of our own, made of real shells on real pseudo-terminals."""

from __future__ import annotations

import re
from typing import Any

import pytest

from studio_setup.model.errors import ConnectionLost, OutOfTime, ShellGone, ShellSilent
from studio_setup.terminal.prompt import PromptFinder
from studio_setup.terminal.shell import MAX_TEXT_CHARACTERS, Shell, percent_b
from tests.support.fakes import FakeTime
from tests.support.machines import Machine
from tests.support.needs import needs
from tests.support.pty_channel import PtyChannel, fast_deadline

START_UP_FILES = {
    "nothing": "",
    "colourful-prompt": r"PS1='\[\e]0;\w\a\]\[\e[1;32m\](base) \u@\h\[\e[0m\]:\[\e[34m\]\w\[\e[0m\]\$ '",
    "two-line-prompt": r"PS1='\n\w\n> '",
    "prompt-command-rewrites-prompt": "PROMPT_COMMAND='PS1=\"hi \\$ \"; echo noise'; export PROMPT_COMMAND",
    "readonly-prompt": "PS1='mine$ '; PROMPT_COMMAND=; readonly PS1 PROMPT_COMMAND",
    "vi-mode": "set -o vi",
    "bracketed-paste": "bind 'set enable-bracketed-paste on'",
    "prints": "echo Welcome; printf '\\033]0;title\\007\\033[31mred\\033[0m no newline'",
    "much": "seq 1 3000",
    "time-out": "export TMOUT=1",
    "errexit": "set -e; export SHELLOPTS",
    "nounset": "set -u",
    "xtrace": "set -x; export SHELLOPTS",
    "noclobber": "set -C",
    "no-echo": "stty -echo",
    "raw": "stty raw",
    "history": "HISTFILE=~/.bash_history; HISTCONTROL=; PROMPT_COMMAND='history -a'",
    "functions": "env() { echo mine; }; sh() { echo mine; }; printf() { echo mine; }; export -f env sh printf",
    "environment": "export ENV=~/.bashrc BASH_ENV=~/.bashrc PS2='more> ' IFS=:; cd /",
    "traps": "trap 'echo bye' EXIT; trap '' INT; trap 'echo debug' DEBUG",
}
STARTING = r"^The deadline passed while the user's shell was starting\. The app"
STATUSES = [0, 1, 2, 3, 42, 126, 127, 128, 129, 130, 137, 143, 254, 255]
NASTY = "".join(map(chr, range(1, 256))) + "'\"\\%s%%\\0101\\n\\c$(id)`id`$x!!~ \t\n☃🎉\n\n"


def _check(shell: Shell) -> None:
    """Check that each line has its own reply: statuses, answers and text are all right."""
    assert shell.run("(exit 7)").exit_status == 7
    assert shell.run("echo spam; answer='eggs and ham'").answer == "eggs and ham"
    assert shell.run("false").exit_status == 1
    reply = shell.run("echo spam")
    assert (reply.exit_status, reply.answer, reply.text.strip()) == (0, "", "spam")


@pytest.mark.parametrize("program", ["bash", "bash -l", "dash", "sh", "busybox sh", "zsh", "zsh -l", "fish", "ksh"])
def test_every_shell_becomes_ours(this_machine: Machine, program: str) -> None:
    """Whatever shell the user has, it takes one line to be bash with our prompt."""
    needs(program.split(maxsplit=1)[0])
    (this_machine.home / ".zshrc").touch()
    with this_machine.own_shell(*program.split()) as shell:
        _check(shell)
        assert shell.run('answer="$BASH_VERSION"').answer


def test_a_machine_without_bash_has_a_shell_too(machine: Machine) -> None:
    """Where there is no bash, the plain `sh` becomes ours."""
    with machine.own_shell() as shell:
        _check(shell)


@pytest.mark.parametrize("name", START_UP_FILES)
def test_start_up_files_do_not_matter(this_machine: Machine, name: str) -> None:
    """Whatever the user's own .bashrc does to prompt, terminal and environment, our shell is the same."""
    (this_machine.home / ".bashrc").write_text(START_UP_FILES[name] + "\n", encoding="utf-8")
    with this_machine.own_shell() as shell:
        _check(shell)
        assert shell.run('x=1 | cat; [ -z "$TMOUT$PROMPT_COMMAND" ] || [ "$TMOUT" = 60 ]').exit_status == 0


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_prompts_of_other_shells_do_not_matter(this_machine: Machine, shell: str) -> None:
    """A zsh with a prompt on both sides and a fish with a function for a prompt become ours like any other."""
    needs(shell)
    (this_machine.home / ".zshrc").write_text("PROMPT='%F{red}%~%f %# '; RPROMPT='[%T]'; setopt PROMPT_SUBST\n")
    fish = this_machine.home / ".config" / "fish"
    fish.mkdir(parents=True)
    (fish / "config.fish").write_text(
        "function fish_prompt; set_color red; echo -n 'fish> '; end\nfish_vi_key_bindings\n"
    )
    with this_machine.own_shell(shell) as ours:
        _check(ours)


def test_a_start_up_file_may_swallow_the_first_line(this_machine: Machine) -> None:
    """A line that a start-up file reads is typed again."""
    (this_machine.home / ".bashrc").write_text('read -r swallowed; echo "$swallowed" >~/swallowed\n', encoding="utf-8")
    with this_machine.own_shell(speed=10) as shell:
        _check(shell)
    assert "exec env" in (this_machine.home / "swallowed").read_text(encoding="utf-8")


def test_a_start_up_file_may_take_its_time(this_machine: Machine) -> None:
    """A line that is read twice in the end, because the shell was slow, does not shift the replies."""
    (this_machine.home / ".bashrc").write_text("sleep 0.5\n", encoding="utf-8")
    with this_machine.own_shell(speed=20) as shell:
        _check(shell)


def test_a_shell_that_never_answers_says_what_it_shows(this_machine: Machine) -> None:
    """When patience ends, the message has the end of what is on the screen, without escape codes."""
    asks = "stty -echo; printf '\\033[31mEnter your \\033[0mpassphrase: '; exec sleep 60"
    with (
        this_machine.terminal("sh", "-c", asks, speed=100) as channel,
        pytest.raises(ShellSilent, match=r"Enter your passphrase: [\"']"),
    ):
        Shell.take_over(channel, fast_deadline(1000, 100))


def test_a_shell_that_never_answers_ends_with_our_time(this_machine: Machine) -> None:
    """Our own time may be up before our patience is; that is another matter."""
    with this_machine.terminal("sleep", "60", speed=200) as channel, pytest.raises(OutOfTime, match=STARTING):
        Shell.take_over(channel, fast_deadline(20, 200))


class _MuteTerminal:
    """A terminal that shows nothing, ever; it remembers what was typed when, and how long each listening took."""

    def __init__(self, time: FakeTime) -> None:
        self._time = time
        self.typed: list[tuple[float, str]] = []

    def send(self, text: str) -> None:
        """Take a line."""
        self.typed.append((self._time.now, text))
        assert len(self.typed) < 100, "it never ends"

    def receive(self, timeout_seconds: float) -> str:
        """Let that time pass."""
        self._time.sleep(timeout_seconds)
        return ""


def test_the_line_is_typed_again_ever_less_often(fake_time: FakeTime) -> None:
    """A start-up file may swallow lines for a minute; each pause is twice as long."""
    terminal: Any = _MuteTerminal(fake_time)
    started = fake_time.now
    with pytest.raises(ShellSilent, match="it shows: ''"):
        Shell.take_over(terminal, fake_time.deadline(1000))
    assert [when - started for when, _ in terminal.typed] == [0, 2, 6, 14, 30]
    assert fake_time.now - started == 60
    (line,) = {typed for _, typed in terminal.typed}
    assert line.startswith("\x15 exec env ")
    assert line.endswith("'\r")


def test_every_shell_has_a_prompt_that_nobody_can_guess(fake_time: FakeTime) -> None:
    """What another terminal shows, or a user makes up, is not our prompt: it has 64 random bits at least."""
    nonces = set()
    for _ in range(2):
        terminal: Any = _MuteTerminal(fake_time)
        with pytest.raises(OutOfTime):
            Shell.take_over(terminal, fake_time.deadline(1))
        prompt = re.search(r"'<([0-9a-f]{16,}):\$sn:", terminal.typed[0][1])
        assert prompt
        nonces.add(prompt[1])
    assert len(nonces) == 2


def test_a_line_is_given_twenty_seconds(fake_time: FakeTime) -> None:
    """Silence is told when it lasted as long; nothing is listened for longer than five seconds at once."""
    terminal: Any = _MuteTerminal(fake_time)
    with pytest.raises(ConnectionLost, match="silent for 20 seconds"):
        Shell(terminal, fake_time.deadline(1000), PromptFinder("n")).run("true")
    assert fake_time.slept == [5, 5, 5, 5]
    assert terminal.typed == [(1000, "\x15sn=1 answer=; true\r")]


def test_a_shell_that_ends_by_itself_is_gone(this_machine: Machine) -> None:
    """A start-up file that exits ends the terminal."""
    (this_machine.home / ".bashrc").write_text("exit\n", encoding="utf-8")
    with this_machine.terminal() as channel, pytest.raises(ShellGone):
        Shell.take_over(channel, fast_deadline(20))


def test_exit_statuses_are_the_lines_own(machine: Machine) -> None:
    """Each line's exit status reaches its reply, whatever the one before was."""
    with machine.own_shell() as shell:
        assert [shell.run(f"(exit {status})").exit_status for status in STATUSES] == STATUSES


def test_an_answer_of_one_line_is_not_that_of_the_next(machine: Machine) -> None:
    """A line that answers nothing has an empty answer."""
    with machine.own_shell() as shell:
        assert shell.run("answer=spam").answer == "spam"
        assert shell.run("true").answer == ""


def test_the_longest_line_arrives_whole(machine: Machine) -> None:
    """A line of the greatest length is not cut by the terminal."""
    with machine.own_shell() as shell:
        shell.run(f"x='{'y' * MAX_TEXT_CHARACTERS}'")
        assert shell.run("answer=${#x}").answer == str(MAX_TEXT_CHARACTERS)


def test_frames_may_be_cut_anywhere(machine: Machine) -> None:
    """One character at a time is as good as all at once."""
    with machine.terminal(frame_bytes=1) as channel:
        shell = Shell.take_over(channel, fast_deadline(20))
        _check(shell)


def test_any_text_arrives_as_it_is(machine: Machine) -> None:
    """Text that is typed comes out of `printf %b` byte for byte: quotes, percents, backslashes, control characters."""
    for text in (NASTY, NASTY * 12, "\n", "x", "\\", "\\0", "\\0011", "-n", "%", "é" * MAX_TEXT_CHARACTERS):
        with machine.own_shell() as shell:
            assert shell.run('printf %b "$text" >~/text', text=text).exit_status == 0
        assert (machine.home / "text").read_bytes() == text.encode()


def test_encoded_text_is_harmless_to_type() -> None:
    """What is typed is printable ASCII without a single quote, so it fits between two."""
    assert re.fullmatch(r"[ -&(-~]*", percent_b(NASTY))


def test_printable_text_is_typed_as_it_is() -> None:
    """Only what a terminal or a quoted string does not take is encoded, so that a long script takes few lines."""
    plain = "".join(map(chr, range(0x20, 0x7F)))
    assert percent_b(plain) == plain.replace("\\", "\\0134").replace("'", "\\0047")
    assert percent_b("\x1f\x7fé") == "\\0037\\0177\\0303\\0251"


def test_typing_of_others_does_not_shift_replies(machine: Machine) -> None:
    """Somebody types into our terminal, whole lines and half ones, before and while a line runs; replies stay right."""
    with machine.terminal() as channel:
        shell = Shell.take_over(channel, fast_deadline(20))
        for typed in ("echo typed\r", "(exit 9)\r(exit 8)\r", "rm -rf ", "answer=spoofed; (exit 5)\r", "\r\r\r", "'"):
            channel.send(typed)
            _check(shell)
        channel.send("sleep 0.1; (exit 6)\r(exit 5)\r")
        _check(shell)


def test_a_line_that_takes_too_long_is_a_lost_connection(this_machine: Machine) -> None:
    """Silence is told apart from our own time being up."""
    for limit_seconds, error, message in (
        (1000, ConnectionLost, "silent for 3 seconds"),
        (2, OutOfTime, "app went on"),
    ):
        with this_machine.terminal() as channel:
            shell = Shell.take_over(channel, fast_deadline(20))
            channel.speed = 100
            shell.deadline = fast_deadline(limit_seconds, channel.speed)
            with pytest.raises(error, match=message):
                shell.run("sleep 60", timeout_seconds=3)


def test_a_shell_that_is_ended_is_gone(machine: Machine) -> None:
    """A line that ends the shell has no reply; the terminal says so."""
    with machine.own_shell() as shell, pytest.raises(ShellGone):
        shell.run("exit 3")


def test_history_has_one_line_at_most(this_machine: Machine) -> None:
    """Nothing that our shell runs gets into the user's history."""
    history = this_machine.home / ".bash_history"
    (this_machine.home / ".bashrc").write_text("HISTFILE=~/.bash_history\n", encoding="utf-8")
    with this_machine.own_shell() as shell:
        _check(shell)
        shell.run("set -o history; echo spam")
    assert not history.exists() or "spam" not in history.read_text(encoding="utf-8")


def test_a_forgotten_terminal_ends_by_itself(machine: Machine) -> None:
    """Should nobody delete the terminal, its shell ends after a minute without a line."""
    with machine.own_shell() as shell:
        assert shell.run("answer=$TMOUT").answer == "60"


class _HoldsBack:
    """A server that sends its next message only when something came after the one before (Nagle's algorithm)."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self._waiting: list[str] = []

    def send(self, text: str) -> None:
        self.sent.append(text)
        if len(self.sent) == 1:
            nonce = text.partition("'<")[2].partition(":")[0]
            self._waiting = ["the echo", "and the rest of it", f"<{nonce}::0:>", f"<{nonce}:1:0:>"]
        self._is_held = False

    def receive(self, timeout_seconds: float) -> str:
        if self._is_held:
            raise ConnectionLost(f"Nothing for {timeout_seconds} seconds.")
        self._is_held = True
        return self._waiting.pop(0)


def test_while_the_shell_becomes_ours_every_message_is_answered() -> None:
    """Nobody waits for the 40 ms that a network may take to acknowledge a message when nothing is sent back."""
    channel = _HoldsBack()
    Shell.take_over(channel, fast_deadline(20))  # type: ignore[arg-type]
    assert channel.sent[1:-1] == ["", "", ""]


def test_a_channel_that_was_hung_up_is_lost(this_machine: Machine) -> None:
    """The stand-in behaves as a channel does: after hanging up, nothing can be sent or received."""
    with this_machine.terminal() as channel:
        assert isinstance(channel, PtyChannel)
        channel.close()
        with pytest.raises(ConnectionLost):
            channel.send("x")
        with pytest.raises(ConnectionLost):
            channel.receive(0.1)
