# ruff: noqa: ANN401 (the typed client takes no computed parameters, and those are what is tested)
"""Spaces of the local Studio from outside: hosts of their own, a real JupyterLab behind them, what the API refuses.

Charter: as in test_emulator.py. "lab" is alice's private space and its JupyterLab runs for the whole file; "team" is a
shared space of Studio Classic, "editor" a private one of Code Editor, "idle" a private one where tests start apps.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import websocket
from botocore.exceptions import ClientError

from emulator.app_host import StartOptions
from emulator.extension_repository import UPSTREAM_URL
from emulator.handles import AppHandle
from emulator.state import AppStatus
from emulator.studio import DOMAIN_ID, LocalStudio
from tests.emulator.test_studio import (
    NEVER,
    REPOSITORY_ROOT,
    Browser,
    client_of,
    is_running,
    is_sign_in_page,
    presigned_url,
    wait_until,
)

PROMPT = r"sagemaker-user@default:~\$ $"
LAB_PATH = "/jupyterlab/default/"
WRITE_LOOKUPS = """
import socket
look_up = socket.getaddrinfo
def write_down(host, *rest, **named):
    with open({names!r}, "a") as names:
        print(host, file=names)
    return look_up(host, *rest, **named)
socket.getaddrinfo = write_down
"""


@pytest.fixture(scope="module")
def studio() -> Iterator[LocalStudio]:
    """A Studio with two users and the spaces."""
    with LocalStudio() as studio:
        studio.add_domain()
        studio.add_user_profile("alice")
        studio.add_user_profile("bob")
        studio.add_space("lab", owner="alice")
        studio.add_space("idle", owner="alice")
        studio.add_space("editor", owner="alice", app_type="CodeEditor")
        studio.add_space("team", app_type="JupyterServer")
        yield studio


@pytest.fixture(scope="module")
def looked_up(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file where the running JupyterLab's Python writes each name that it looks up."""
    names = tmp_path_factory.mktemp("python") / "names"
    (names.parent / "sitecustomize.py").write_text(WRITE_LOOKUPS.format(names=str(names)))
    names.touch()
    return names


@pytest.fixture(scope="module")
def app(studio: LocalStudio, looked_up: Path) -> AppHandle:
    """The running JupyterLab, shared by the tests that leave it running."""
    options = StartOptions(environment={"PYTHONPATH": str(looked_up.parent)})
    return studio.create_app(space_name="lab", app_type="JupyterLab", options=options).wait_until_in_service()


@pytest.fixture(scope="module")
def sagemaker(studio: LocalStudio) -> Iterator[Any]:
    """A client as a program would have it."""
    with closing(client_of(studio.sagemaker_endpoint)) as client:
        yield client


@pytest.fixture
def browser(studio: LocalStudio, app: AppHandle) -> Iterator[Browser]:
    """Alice, signed in to her space."""
    assert app.status is AppStatus.IN_SERVICE
    with closing(signed_in(studio, "lab")) as browser:
        yield browser


def signed_in(studio: LocalStudio, space_name: str, base_path: str = LAB_PATH) -> Browser:
    """Return alice's browser after a login to a space, whatever it landed on."""
    browser = Browser(studio.space_url(space_name), base_path)
    browser.get(presigned_url(studio, "alice", SpaceName=space_name))
    return browser


def page_config(page: requests.Response) -> dict[str, Any]:
    """Return what JupyterLab's page tells its scripts."""
    data = page.text.partition('id="jupyter-config-data" type="application/json">')[2].partition("<")[0]
    config: dict[str, Any] = json.loads(data)
    return config


def run_inside(app: AppHandle, script: str) -> str:
    """Run a script in the app's container and return what it printed."""
    done = subprocess.run(
        ["bash", "-ec", script], env=app.environment(), check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_hosts_differ_in_name_only(studio: LocalStudio, sagemaker: Any) -> None:
    """Front door and spaces have a host each, on one port, and DescribeSpace tells the space's."""
    urls = [studio.front_door_url, *(studio.space_url(name) for name in ("lab", "idle", "editor", "team"))]
    assert len({urlsplit(url).hostname for url in urls}) == 5
    assert len({urlsplit(url).port for url in urls}) == 1
    assert sagemaker.describe_space(DomainId=DOMAIN_ID, SpaceName="lab")["Url"] == studio.space_url("lab")


@pytest.mark.parametrize(
    ("space_name", "landing_uri", "path"),
    [
        ("lab", None, "/jupyterlab/default/lab"),
        ("lab", "app:JupyterLab:", "/jupyterlab/default/lab"),
        ("lab", "app:JupyterLab:proxy/18080/?a=b", "/jupyterlab/default/proxy/18080/?a=b"),
        ("team", None, "/jupyter/default/lab"),
        ("team", "app:JupyterServer:", "/jupyter/default/lab"),
        ("editor", "app:CodeEditor:", "/codeeditor/default/"),
    ],
)
def test_a_space_is_entered_at_its_own_host(
    studio: LocalStudio, space_name: str, landing_uri: str | None, path: str
) -> None:
    """The URL is on the space's host and redirects to the app type's page there."""
    options = {"LandingUri": landing_uri} if landing_uri else {}
    url = presigned_url(studio, "alice", SpaceName=space_name, **options)
    assert url.startswith(f"{studio.space_url(space_name)}/auth?token=")
    answer = requests.get(url, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (302, path)


def test_the_portal_is_a_host_without_jupyter(studio: LocalStudio) -> None:
    """`studio::` lands on a page of another host; a path with a slash redeems into a broken address."""
    with requests.Session() as session:
        landed = session.get(presigned_url(studio, "alice", LandingUri="studio::jumpstart"), timeout=10)
        assert (landed.status_code, urlsplit(landed.url).path) == (200, "/jumpstart")
        assert landed.headers["Content-Type"].startswith("text/html")
        hosts = [studio.front_door_url, *(studio.space_url(name) for name in ("lab", "idle", "editor", "team"))]
        assert not any(landed.url.startswith(f"{host}/") for host in hosts)
        elsewhere = session.get(landed.url.replace("jumpstart", "jupyter/default/api/status"), timeout=10)
        assert elsewhere.text == landed.text
    broken = requests.get(presigned_url(studio, "alice", LandingUri="studio::/x"), allow_redirects=False, timeout=10)
    assert broken.headers["Location"] == "//x"


def test_a_domain_may_land_in_the_portal_by_default(studio: LocalStudio, sagemaker: Any) -> None:
    """Without a LandingUri the domain's own counts, and an explicit one or a space wins over it."""
    studio.add_domain("d-portal", default_landing_uri="studio::")
    studio.add_user_profile("alice", "d-portal")
    studio.add_space("hers", "alice", domain_id="d-portal")
    settings = sagemaker.describe_domain(DomainId="d-portal")["DefaultUserSettings"]
    assert settings == {"DefaultLandingUri": "studio::"}
    starts = {
        studio.front_door_url: {"LandingUri": "app:JupyterServer:"},
        studio.space_url("hers", "d-portal"): {"SpaceName": "hers"},
    }
    person = {"DomainId": "d-portal", "UserProfileName": "alice"}
    assert sagemaker.create_presigned_domain_url(**person)["AuthorizedUrl"].startswith("http://127.128.0.1:")
    for start, options in starts.items():
        assert sagemaker.create_presigned_domain_url(**person, **options)["AuthorizedUrl"].startswith(f"{start}/auth?")


def test_no_app_no_page(studio: LocalStudio) -> None:
    """Signed in to a space where nothing runs one gets a blank 404, and while an app is Pending one with a text."""
    with closing(signed_in(studio, "idle")) as browser:
        for path in ("lab", "api/status", ""):
            answer = browser.get(path)
            assert (answer.status_code, answer.text) == (404, "")
        handle = studio.create_app(
            space_name="idle", app_type="JupyterLab", options=StartOptions(start_delay_seconds=NEVER)
        )
        pending = browser.get("lab")
        assert pending.status_code == 404
        assert pending.text.startswith("App [default] associated with space [idle] and userprofile [null] is not found")
        handle.delete()
        assert (browser.get("lab").status_code, browser.get("lab").text) == (404, "")


def test_jupyterlab_itself_is_served(app: AppHandle, browser: Browser) -> None:
    """The page is JupyterLab's own, with the XSRF cookie, and the scripts it names are there."""
    assert app.base_url.endswith(LAB_PATH)
    page = browser.get("lab")
    config = page_config(page)
    assert (config["appName"], config["baseUrl"], config["appVersion"][:2]) == ("JupyterLab", LAB_PATH, "4.")
    assert "_xsrf" in browser.session.cookies
    script = page.text.partition('<script defer="defer" src="')[2].partition('"')[0]
    assert browser.get(browser.front_door_url + script).headers["Content-Type"] == "application/javascript"


def test_jupyterlab_asks_the_network_for_nothing(browser: Browser, looked_up: Path) -> None:
    """News, updates and the extension manager are off, and nobody is asked about news."""
    assert browser.get("lab/api/news").json() == {"news": []}
    assert browser.get("lab/api/update").json() == {"notification": None}
    assert set(looked_up.read_text().split()) == {"127.0.0.1"}
    config = page_config(browser.get("lab"))
    assert config["extensionManager"]["can_install"] is False
    assert "@jupyterlab/apputils-extension:announcements" in config["disabledExtensions"]


def test_the_cookies_of_a_space(browser: Browser, studio: LocalStudio) -> None:
    """The readable cookies come with the session's, for the space's host alone."""
    cookies = {each.name: each for each in browser.session.cookies}
    assert {"authMode", "expiryTime", "studioUserProfileName", "redirectURL", "_xsrf"} <= set(cookies)
    assert {each.domain for each in cookies.values()} == {urlsplit(studio.space_url("lab")).hostname}
    assert cookies["studioUserProfileName"].value == "alice"
    assert cookies["_xsrf"].path == LAB_PATH


def test_sessions_and_tokens_are_one_hosts(studio: LocalStudio, browser: Browser) -> None:
    """Carried to another host neither opens anything, and the token is still good where it belongs."""
    assert browser.get("api/status").status_code == 200
    header = {"Cookie": "; ".join(f"{each.name}={each.value}" for each in browser.session.cookies)}
    for url in (studio.front_door_url, studio.space_url("idle")):
        assert is_sign_in_page(studio, requests.get(f"{url}{LAB_PATH}api/status", headers=header, timeout=10))
    token = presigned_url(studio, "alice", SpaceName="lab")
    assert is_sign_in_page(
        studio, requests.get(token.replace(studio.space_url("lab"), studio.space_url("idle")), timeout=10)
    )
    with requests.Session() as session:
        assert session.get(token, timeout=10).url == f"{studio.space_url('lab')}{LAB_PATH}lab"


def test_a_terminal_has_the_images_prompt(app: AppHandle, browser: Browser) -> None:
    """REST with the XSRF token and the websocket work at the space's host; bash reads the home's start-up file."""
    assert browser.session.post(browser.base_url + "api/terminals", timeout=10).status_code == 403
    with closing(browser.terminal()) as terminal:
        terminal.expect(PROMPT)
        assert terminal.name in app.terminals()
        terminal.type("mkdir -p ~/deep; cd ~/deep; echo $SAGEMAKER_APP_TYPE_LOWERCASE in $HOME")
        terminal.expect(f"jupyterlab in {app.home}")
        terminal.expect(r"sagemaker-user@default:~/deep\$ $")
        terminal.type("exit")
    wait_until(lambda: app.terminals() == [])


def test_hidden_files_are_shown_and_a_terminal_is_deleted(app: AppHandle, browser: Browser) -> None:
    """Two things setups do over REST: write a hidden file, remove their terminal."""
    token = {"X-XSRFToken": browser.session.cookies["_xsrf"]}
    body = {"type": "file", "format": "text", "content": "here"}
    wrote = browser.session.put(f"{browser.base_url}api/contents/.hidden", json=body, headers=token, timeout=10)
    assert wrote.status_code == 201
    assert (app.home / ".hidden").read_text() == "here"
    name = browser.post("api/terminals").json()["name"]
    gone = browser.session.delete(f"{browser.base_url}api/terminals/{name}", headers=token, timeout=10)
    assert gone.status_code == 204
    assert app.terminals() == []


def test_restart_jupyter_server_closes_the_terminals(app: AppHandle, browser: Browser) -> None:
    """The image's own command restarts JupyterLab at its address, and the terminal that ran it is gone."""
    process, address = app.jupyter_pid, app.base_url
    with closing(browser.terminal()) as terminal:
        terminal.expect(PROMPT)
        terminal.type("setsid nohup restart-jupyter-server >/dev/null 2>&1 &")
        with pytest.raises((OSError, websocket.WebSocketConnectionClosedException)):
            terminal.expect("never")
    wait_until(lambda: app.jupyter_pid not in (None, process))
    app.wait_until_ready()
    assert app.base_url == address
    assert app.terminals() == []
    assert browser.get("lab").status_code == 200


def test_a_space_keeps_its_home_and_nothing_else(studio: LocalStudio) -> None:
    """Over a re-creation the home stays as the user left it; packages, temporary files and processes go."""
    (studio.home_of(space_name="idle") / ".bashrc").write_text("PS1='mine> '\n")
    first = studio.create_app(space_name="idle", app_type="JupyterLab").wait_until_in_service()
    run_inside(
        first,
        f"""
        git clone --quiet {UPSTREAM_URL} "$TMPDIR/extension" && cd "$TMPDIR/extension"
        pip install --quiet .
        jupyter serverextension enable --py sagemaker_studio_autoshutdown --sys-prefix
        supervisorctl restart jupyterlabserver
    """,
    )
    first.wait_until_ready()
    idle_checker = "sagemaker-studio-autoshutdown/idle_checker"
    with closing(signed_in(studio, "idle")) as browser, closing(browser.terminal()) as terminal:
        assert browser.get(idle_checker).json()["idle_time"] == 7200
        terminal.expect("mine> $")
        terminal.type("(setsid nohup sleep 600 >/dev/null 2>&1 &); echo detach''ed")
        terminal.expect("detached")
    before, old_tmp = first.processes(), first.tmp
    assert len(before) >= 3
    first.delete()
    assert first.processes() == []
    assert not any(is_running(pid) for pid in before)
    assert not old_tmp.exists()
    second = studio.create_app(space_name="idle", app_type="JupyterLab").wait_until_in_service()
    assert (second.home / ".bashrc").read_text() == "PS1='mine> '\n"
    assert not list(second.tmp.iterdir())
    assert requests.get(second.base_url + idle_checker, timeout=10).status_code == 404
    second.delete()


def test_a_shared_space_of_studio_classic(studio: LocalStudio) -> None:
    """Its app has any name, everybody may enter, and the path is Classic's."""
    handle = studio.create_app(space_name="team", app_name="default-1712345678").wait_until_in_service()
    assert handle.base_url.endswith("/jupyter/default/")
    for name in ("alice", "bob"):
        with requests.Session() as session:
            url = presigned_url(studio, name, SpaceName="team", LandingUri="app:JupyterServer:")
            landed = session.get(url, timeout=10)
            assert (landed.status_code, landed.url) == (200, f"{studio.space_url('team')}/jupyter/default/lab")
            assert session.get(f"{studio.space_url('team')}/jupyter/default/api/status", timeout=10).json()
    assert studio.app(space_name="team", app_name="default-1712345678").jupyter_pid == handle.jupyter_pid
    handle.delete()


def test_code_editor_is_no_jupyter(studio: LocalStudio) -> None:
    """A Code Editor app has a status, an event and a page, and no process."""
    handle = studio.create_app(space_name="editor", app_type="CodeEditor").wait_until_in_service()
    assert studio.events[-1]["detail"]["requestParameters"]["appType"] == "CodeEditor"
    with closing(signed_in(studio, "editor", "/codeeditor/default/")) as browser:
        page = browser.get("")
        assert (page.status_code, "Code Editor" in page.text) == (200, True)
        assert browser.get(f"{browser.front_door_url}/jupyterlab/default/api/status").status_code == 404
    assert handle.processes() == []
    handle.delete()


def test_the_event_of_a_space_names_no_user(studio: LocalStudio, app: AppHandle) -> None:
    """The trail has `spaceName` where a personal app's record has `userProfileName`."""
    assert app.status is AppStatus.IN_SERVICE
    event = next(event for event in studio.events if event["detail"]["requestParameters"].get("spaceName") == "lab")
    assert event["detail"]["requestParameters"] == {
        "domainId": DOMAIN_ID,
        "spaceName": "lab",
        "appType": "JupyterLab",
        "appName": "default",
        "tags": [],
    }
    assert "userProfileName" not in json.dumps(event)


def test_spaces_as_the_api_tells_them(sagemaker: Any) -> None:
    """Sharing, type and, of a private space only, the owner; in DescribeSpace and in ListSpaces."""
    private = sagemaker.describe_space(DomainId=DOMAIN_ID, SpaceName="lab")
    assert private["OwnershipSettings"] == {"OwnerUserProfileName": "alice"}
    assert private["SpaceSharingSettings"] == {"SharingType": "Private"}
    assert private["SpaceSettings"] == {"AppType": "JupyterLab"}
    shared = sagemaker.describe_space(DomainId=DOMAIN_ID, SpaceName="team")
    assert "OwnershipSettings" not in shared
    assert shared["SpaceSharingSettings"] == {"SharingType": "Shared"}
    rows = {row["SpaceName"]: row for row in sagemaker.list_spaces(DomainIdEquals=DOMAIN_ID)["Spaces"]}
    assert set(rows) == {"lab", "idle", "editor", "team"}
    assert rows["lab"]["OwnershipSettingsSummary"] == private["OwnershipSettings"]
    assert "OwnershipSettingsSummary" not in rows["team"]


@pytest.mark.parametrize(
    ("operation", "params", "complaint"),
    [
        (
            "create_presigned_domain_url",
            {"UserProfileName": "bob", "SpaceName": "lab"},
            "UserProfile [bob] is not the owner of private space [lab]",
        ),
        (
            "create_presigned_domain_url",
            {"UserProfileName": "alice", "LandingUri": "app:CodeEditor:"},
            "Provided app type CodeEditor is invalid for provided url type app for personal apps",
        ),
        (
            "create_app",
            {"SpaceName": "lab", "AppType": "JupyterLab", "AppName": "second"},
            "is named [default]",
        ),
        (
            "create_app",
            {"UserProfileName": "alice", "AppType": "JupyterLab", "AppName": "default"},
            "requires a space",
        ),
        (
            "create_app",
            {"SpaceName": "lab", "AppType": "CodeEditor", "AppName": "default"},
            "Invalid AppType [CodeEditor] for space [lab]",
        ),
    ],
)
def test_what_spaces_refuse(sagemaker: Any, operation: str, params: dict[str, str], complaint: str) -> None:
    """Another's private space, a space's app without or in the wrong space, or under another name."""
    with pytest.raises(ClientError) as caught:
        getattr(sagemaker, operation)(DomainId=DOMAIN_ID, **params)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert complaint in error["Message"]


def test_one_app_to_a_space(sagemaker: Any, app: AppHandle) -> None:
    """While the space's app lives there is no second one."""
    assert app.status is AppStatus.IN_SERVICE
    with pytest.raises(ClientError) as caught:
        sagemaker.create_app(DomainId=DOMAIN_ID, SpaceName="lab", AppType="JupyterLab", AppName="default")
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"


def test_the_hosts_end_with_the_studio() -> None:
    """Nothing listens at a space's address or at the portal's afterwards."""
    with LocalStudio() as studio:
        studio.add_domain()
        urls = [studio.space_url(studio.add_space("lab")), studio.front_door_url.replace("127.0.0.1", "127.128.0.1")]
        for url in urls:
            assert requests.get(url, timeout=10).status_code == 200
    for url in urls:
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=10)


def test_the_program_makes_spaces() -> None:
    """`python -m emulator` adds a private and a shared space and says where they are."""
    command = [sys.executable, "-m", "emulator", "--space-name", "hers", "--shared-space-name", "ours"]
    with subprocess.Popen(
        command, cwd=REPOSITORY_ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as program:
        try:
            assert program.stdout
            ready = json.loads(program.stdout.readline())
            assert list(ready["spaces"]) == ["hers", "ours"]
            with closing(client_of(ready["sagemaker_endpoint"])) as sagemaker:
                told = [sagemaker.describe_space(DomainId=DOMAIN_ID, SpaceName=name) for name in ready["spaces"]]
            assert [each["Url"] for each in told] == list(ready["spaces"].values())
            assert [each["SpaceSettings"]["AppType"] for each in told] == ["JupyterLab", "JupyterServer"]
            assert [each["SpaceSharingSettings"]["SharingType"] for each in told] == ["Private", "Shared"]
        finally:
            program.terminate()
            assert program.wait(timeout=30) == 0
