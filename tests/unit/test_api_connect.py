"""`connect` checks what it is given and calls nothing; importing the package costs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import boto3
import pytest

import studio_setup
from studio_setup import BadInput, connect

DOMAIN_ID = "d-abcdefghijkl"
SOURCE = Path(studio_setup.__file__).parents[1]


def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)


def test_importing_everything_imports_no_library() -> None:
    """`from studio_setup import *` leaves the SDK, the HTTP client and the websocket client for `connect`."""
    code = (
        "import sys; from studio_setup import *; connect;"
        "print([name for name in ('boto3', 'botocore', 'requests', 'urllib3', 'websocket') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SOURCE)}
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("names", "label"),
    [
        pytest.param({"user": "alice"}, f"{DOMAIN_ID}/alice/JupyterServer/default", id="user"),
        pytest.param({"user": "alice", "app_name": "other"}, f"{DOMAIN_ID}/alice/JupyterServer/other", id="app-name"),
        pytest.param({"space": "hers"}, f"{DOMAIN_ID}/hers/JupyterLab/default", id="space"),
        pytest.param({"user": "alice", "space": "hers"}, f"{DOMAIN_ID}/hers/JupyterLab/default", id="space-as-a-user"),
    ],
)
def test_an_app_has_its_default_names(names: dict[str, str], label: str) -> None:
    """A user's app is of JupyterServer, a space's of JupyterLab; a user beside a space is whom to log in as."""
    with connect(DOMAIN_ID, **names) as app:  # type: ignore[arg-type]
        assert app.app.label == label
        assert app.app.user_profile_name == names.get("user", "")
        assert label in repr(app)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        pytest.param({}, "Give user, space, or both", id="neither"),
        pytest.param({"user": "al ice"}, "al ice", id="user"),
        pytest.param({"space": "../x"}, "../x", id="space"),
        pytest.param({"user": "alice", "app_type": "Nonesuch"}, "Nonesuch", id="app-type"),
    ],
)
def test_names_that_are_not_valid_are_bad_input(names: dict[str, str], message: str) -> None:
    """The message has the name, or says which is missing."""
    with pytest.raises(BadInput, match=message.replace(".", r"\.")):
        connect(DOMAIN_ID, **names)  # type: ignore[arg-type]


def test_without_a_region_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to give one, and giving it is enough."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(BadInput, match="give region, or set AWS_DEFAULT_REGION"):
        connect(DOMAIN_ID, user="alice")
    connect(DOMAIN_ID, user="alice", region="eu-west-1").close()


def test_without_credentials_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message comes from `connect` and not from the first command."""
    _no_credentials(monkeypatch)
    with pytest.raises(BadInput, match="There are no AWS credentials; give a session"):
        connect(DOMAIN_ID, user="alice")


@pytest.mark.parametrize(
    ("variable", "value"),
    [pytest.param("AWS_PROFILE", "nowhere", id="profile"), pytest.param("AWS_DEFAULT_REGION", "eu west", id="region")],
)
def test_a_configuration_that_is_not_usable_is_bad_input(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """What the SDK says against it is in the message."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadInput, match=f"The AWS configuration is not usable: .*{value}"):
        connect(DOMAIN_ID, user="alice")


def test_a_session_and_a_region_can_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session's credentials and region are used, and `region` goes before the session's."""
    _no_credentials(monkeypatch)
    asked: list[str | None] = []

    class Session(boto3.Session):
        def client(self, *arguments: object, **options: object) -> object:  # type: ignore[override]
            asked.append(str(options["region_name"] or self.region_name))
            return super().client(*arguments, **options)  # type: ignore[call-overload]

    session = Session("made-up", "made-up", region_name="eu-west-1")
    connect(DOMAIN_ID, user="alice", session=session).close()
    connect(DOMAIN_ID, user="alice", session=session, region="eu-central-1").close()
    assert asked == ["eu-west-1", "eu-central-1"]
