"""The command line: what it refuses before it calls anything, and how it reports the result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio_setup.model.outcomes import Outcome
from studio_setup_cli.exit_status import EXIT_STATUS
from studio_setup_cli.main import main
from tests.support.loopback import Loopback

SRC = Path(__file__).parents[2] / "src"
RUN = ["run", "--domain-id", "d-abcdefghijkl", "--user-profile-name", "alice"]


def _refused(loopback: Loopback, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what standard error says about arguments that are refused before anything is called."""
    assert main(list(arguments)) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert (loopback.calls, loopback.requests) == ([], [])
    return said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--domain-id", "D-1"], "'D-1' is not a valid domain id: it must match"),
        (["--domain-id", "d-abc/../d-xyz"], "is not a valid domain id"),
        (["--user-profile-name", "../admin"], "'../admin' is not a valid user profile name"),
        (["--user-profile-name", "a" * 64], "is not a valid user profile name"),
        (["--app-name", "my app"], "'my app' is not a valid app name"),
        (["--app-name", ""], "'' is not a valid app name"),
        (["--space-name", "a/b"], "'a/b' is not a valid space name"),
        (["--app-type", "CodeEditor"], "it takes: JupyterServer, JupyterLab"),
        (["--command", ""], "The script of command 'command-1' is empty"),
        (["--command", "true", "--command", " \n"], "The script of command 'command-2' is empty"),
        (["--command", "echo \udcff"], "is not text in UTF-8"),
        (["--command", "true", "--timeout-seconds", "0"], "limit of 0 seconds"),
        (["--command", "true", "--timeout-seconds", "-1"], "limit of -1 seconds"),
        (["--command", "true", "--timeout-seconds", "43201"], "limit of 43201 seconds"),
        (["--timeout-seconds", "soon"], "Invalid value for '--timeout-seconds': 'soon' is not a valid integer."),
        (["--command", "true", "--script", "x.sh"], "What is to run? Give --command or --script, one of the two;"),
        ([], "for the deployed setup, call `studio-setup setup`."),
        (["--command", "true", "--force"], "No such option '--force'"),
        (["--colour"], "No such option '--colour'"),
    ],
    ids=repr,
)
def test_bad_input_is_refused(
    loopback: Loopback, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """The invalid value is named, the exit status is 2, and nothing is called."""
    assert message in _refused(loopback, capsys, *RUN, *arguments)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"\x7fELF\xff\xfe", "is not text in UTF-8"),
        (b"echo \0", "is not text: it has a NUL"),
        (b"x" * 300_000, "has 300000 bytes"),
    ],
)
def test_a_script_that_cannot_run_is_refused(
    loopback: Loopback, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes | None, message: str
) -> None:
    """A file that is missing, empty, not text or too large is named, and nothing is called."""
    path = tmp_path / "on-start.sh"
    if content is not None:
        path.write_bytes(content)
    said = _refused(loopback, capsys, *RUN, "--script", str(path))
    assert message in said
    assert "on-start.sh" in said


def test_a_folder_is_refused_as_a_script(
    loopback: Loopback, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A folder is refused like a missing file."""
    assert "Is a directory" in _refused(loopback, capsys, *RUN, "--script", str(tmp_path))


@pytest.mark.parametrize("arguments", [[], ["walk"], ["run", "--walk"]], ids=" ".join)
def test_an_incomplete_command_line_is_refused(
    loopback: Loopback, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """The usage is shown, and nothing is called."""
    assert "Usage: studio-setup" in _refused(loopback, capsys, *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Give --domain-id; or --all-running or --from-file, which look for the apps in every domain."),
        (["--user-profile-name", "alice"], "Give --domain-id;"),
        (["--domain-id", "d-abc"], "Give --user-profile-name, --space-name, --all-running or --from-file."),
    ],
    ids=["nothing", "no-domain", "nobody"],
)
def test_a_run_in_no_app_is_refused(
    loopback: Loopback, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """The message has the options that name an app."""
    assert message in _refused(loopback, capsys, "run", "--command", "true", *arguments)


def test_without_a_region_nothing_is_called(
    loopback: Loopback, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has the variable that sets a region."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert "There is no AWS region; set AWS_DEFAULT_REGION" in _refused(loopback, capsys, *RUN, "--command", "true")


def test_without_credentials_nothing_is_called(
    loopback: Loopback, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message says how to configure credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    assert "There are no AWS credentials" in _refused(loopback, capsys, *RUN, "--command", "true")


@pytest.mark.parametrize(
    ("name", "value"),
    [("AWS_PROFILE", "nobody"), ("AWS_DEFAULT_REGION", "no region!"), ("AWS_ENDPOINT_URL_SAGEMAKER", "nonsense")],
)
def test_an_invalid_aws_configuration_is_refused(
    loopback: Loopback,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    """A profile that does not exist, an invalid region and an invalid endpoint are named."""
    monkeypatch.setenv(name, value)
    assert value in _refused(loopback, capsys, *RUN, "--command", "true")


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_an_exit_status(outcome: Outcome) -> None:
    """Only success is 0, and the other outcomes have a status from 1 to 5."""
    assert (EXIT_STATUS[outcome] == 0) is (outcome is Outcome.SUCCEEDED)
    assert EXIT_STATUS[outcome] in range(6)
    # 2 means bad input, and nothing else.
    assert EXIT_STATUS[outcome] != 2


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["status", "--help"]], ids=" ".join)
def test_help_that_nobody_reads_ends_as_any_output_does(arguments: list[str]) -> None:
    """As after `| head -1`: with exit status 141, as a shell says of a program that a closed pipe has ended."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as output:
        command = [sys.executable, "-m", "studio_setup_cli", *arguments]
        done = subprocess.run(
            command, cwd=SRC, stdout=output, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]], ids=" ".join)
def test_output_that_cannot_be_written_is_said_in_one_sentence(arguments: list[str]) -> None:
    """On a full disk, the same exit status; it is not that of a command that failed, or of an app that did."""
    with Path("/dev/full").open("wb") as output:
        command = [sys.executable, "-m", "studio_setup_cli", *arguments]
        done = subprocess.run(
            command, cwd=SRC, stdout=output, stderr=subprocess.PIPE, text=True, timeout=60, check=False
        )
    said = "studio-setup: The output cannot be written: No space left on device.\n"
    assert (done.returncode, done.stderr) == (141, said)


@pytest.mark.parametrize("stream", ["0<&-", "1>&-", "2>&-"])
def test_a_stream_that_is_closed_is_done_without(loopback: Loopback, stream: str) -> None:
    """As a daemon may have it: the run is the same, and nothing else gets the stream's number."""
    loopback.answers["DescribeApp"] = (200, {"Status": "Deleted"})
    command = f'"{sys.executable}" -m studio_setup_cli {" ".join(RUN)} --command true {stream}'
    done = subprocess.run(command, shell=True, cwd=SRC, capture_output=True, text=True, timeout=60, check=False)  # noqa: S602
    assert done.returncode == 4
    assert "Traceback" not in done.stderr


def test_the_help_has_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever writes a script finds the exit statuses in the help."""
    assert main(["run", "--help"]) == 0
    assert "5 skipped" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("operation", "answer", "status", "outcome", "code"),
    [
        ("DescribeDomain", (200, {"AuthMode": "SSO"}), 5, "skipped", "sso-domain"),
        ("DescribeDomain", (400, {"__type": "AccessDeniedException"}), 3, "unreachable", "control-plane-refused"),
        ("DescribeDomain", (400, {"__type": "ResourceNotFound"}), 3, "unreachable", "control-plane-refused"),
        ("DescribeApp", (200, {"Status": "Failed", "FailureReason": "No room."}), 4, "app_gone", "app-failed"),
        ("DescribeApp", (200, {"Status": "Deleted"}), 4, "app_gone", "app-deleted"),
        ("DescribeApp", (400, {"__type": "ResourceNotFound"}), 4, "app_gone", "app-deleted"),
        ("DescribeApp", (400, {"__type": "ValidationException"}), 3, "unreachable", "control-plane-refused"),
    ],
)
def test_json_output_is_one_object_and_nothing_else(  # noqa: PLR0917 (pytest hands them over by name)
    loopback: Loopback,
    capsys: pytest.CaptureFixture[str],
    operation: str,
    answer: tuple[int, dict[str, str]],
    status: int,
    outcome: str,
    code: str,
) -> None:
    """Standard output has the report as one JSON object on one line; the exit status has the same outcome."""
    loopback.answers[operation] = answer
    assert main([*RUN, "--command", "true", "--json"]) == status
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert (report["outcome"], report["code"]) == (outcome, code)
    assert report["app"] == "d-abcdefghijkl/alice/JupyterServer/default"
    assert report["domain_id"] == "d-abcdefghijkl"
    assert said.out.count("\n") == 1


def test_without_json_the_outcome_is_shown_as_text(loopback: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """The line begins with the outcome and has the reason."""
    loopback.answers["DescribeApp"] = (200, {"Status": "Failed", "FailureReason": "No room."})
    assert main([*RUN, "--command", "true"]) == 4
    assert capsys.readouterr().out.startswith("app_gone: The app failed to start: No room. ")


def test_the_app_that_was_named_is_described(loopback: Loopback) -> None:
    """User, space, type and name of the app are sent to SageMaker as they were given."""
    loopback.answers["DescribeApp"] = (200, {"Status": "Deleted"})
    main([*RUN, "--app-name", "mine", "--command", "true"])
    main(["run", "--domain-id", "d-abc", "--space-name", "team", "--user-profile-name", "bot", "--command", "true"])
    assert [parameters for operation, parameters in loopback.calls if operation == "DescribeApp"] == [
        {"DomainId": "d-abcdefghijkl", "UserProfileName": "alice", "AppType": "JupyterServer", "AppName": "mine"},
        {"DomainId": "d-abc", "SpaceName": "team", "AppType": "JupyterLab", "AppName": "default"},
    ]
