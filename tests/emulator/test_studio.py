"""The local Studio from outside: login, loading page, a real Jupyter server, its container, the end of an app.

One Studio for the whole module.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import requests
import websocket

from emulator.app_host import StartOptions
from emulator.extension_repository import SDIST_NAME, UPSTREAM_COMMIT, UPSTREAM_URL
from emulator.handles import AppHandle
from emulator.processes import MARKER_VARIABLE
from emulator.servers import SERVERS
from emulator.state import AppStatus
from emulator.studio import LocalStudio
from tests.support.browser import Browser, client_of, is_running, is_sign_in_page, presigned_url, processes_with
from tests.support.needs import needs_server
from tests.support.waiting import wait_until

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
    """Alice's running app, shared by tests that leave it running."""
    return studio.create_app("alice").wait_until_in_service()


def test_an_app_without_a_server_is_in_service_and_runs_nothing(studio: LocalStudio) -> None:
    """It is listed and described as any other."""
    app = studio.create_app("bob", app_name="bare", options=StartOptions(has_server=False)).wait_until_in_service()
    assert (app.jupyter_pid, app.processes()) == (None, [])
    app.delete()


@pytest.fixture
def browser(studio: LocalStudio) -> Iterator[Browser]:
    """Alice's browser, logged in."""
    with closing(Browser(studio.front_door_url)) as browser:
        browser.get(presigned_url(studio, "alice"))
        yield browser


def test_a_token_logs_in_once(studio: LocalStudio, app: AppHandle) -> None:
    """The first use ends in JupyterLab with session and XSRF cookies, the second on the sign-in page."""
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
    """A token is not valid after its ExpiresInSeconds."""
    url = presigned_url(studio, "alice", ExpiresInSeconds=5)
    now = time.time()
    monkeypatch.setattr("emulator.sessions.time.time", lambda: now + 6)
    assert app.status is AppStatus.IN_SERVICE
    assert is_sign_in_page(studio, requests.get(url, timeout=10))


def test_without_a_session_every_path_leads_to_the_sign_in_page(
    studio: LocalStudio, app: AppHandle, browser: Browser
) -> None:
    """So does every path after the session has ended."""
    assert app.status is AppStatus.IN_SERVICE
    for path in ("/", "/jupyter/default/api/status", "/jupyter/default/lab", "/app?appType=JupyterServer"):
        assert is_sign_in_page(studio, requests.get(studio.front_door_url + path, timeout=10))
    assert browser.get("api/status").json()["kernels"] == 0
    studio.end_sessions()
    assert is_sign_in_page(studio, browser.get("api/status"))


def test_a_landing_uri_is_followed(studio: LocalStudio, app: AppHandle) -> None:
    """`app:JupyterServer:<path>` leads to that path below Jupyter's base path."""
    assert app.status is AppStatus.IN_SERVICE
    url = presigned_url(studio, "alice", LandingUri="app:JupyterServer:api/status")
    with requests.Session() as session:
        assert session.get(url, timeout=10).url.endswith("/jupyter/default/api/status")


def test_a_pending_app_has_a_loading_page(studio: LocalStudio) -> None:
    """While the app is Pending, every path below Jupyter's base path has that page, without an XSRF cookie."""
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
    """With an HTTP delay, the app is InService while the front door answers 502."""
    handle = studio.create_app("bob", options=StartOptions(http_delay_seconds=NEVER)).wait_until_in_service()
    with closing(Browser(studio.front_door_url)) as bob:
        assert bob.get(presigned_url(studio, "bob")).status_code == 502
    handle.delete()


def test_a_post_needs_the_xsrf_token(app: AppHandle, browser: Browser) -> None:
    """Jupyter refuses a POST without the token, through the front door too."""
    before = app.terminals()
    refused = browser.session.post(browser.base_url + "api/terminals", timeout=10)
    assert refused.status_code == 403
    assert app.terminals() == before


def test_a_terminal_works_from_end_to_end(app: AppHandle, browser: Browser) -> None:
    """A line typed through the front door runs in the container, with its home and without our environment."""
    with closing(browser.terminal()) as terminal:
        assert terminal.name in app.terminals()
        terminal.type("echo home=$HOME tmp=$TMPDIR ours=${PYTEST_CURRENT_TEST-none} e''nd")
        terminal.expect(f"home={app.home} tmp={app.tmp} ours=none end")
        terminal.type("stty -echo; seq 1 100000; echo e''nd of numbers")
        terminal.expect("end of numbers")
        assert "\r\n99999\r\n100000\r\n" in terminal.text


def test_control_c_reaches_the_command(app: AppHandle, browser: Browser) -> None:
    """Ctrl-C ends a command, even if SIGINT was ignored when the Studio was started."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        app.restart_jupyter()
    finally:
        signal.signal(signal.SIGINT, before)
    app.wait_until_ready()
    with closing(browser.terminal()) as terminal:
        # The command itself says that it has begun: an earlier Ctrl-C would reach the shell.
        terminal.type("sh -c 'echo be\"\"gun; exec sleep 600'")
        terminal.expect("begun")
        terminal.connection.send(json.dumps(["stdin", "\x03"]))
        terminal.expect(r"\^C[^$#]*[$#] $")  # what is typed before the prompt is back would be lost
        terminal.type("echo status is $?")
        terminal.expect("status is 130")


def test_closing_a_websocket_is_answered_with_its_code(app: AppHandle, browser: Browser) -> None:
    """The server answers with a close frame of the same code, and the terminal stays."""
    with closing(browser.terminal()) as terminal:
        terminal.type("echo re''ady")
        terminal.expect("ready")
        terminal.connection.send_close(1000)
        opcode, data = terminal.connection.recv_data()
        while opcode != websocket.ABNF.OPCODE_CLOSE:
            opcode, data = terminal.connection.recv_data()
        assert int.from_bytes(data[:2], "big") == 1000
        assert terminal.name in app.terminals()


def test_dropped_websockets_have_no_close_frame(app: AppHandle, browser: Browser) -> None:
    """A cut connection is an error for the client, and the terminal stays."""
    with closing(browser.terminal()) as terminal:
        terminal.type("echo re''ady")
        terminal.expect("ready")
        assert app.drop_websockets() >= 1  # that of an earlier test may still be closing
        with pytest.raises((OSError, websocket.WebSocketConnectionClosedException)):
            terminal.expect("never")
        assert terminal.name in app.terminals()


def test_the_end_of_the_shell_closes_the_websocket(app: AppHandle, browser: Browser) -> None:
    """Jupyter's `disconnect` message and close frame are passed on."""
    with closing(browser.terminal()) as terminal:
        terminal.type("exit")
        opcode, data = terminal.connection.recv_data()
        seen = data
        while opcode != websocket.ABNF.OPCODE_CLOSE:
            opcode, data = terminal.connection.recv_data()
            seen += data
        assert b'["disconnect", 1]' in seen
        wait_until(lambda: terminal.name not in app.terminals(), "the end of the terminal")


def test_an_unknown_terminal_is_a_404(app: AppHandle, browser: Browser) -> None:
    """The status of a refused websocket handshake is passed on."""
    assert app.jupyter_pid
    address = browser.base_url.replace("http:", "ws:") + "terminals/websocket/nobody"
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        websocket.create_connection(address, cookie=browser.cookie_header, timeout=10)
    assert caught.value.status_code == 404


def test_a_killed_server_is_restarted_on_its_port(app: AppHandle) -> None:
    """After SIGKILL there is another process with the same URL."""
    process, address = app.jupyter_pid, app.base_url
    app.kill_jupyter(signal.SIGKILL)
    wait_until(lambda: app.jupyter_pid not in (None, process), "the new server")
    app.wait_until_ready()
    assert app.base_url == address


def test_supervisorctl_restarts_the_server(app: AppHandle, browser: Browser) -> None:
    """A detached caller survives the restart and gets supervisorctl's messages; the port stays the same."""
    process, address = app.jupyter_pid, app.base_url
    output = app.tmp / "restart.log"
    with closing(browser.terminal()) as terminal:
        configuration = "/etc/supervisor/conf.d/supervisord.conf"
        terminal.type(f"setsid nohup supervisorctl -c {configuration} restart jupyterlabserver >{output} 2>&1 &")
        wait_until(lambda: output.exists() and "started" in output.read_text(), "supervisorctl")
        assert output.read_text().endswith("jupyterlabserver: stopped\njupyterlabserver: started\n")
        with pytest.raises((OSError, websocket.WebSocketConnectionClosedException)):
            terminal.expect("never")
    app.wait_until_ready()
    assert app.jupyter_pid != process
    assert app.base_url == address
    assert app.terminals() == []


@pytest.mark.parametrize(
    ("line", "status", "text"),
    [
        ("supervisorctl status", 0, "jupyterlabserver                 RUNNING   pid "),
        ("supervisorctl restart nobody", 1, "nobody: ERROR (no such process)"),
        ("supervisorctl -c /x start jupyterlabserver", 0, "jupyterlabserver: ERROR (already started)"),
        ("supervisorctl dance", 2, "*** Unknown syntax: dance"),
    ],
)
def test_supervisorctl_has_the_right_status_and_text(app: AppHandle, line: str, status: int, text: str) -> None:
    """Exit status and text are those that scripts rely on."""
    done = subprocess.run(line.split(), env=app.environment(), check=False, capture_output=True, text=True, timeout=30)
    assert (done.returncode, text in done.stdout) == (status, True)


@pytest.fixture
def older_app(studio: LocalStudio) -> Iterator[AppHandle]:
    """Carol's running app on a server that can have the extension."""
    app = studio.create_app("carol", options=StartOptions(server=needs_server("notebook6-python39")))
    yield app.wait_until_in_service()
    app.delete()


def test_the_extension_can_be_installed_as_its_documentation_says(studio: LocalStudio, older_app: AppHandle) -> None:
    """After git clone, checkout of the pinned commit, pip install, enable and restart, the extension answers."""
    script = f"""set -e
        cd "$TMPDIR"
        git clone --quiet --no-checkout {UPSTREAM_URL}.git extension && cd extension
        git checkout --quiet --detach {UPSTREAM_COMMIT}
        git rev-parse HEAD
        tar xzf {SDIST_NAME}.tar.gz && cd {SDIST_NAME}
        pip install --quiet --no-dependencies --no-build-isolation .
        jupyter serverextension enable --py sagemaker_studio_autoshutdown --sys-prefix
        restart-jupyter-server
    """
    idle_checker = "sagemaker-studio-autoshutdown/idle_checker"
    with closing(Browser(studio.front_door_url)) as browser:
        browser.get(presigned_url(studio, "carol"))
        assert browser.get(idle_checker).status_code == 404
        done = run_inside(older_app, script)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith(UPSTREAM_COMMIT)
        older_app.wait_until_ready()
        assert browser.get(idle_checker).json() == {"idle_time": 7200, "keep_terminals": False, "count": 0}
        wanted = {"idle_time": 60, "keep_terminals": True}
        assert browser.post(idle_checker, wanted).json()["count"] == 1
        assert browser.get(idle_checker).json() == {"idle_time": 3600, "keep_terminals": True, "count": 2}
        assert browser.post(idle_checker, wanted).json()["count"] == 2
    for prefix in (Path(sys.prefix), SERVERS["notebook6-python39"].data):
        assert not list(prefix.glob("lib/*/site-packages/*autoshutdown*")), "something was installed outside the app"


def test_the_extension_cannot_be_built_on_a_newer_python(app: AppHandle) -> None:
    """On today's Python the build fails with the words of the real extension, and nothing is installed."""
    script = f"""set -e
        git clone --quiet {UPSTREAM_URL} "$TMPDIR/extension" && cd "$TMPDIR/extension"
        pip install --no-dependencies --no-build-isolation .
    """
    done = run_inside(app, script)
    is_without_pipes = sys.version_info >= (3, 13)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    words = "No module named 'pipes'" if is_without_pipes else f"Python version {version} unsupported"
    assert (done.returncode, words in done.stdout + done.stderr) == (1, True)
    assert not list((app.tmp.parent / "env").glob("lib/*/site-packages/*autoshutdown*"))


def run_inside(app: AppHandle, script: str) -> subprocess.CompletedProcess[str]:
    """Run a bash script in the container."""
    command = ["bash", "-c", script]
    return subprocess.run(command, env=app.environment(), check=False, capture_output=True, text=True, timeout=120)


def test_an_editable_install_works_too(older_app: AppHandle) -> None:
    """After an editable install and `jupyter serverextension enable`, as in public scripts, the extension answers."""
    script = f"""set -e
        git clone --quiet {UPSTREAM_URL} "$HOME/extension" && cd "$HOME/extension"
        pip install --quiet --no-dependencies -e .
        jupyter serverextension enable --py sagemaker_studio_autoshutdown
        restart-jupyter-server
    """
    done = run_inside(older_app, script)
    assert done.returncode == 0, done.stdout + done.stderr
    older_app.wait_until_ready()
    answer = requests.get(f"{older_app.base_url}sagemaker-studio-autoshutdown/idle_checker", timeout=10)
    assert answer.json()["idle_time"] == 7200


def test_shell_and_environment_can_be_chosen(studio: LocalStudio) -> None:
    """A login shell reads the start-up file that was in the home before the app started."""
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
    """Detached processes end with the app, too; the next start has the same home and a new TMPDIR."""
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
def test_the_program_prints_its_endpoints_and_ends_cleanly(tmp_path: Path, ending: signal.Signals) -> None:
    """It prints a line when it is ready and one per event; exit status 0, no process and no file is left."""
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
                wait_until(lambda: sagemaker.describe_app(**app)["Status"] == "InService", "the app")
            assert event["detail"]["requestParameters"]["appName"] == "default"
            assert requests.get(ready["studio"], timeout=10).status_code == 200
            assert processes_with(os.fsencode(state))
            program.send_signal(ending)
            assert program.wait(timeout=30) == 0
        finally:
            program.kill()
    assert processes_with(os.fsencode(state)) == []
    assert list(state.iterdir()) == []


def test_the_marker_finds_the_processes_inside(app: AppHandle) -> None:
    """`processes()` has exactly the processes with the marker, and not this one."""
    marker = app.environment()[MARKER_VARIABLE].encode()
    assert app.processes() == processes_with(marker)
    assert os.getpid() not in app.processes()
