"""A Jupyter server extension with a stand-in for JupyterLab's page at `<base_url>/lab`.

JupyterServer apps run jupyter_server without JupyterLab, but a login ends on that page, and the browser gets its
`_xsrf` cookie with it. This file is copied into each container as `studio_lab_page`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado.web import authenticated

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

PAGE = "<!doctype html><title>JupyterLab</title><p>Stand-in for JupyterLab's page.</p>"


class LabPageHandler(JupyterHandler):
    """The page."""

    @authenticated
    def get(self) -> None:
        """Send the page, and the `_xsrf` cookie, which is set when the token is read."""
        _ = self.xsrf_token
        self.finish(PAGE)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "studio_lab_page"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    web_app: Any = server.web_app
    base_url = web_app.settings["base_url"]
    web_app.add_handlers(".*$", [(url_path_join(base_url, "lab(?:/.*)?"), LabPageHandler)])
