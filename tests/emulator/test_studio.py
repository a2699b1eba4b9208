"""The local Studio from outside: login, loading page, a real Jupyter behind the door, its container, its end.

Charter: loopback only, free ports, one Studio for the file; every wait is for a condition and has a limit.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests
import websocket

from emulator.app_host import StartOptions
from emulator.extension_repository import SDIST_NAME, UPSTREAM_COMMIT, UPSTREAM_URL
from emulator.handles import AppHandle
from emulator.processes import MARKER_VARIABLE
from emulator.state import AppStatus
from emulator.studio import DOMAIN_ID, LocalStudio

REPOSITORY_ROOT = Path(__file__).parents[2]
NEVER = 600.0


@pytest.fixture(scope="module")
def studio() -> Iterator[LocalStudio]:
    """A Studio with one domain and a few users."""
    with LocalStudio() as studio:
        studio.add_domain()
        for name in ("alice", "bob", "carol", "dave"):
            studio.add_user_profile(name)
        yield studio


@pytest.fixture(scope="module")
def app(studio: LocalStudio) -> AppHandle:
    """Alice's running app, shared by the tests that leave it running."""
    return studio.create_app("alice").wait_until_in_service()


@pytest.fixture
def browser(studio: LocalStudio) -> Iterator[Browser]:
    """Alice, signed in."""
    with closing(Browser(studio.front_door_url)) as browser:
        browser.get(presigned_url(studio, "alice"))
        yield browser


class Browser:
    """A signed-in requests session that knows Jupyter's address behind the door."""

    def __init__(self, front_door_url: str, base_path: str = "/jupyter/default/") -> None:
        self.session = requests.Session()
        self.front_door_url = front_door_url
        self.base_url = front_door_url + base_path

    def get(self, url: str) -> requests.Response:
        """GET an address, relative to Jupyter's unless absolute."""
        return self.session.get(url if "://" in url else self.base_url + url, timeout=30)

    def post(self, path: str, body: object = None) -> requests.Response:
        """POST JSON with the XSRF token that the login brought."""
        token = {"X-XSRFToken": self.session.cookies["_xsrf"]}
        return self.session.post(self.base_url + path, json=body, headers=token, timeout=30)

    def terminal(self) -> Terminal:
        """Open a new terminal of the server."""
        name = self.post("api/terminals").json()["name"]
        cookie = "; ".join(f"{each.name}={each.value}" for each in self.session.cookies)
        address = self.base_url.replace("http:", "ws:") + f"terminals/websocket/{name}"
        return Terminal(name, websocket.create_connection(address, cookie=cookie, timeout=10))

    def close(self) -> None:
        """Close the connections."""
        self.session.close()


class Terminal:
    """A terminal's websocket and all text it sent so far."""

    def __init__(self, name: str, connection: Any) -> None:  # noqa: ANN401 websocket-client has half its types
        self.name = name
        self.connection = connection
        self.text = ""

    def type(self, line: str) -> None:
        """Type a line."""
        self.connection.send(json.dumps(["stdin", line + "\r"]))

    def expect(self, pattern: str) -> re.Match[str]:
        """Read until the text so far matches."""
        give_up = time.monotonic() + 30
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < give_up, f"{pattern!r} is not in {self.text[-1000:]!r}"
            kind, *rest = json.loads(self.connection.recv())
            self.text += rest[0] if kind == "stdout" else ""
        return found

    def close(self) -> None:
        """Close the websocket, not the terminal."""
        self.connection.close()
        self.connection.shutdown()  # after the other side's close frame, close() leaves the socket open


def presigned_url(studio: LocalStudio, user_profile_name: str, **options: int | str) -> str:
    """Ask the API for an URL as a program does."""
    with closing(client_of(studio.sagemaker_endpoint)) as sagemaker:
        answer = sagemaker.create_presigned_domain_url(DomainId=DOMAIN_ID, UserProfileName=user_profile_name, **options)
        url: str = answer["AuthorizedUrl"]
        return url


def client_of(endpoint: str) -> Any:  # noqa: ANN401 the stubs' client takes no computed parameters
    """Return a SageMaker client for a local Studio."""
    return boto3.client(
        "sagemaker",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def wait_until(condition: Callable[[], object], limit_seconds: float = 30.0) -> None:
    """Return when the condition holds, fail when it does not within the limit."""
    give_up = time.monotonic() + limit_seconds
    while not condition():
        assert time.monotonic() < give_up, "waited too long"
        time.sleep(0.02)


def processes_with(text: bytes) -> list[str]:
    """Return the processes that carry a text in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and text in (entry / "environ").read_bytes():
                found.append(entry.name)
        except OSError:
            continue
    return found


def is_running(pid: int) -> bool:
    """Say whether a process exists and is no zombie (an orphan's zombie is for init to bury)."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def is_sign_in_page(studio: LocalStudio, answer: requests.Response) -> bool:
    """Say whether a browser ended on the other host's page, with a success status as on AWS."""
    other_host = urlsplit(answer.url).hostname != urlsplit(studio.front_door_url).hostname
    return other_host and answer.status_code == 200 and "sign-in" in answer.text


def test_a_token_opens_the_door_once(studio: LocalStudio, app: AppHandle) -> None:
    """The first use lands in the lab with session and XSRF cookies, the second on the sign-in page."""
    assert app.status is AppStatus.IN_SERVICE
    url = presigned_url(studio, "alice")
    assert len(url) > 600
    with requests.Session() as first, requests.Session() as second:
        landed = first.get(url, timeout=10)
        assert (landed.status_code, landed.url) == (200, f"{studio.front_door_url}/jupyter/default/lab")
        assert {"authMode", "expiryTime", "studioUserProfileName", "_xsrf"} <= set(first.cookies.keys())
        assert is_sign_in_page(studio, second.get(url, timeout=10))
        assert not list(second.cookies)


def test_an_expired_token_leads_to_the_sign_in_page(
    studio: LocalStudio, app: AppHandle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is worth nothing after its ExpiresInSeconds."""
    url = presigned_url(studio, "alice", ExpiresInSeconds=5)
    now = time.time()
    monkeypatch.setattr("emulator.sessions.time.time", lambda: now + 6)
    assert app.status is AppStatus.IN_SERVICE
    assert is_sign_in_page(studio, requests.get(url, timeout=10))


def test_no_cookie_no_entry(studio: LocalStudio, app: AppHandle, browser: Browser) -> None:
    """Without a session every path leads to the sign-in page, and a session ends."""
    assert app.status is AppStatus.IN_SERVICE
    for path in ("/", "/jupyter/default/api/status", "/jupyter/default/lab", "/app?appType=JupyterServer"):
        assert is_sign_in_page(studio, requests.get(studio.front_door_url + path, timeout=10))
    assert browser.get("api/status").json()["kernels"] == 0
    studio.end_sessions()
    assert is_sign_in_page(studio, browser.get("api/status"))


def test_a_landing_uri_is_followed(studio: LocalStudio, app: AppHandle) -> None:
    """`app:JupyterServer:<path>` lands below Jupyter's base."""
    assert app.status is AppStatus.IN_SERVICE
    url = presigned_url(studio, "alice", LandingUri="app:JupyterServer:api/status")
    with requests.Session() as session:
        assert session.get(url, timeout=10).url.endswith("/jupyter/default/api/status")


def test_the_loading_page_stands_in_for_a_pending_app(studio: LocalStudio) -> None:
    """While the app is Pending each address below Jupyter's is a page without an XSRF cookie."""
    handle = studio.create_app("bob", options=StartOptions(start_delay_seconds=NEVER))
    with closing(Browser(studio.front_door_url)) as bob:
        landed = bob.get(presigned_url(studio, "bob"))
        assert (landed.status_code, landed.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert "is starting" in landed.text
        assert "is starting" in bob.get("api/status").text
        assert "_xsrf" not in bob.session.cookies
        assert bob.get(f"{bob.front_door_url}/app?appType=JupyterServer&appName=default").text == "Pending"
        handle.delete()
        assert bob.get(f"{bob.front_door_url}/app?appType=JupyterServer&appName=default").text == "Terminated"


def test_in_service_may_come_before_jupyter_answers(studio: LocalStudio) -> None:
    """With an HTTP delay the app is InService while the door answers 502."""
    handle = studio.create_app("bob", options=StartOptions(http_delay_seconds=NEVER)).wait_until_in_service()
    with closing(Browser(studio.front_door_url)) as bob:
        assert bob.get(presigned_url(studio, "bob")).status_code == 502
    handle.delete()


def test_rest_needs_the_xsrf_token(app: AppHandle, browser: Browser) -> None:
    """Jupyter's own rule holds through the door: no token, no POST."""
    before = app.terminals()
    refused = browser.session.post(browser.base_url + "api/terminals", timeout=10)
    assert refused.status_code == 403
    assert app.terminals() == before


def test_a_terminal_works_end_to_end(app: AppHandle, browser: Browser) -> None:
    """A line typed at the door runs in the container, in its home, with none of our environment."""
    with closing(browser.terminal()) as terminal:
        assert terminal.name in app.terminals()
        terminal.type("echo home=$HOME tmp=$TMPDIR ours=${PYTEST_CURRENT_TEST-none} e''nd")
        terminal.expect(f"home={app.home} tmp={app.tmp} ours=none end")
        terminal.type("stty -echo; seq 1 100000; echo e''nd of numbers")
        terminal.expect("end of numbers")
        assert "\r\n99999\r\n100000\r\n" in terminal.text


def test_control_c_reaches_the_command(app: AppHandle, browser: Browser) -> None:
    """Ctrl-C ends what runs, even when the Studio was started by a shell that ignores SIGINT for it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        app.restart_jupyter()
    finally:
        signal.signal(signal.SIGINT, before)
    app.wait_until_ready()
    with closing(browser.terminal()) as terminal:
        # Said by what is to be ended: a Ctrl-C before it runs would hit the shell.
        terminal.type("sh -c 'echo be\"\"gun; exec sleep 600'")
        terminal.expect("begun")
        terminal.connection.send(json.dumps(["stdin", "\x03"]))
        terminal.expect(r"\^C[^$#]*[$#] $")  # the terminal forgets what is typed before the prompt is back
        terminal.type("echo status is $?")
        terminal.expect("status is 130")


def test_the_browser_closes_and_the_server_hears_the_code(app: AppHandle, browser: Browser) -> None:
    """Closing is answered with a close frame, and only the websocket is gone."""
    with closing(browser.terminal()) as terminal:
        terminal.type("echo re''ady")
        terminal.expect("ready")
        begun = time.monotonic()
        terminal.connection.send_close(1000)
        opcode, data = terminal.connection.recv_data()
        while opcode != websocket.ABNF.OPCODE_CLOSE:
            opcode, data = terminal.connection.recv_data()
        assert int.from_bytes(data[:2], "big") == 1000
        assert time.monotonic() - begun < 5
        assert terminal.name in app.terminals()


def test_dropped_websockets_have_no_close_frame(app: AppHandle, browser: Browser) -> None:
    """A cut connection is an error on our side, and the terminal lives on."""
    with closing(browser.terminal()) as terminal:
        terminal.type("echo re''ady")
        terminal.expect("ready")
        assert app.drop_websockets() >= 1  # an earlier test's may still be closing
        with pytest.raises((OSError, websocket.WebSocketConnectionClosedException)):
            terminal.expect("never")
        assert terminal.name in app.terminals()


def test_an_ended_shell_closes_the_websocket(app: AppHandle, browser: Browser) -> None:
    """Jupyter's own goodbye, message and close frame, comes through."""
    with closing(browser.terminal()) as terminal:
        terminal.type("exit")
        opcode, data = terminal.connection.recv_data()
        seen = data
        while opcode != websocket.ABNF.OPCODE_CLOSE:
            opcode, data = terminal.connection.recv_data()
            seen += data
        assert b'["disconnect", 1]' in seen
        wait_until(lambda: terminal.name not in app.terminals())


def test_an_unknown_terminal_is_jupyters_404(app: AppHandle, browser: Browser) -> None:
    """A refused websocket handshake keeps its status."""
    assert app.jupyter_pid
    cookie = "; ".join(f"{each.name}={each.value}" for each in browser.session.cookies)
    address = browser.base_url.replace("http:", "ws:") + "terminals/websocket/nobody"
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        websocket.create_connection(address, cookie=cookie, timeout=10)
    assert caught.value.status_code == 404


def test_a_killed_server_comes_back_on_its_port(app: AppHandle) -> None:
    """A kill -9 is answered by the supervisor: another process, the same address."""
    process, address = app.jupyter_pid, app.base_url
    app.kill_jupyter(signal.SIGKILL)
    wait_until(lambda: app.jupyter_pid not in (None, process))
    app.wait_until_ready()
    assert app.base_url == address


def test_supervisorctl_really_restarts(app: AppHandle, browser: Browser) -> None:
    """A detached caller sees the restart through and gets supervisorctl's words; the port stays."""
    process, address = app.jupyter_pid, app.base_url
    output = app.tmp / "restart.log"
    with closing(browser.terminal()) as terminal:
        configuration = "/etc/supervisor/conf.d/supervisord.conf"
        terminal.type(f"setsid nohup supervisorctl -c {configuration} restart jupyterlabserver >{output} 2>&1 &")
        wait_until(lambda: output.exists() and "started" in output.read_text())
        assert output.read_text().endswith("jupyterlabserver: stopped\njupyterlabserver: started\n")
        with pytest.raises((OSError, websocket.WebSocketConnectionClosedException)):
            terminal.expect("never")
    app.wait_until_ready()
    assert app.jupyter_pid != process
    assert app.base_url == address
    assert app.terminals() == []


@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("supervisorctl status", 0, "jupyterlabserver                 RUNNING   pid "),
        ("supervisorctl restart nobody", 1, "nobody: ERROR (no such process)"),
        ("supervisorctl -c /x start jupyterlabserver", 0, "jupyterlabserver: ERROR (already started)"),
        ("supervisorctl dance", 2, "*** Unknown syntax: dance"),
    ],
)
def test_supervisorctl_answers(app: AppHandle, line: str, status: int, words: str) -> None:
    """What scripts rely on: exit status and words."""
    done = subprocess.run(line.split(), env=app.environment(), check=False, capture_output=True, text=True, timeout=30)
    assert (done.returncode, words in done.stdout) == (status, True)


def test_the_default_setup_works_with_nothing_special_cased(
    studio: LocalStudio, app: AppHandle, browser: Browser
) -> None:
    """From git clone of the pinned commit, pip install, enable, restart: the extension answers through the door."""
    script = f"""set -e
        cd "$TMPDIR"
        git clone --quiet --no-checkout {UPSTREAM_URL}.git extension && cd extension
        git checkout --quiet --detach {UPSTREAM_COMMIT}
        git rev-parse HEAD
        tar xzf {SDIST_NAME}.tar.gz && cd {SDIST_NAME}
        pip install --quiet --no-dependencies --no-build-isolation .
        jupyter server extension enable --py sagemaker_studio_autoshutdown --sys-prefix
        restart-jupyter-server
    """
    assert browser.get("sagemaker-studio-autoshutdown/idle_checker").status_code == 404
    done = subprocess.run(
        ["bash", "-c", script], env=app.environment(), check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(UPSTREAM_COMMIT)
    app.wait_until_ready()
    assert browser.get("sagemaker-studio-autoshutdown/idle_checker").json()["idle_time"] == 7200
    wanted = {"idle_time": 60, "keep_terminals": True}
    assert browser.post("sagemaker-studio-autoshutdown/idle_checker", wanted).json()["count"] == 1
    answer = browser.get("sagemaker-studio-autoshutdown/idle_checker").json()
    assert answer == {"idle_time": 3600, "keep_terminals": True, "count": 1}
    assert not list(Path(sys.prefix).glob("lib/*/site-packages/*autoshutdown*")), "nothing lands in our own environment"
    assert studio.events


def test_the_spelling_of_the_old_images_works_too(studio: LocalStudio) -> None:
    """An editable install and `jupyter serverextension enable`, as the public start-up scripts do it."""
    carol = studio.create_app("carol").wait_until_in_service()
    script = f"""set -e
        git clone --quiet {UPSTREAM_URL} "$HOME/extension" && cd "$HOME/extension"
        pip install --quiet -e .
        jupyter serverextension enable --py sagemaker_studio_autoshutdown
        restart-jupyter-server
    """
    done = subprocess.run(
        ["bash", "-c", script], env=carol.environment(), check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    carol.wait_until_ready()
    answer = requests.get(f"{carol.base_url}sagemaker-studio-autoshutdown/idle_checker", timeout=10)
    assert answer.json()["idle_time"] == 7200
    carol.delete()


def test_shell_and_prompt_are_the_tests_choice(studio: LocalStudio) -> None:
    """A login bash reads the user's own start-up file, and the home is there before the app starts."""
    (studio.home_of("dave") / ".bash_profile").write_text("PS1='sagemaker-user@studio$ '\n")
    options = StartOptions(shell=("/bin/bash", "-l"), environment={"COLOUR": "blue"})
    dave = studio.create_app("dave", options=options).wait_until_in_service()
    with closing(Browser(studio.front_door_url)) as browser:
        browser.get(presigned_url(studio, "dave"))
        with closing(browser.terminal()) as terminal:
            terminal.expect(r"sagemaker-user@studio\$ ")
            terminal.type("echo it is $COLOUR")
            terminal.expect("it is blue")
    dave.delete()


def test_a_deleted_app_leaves_no_process_and_keeps_the_home(studio: LocalStudio) -> None:
    """Whatever detached itself inside is gone with the app; a new start has the old home and a new TMPDIR."""
    first = studio.create_app("bob").wait_until_in_service()
    with closing(Browser(studio.front_door_url)) as browser:
        browser.get(presigned_url(studio, "bob"))
        with closing(browser.terminal()) as terminal:
            terminal.type("touch ~/kept; (setsid nohup sleep 600 >/dev/null 2>&1 &); echo detach''ed")
            terminal.expect("detached")
    old_tmp, before = first.tmp, first.processes()
    assert first.jupyter_pid in before
    assert len(before) >= 3
    first.delete()
    assert first.processes() == []
    assert not any(is_running(pid) for pid in before)
    assert not old_tmp.exists()
    second = studio.create_app("bob").wait_until_in_service()
    assert (second.home / "kept").exists()
    assert second.tmp.exists()
    assert second.tmp != old_tmp
    second.delete()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_the_program_says_where_it_is_and_ends_cleanly(tmp_path: Path, ending: signal.Signals) -> None:
    """One line when ready, one line per event, exit status 0, no process and no file left."""
    state = tmp_path / "state"
    command = [sys.executable, "-m", "emulator", "--start-delay-seconds", "0", "--state-dir", str(state)]
    with subprocess.Popen(
        command, cwd=REPOSITORY_ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as program:
        try:
            assert program.stdout
            ready = json.loads(program.stdout.readline())
            with closing(client_of(ready["sagemaker_endpoint"])) as sagemaker:
                owner = {"DomainId": ready["domain_id"], "UserProfileName": ready["user_profile_name"]}
                app = {**owner, "AppType": "JupyterServer", "AppName": "default"}
                sagemaker.create_app(**app)
                event = json.loads(program.stdout.readline())
                wait_until(lambda: sagemaker.describe_app(**app)["Status"] == "InService")
            assert event["detail"]["requestParameters"]["appName"] == "default"
            assert requests.get(ready["studio"], timeout=10).status_code == 200
            assert processes_with(os.fsencode(state))
            program.send_signal(ending)
            assert program.wait(timeout=30) == 0
        finally:
            program.kill()
    assert processes_with(os.fsencode(state)) == []
    assert list(state.iterdir()) == []


def test_the_marker_is_in_every_process_inside(app: AppHandle) -> None:
    """`processes()` sees what carries the marker, and nothing of ours does."""
    marker = app.environment()[MARKER_VARIABLE].encode()
    assert app.processes() == sorted(int(pid) for pid in processes_with(marker))
    assert os.getpid() not in app.processes()
