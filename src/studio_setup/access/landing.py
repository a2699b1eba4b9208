"""What a login asks SageMaker for, and where it may end: everything about it that nobody has documented, in one place.

| Form of CreatePresignedDomainUrl             | For          | How it is known                                        |
|----------------------------------------------|--------------|--------------------------------------------------------|
| `LandingUri=app:JupyterServer:`              | user profile | documented (API reference)                             |
| no `LandingUri`                              | user profile | documented to lead to the domain's own default         |
| `SpaceName`, no `LandingUri`                 | space        | measured by others: lands at `/jupyterlab/default/lab` |
| `SpaceName`, `LandingUri=app:JupyterLab:`    | space        | guessed; AWS's own extension sends both, with a path   |
| `SpaceName`, `LandingUri=app:JupyterServer:` | shared space | guessed: each half is documented                       |

| Base path of the app  | How it is known                                                     |
|-----------------------|---------------------------------------------------------------------|
| `/jupyter/default`    | AWS's public walkthroughs of Studio Classic                         |
| `/jupyterlab/default` | AWS's public image (sagemaker-distribution), and measured by others |
"""

from __future__ import annotations

import re

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

from studio_setup.model.app import App

_APP_PATH = re.compile(r"/(?:jupyter|jupyterlab)/[^/]+(?=/|$)")
_BASE_PATHS = {"JupyterServer": "/jupyter/default", "JupyterLab": "/jupyterlab/default"}


def landing_uris(app: App) -> tuple[str, str]:
    """The LandingUri to ask with first, and the one to try instead; empty for none at all.

    A shared space's JupyterServer is asked for by name: without it, the space's default could be another app.
    """
    uri = f"app:{app.app_type}:"
    return ("", uri) if app.app_type == "JupyterLab" else (uri, "")


def studio_hosts(presigned_url: str, domain_id: str, described: frozenset[str]) -> frozenset[str]:
    """The hosts that a login may lead to: the presigned URL's, the domain's and its portal's, and those `described`.

    The URL's own host is a domain's (`d-abc.studio.REGION.sagemaker.aws`), the portal's (`studio-d-abc.studio...`,
    AWS's public code) or a space's (a random name, as DescribeSpace says in `Url`); what is behind the first dot is the
    same for all of them.
    """
    host = _host(presigned_url)
    _, dot, suffix = host.partition(".")
    is_name = "studio." in f"{suffix}."
    siblings = {f"{domain_id}{dot}{suffix}", f"studio-{domain_id}{dot}{suffix}"} if is_name else set()
    return frozenset({host, *siblings, *described}) - {""}


def host_of(url: object) -> frozenset[str]:
    """The host of a URL that SageMaker describes, as a set; empty if there is none."""
    host = _host(url) if isinstance(url, str) else ""
    return frozenset({host} - {""})


def _host(url: str) -> str:
    try:
        return parse_url(url).host or ""
    except LocationParseError:
        return ""


def base_path_at(path: str) -> str:
    """The base path of the Jupyter server, from the path on which a login landed; empty if that is not an app's."""
    match = _APP_PATH.match(path)
    return match[0] if match else ""


def expected_base_path(app: App) -> str:
    """Where the Jupyter server of such an app is, on its host."""
    return _BASE_PATHS[app.app_type]
