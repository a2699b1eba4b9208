# ruff: noqa: ANN401 (the typed client takes no computed parameters, and those are what is tested)
"""Spaces of the local Studio from outside: hosts of their own, a real JupyterLab, what the API refuses.

One Studio for the whole module: "lab" is a private space of Alice, whose JupyterLab keeps running; "team" a shared one
of Studio Classic, "editor" a private one for Code Editor, "idle" a private one where tests start apps.
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
from emulator.handles import AppHandle
from emulator.state import AppStatus
from emulator.studio import DOMAIN_ID, LocalStudio
from tests.support.browser import Browser, client_of, is_running, is_sign_in_page, presigned_url
from tests.support.waiting import wait_until

REPOSITORY_ROOT = Path(__file__).parents[2]
NEVER = 600.0
PROMPT = r"sagemaker-user@default:~\$ $"
LAB_PATH = "/jupyterlab/default/"
RECORD_LOOKUPS = """
import socket
getaddrinfo = socket.getaddrinfo
def record(host, *rest, **named):
    with open({names!r}, "a") as names:
        print(host, file=names)
    return getaddrinfo(host, *rest, **named)
socket.getaddrinfo = record
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
    """A file with every host name that the running JupyterLab looks up."""
    names = tmp_path_factory.mktemp("python") / "names"
    (names.parent / "sitecustomize.py").write_text(RECORD_LOOKUPS.format(names=str(names)))
    names.touch()
    return names


@pytest.fixture(scope="module")
def app(studio: LocalStudio, looked_up: Path) -> AppHandle:
    """The running JupyterLab, shared by tests that leave it running."""
    options = StartOptions(environment={"PYTHONPATH": str(looked_up.parent)})
    return studio.create_app(space_name="lab", app_type="JupyterLab", options=options).wait_until_in_service()


@pytest.fixture(scope="module")
def sagemaker(studio: LocalStudio) -> Iterator[Any]:
    """A SageMaker client."""
    with closing(client_of(studio.sagemaker_endpoint)) as client:
        yield client


@pytest.fixture
def browser(studio: LocalStudio, app: AppHandle) -> Iterator[Browser]:
    """Alice's browser, logged in to her space."""
    assert app.status is AppStatus.IN_SERVICE
    with closing(logged_in(studio, "lab")) as browser:
        yield browser


def logged_in(studio: LocalStudio, space_name: str, base_path: str = LAB_PATH) -> Browser:
    """Alice's browser after a login to a space, on whatever page it ended."""
    browser = Browser(studio.space_url(space_name), base_path)
    browser.get(presigned_url(studio, "alice", SpaceName=space_name))
    return browser


def page_config(page: requests.Response) -> dict[str, Any]:
    """The configuration data of JupyterLab's page."""
    data = page.text.partition('id="jupyter-config-data" type="application/json">')[2].partition("<")[0]
    config: dict[str, Any] = json.loads(data)
    return config


def run_inside(app: AppHandle, script: str) -> str:
    """Run a script in the app's container; what it printed."""
    done = subprocess.run(
        ["bash", "-ec", script], env=app.environment(), check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_space_has_a_host_of_its_own(studio: LocalStudio, sagemaker: Any) -> None:
    """Front door and spaces have different hosts and the same port; DescribeSpace has the URL of the space."""
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
def test_a_space_is_opened_on_its_own_host(
    studio: LocalStudio, space_name: str, landing_uri: str | None, path: str
) -> None:
    """The presigned URL is on the space's host, and redirects to the page of the app type there."""
    options = {"LandingUri": landing_uri} if landing_uri else {}
    url = presigned_url(studio, "alice", SpaceName=space_name, **options)
    assert url.startswith(f"{studio.space_url(space_name)}/auth?token=")
    answer = requests.get(url, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (302, path)


def test_the_portal_is_a_host_without_jupyter(studio: LocalStudio) -> None:
    """`studio::` leads to a page on another host; a path with a leading slash leads to a broken URL."""
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


def test_the_default_landing_uri_of_a_domain_counts(studio: LocalStudio, sagemaker: Any) -> None:
    """It is used without a LandingUri; an explicit LandingUri or a space takes precedence."""
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


def test_a_space_without_a_running_app_answers_404(studio: LocalStudio) -> None:
    """The answer is empty, or has a text while the app is Pending."""
    with closing(logged_in(studio, "idle")) as browser:
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


def test_the_real_jupyterlab_is_served(app: AppHandle, browser: Browser) -> None:
    """The page is JupyterLab's own, with the XSRF cookie, and its scripts can be fetched."""
    assert app.base_url.endswith(LAB_PATH)
    page = browser.get("lab")
    config = page_config(page)
    assert (config["appName"], config["baseUrl"], config["appVersion"][:2]) == ("JupyterLab", LAB_PATH, "4.")
    assert "_xsrf" in browser.session.cookies
    script = page.text.partition('<script defer="defer" src="')[2].partition('"')[0]
    assert browser.get(browser.front_door_url + script).headers["Content-Type"] == "application/javascript"


def test_jupyterlab_does_not_use_the_network(browser: Browser, looked_up: Path) -> None:
    """News, updates and the extension manager are off; the user is not asked about news."""
    assert browser.get("lab/api/news").json() == {"news": []}
    assert browser.get("lab/api/update").json() == {"notification": None}
    assert set(looked_up.read_text().split()) == {"127.0.0.1"}
    config = page_config(browser.get("lab"))
    assert config["extensionManager"]["can_install"] is False
    assert "@jupyterlab/apputils-extension:announcements" in config["disabledExtensions"]


def test_the_cookies_of_a_space(browser: Browser, studio: LocalStudio) -> None:
    """All cookies are for the space's host only."""
    cookies = {each.name: each for each in browser.session.cookies}
    assert {"authMode", "expiryTime", "studioUserProfileName", "redirectURL", "_xsrf"} <= set(cookies)
    assert {each.domain for each in cookies.values()} == {urlsplit(studio.space_url("lab")).hostname}
    assert cookies["studioUserProfileName"].value == "alice"
    assert cookies["_xsrf"].path == LAB_PATH


def test_sessions_and_tokens_are_valid_on_one_host_only(studio: LocalStudio, browser: Browser) -> None:
    """On another host neither is accepted; the token can still be used on its own host afterwards."""
    assert browser.get("api/status").status_code == 200
    header = {"Cookie": browser.cookie_header}
    for url in (studio.front_door_url, studio.space_url("idle")):
        assert is_sign_in_page(studio, requests.get(f"{url}{LAB_PATH}api/status", headers=header, timeout=10))
    token = presigned_url(studio, "alice", SpaceName="lab")
    assert is_sign_in_page(
        studio, requests.get(token.replace(studio.space_url("lab"), studio.space_url("idle")), timeout=10)
    )
    with requests.Session() as session:
        assert session.get(token, timeout=10).url == f"{studio.space_url('lab')}{LAB_PATH}lab"


def test_a_terminal_has_the_prompt_of_the_image(app: AppHandle, browser: Browser) -> None:
    """REST and websocket work on the space's host, and bash reads the home's start-up file."""
    assert browser.session.post(browser.base_url + "api/terminals", timeout=10).status_code == 403
    with closing(browser.terminal()) as terminal:
        terminal.expect(PROMPT)
        assert terminal.name in app.terminals()
        terminal.type("mkdir -p ~/deep; cd ~/deep; echo $SAGEMAKER_APP_TYPE_LOWERCASE in $HOME")
        terminal.expect(f"jupyterlab in {app.home}")
        terminal.expect(r"sagemaker-user@default:~/deep\$ $")
        terminal.type("exit")
    wait_until(lambda: app.terminals() == [], "the end of the terminal")


def test_hidden_files_can_be_written_and_terminals_deleted(app: AppHandle, browser: Browser) -> None:
    """Setups do both over REST."""
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
    """The image's own command restarts JupyterLab with the same URL; the terminal that ran it is gone."""
    process, address = app.jupyter_pid, app.base_url
    with closing(browser.terminal()) as terminal:
        terminal.expect(PROMPT)
        terminal.type("setsid nohup restart-jupyter-server >/dev/null 2>&1 &")
        with pytest.raises((OSError, websocket.WebSocketConnectionClosedException)):
            terminal.expect("never")
    wait_until(lambda: app.jupyter_pid not in (None, process), "the new server")
    app.wait_until_ready()
    assert app.base_url == address
    assert app.terminals() == []
    assert browser.get("lab").status_code == 200


def test_a_space_keeps_its_home_and_nothing_else(studio: LocalStudio) -> None:
    """Over a restart of the app the home stays; packages, temporary files and processes do not."""
    (studio.home_of(space_name="idle") / ".bashrc").write_text("PS1='mine> '\n")
    first = studio.create_app(space_name="idle", app_type="JupyterLab").wait_until_in_service()
    run_inside(
        first,
        """
        mkdir "$TMPDIR/own" && cd "$TMPDIR/own"
        echo 'from setuptools import setup; setup(name="own-package", py_modules=["own_module"])' > setup.py
        echo > own_module.py
        pip install --quiet . && cd && python -c 'import own_module'
    """,
    )
    with closing(logged_in(studio, "idle")) as browser, closing(browser.terminal()) as terminal:
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
    assert run_inside(second, "pip show own-package 2>&1 || true").startswith("WARNING: Package(s) not found")
    second.delete()


def test_a_shared_space_of_studio_classic(studio: LocalStudio) -> None:
    """Its app can have any name, every user can open it, and the path is that of Studio Classic."""
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


def test_code_editor_has_no_jupyter_server(studio: LocalStudio) -> None:
    """A Code Editor app has a status, an event and a page, but no process."""
    handle = studio.create_app(space_name="editor", app_type="CodeEditor").wait_until_in_service()
    assert studio.events[-1]["detail"]["requestParameters"]["appType"] == "CodeEditor"
    with closing(logged_in(studio, "editor", "/codeeditor/default/")) as browser:
        page = browser.get("")
        assert (page.status_code, "Code Editor" in page.text) == (200, True)
        assert browser.get(f"{browser.front_door_url}/jupyterlab/default/api/status").status_code == 404
    assert handle.processes() == []
    handle.delete()


def test_the_event_of_a_space_names_no_user(studio: LocalStudio, app: AppHandle) -> None:
    """It has `spaceName` in place of `userProfileName`."""
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


def test_the_api_describes_spaces(sagemaker: Any) -> None:
    """DescribeSpace and ListSpaces have sharing type, app type and, for a private space, the owner."""
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
def test_the_api_refuses_what_does_not_fit_the_space(
    sagemaker: Any, operation: str, params: dict[str, str], complaint: str
) -> None:
    """Another user's private space; an app of a space without a space, in the wrong space, or with another name."""
    with pytest.raises(ClientError) as caught:
        getattr(sagemaker, operation)(DomainId=DOMAIN_ID, **params)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert complaint in error["Message"]


def test_a_space_has_one_app(sagemaker: Any, app: AppHandle) -> None:
    """While it runs, CreateApp is refused."""
    assert app.status is AppStatus.IN_SERVICE
    with pytest.raises(ClientError) as caught:
        sagemaker.create_app(DomainId=DOMAIN_ID, SpaceName="lab", AppType="JupyterLab", AppName="default")
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"


def test_nothing_listens_after_the_end_of_the_studio() -> None:
    """The addresses of spaces and portal are free again."""
    with LocalStudio() as studio:
        studio.add_domain()
        urls = [studio.space_url(studio.add_space("lab")), studio.front_door_url.replace("127.0.0.1", "127.128.0.1")]
        for url in urls:
            assert requests.get(url, timeout=10).status_code == 200
    for url in urls:
        with pytest.raises(requests.ConnectionError):
            requests.get(url, timeout=10)


def test_the_program_adds_spaces() -> None:
    """`python -m emulator` adds a private and a shared space, and prints their URLs."""
    command = [sys.executable, "-m", "emulator", "--space-name", "hers", "--shared-space-name", "ours"]
    with subprocess.Popen(
        command, cwd=REPOSITORY_ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as program:
        try:
            assert program.stdout
            ready = json.loads(program.stdout.readline())
            assert list(ready["spaces"]) == ["hers", "ours"]
            with closing(client_of(ready["sagemaker_endpoint"])) as sagemaker:
                spaces = [sagemaker.describe_space(DomainId=DOMAIN_ID, SpaceName=name) for name in ready["spaces"]]
            assert [each["Url"] for each in spaces] == list(ready["spaces"].values())
            assert [each["SpaceSettings"]["AppType"] for each in spaces] == ["JupyterLab", "JupyterServer"]
            assert [each["SpaceSharingSettings"]["SharingType"] for each in spaces] == ["Private", "Shared"]
        finally:
            program.terminate()
            assert program.wait(timeout=30) == 0
