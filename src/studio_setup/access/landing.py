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

from studio_setup.model.app import App

_APP_PATH = re.compile(r"/(?:jupyter|jupyterlab)/[^/]+(?=/|$)")
_BASE_PATHS = {"JupyterServer": "/jupyter/default", "JupyterLab": "/jupyterlab/default"}


def landing_uris(app: App) -> tuple[str, str]:
    """The LandingUri to ask with first, and the one to try instead; empty for none at all.

    A shared space's JupyterServer is asked for by name: without it, the space's default could be another app.
    """
    uri = f"app:{app.app_type}:"
    return ("", uri) if app.app_type == "JupyterLab" else (uri, "")


def base_path_at(path: str) -> str:
    """The base path of the Jupyter server, from the path on which a login landed; empty if that is not an app's."""
    match = _APP_PATH.match(path)
    return match[0] if match else ""


def expected_base_path(app: App) -> str:
    """Where the Jupyter server of such an app is, on its host."""
    return _BASE_PATHS[app.app_type]
