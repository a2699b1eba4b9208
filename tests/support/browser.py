"""A user's browser and terminals on the local Studio, and what tests of the emulator ask of processes."""

from __future__ import annotations

import json
import re
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import requests
import websocket

from emulator.studio import DOMAIN_ID, LocalStudio


class Browser:
    """A requests session that knows the base URL of the Jupyter server behind the front door."""

    def __init__(self, front_door_url: str, base_path: str = "/jupyter/default/") -> None:
        self.session = requests.Session()
        self.front_door_url = front_door_url
        self.base_url = front_door_url + base_path

    def get(self, url: str) -> requests.Response:
        """GET a URL, relative to Jupyter's base URL unless it is absolute."""
        return self.session.get(url if "://" in url else self.base_url + url, timeout=30)

    def post(self, path: str, body: object = None) -> requests.Response:
        """POST JSON, with the XSRF token from the login."""
        token = {"X-XSRFToken": self.session.cookies["_xsrf"]}
        return self.session.post(self.base_url + path, json=body, headers=token, timeout=30)

    @property
    def cookie_header(self) -> str:
        """All cookies, as a header."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.session.cookies)

    def terminal(self) -> Terminal:
        """Open a new terminal."""
        name = self.post("api/terminals").json()["name"]
        url = self.base_url.replace("http:", "ws:") + f"terminals/websocket/{name}"
        return Terminal(name, websocket.create_connection(url, cookie=self.cookie_header, timeout=10))

    def close(self) -> None:
        """Close the connections."""
        self.session.close()


class Terminal:
    """A terminal's websocket, and all text that it has sent so far."""

    def __init__(self, name: str, connection: websocket.WebSocket) -> None:
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
        """Close the websocket; the terminal stays."""
        self.connection.close()
        self.connection.shutdown()  # type: ignore[no-untyped-call]  # after the other side's close frame, close() does not


def client_of(endpoint: str) -> Any:  # noqa: ANN401 (the stubs' client takes no computed parameters)
    """A SageMaker client of a local Studio."""
    return boto3.client(
        "sagemaker",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def presigned_url(studio: LocalStudio, user_profile_name: str, **options: int | str) -> str:
    """A new presigned URL."""
    with closing(client_of(studio.sagemaker_endpoint)) as sagemaker:
        answer = sagemaker.create_presigned_domain_url(DomainId=DOMAIN_ID, UserProfileName=user_profile_name, **options)
        return str(answer["AuthorizedUrl"])


def is_sign_in_page(studio: LocalStudio, answer: requests.Response) -> bool:
    """Is it the sign-in page on the other host, with status 200 as on AWS?"""
    is_other_host = urlsplit(answer.url).hostname != urlsplit(studio.front_door_url).hostname
    return is_other_host and answer.status_code == requests.codes.ok and "sign-in" in answer.text


def processes_with(text: bytes) -> list[int]:
    """The ids of the processes that have this text in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and text in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def is_running(pid: int) -> bool:
    """Does the process exist? A zombie, which only init can reap, does not count."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
