"""What a login asks for and where it may end: the hosts, the paths, the forms."""

from __future__ import annotations

import pytest

from studio_setup.access.landing import base_path_at, expected_base_path, host_of, landing_uris, studio_hosts
from studio_setup.model.app import App

REGION = "studio.us-east-1.sagemaker.aws"
DOMAIN = f"d-0.{REGION}"


@pytest.mark.parametrize(
    ("app", "uris"),
    [
        (App("d-0", "alice", "JupyterServer", "default"), ("app:JupyterServer:", "")),
        (App("d-0", "", "JupyterServer", "default", "team"), ("app:JupyterServer:", "")),
        (App("d-0", "", "JupyterLab", "default", "mine"), ("", "app:JupyterLab:")),
        (App("d-0", "alice", "JupyterLab", "default", "mine"), ("", "app:JupyterLab:")),
    ],
)
def test_each_app_has_a_form_to_ask_with_and_another(app: App, uris: tuple[str, str]) -> None:
    """First the documented or measured form, then the other one."""
    assert landing_uris(app) == uris


@pytest.mark.parametrize(
    ("app_type", "path"), [("JupyterServer", "/jupyter/default"), ("JupyterLab", "/jupyterlab/default")]
)
def test_each_app_type_has_a_place_on_its_host(app_type: str, path: str) -> None:
    """That is where a Jupyter server is asked for if the login ends elsewhere."""
    assert expected_base_path(App("d-0", "alice", app_type, "default", "team")) == path


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/jupyter/default/lab", "/jupyter/default"),
        ("/jupyter/default", "/jupyter/default"),
        ("/jupyterlab/my-app/lab/tree/a", "/jupyterlab/my-app"),
        ("/jupyterlab/default/", "/jupyterlab/default"),
        *((path, "") for path in ("", "/", "/jupyter", "/jupyter/", "/jupyterx/default", "/x/jupyter/default")),
        *((path, "") for path in ("jupyter/default", "//jupyter/default", "/Jupyter/default")),
    ],
)
def test_the_base_path_is_where_an_app_is(path: str, base: str) -> None:
    """It has a kind of app and a name; any other path is not an app's."""
    assert base_path_at(path) == base


@pytest.mark.parametrize(
    ("host", "described", "is_allowed"),
    [
        (DOMAIN, (), True),
        (f"studio-{DOMAIN}", (), True),
        (f"space.{REGION}", (f"space.{REGION}",), True),
        (f"space.{REGION}", (), False),
        (f"d-1.{REGION}", (f"space.{REGION}",), False),
        (REGION, (), False),
        (f"evil{DOMAIN}", (), False),
        (f"{DOMAIN}.evil.example", (), False),
        (f"x.{DOMAIN}", (), False),
        ("d-0.studio.eu-west-1.sagemaker.aws", (), False),
        ("", (), False),
    ],
)
def test_a_login_may_lead_to_hosts_that_are_known(host: str, described: tuple[str, ...], *, is_allowed: bool) -> None:
    """To the presigned URL's own, the domain's, its portal's, and those that SageMaker describes; to no sibling."""
    hosts = studio_hosts(f"https://{DOMAIN}/auth?token=x", "d-0", frozenset(described))
    assert (host in hosts) is is_allowed


@pytest.mark.parametrize("name", ["space1", "studio-d-0"])
def test_from_any_host_of_studio_a_login_may_lead_to_the_domain(name: str) -> None:
    """A URL that begins at the portal or at a space has the domain's name behind the same dot."""
    hosts = studio_hosts(f"https://{name}.{REGION}/auth", "d-0", frozenset())
    assert hosts == {f"{name}.{REGION}", DOMAIN, f"studio-{DOMAIN}"}


@pytest.mark.parametrize("url", ["http://127.0.0.1:8888/auth", "https://localhost/x", "https://a.x.example.com/"])
def test_a_host_that_is_not_studios_has_no_siblings(url: str) -> None:
    """On another host, such as a stand-in on this machine, a login stays where it began."""
    assert studio_hosts(url, "d-0", frozenset()) == host_of(url)


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://D-0.Studio.us-east-1.SageMaker.aws/jupyter", {DOMAIN}),
        (f"https://user:word@{DOMAIN}:8443/", {DOMAIN}),
        ("", set()),
        (None, set()),
        (["https://a/"], set()),
        ("https://[nonsense", set()),
        ("https://a:b:c/", set()),
        ("not a url", set()),
    ],
)
def test_the_host_of_a_url_that_is_described(url: object, hosts: set[str]) -> None:
    """In lower case and without a port; no host if it is not a URL."""
    assert host_of(url) == hosts
