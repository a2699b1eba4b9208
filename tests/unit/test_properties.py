"""Properties of the pure parts: what holds for any stream, any bytes and any text, with generated examples."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle

import botocore.session
from hypothesis import given
from hypothesis import strategies as st

from studio_setup.model.app import KNOWN_APP_TYPES, App
from studio_setup.model.app_event import AppStarted, Ignored, parse
from studio_setup.model.errors import BadInput, SetupError
from studio_setup.model.outcomes import Outcome
from studio_setup.model.report import CommandResult, CommandState, SetupReport, Trigger
from studio_setup.model.settings import Settings
from studio_setup.model.setup import MAX_ENVIRONMENT_BYTES, MAX_SCRIPT_BYTES, MAX_TIMEOUT_SECONDS, Command, Setup
from studio_setup.runs.remote_runs import Progress, RemoteRuns, Start
from studio_setup.terminal.output import _MAX_HELD_CHARACTERS, OutputText
from studio_setup.terminal.prompt import PromptFinder, Reply
from studio_setup.terminal.shell import _assignments, percent_b
from tests.support.fakes import ScriptedShell
from tests.support.fuzzing import TEXTS, streams

NONCE = "0123456789abcdef"
TERMINAL_LINE_CHARACTERS = 4095
UNREAD_CHARACTERS = 64 * 1024  # what a pseudo-terminal takes before it is read
LONGEST_LINE_OF_OURS = 600

# Where a stream or bytes are cut: into pieces of these sizes, over and over.
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=5)


def _cut(text: str, sizes: Sequence[int]) -> list[str]:
    pieces, at, size = [], 0, cycle(sizes)
    while at < len(text):
        end = at + next(size)
        pieces.append(text[at:end])
        at = end
    return pieces


def _cut_bytes(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    return [piece.encode("latin-1") for piece in _cut(data.decode("latin-1"), sizes)]


# --- prompt ---

ANSWERS = st.text(st.characters(exclude_characters="<>\r\n", exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "follow over 0 - 1 2 0 ", "has yes", "$sn:$?"]
)
NOISE = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            f"<{NONCE}:$sn:$?:$answer>",
            f"\x15sn=1 answer=; PS1='<{NONCE}:$sn:$?:$answer>'\r\n",
            "<fedcba9876543210:1:0:has yes>",
            f"<{NONCE}:1:0:cut off\r\n",
            f"<{NONCE}:1:0:cut\r\noff>",
            f"<{NONCE}:1::x>",
            f"<{NONCE}:",
            f"{NONCE}:1:0:>",
            "\x1b[?2004h\x1b[32m$ \x1b[0m",
            "<",
            ">",
            "\0",
        ]
    ),
)
# For every line: what is printed, the prompts after what others typed (lines before, status), status, answer.
LINES = st.lists(
    st.tuples(
        NOISE, st.lists(st.tuples(st.integers(1, 3), st.integers(0, 255)), max_size=2), st.integers(0, 255), ANSWERS
    ),
    min_size=1,
    max_size=4,
)


def _stream(lines: Sequence[tuple[str, Sequence[tuple[int, int]], int, str]]) -> list[tuple[str, Reply]]:
    """For each line, what is printed up to the end of its prompt, and its reply."""
    made = []
    for number, (noise, others, status, answer) in enumerate(lines, start=1):
        stale = "".join(f"<{NONCE}:{number - ago if number > ago else ''}:{other}:old>typed" for ago, other in others)
        printed = noise + "\r\n"
        text = f"{stale}{printed}<{NONCE}:{number}:{status}:{answer}>"
        made.append((text, Reply(status, answer, "typed" * len(others) + printed)))
    return made


@streams(300, 22000)
@given(lines=LINES, cuts=CUTS, rest=NOISE)
def test_each_line_gets_its_own_reply(
    lines: Sequence[tuple[str, Sequence[tuple[int, int]], int, str]], cuts: Sequence[int], rest: str
) -> None:
    """However the stream is cut, each reply is found as soon as its prompt is complete, and not before."""
    expected = _stream(lines)
    ends = [sum(len(text) for text, _ in expected[: count + 1]) for count in range(len(expected))]
    finder, seen, found = PromptFinder(NONCE), 0, 0
    for piece in _cut("".join(text for text, _ in expected) + rest, cuts):
        finder.feed(piece)
        seen += len(piece)
        while found < len(expected) and (reply := finder.find(found + 1)):
            assert seen >= ends[found], "too early"
            assert reply == expected[found][1]
            found += 1
        assert found == sum(end <= seen for end in ends), "too late"


@streams(100, 10000)
@given(noises=st.lists(NOISE, max_size=5), cuts=CUTS, number=st.none() | st.integers(1, 3))
def test_only_our_prompt_is_a_reply(noises: Sequence[str], cuts: Sequence[int], number: int | None) -> None:
    """Text that only resembles our prompt, or has other shells' prompts in it, is never taken for a reply."""
    finder = PromptFinder(NONCE)
    for piece in _cut("\r\n".join([*noises, ""]), cuts):
        finder.feed(piece)
        assert finder.find(number) is None
    finder.feed(f"<{NONCE}:{number or ''}:7:here>")
    reply = finder.find(number)
    assert reply is not None
    assert (reply.exit_status, reply.answer) == (7, "here")


# --- output ---

PRINTED = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.text(max_size=8).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.sampled_from(
            [
                *(b"\n", b"\r\n", b"\r", b"\r\r\n", b"50%\r", b"\0", b"\x08", b"\t", b"line of text\n"),
                *(b"\x1b", b"\x1b[", b"\x1b[31m", b"\x1b[0;1", b"\x1b]0;title", b"\x07", b"\x1b\\", b"\x1bP", b"\x1b("),
                *(b"\x1b_apc", b"\x9b31m", b"\xe2\x98", b"\xf0\x9f\x8e\x89", f"<{NONCE}:1:0:has yes>".encode()),
            ]
        ),
    ),
    max_size=10,
).map(b"".join)


def _shown(chunks: Sequence[bytes]) -> list[str]:
    text = OutputText()
    return [*(text.feed(chunk) for chunk in chunks), text.feed(b"", final=True)]


@streams(300, 22000)
@given(data=PRINTED, cuts=CUTS)
def test_output_is_the_same_however_it_is_cut(data: bytes, cuts: Sequence[int]) -> None:
    """Any bytes give the same text in pieces as in one piece, and only whole lines until the end."""
    shown = _shown(_cut_bytes(data, cuts))
    assert "".join(shown) == "".join(_shown([data]))
    assert all(text == "" or text.endswith("\n") for text in shown[:-1])


@streams(200, 10000)
@given(data=PRINTED, cuts=CUTS, times=st.sampled_from([1, 2, 500]))
def test_output_can_always_be_logged(data: bytes, cuts: Sequence[int], times: int) -> None:
    """Any bytes, also lines without an end, give JSON without control characters, and only a little is held back."""
    text, shown = OutputText(), ""
    for chunk in _cut_bytes(data, [size * times for size in cuts]) * times:
        shown += text.feed(chunk)
        assert len(text._held) <= _MAX_HELD_CHARACTERS
    shown += text.feed(b"", final=True)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown)
    assert json.loads(json.dumps(shown).encode()) == shown
    assert text.feed(b"", final=True) == ""


@streams(100, 5000)
@given(lines=st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.just("\t")), max_size=5), cuts=CUTS)
def test_readable_text_is_unchanged(lines: Sequence[str], cuts: Sequence[int]) -> None:
    """Text without control characters is logged as it was printed."""
    text = "\n".join(lines)
    assert "".join(_shown(_cut_bytes(text.encode(), cuts))) == text


# --- shell ---


def _quoted(assignment: str) -> str:
    match = re.fullmatch(r"text=(?:\$\{text\})?'(.*)'; ", assignment.replace("'\\\n'", ""))
    assert match
    return match[1]


@streams(200, 8000)
@given(text=TEXTS, times=st.sampled_from([1, 1, 1, 40, 400]))
def test_any_text_can_be_typed(text: str, times: int) -> None:
    """Typed text is plain and short enough for a terminal, and decodes to the bytes of the text."""
    text *= times
    encoded = percent_b(text)
    assert re.fullmatch(r"([ -&(-\[\]-~]|\\0[0-3][0-7]{2})*", encoded)
    decoded = re.sub(rb"\\0([0-7]{3})", lambda code: bytes([int(code[1], 8)]), encoded.encode("ascii"))
    assert decoded == text.encode()
    typed = _assignments(encoded)
    assert "".join(_quoted(piece) for piece in typed) == encoded
    assert [piece.startswith("text=${text}'") for piece in typed] == [number > 0 for number in range(len(typed))]
    lines = [line for piece in typed for line in piece.split("\n")]
    assert all(len(line) + LONGEST_LINE_OF_OURS <= TERMINAL_LINE_CHARACTERS for line in lines)
    assert all(len(piece) < UNREAD_CHARACTERS / 2 for piece in typed)


# --- app_event ---

SHAPES = botocore.session.get_session().get_service_model("sagemaker")
NAMES = {
    "domain_id": "DomainId",
    "user_profile_name": "UserProfileName",
    "space_name": "SpaceName",
    "app_name": "AppName",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _mostly(value: object) -> st.SearchStrategy[object]:
    return st.one_of(st.just(value), st.just(value), st.just(value), JSON)


NAME = st.one_of(
    st.from_regex(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", fullmatch=True),
    st.sampled_from(["alice", "a" * 63, "a" * 64, "-a", "a-", "a--b", "a/b", "ä", "a\n", "", "..", "a b", "%2e"]),
    JSON,
)
PARAMETERS = st.fixed_dictionaries(
    {"appType": _mostly("JupyterServer") | st.just("JupyterLab"), "appName": NAME},
    optional={
        "domainId": st.from_regex(r"d-(-*[a-z0-9]){1,61}", fullmatch=True) | NAME,
        "userProfileName": NAME,
        "spaceName": NAME,
    },
)
EVENTS = JSON | st.fixed_dictionaries(
    {
        "detail": JSON
        | st.fixed_dictionaries(
            {
                "eventSource": _mostly("sagemaker.amazonaws.com"),
                "eventName": _mostly("CreateApp"),
                "requestParameters": JSON | PARAMETERS | PARAMETERS | PARAMETERS,
            },
            optional={"errorCode": JSON, "errorMessage": JSON, "eventID": JSON},
        )
    }
)


@streams(200, 8000)
@given(event=EVENTS, domain_id=st.sampled_from(["", "", "d-0"]))
def test_any_event_names_an_app_or_is_ignored(event: object, domain_id: str) -> None:
    """Any JSON is ignored for a reason, or names an app that SageMaker could have."""
    started = parse(event, Settings(KNOWN_APP_TYPES, domain_id))
    if isinstance(started, Ignored):
        assert started.code
        assert started.reason
        return
    assert isinstance(started, AppStarted)
    json.dumps([started.app.as_dict(), started.app.label, started.event_id])
    assert isinstance(event, Mapping)
    asked = event["detail"]["requestParameters"]
    names = [asked.get("domainId", ""), asked.get("userProfileName") or "", asked["appType"], asked["appName"]]
    label, *shown = started.app.as_dict().values()
    assert label == started.app.label
    assert shown == [*names[:2], asked.get("spaceName") or "", *names[2:]]
    assert started.app.user_profile_name or started.app.space_name
    assert domain_id in {"", started.app.domain_id}
    for field, shape in NAMES.items():
        rule = SHAPES.shape_for(shape).metadata
        name = getattr(started.app, field)
        if name:
            assert re.fullmatch(rule.get("pattern", ".*"), name)
            assert len(name) <= rule["max"]


# --- setup ---


@streams(200, 5000)
@given(
    name=st.text(max_size=8) | st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True),
    script=st.text(max_size=20),
    times=st.sampled_from([1, 1, 1, 10_000, 100_000]),
    timeout_seconds=st.integers(-1, MAX_TIMEOUT_SECONDS + 1) | st.integers(),
)
def test_a_command_is_refused_or_valid(name: str, script: str, times: int, timeout_seconds: int) -> None:
    """Any name, script and limit are refused with a reason, or make a command that keeps every byte of its script."""
    given_script = script * times
    try:
        command = Command(name, given_script, timeout_seconds)
    except BadInput:
        return
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,62}", command.name)
    assert 1 <= command.timeout_seconds <= MAX_TIMEOUT_SECONDS
    assert command.script == given_script.replace("\r\n", "\n")
    assert command.script.strip()
    assert "\0" not in command.script
    assert len(command.script.encode()) <= MAX_SCRIPT_BYTES


@streams(200, 5000)
@given(
    environment=st.dictionaries(st.text(max_size=3), st.text(max_size=5), max_size=3),
    times=st.sampled_from([1, 1, 9_999]),
)
def test_an_environment_is_refused_or_valid(environment: dict[str, str], times: int) -> None:
    """Any variables are refused with a reason, or are names and text that a shell can export."""
    given_variables = {name: value * times for name, value in environment.items()}
    try:
        command = Command("one", "true", environment=given_variables)
    except BadInput:
        return
    assert command.environment == given_variables
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) for name in command.environment)
    assert not any("\0" in value for value in command.environment.values())
    size_bytes = sum(len((name + value).encode()) for name, value in command.environment.items())
    assert size_bytes <= MAX_ENVIRONMENT_BYTES


FEW_COMMANDS = st.builds(
    Command,
    st.sampled_from("abc"),
    st.sampled_from(["x", "y"]),
    st.integers(1, 2),
    st.booleans(),
    st.dictionaries(st.sampled_from("XY"), st.sampled_from(["", "1"]), max_size=1),
)


@streams(100, 3000)
@given(
    commands=st.lists(FEW_COMMANDS, max_size=3),
    others=st.lists(FEW_COMMANDS, max_size=3),
)
def test_setups_have_the_same_version_only_if_they_are_equal(commands: list[Command], others: list[Command]) -> None:
    """Two setups have the same version only if they are equal; no setup has two commands of one name."""
    try:
        one, other = Setup(tuple(commands)), Setup(tuple(others))
    except BadInput:
        assert any(not made or len({command.name for command in made}) < len(made) for made in (commands, others))
        return
    assert (one.version == other.version) == (one == other)
    assert re.fullmatch(r"[0-9a-f]{16}", one.version)


# --- report ---

APP = App("d-0", "alice", "JupyterServer", "default")
RESULTS = st.builds(
    CommandResult,
    name=st.text(max_size=5),
    state=st.sampled_from(CommandState),
    exit_status=st.none() | st.integers(0, 255),
    seconds=st.none() | st.floats(0, 1e6),
    output_bytes=st.integers(0),
    left_out_bytes=st.integers(0),
    log_path=st.text(max_size=5),
)


@streams(100, 3000)
@given(
    results=st.lists(RESULTS, max_size=3),
    outcome=st.sampled_from(Outcome),
    texts=st.tuples(*[st.text(max_size=8)] * 5),
    trigger=st.sampled_from(Trigger),
)
def test_any_report_is_json(
    results: list[CommandResult], outcome: Outcome, texts: tuple[str, str, str, str, str], trigger: Trigger
) -> None:
    """Any report is the same after a round trip through JSON; only a command that exited with status 0 succeeded."""
    code, reason, run_id, version, attempt = texts
    report = SetupReport(outcome, code, reason, APP, version, trigger, attempt, run_id=run_id, commands=tuple(results))
    assert json.loads(json.dumps(report.as_dict())) == report.as_dict()
    assert report.as_dict()["commands"] == [result.as_fields() for result in results]
    for result in results:
        assert result.succeeded == (result.state == "exited" and result.exit_status == 0)


# --- remote_runs ---


def _near(value: str) -> st.SearchStrategy[str]:
    return st.one_of(*[st.just(value)] * 4, st.sampled_from(["", "-", "0", "1.2.3", ".", "é", "٣", "9" * 5000]))


FOLLOW_ANSWERS = st.tuples(
    _near("follow"),
    st.sampled_from(["none", "running", "over", "lost"]),
    _near("0") | _near("-"),
    _near("-") | _near("timed-out"),
    _near("1234.56"),
    _near("1240.06") | _near("-"),
    _near("5"),
    st.binary(max_size=8).map(lambda data: base64.b64encode(data).decode()) | st.text(max_size=8),
).map(" ".join)
ANSWERED = st.one_of(
    FOLLOW_ANSWERS, FOLLOW_ANSWERS, st.text(max_size=20), st.sampled_from(["", "claim a b -", "noted"])
)
CALLS: dict[str, Callable[[RemoteRuns], object]] = {
    "claim": lambda runs: runs.claim("a", "d", force=False),
    "finish": lambda runs: runs.finish("a", "failed", "b"),
    "has": lambda runs: runs.has("a"),
    "open_run": lambda runs: runs.open_run("a", "d"),
    "stop": lambda runs: runs.stop("a", "c"),
    "start": lambda runs: runs.follow("a", "c", 0, 8, Start("true", 1, {"X": "1"})),
    "follow": lambda runs: runs.follow("a", "c", 3, 2),
}


@streams(200, 8000)
@given(answers=st.lists(ANSWERED, min_size=1, max_size=4), call=st.sampled_from(sorted(CALLS)))
def test_any_answer_is_understood_or_refused(answers: Sequence[str], call: str) -> None:
    """Any answer of the app is read as what it says, or becomes an error of ours; no other exception is raised."""
    shell = ScriptedShell(*(Reply(0 if answer else 130, answer, "text") for answer in answers))
    try:
        got = CALLS[call](RemoteRuns(shell, "boot_1", "/tmp/studio-setup"))
    except SetupError:
        return
    if isinstance(got, Progress):
        _check_progress(got, 3 if call == "follow" else 0, 2 if call == "follow" else 8, answers)


def _check_progress(got: Progress, offset: int, count: int, answers: Sequence[str]) -> None:
    assert min(count, max(0, got.size_bytes - offset)) <= len(got.output) <= count
    understood = [answer.split(" ") for answer in answers if answer.startswith(f"follow {got.state} ")]
    status = "-" if got.exit_status is None else str(got.exit_status)
    assert any(
        words[2].translate({0x663: "3"}) == status
        and words[3] == (got.ended or "-")
        and base64.b64decode(words[7].encode()) == got.output
        for words in understood
        if len(words) == 8
    )
