"""A shell of our own, taken over from real shells on real pseudo-terminals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from studio_setup.model.errors import ConnectionLost, OutOfTime, ShellGone, ShellSilent
from studio_setup.terminal.shell import MAX_TEXT_CHARACTERS, Shell
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
    """Check that each line has its own reply, with the right status, answer and text."""
    assert shell.run("(exit 7)").exit_status == 7
    assert shell.run("echo spam; answer='eggs and ham'").answer == "eggs and ham"
    assert shell.run("false").exit_status == 1
    reply = shell.run("echo spam")
    assert (reply.exit_status, reply.answer, reply.text.strip()) == (0, "", "spam")


@pytest.mark.parametrize("program", ["bash", "bash -l", "dash", "sh", "busybox sh", "zsh", "zsh -l", "fish", "ksh"])
def test_every_shell_can_be_taken_over(this_machine: Machine, program: str) -> None:
    """Whatever shell the user has, one line replaces it with bash and our prompt."""
    needs(program.split(maxsplit=1)[0])
    (this_machine.home / ".zshrc").touch()
    with this_machine.own_shell(*program.split()) as shell:
        _check(shell)
        assert shell.run('answer="$BASH_VERSION"').answer


def test_a_machine_without_bash_has_a_shell(machine: Machine) -> None:
    """Where there is no bash, the plain `sh` is taken over."""
    with machine.own_shell() as shell:
        _check(shell)


@pytest.mark.parametrize("name", START_UP_FILES)
def test_start_up_files_have_no_effect_on_our_shell(this_machine: Machine, name: str) -> None:
    """Whatever the user's .bashrc does to prompt, terminal and environment, our shell is the same."""
    (this_machine.home / ".bashrc").write_text(START_UP_FILES[name] + "\n", encoding="utf-8")
    with this_machine.own_shell() as shell:
        _check(shell)
        assert shell.run('x=1 | cat; [ -z "$TMOUT$PROMPT_COMMAND" ] || [ "$TMOUT" = 60 ]').exit_status == 0


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_prompts_of_zsh_and_fish_have_no_effect_on_our_shell(this_machine: Machine, shell: str) -> None:
    """A zsh with a prompt on both sides and a fish with a function as prompt can be taken over like any other shell."""
    needs(shell)
    (this_machine.home / ".zshrc").write_text("PROMPT='%F{red}%~%f %# '; RPROMPT='[%T]'; setopt PROMPT_SUBST\n")
    fish = this_machine.home / ".config" / "fish"
    fish.mkdir(parents=True)
    (fish / "config.fish").write_text(
        "function fish_prompt; set_color red; echo -n 'fish> '; end\nfish_vi_key_bindings\n"
    )
    with this_machine.own_shell(shell) as own:
        _check(own)


def test_a_start_up_file_may_swallow_the_first_line(this_machine: Machine) -> None:
    """If a start-up file reads the line that takes over, it is typed again."""
    (this_machine.home / ".bashrc").write_text('read -r swallowed; echo "$swallowed" >~/swallowed\n', encoding="utf-8")
    with this_machine.own_shell(speed=10) as shell:
        _check(shell)
    assert "exec env" in (this_machine.home / "swallowed").read_text(encoding="utf-8")


def test_a_start_up_file_may_take_its_time(this_machine: Machine) -> None:
    """If the shell was slow and reads the line twice, the later replies are still the right ones."""
    (this_machine.home / ".bashrc").write_text("sleep 0.5\n", encoding="utf-8")
    with this_machine.own_shell(speed=20) as shell:
        _check(shell)


class _LateTyping:
    """A channel that holds the first line back until the second one, and types both when the user's prompt is there."""

    def __init__(self, channel: PtyChannel) -> None:
        self._channel = channel
        self._lines: list[str] = []
        self.close = channel.close

    def send(self, text: str) -> None:
        if len(self._lines) < 2 and text:
            self._lines.append(text)
            text = "".join(self._lines) if len(self._lines) == 2 else ""
        self._channel.send(text)

    def receive(self, timeout_seconds: float) -> str:
        until = fast_deadline(timeout_seconds, self._channel.speed)
        while not self._lines[1:] and not until.expired:
            self._channel.receive(until.remaining_seconds)
        return self._channel.receive(timeout_seconds)


def test_a_line_that_is_typed_again_just_when_the_shell_is_ready_does_no_harm(this_machine: Machine) -> None:
    """The shell's line editor has both copies before it gives the terminal back; the next line is not lost in them."""
    with this_machine.terminal("bash", "--norc", speed=10) as channel:
        shell = Shell.take_over(_LateTyping(channel), fast_deadline(15, 10))
        _check(shell)


def test_a_shell_that_never_answers_says_what_it_shows(this_machine: Machine) -> None:
    """The message has the end of what is on the screen, without escape codes."""
    asks = "stty -echo; printf '\\033[31mEnter your \\033[0mpassphrase: '; exec sleep 60"
    with (
        this_machine.terminal("sh", "-c", asks, speed=100) as channel,
        pytest.raises(ShellSilent, match=r"Enter your passphrase: [\"']"),
    ):
        Shell.take_over(channel, fast_deadline(1000, 100))


def test_a_shell_that_does_not_answer_before_the_deadline_is_out_of_time(this_machine: Machine) -> None:
    """If the deadline passes first, the error says that, and does not blame the shell."""
    with this_machine.terminal("sleep", "60", speed=200) as channel, pytest.raises(OutOfTime, match=STARTING):
        Shell.take_over(channel, fast_deadline(20, 200))


def test_a_shell_that_ends_by_itself_is_gone(this_machine: Machine) -> None:
    """If a start-up file exits, the terminal is gone."""
    (this_machine.home / ".bashrc").write_text("exit\n", encoding="utf-8")
    with this_machine.terminal() as channel, pytest.raises(ShellGone):
        Shell.take_over(channel, fast_deadline(20))


def test_each_line_has_its_own_exit_status(machine: Machine) -> None:
    """The exit status of a line is in its reply, whatever the status of the line before was."""
    with machine.own_shell() as shell:
        assert [shell.run(f"(exit {status})").exit_status for status in STATUSES] == STATUSES


def test_an_answer_does_not_stay_for_the_next_line(machine: Machine) -> None:
    """A line that sets no answer has an empty one."""
    with machine.own_shell() as shell:
        assert shell.run("answer=spam").answer == "spam"
        assert shell.run("true").answer == ""


def test_the_longest_line_is_not_cut(machine: Machine) -> None:
    """A line of the greatest length that we type fits into a line of the terminal."""
    with machine.own_shell() as shell:
        shell.run(f"x='{'y' * MAX_TEXT_CHARACTERS}'")
        assert shell.run("answer=${#x}").answer == str(MAX_TEXT_CHARACTERS)


def test_frames_may_be_cut_anywhere(machine: Machine) -> None:
    """A reply that arrives one character at a time is the same."""
    with machine.terminal(frame_bytes=1) as channel:
        shell = Shell.take_over(channel, fast_deadline(20))
        _check(shell)


def test_any_text_arrives_unchanged(machine: Machine) -> None:
    """`printf %b` gives typed text back byte for byte: quotes, percent signs, backslashes, control characters."""
    for text in (NASTY, NASTY * 12, "\n", "x", "\\", "\\0", "\\0011", "-n", "%", "é" * MAX_TEXT_CHARACTERS):
        with machine.own_shell() as shell:
            assert shell.run('printf %b "$text" >~/text', text=text).exit_status == 0
        assert (machine.home / "text").read_bytes() == text.encode()


def test_what_somebody_else_types_does_not_disturb_the_replies(machine: Machine) -> None:
    """Somebody else types lines and parts of lines, before and while ours run; each of ours has its own reply."""
    with machine.terminal() as channel:
        shell = Shell.take_over(channel, fast_deadline(20))
        for typed in ("echo typed\r", "(exit 9)\r(exit 8)\r", "rm -rf ", "answer=spoofed; (exit 5)\r", "\r\r\r", "'"):
            channel.send(typed)
            _check(shell)
        channel.send("sleep 0.1; (exit 6)\r(exit 5)\r")
        _check(shell)


def test_a_line_without_reply_is_a_lost_connection_or_out_of_time(this_machine: Machine) -> None:
    """A silence within the deadline is a lost connection; after it, the time is up."""
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


def test_a_line_that_ends_the_shell_has_no_reply(machine: Machine) -> None:
    """The terminal reports that its shell is gone."""
    with machine.own_shell() as shell, pytest.raises(ShellGone):
        shell.run("exit 3")


def test_our_lines_stay_out_of_the_history(this_machine: Machine) -> None:
    """Neither the line that takes over nor anything that our shell runs gets into the user's history file."""
    history = this_machine.home / ".bash_history"
    (this_machine.home / ".bashrc").write_text("HISTFILE=~/.bash_history HISTCONTROL=\n", encoding="utf-8")
    with this_machine.own_shell() as shell:
        _check(shell)
        shell.run("set -o history; echo spam")
    assert not history.exists()


@pytest.mark.parametrize("program", ["bash", "dash", "busybox sh", "zsh"])
def test_a_read_only_history_file_does_not_keep_the_shell_from_being_taken_over(
    this_machine: Machine, program: str
) -> None:
    """The line that takes over does its work where it cannot do without the history."""
    needs(program.split(maxsplit=1)[0])
    for start_up_file in (".bashrc", ".zshrc", ".shrc"):
        (this_machine.home / start_up_file).write_text("readonly HISTFILE=~/.history\n", encoding="utf-8")
    with this_machine.own_shell("env", f"ENV={this_machine.home}/.shrc", *program.split(), seconds=15) as shell:
        _check(shell)


def test_a_forgotten_terminal_ends_by_itself(machine: Machine) -> None:
    """If nobody deletes the terminal, its shell ends after a minute without a line."""
    with machine.own_shell() as shell:
        assert shell.run("answer=$TMOUT").answer == "60"


def test_the_stand_in_for_a_channel_can_be_hung_up(this_machine: Machine) -> None:
    """As with a channel, nothing can be sent or received after hanging up."""
    with this_machine.terminal() as channel:
        channel.close()
        with pytest.raises(ConnectionLost):
            channel.send("x")
        with pytest.raises(ConnectionLost):
            channel.receive(0.1)


def test_leaving_ends_the_shell(machine: Machine) -> None:
    """A shell that is left ends, and its terminal with it."""
    with machine.terminal() as channel:
        Shell.take_over(channel, fast_deadline(20)).leave()
        assert channel.process.wait(5) == 0


def test_a_machine_whose_sh_is_bash_has_a_shell_at_once(tmp_path: Path, path_of_kind: Callable[[str], str]) -> None:
    """Where `sh` is bash (the image of JupyterLab 1), the line that takes over does not have to be typed again."""
    with (
        Machine(path_of_kind("bash-as-sh"), tmp_path).switched_off_after() as machine,
        machine.own_shell(seconds=3) as shell,
    ):
        assert shell.run("(exit 7)").exit_status == 7
