"""Mistakes that were made once; each test keeps one from coming back."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from botocore.stub import Stubber
from studio_setup.access.jupyter import Jupyter
from studio_setup.access.studio import Studio

from studio_setup.model.app import App
from studio_setup.model.app_event import AppStarted, Ignored, parse
from studio_setup.model.errors import ConnectionLost, LoginRefused, NoWorkspace
from studio_setup.model.settings import Settings
from studio_setup.model.setup import Command, read_script
from studio_setup.runs.command_run import CommandRun
from studio_setup.runs.remote_runs import RemoteRuns
from studio_setup.terminal.output import OutputText, printable
from studio_setup_cli.main import main
from tests.support.fakes import FakeTime, Wire, json_answer, page, redirect
from tests.support.machines import Machine

HOST = "https://d-abcdefghijkl.studio.us-east-1.sagemaker.aws"
START = f"{HOST}/auth?token=SECRET"


# 1. shell.py: a machine whose /bin/sh is bash (Amazon Linux 2, which is the JupyterLab 1 image)


def test_a_machine_whose_sh_is_bash_has_a_shell(tmp_path: Path, path_of_kind: Callable[[str], str]) -> None:
    """Where `sh` is bash, the shell becomes ours as anywhere."""
    with Machine(path_of_kind("bash-as-sh"), tmp_path).switched_off_after() as machine:
        with machine.own_shell(seconds=3) as shell:
            assert shell.run("(exit 7)").exit_status == 7
        with machine.runs() as runs:
            runs.open_run("abc", "digest")
            result = CommandRun("abc", Command("one", "echo spam; exit 3")).carry_out(runs)
        assert result.exit_status == 3


# 2. remote.sh, prepare: whose folder it is, is looked at after its mode was changed


@pytest.mark.parametrize("kind", ["link", "foreign"])
def test_a_folder_that_is_not_ours_is_left_as_it_is(machine: Machine, tmp_path: Path, kind: str) -> None:
    """Only a folder that is ours has its mode changed: not one that a link leads to, nor somebody else's."""
    target = tmp_path / "target"
    target.mkdir()
    target.chmod(0o755)
    if kind == "link":
        (machine.temporary / "studio-setup").symlink_to(target)
    else:
        if os.getuid() != 0:
            pytest.skip("only root can give a folder away")
        target = target.rename(machine.temporary / "studio-setup")
        os.chown(target, 12345, 12345)
    with pytest.raises(NoWorkspace), machine.runs():
        pass
    assert oct(stat.S_IMODE(target.stat().st_mode)) == oct(0o755)


def test_preparing_again_keeps_the_users_umask(this_machine: Machine) -> None:
    """A line that is typed again, because its answer was swallowed, does not take our umask for the user's."""
    with this_machine.own_shell("sh", "-c", "umask 027; exec bash") as shell:
        RemoteRuns.prepare(shell)
        runs = RemoteRuns.prepare(shell)
        runs.open_run("abc", "digest")
        CommandRun("abc", Command("one", "umask >~/umask")).carry_out(runs)
    assert (this_machine.home / "umask").read_text(encoding="ascii") == "0027\n"


# 3. output.py


def test_a_long_line_takes_no_long_time() -> None:
    """Text is made printable in time that grows with its length, not with its square."""
    started = time.monotonic()
    printable("x" * 100_000)
    printable("\x1bP" * 20_000)
    assert time.monotonic() - started < 0.5


def test_an_unfinished_title_does_not_hide_what_follows() -> None:
    """An escape code that never ends, ends with its line."""
    assert "important" in printable("\x1b]0;never ended\nimportant\n")


def test_a_code_is_not_cut_where_a_long_line_is() -> None:
    """Where a line without end is shown in parts, no escape code is cut in two."""
    text, shown = OutputText(), ""
    for _ in range(3000):
        shown += text.feed(b"\x1b[1;31m.\x1b[0m"[:5]) + text.feed(b"\x1b[1;31m.\x1b[0m"[5:])
    assert shown + text.feed(b"", final=True) == "." * 3000


# 4. jupyter.py: a cookie that Python's SimpleCookie does not like hides the token from us, not from the server


@pytest.mark.parametrize("value", ['{"a":1}', 'x"y'])
def test_a_token_is_found_beside_any_other_cookie(
    wire: Wire, session: requests.Session, fake_time: FakeTime, value: str
) -> None:
    """Whatever else is in the jar, the token goes into the header."""
    base = f"{HOST}/jupyter/default"
    cookies = f"settings={value}; Path=/jupyter/default/", "_xsrf=token; Path=/"
    wire.answer(f"GET {base}/lab", page(*cookies))
    wire.answer(f"GET {base}/tree", page())
    wire.answer(f"POST {base}/api/terminals", json_answer({"name": "studiosetupt"}))
    Jupyter(session, base, fake_time.deadline(60)).create_terminal()
    call = wire.asked("POST")[0]
    assert "_xsrf=token" in call.headers["Cookie"]
    assert call.headers.get("X-XSRFToken") == "token"


# 5. studio.py: where the login may lead


@pytest.fixture
def log_in(sagemaker: Stubber, app: App, fake_time: FakeTime, session: requests.Session) -> Callable[[], str]:
    """Log in with the URL."""
    sagemaker.add_response("create_presigned_domain_url", {"AuthorizedUrl": START})
    return lambda: Studio(sagemaker.client, app, fake_time.deadline(60)).log_in(session)


def test_a_host_is_the_one_that_is_asked(wire: Wire, log_in: Callable[[], str]) -> None:
    """What `urlsplit` and `requests` take for the host may differ; nothing is sent to either of two."""
    wire.answer(f"GET {START}", redirect(f"https://evil.example\\@{HOST.removeprefix('https://')}/jupyter/default/lab"))
    wire.answer("GET https://evil.example*", page())
    with pytest.raises((LoginRefused, ConnectionLost)):
        log_in()
    assert [call.url for call in wire.calls] == [START]


def test_a_login_stays_on_https(wire: Wire, log_in: Callable[[], str]) -> None:
    """A redirect from https to http is not followed: cookies and commands would go in the clear."""
    plain = HOST.replace("https", "http")
    wire.answer(f"GET {START}", redirect(f"{plain}/jupyter/default/lab"))
    wire.answer(f"GET {plain}/*", page())
    with pytest.raises(LoginRefused):
        log_in()
    assert [call.url for call in wire.calls] == [START]


def test_a_redirect_to_nonsense_is_an_error_of_ours(wire: Wire, log_in: Callable[[], str]) -> None:
    """A Location that is no URL is a login that failed, not a crash."""
    wire.answer(f"GET {START}", redirect("https://[nonsense"))
    with pytest.raises((LoginRefused, ConnectionLost)):
        log_in()


# 6. app_event.py


@pytest.mark.parametrize(
    "event_id", ["x" * 100_000, {"a": 1}, "a\nb", None], ids=["long", "object", "two-lines", "none"]
)
def test_an_event_id_is_an_id(events_folder: Path, event_id: object) -> None:
    """What the event calls its id reaches the log only if it is one."""
    event = json.loads((events_folder / "jupyter-server-started.json").read_text(encoding="utf-8"))
    event["detail"]["eventID"] = event_id
    parsed = parse(event, Settings.from_env({}))
    assert isinstance(parsed, AppStarted)
    assert parsed.event_id == ""


def test_a_reason_is_not_as_long_as_the_event(events_folder: Path) -> None:
    """A name of any length is shown in part."""
    event = json.loads((events_folder / "jupyter-server-started.json").read_text(encoding="utf-8"))
    event["detail"]["requestParameters"]["appName"] = "x" * 200_000
    parsed = parse(event, Settings.from_env({}))
    assert isinstance(parsed, Ignored)
    assert len(parsed.reason) < 1000


# 7. plan.py, cli.py: text that is none


def test_a_byte_order_mark_is_no_part_of_a_script(tmp_path: Path) -> None:
    """A script that an editor on Windows saved has its first line where it was."""
    path = tmp_path / "on-start.sh"
    path.write_bytes(b"\xef\xbb\xbf#!/bin/bash\r\necho hi\r\n")
    assert Command("one", read_script(path)).script.startswith("#!/bin/bash\n")


def test_a_wrong_endpoint_is_bad_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint that is no URL is named like any other wrong configuration."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", "nonsense")
    assert main(["run", "--domain-id", "d-abc", "--user-profile-name", "alice", "--command", "true"]) == 2
    assert "nonsense" in capsys.readouterr().err
