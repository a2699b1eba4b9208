"""The forms of a login to the local Studio, as a browser without scripts sees them.

One Studio for the whole module: Alice has the space "lab" with a Code Editor, whose stand-in needs no server.
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

from emulator.login_forms import Expired, LandingUriWithoutPath, Login, LoginForms, PresignedUrl
from emulator.studio import DOMAIN_ID, LocalStudio
from tests.support.browser import client_of, is_sign_in_page, presigned_url

EDITOR = "/codeeditor/default/"
STATUSES = {Expired.TEXT_200: 200, Expired.TEXT_401: 401, Expired.TEXT_403: 403}


@pytest.fixture(scope="module")
def whole_studio() -> Iterator[LocalStudio]:
    """A Studio with a user, and a space whose Code Editor is in service."""
    with LocalStudio() as studio:
        studio.add_domain()
        studio.add_user_profile("alice")
        studio.add_space("lab", owner="alice", app_type="CodeEditor")
        studio.create_app(space_name="lab", app_type="CodeEditor").wait_until_in_service()
        yield studio


@pytest.fixture
def studio(whole_studio: LocalStudio) -> Iterator[LocalStudio]:
    """The same; a test may change the forms of its logins."""
    yield whole_studio
    whole_studio.login_forms = LoginForms()


def test_a_script_page_sets_the_session_cookie(studio: LocalStudio) -> None:
    """The presigned URL answers 200 with a page whose script goes on to the app; the session is good there."""
    studio.login_forms = LoginForms(login=Login.SCRIPT_PAGE)
    with requests.Session() as session:
        answer = session.get(presigned_url(studio, "alice", SpaceName="lab"), allow_redirects=False, timeout=10)
        assert (answer.status_code, urlsplit(answer.url).path) == (200, "/auth")
        assert f'location.replace("{EDITOR}")' in answer.text
        assert "Code Editor" in session.get(studio.space_url("lab") + EDITOR, timeout=10).text


def test_portal_first_ends_on_the_portal_with_a_session_for_the_app(studio: LocalStudio) -> None:
    """The presigned URL is on the portal's host and leads over the space's host, which sets its cookie, and back."""
    studio.login_forms = LoginForms(login=Login.PORTAL_FIRST)
    url = presigned_url(studio, "alice", SpaceName="lab")
    with requests.Session() as session:
        answer = session.get(url, timeout=10)
        hosts = [urlsplit(one.url).hostname for one in (*answer.history, answer)]
        assert hosts == ["127.128.0.1", urlsplit(studio.space_url("lab")).hostname, "127.128.0.1"]
        assert "Studio portal" in answer.text
        assert "Code Editor" in session.get(studio.space_url("lab") + EDITOR, timeout=10).text


@pytest.mark.parametrize("path", ["/", "/jupyter/default/api/status", "/jupyter/default/lab", "/auth?token=used"])
@pytest.mark.parametrize("form", STATUSES)
def test_without_a_session_every_path_has_the_text(studio: LocalStudio, form: Expired, path: str) -> None:
    """The status is that of the form, and the text plain."""
    studio.login_forms = LoginForms(expired=form)
    answer = requests.get(studio.front_door_url + path, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (STATUSES[form], "text/plain; charset=utf-8")
    assert answer.text.startswith("Invalid or Expired Auth Token.")


@pytest.mark.parametrize("form", STATUSES)
def test_without_a_session_a_websocket_is_refused_with_the_status(studio: LocalStudio, form: Expired) -> None:
    """The handshake has the same answer."""
    studio.login_forms = LoginForms(expired=form)
    url = studio.front_door_url.replace("http", "ws") + "/jupyter/default/terminals/websocket/1"
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        websocket.create_connection(url, timeout=10)
    assert caught.value.status_code == STATUSES[form]


@pytest.mark.parametrize(("form", "logins"), [(PresignedUrl.SINGLE_USE, 1), (PresignedUrl.REUSABLE, 3)])
def test_a_presigned_url_may_be_reusable(studio: LocalStudio, form: PresignedUrl, logins: int) -> None:
    """It logs in once, or as often as it is opened."""
    studio.login_forms = LoginForms(presigned_url=form)
    url = presigned_url(studio, "alice", SpaceName="lab")
    answers = [requests.get(url, timeout=10) for _ in range(3)]
    assert [is_sign_in_page(studio, answer) for answer in answers] == [n >= logins for n in range(3)]


@pytest.mark.parametrize(
    "options", [{"LandingUri": "app:CodeEditor:", "SpaceName": "lab"}, {"LandingUri": "app:JupyterServer:"}]
)
def test_a_landing_uri_without_a_path_may_be_refused(studio: LocalStudio, options: dict[str, str]) -> None:
    """It is refused with ValidationException; with a path, or without a LandingUri, nothing changes."""
    studio.login_forms = LoginForms(landing_uri_without_path=LandingUriWithoutPath.REFUSED)
    with pytest.raises(ClientError) as caught:
        presigned_url(studio, "alice", **options)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert presigned_url(studio, "alice", **options | {"LandingUri": options["LandingUri"] + "lab"})
    assert presigned_url(studio, "alice", **{k: v for k, v in options.items() if k != "LandingUri"})


def test_a_domain_and_a_space_are_described_with_the_hosts_that_serve_them(studio: LocalStudio) -> None:
    """`Url` is the front door of the domain, and the space's own host."""
    with closing(client_of(studio.sagemaker_endpoint)) as sagemaker:
        assert sagemaker.describe_domain(DomainId=DOMAIN_ID)["Url"] == studio.front_door_url
        assert sagemaker.describe_space(DomainId=DOMAIN_ID, SpaceName="lab")["Url"] == studio.space_url("lab")


def test_the_program_has_the_forms_as_options() -> None:
    """`python -m emulator --login …` starts a Studio with these forms."""
    options = ["--login", "portal-first", "--expired", "text-401", "--landing-uri-without-path", "refused"]
    command = [sys.executable, "-m", "emulator", *options, "--presigned-url", "reusable"]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout
            ready: dict[str, Any] = json.loads(program.stdout.readline())
            assert requests.get(ready["studio"], timeout=10).status_code == 401
            with closing(client_of(ready["sagemaker_endpoint"])) as sagemaker:
                names = {"DomainId": ready["domain_id"], "UserProfileName": ready["user_profile_name"]}
                url = sagemaker.create_presigned_domain_url(**names)["AuthorizedUrl"]
                assert urlsplit(url).hostname == "127.128.0.1"
                with pytest.raises(ClientError):
                    sagemaker.create_presigned_domain_url(**names, LandingUri="app:JupyterServer:")
            for _ in range(2):
                assert "Studio portal" in requests.get(url, timeout=10).text
        finally:
            program.terminate()
