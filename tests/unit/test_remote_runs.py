"""The runs in the app, seen from here: what is asked of `remote.sh`, and what is made of its answers."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from studio_setup.model.errors import ConnectionLost, NoWorkspace, RunLost
from studio_setup.model.report import MAX_LOG_PATH_CHARACTERS, CommandState
from studio_setup.runs import remote_runs
from studio_setup.runs.remote_runs import Progress, RemoteRuns, Start
from studio_setup.terminal.prompt import Reply
from tests.support.fakes import ScriptedShell

RUN = "0123456789ab"


def _shell(*answers: str) -> ScriptedShell:
    """Return a shell that answers so, the last answer from then on."""
    return ScriptedShell(*(Reply(0, answer, "typed by somebody") for answer in answers))


def _runs(shell: ScriptedShell) -> RemoteRuns:
    return RemoteRuns(shell, "boot_1", "/tmp")


def _follow(*answers: str, count: int = 100) -> Progress:
    return _runs(_shell(*answers)).follow(RUN, "one", 0, count)


# What is typed


def test_only_a_start_types_a_script() -> None:
    """The script is sent when a command is started, and with nothing else."""
    shell = _shell("follow running - - 1.00 - 0 ")
    runs = _runs(shell)
    runs.follow(RUN, "one", 0, 100, Start("script", 60))
    runs.follow(RUN, "one", 0, 100)
    other_shell = _shell("has yes")
    assert _runs(other_shell).has(RUN)
    assert [text for _, text in shell.typed + other_shell.typed] == ["script", "", ""]


def test_a_start_without_variables_takes_one_line() -> None:
    """Where there is no environment to send, nothing is asked for it."""
    shell = _shell("follow running - - 1.00 - 0 ")
    _runs(shell).follow(RUN, "one", 3, 100, Start("script", 60))
    assert shell.typed == [(f"start {RUN} one 60 && follow {RUN} one 3 100 1", "script")]


def test_variables_are_sent_before_the_start() -> None:
    """They are `export` lines that a shell reads, and none of them stands in the line that is typed."""
    environment = {"PLAIN": "a-b", "QUOTES": 'it\'s "so"', "LINES": "one\ntwo\n", "SNOW": "☃", "EMPTY": ""}
    shell = _shell("noted", "follow running - - 1.00 - 0 ")
    _runs(shell).follow(RUN, "one", 0, 100, Start("script", 60, environment))
    (line, text), (start, script) = shell.typed
    assert line == f"note_environment {RUN} one"
    assert text.splitlines()[0] == "export PLAIN=a-b"
    assert shlex.split(text) == [part for name, value in environment.items() for part in ("export", f"{name}={value}")]
    assert (start, script) == (f"start {RUN} one 60 && follow {RUN} one 0 100 1", "script")


@pytest.mark.parametrize(
    ("cwd", "shown"),
    [
        pytest.param("/data/my files", "'/data/my files'", id="anywhere"),
        pytest.param("work/it's; here", shlex.quote("work/it's; here"), id="below-the-home"),
        pytest.param("~/my $files", "\"$HOME\"/'my $files'", id="below-the-home-as-people-write-it"),
        pytest.param("~alice", "'~alice'", id="a-name-that-is-no-home"),
        pytest.param("-", "-", id="a-name-that-is-no-option"),
    ],
)
def test_a_folder_is_gone_to_before_variables_are_set(cwd: str, shown: str) -> None:
    """Whatever it is called, it is one word; where it is not there, the command ends with exit status 126."""
    shell = _shell("noted", "follow running - - 1.00 - 0 ")
    _runs(shell).follow(RUN, "one", 0, 100, Start("script", 60, {"X": "1"}, cwd))
    assert shell.typed[0] == (f"note_environment {RUN} one", f"cd -- {shown} || exit 126\nexport X=1\n")


def test_only_a_start_sends_variables() -> None:
    """Following a command that was started sends nothing but the question."""
    shell = _shell("noted", "follow running - - 1.00 - 0 ")
    runs = _runs(shell)
    runs.follow(RUN, "one", 0, 100, Start("script", 60, {"X": "1"}))
    runs.follow(RUN, "one", 0, 100)
    assert [line.split()[0] for line, _ in shell.typed] == ["note_environment", "start", "follow"]


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("follow running - - 1.00 - 0 ", CommandState.RUNNING),
        ("follow over 0 - 1.00 2.00 99 ", CommandState.EXITED),
        ("follow over 143 timed-out 1.00 2.00 0 ", CommandState.TIMED_OUT),
        ("follow over 143 stopped 1.00 2.00 0 ", CommandState.STOPPED),
        ("follow lost - - - - 0 ", CommandState.LOST),
    ],
)
def test_a_commands_state_is_asked_for_without_its_output(answer: str, state: CommandState) -> None:
    """Asking starts nothing, whatever has come of the command."""
    shell = _shell(answer)
    assert _runs(shell).state_of(RUN, "one") is state
    assert shell.typed == [(f"follow {RUN} one 0 0 1", "")]


def test_a_command_that_the_app_does_not_know_has_no_state() -> None:
    """The message names what was asked for."""
    with pytest.raises(RunLost, match=f"does not know command one of run {RUN}"):
        _runs(_shell("follow none - - - - 0 ")).state_of(RUN, "one")


def test_variables_that_cannot_be_kept_are_no_workspace() -> None:
    """If the app cannot write them down, the command is not started, and the message has the app's complaint."""
    shell = _shell("cannot write /tmp/x.environment")
    with pytest.raises(NoWorkspace, match=r"cannot write /tmp/x\.environment"):
        _runs(shell).follow(RUN, "one", 0, 100, Start("script", 60, {"X": "1"}))
    assert {line.split()[0] for line, _ in shell.typed} == {"note_environment"}


def test_every_version_of_remote_sh_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file that another version of us has left in the app is not taken for ours."""
    shell = _shell("ready boot_1 /tmp/studio-setup")
    path = tmp_path / "remote.sh"
    monkeypatch.setattr(remote_runs, "REMOTE_SCRIPT", path)
    for text in ("echo one", "echo two", "echo one"):
        path.write_text(text, encoding="utf-8")
        RemoteRuns.prepare(shell)
    one, two, one_again = [line.rpartition("prepare ")[2] for line, _ in shell.typed]
    assert one == one_again != two
    assert one.isalnum()


def test_comments_and_indentation_are_not_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a shell does not need does not take time on the way; everything else arrives line for line."""
    path = tmp_path / "remote.sh"
    path.write_text("# a comment\n\nf() {\n    # another\n    echo '#' # kept\n}\n", encoding="utf-8")
    monkeypatch.setattr(remote_runs, "REMOTE_SCRIPT", path)
    shell = _shell("ready boot_1 /tmp")
    RemoteRuns.prepare(shell)
    assert [text for _, text in shell.typed] == ["f() {\necho '#' # kept\n}\n"]


# How answers are read


def test_an_app_says_where_it_keeps_runs_and_which_start_it_is() -> None:
    """The folder may have any name that fits into an answer."""
    runs = RemoteRuns.prepare(_shell("ready 0fe75901-d95c-4660-a196-cdddc34e710b_24 /home of/grüße"))
    assert runs.app_start == "0fe75901-d95c-4660-a196-cdddc34e710b_24 /home of/grüße"
    assert runs.log_path(RUN, "one") == f"/home of/grüße/{RUN}/one.log"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "ready",
        "ready boot_1",
        "ready /tmp/studio-setup",
        "ready boot_1 tmp/studio-setup",
        "ready  /tmp/studio-setup",
        "ready a/b /tmp/studio-setup",
        f"ready {'9' * 81} /tmp/studio-setup",
        "ready boot_1 /tmp\n",
    ],
)
def test_an_app_that_does_not_say_so_cannot_keep_a_run(answer: str) -> None:
    """Neither the place nor the start is guessed."""
    with pytest.raises(NoWorkspace):
        RemoteRuns.prepare(_shell(answer))


def test_the_path_of_a_log_can_be_shown() -> None:
    """The app says where it is, and the app is its user's: no escape code of theirs reaches an operator's terminal."""
    runs = RemoteRuns.prepare(_shell("ready boot_1 /tmp/\x1b[31mred\x9b\u202e"))
    assert runs.log_path(RUN, "one") == f"/tmp/red/{RUN}/one.log"
    long = RemoteRuns.prepare(_shell(f"ready boot_1 /{'x' * 399}"))
    assert len(long.log_path(RUN, "one" * 200)) == MAX_LOG_PATH_CHARACTERS
    with pytest.raises(NoWorkspace):
        RemoteRuns.prepare(_shell(f"ready boot_1 /{'x' * 100_000}"))


@pytest.mark.parametrize("answer", [f"claim {'a' * 65} v -", f"claim a {'v' * 65} -", f"claim a v {'x' * 65}"])
def test_a_claim_of_absurd_length_is_not_an_answer(answer: str) -> None:
    """Ids, versions and verdicts are ours, and short; anything else is not put into a report."""
    with pytest.raises(NoWorkspace):
        _runs(_shell(answer)).claim("aaa", "version", force=False)


@pytest.mark.parametrize(
    "ask",
    [
        lambda runs: runs.claim("aaa", "version", force=False),
        lambda runs: runs.finish("aaa", "succeeded", "aaa"),
        lambda runs: runs.follow("aaa", "one", 0, 0),
        lambda runs: runs.follow("aaa", "one", 0, 0, Start("script", 60, {"X": "1"})),
    ],
    ids=["claim", "finish", "follow", "start"],
)
def test_a_run_that_is_lost_is_not_asked_for_again(ask: Callable[[RemoteRuns], object]) -> None:
    """The app says that the folder is gone: that is the verdict, at once."""
    shell = _shell("run-lost")
    with pytest.raises(RunLost, match="gone, or was emptied"):
        ask(_runs(shell))
    assert len(shell.typed) == 1


def test_an_answer_about_a_command_is_read_exactly() -> None:
    """State, exit status, end, seconds to the hundredth, size and output are the app's; `-` means unknown."""
    assert _follow("follow over 143 timed-out 1.004 3.118 5 aGVsbG8=") == Progress(
        "over", 143, "timed-out", 2.11, 5, b"hello"
    )
    assert _follow("follow running - - 1.00 - 0 ") == Progress("running", None, "", None, 0, b"")


NO_ANSWER = [
    "",
    "follow over 0 - 1.0 2.0 4",
    "follow over x - 1.0 2.0 4 c3BhbQ==",
    "follow dead 0 - 1.0 2.0 4 c3BhbQ==",
    "afollow over 0 - 1.0 2.0 4 c3BhbQ==",
    f"follow over 0 - 1.0 2.0 {'9' * 19} c3BhbQ==",
    f"follow over 0 - {'9' * 13}.0 2.0 4 c3BhbQ==",
]
GARBLED_ANSWER = [
    "follow over 0 - 1.0 2.0 4 c3BhbQ==c3BhbQ==",
    "follow over 0 - 1.0 2.0 4 c3Bh",
    "follow over 0 - 1.0 2.0 4 ",
    "follow over 0 - 1.0 2.0 4 c3B.bQ==",
    "follow over 0 - 1.0 2.0 8 c3BhbQ==",
    "follow over 0 - - 2.0 4 c3BhbQ==",
    "follow over 0 - 1.00 2.00 5 aGVs!bG8=",
    "follow over 0 - 1.00 2.00 5 aGVsbG8",
    "follow over 0 - 1.00 2.00 5 aGVsbG8=x",
]


@pytest.mark.parametrize("swallowed", NO_ANSWER)
def test_a_question_without_a_valid_answer_is_asked_again(swallowed: str) -> None:
    """If the answer was swallowed by somebody's Ctrl-C, the line is typed again."""
    shell = _shell(swallowed, "follow over 0 - 1.0 2.5 4 c3BhbQ==")
    assert _runs(shell).follow(RUN, "one", 0, 100) == Progress("over", 0, "", 1.5, 4, b"spam")
    assert len(shell.typed) == 2


@pytest.mark.parametrize("garbled", GARBLED_ANSWER)
def test_a_garbled_answer_is_a_lost_connection(garbled: str) -> None:
    """Output that is shorter or longer than its size, or is not base64, or an end without a start, is not trusted."""
    with pytest.raises(ConnectionLost, match="garbled"):
        _follow(garbled)


@pytest.mark.parametrize(
    "ask",
    [
        lambda runs: runs.open_run("aaa", "version"),
        lambda runs: runs.claim("aaa", "version", force=False),
        lambda runs: runs.has("aaa"),
        lambda runs: runs.finish("aaa", "succeeded", "aaa"),
        lambda runs: runs.follow("aaa", "one", 0, 0),
        lambda runs: runs.stop("aaa", "one"),
    ],
    ids=["open", "claim", "has", "finish", "follow", "stop"],
)
def test_a_question_is_not_asked_for_ever(ask: Callable[[RemoteRuns], object]) -> None:
    """An app that never gives a valid answer cannot keep a run; the message has what it showed instead."""
    shell = _shell("No space left on device")
    with pytest.raises(NoWorkspace, match="No space left on device typed by somebody"):
        ask(_runs(shell))
    assert len(shell.typed) < 10


@pytest.mark.parametrize(
    ("reply", "complaint"),
    [
        (Reply(1, "missing setsid", ""), "'missing setsid'"),
        (Reply(1, "", "sh: \x1b[31mNo space\x1b[0m\n"), "'sh: No space'"),
        (Reply(1, "answer", "text"), "'answer text'"),
        (Reply(1, "x" * 10, "y" * 299), f"' {'y' * 299}'"),
        (Reply(1, "x" * 10, "y" * 300), f"'{'y' * 300}'"),
    ],
    ids=["answer", "text", "both", "just-fits", "long"],
)
def test_the_message_has_the_last_that_the_app_said(reply: Reply, complaint: str) -> None:
    """The last 300 characters that the app answered and printed are in the message."""
    with pytest.raises(NoWorkspace) as caught:
        _runs(ScriptedShell(reply)).has(RUN)
    assert str(caught.value).startswith(f"The app cannot keep a run: {complaint}. ")
