"""A Jupyter server extension that stands for JupyterLab's page at `<base_url>/lab`.

The local Studio runs jupyter_server without JupyterLab; a browser's login ends on that page all the same, and the
page is where it gets its `_xsrf` cookie. Copied into each container, so it imports nothing of the emulator.
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
    """Answer like a page that is allowed to call Jupyter's API."""

    @authenticated
    def get(self) -> None:
        """Send the page and, by touching the token, the `_xsrf` cookie."""
        _ = self.xsrf_token
        self.finish(PAGE)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "studio_lab_page"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    web_app: Any = server.web_app
    base_url = web_app.settings["base_url"]
    web_app.add_handlers(".*$", [(url_path_join(base_url, "lab(?:/.*)?"), LabPageHandler)])
