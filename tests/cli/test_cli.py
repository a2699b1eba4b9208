"""The same engine by hand: what it refuses before anything is called, and how it says what came of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from studio_setup.model.outcomes import Outcome
from studio_setup_cli.main import EXIT_STATUS, main
from tests.support.loopback import Loopback

RUN = ["run", "--domain-id", "d-abcdefghijkl", "--user-profile-name", "alice"]


def _refused(loopback: Loopback, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what is said of arguments that are refused before anything is called."""
    try:
        status = main(list(arguments))
    except SystemExit as end:
        status = int(end.code or 0)
    said = capsys.readouterr()
    assert status == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    assert (loopback.calls, loopback.requests) == ([], [])
    return said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--domain-id", "D-1"], "'D-1' is no domain id: it must match"),
        (["--domain-id", "d-abc/../d-xyz"], "is no domain id"),
        (["--user-profile-name", "../admin"], "'../admin' is no user profile name"),
        (["--user-profile-name", "a" * 64], "is no user profile name"),
        (["--app-name", "my app"], "'my app' is no app name"),
        (["--app-name", ""], "'' is no app name"),
        (["--space-name", "a/b"], "'a/b' is no space name"),
        (["--app-type", "CodeEditor"], "it takes: JupyterServer, JupyterLab"),
        (["--command", ""], "The script of command 'command-1' is empty"),
        (["--command", "true", "--command", " \n"], "The script of command 'command-2' is empty"),
        (["--command", "echo \udcff"], "is not text in UTF-8"),
        (["--command", "true", "--timeout-seconds", "0"], "limit of 0 seconds"),
        (["--command", "true", "--timeout-seconds", "-1"], "limit of -1 seconds"),
        (["--command", "true", "--timeout-seconds", "43201"], "limit of 43201 seconds"),
        (["--timeout-seconds", "0"], "limit of 0 seconds"),
        (["--timeout-seconds", "soon"], "invalid int value: 'soon'"),
        (["--command", "true", "--script", "x.sh"], "not allowed with argument"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
    ids=repr,
)
def test_bad_input_is_refused(
    loopback: Loopback, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """What cannot be right is named, with exit status 2, and nothing is called."""
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
    """A file that is missing, empty, not text or too big is named, and nothing is called."""
    path = tmp_path / "on-start.sh"
    if content is not None:
        path.write_bytes(content)
    said = _refused(loopback, capsys, *RUN, "--script", str(path))
    assert message in said
    assert "on-start.sh" in said


def test_a_folder_is_no_script(loopback: Loopback, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A folder is refused like a file that is not there."""
    assert "Is a directory" in _refused(loopback, capsys, *RUN, "--script", str(tmp_path))


@pytest.mark.parametrize("arguments", [[], ["run"], ["walk"], ["run", "--user-profile-name", "alice"]], ids=" ".join)
def test_half_a_command_line_is_refused(
    loopback: Loopback, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """What is missing is said, with how to use it."""
    assert "usage:" in _refused(loopback, capsys, *arguments)


def test_an_app_of_nobody_is_refused(loopback: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """A user or a space is needed."""
    said = _refused(loopback, capsys, "run", "--domain-id", "d-abc")
    assert "Give --user-profile-name, --space-name, or both." in said


def test_without_a_region_nothing_is_called(
    loopback: Loopback, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing region is said, with the variable that sets it."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert "There is no AWS region; set AWS_DEFAULT_REGION" in _refused(loopback, capsys, *RUN, "--command", "true")


def test_without_credentials_nothing_is_called(
    loopback: Loopback, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing credentials are said, with how to get some."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    assert "There are no AWS credentials" in _refused(loopback, capsys, *RUN, "--command", "true")


@pytest.mark.parametrize(("name", "value"), [("AWS_PROFILE", "nobody"), ("AWS_DEFAULT_REGION", "no region!")])
def test_a_wrong_aws_configuration_is_refused(
    loopback: Loopback,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: str,
) -> None:
    """A profile or a region that is none is named."""
    monkeypatch.setenv(name, value)
    assert value in _refused(loopback, capsys, *RUN, "--command", "true")


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_an_exit_status(outcome: Outcome) -> None:
    """Scripts can tell the outcomes apart, and only success is 0."""
    assert (EXIT_STATUS[outcome] == 0) is (outcome is Outcome.SUCCEEDED)
    assert EXIT_STATUS[outcome] in range(6)
    # 2 is for bad input, and nothing else.
    assert EXIT_STATUS[outcome] != 2


def test_the_help_has_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody has to look for them."""
    with pytest.raises(SystemExit) as end:
        main(["run", "--help"])
    assert end.value.code == 0
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
    ],
)
def test_json_is_one_object_and_nothing_else(  # noqa: PLR0917 (pytest hands them over by name)
    loopback: Loopback,
    capsys: pytest.CaptureFixture[str],
    operation: str,
    answer: tuple[int, dict[str, str]],
    status: int,
    outcome: str,
    code: str,
) -> None:
    """On standard output stands the report as one JSON object; the exit status says the same."""
    loopback.answers[operation] = answer
    assert main([*RUN, "--command", "true", "--json"]) == status
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert (report["outcome"], report["code"]) == (outcome, code)
    assert report["app"]["domain_id"] == "d-abcdefghijkl"
    assert said.out.count("\n") == 1


def test_without_json_the_outcome_is_a_line(loopback: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """For a person, outcome and reason."""
    loopback.answers["DescribeApp"] = (200, {"Status": "Failed", "FailureReason": "No room."})
    assert main([*RUN, "--command", "true"]) == 4
    assert capsys.readouterr().out.startswith("app_gone: The app failed to start: No room. ")


def test_the_right_app_is_asked_for(loopback: Loopback) -> None:
    """User, space, type and name of the app go to SageMaker as they were given."""
    loopback.answers["DescribeApp"] = (200, {"Status": "Deleted"})
    main([*RUN, "--app-name", "mine", "--command", "true"])
    main(["run", "--domain-id", "d-abc", "--space-name", "team", "--user-profile-name", "bot", "--command", "true"])
    assert [parameters for operation, parameters in loopback.calls if operation == "DescribeApp"] == [
        {"DomainId": "d-abcdefghijkl", "UserProfileName": "alice", "AppType": "JupyterServer", "AppName": "mine"},
        {"DomainId": "d-abc", "SpaceName": "team", "AppType": "JupyterLab", "AppName": "default"},
    ]
