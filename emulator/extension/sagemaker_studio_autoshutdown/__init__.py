"""A Jupyter server extension with the endpoint of the auto-shutdown extension; it shuts nothing down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .handlers import routes

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "sagemaker_studio_autoshutdown"}]


def _load_jupyter_server_extension(server: ServerApp) -> None:
    web_app: Any = server.web_app
    web_app.add_handlers(".*$", routes(web_app.settings["base_url"]))
    server.log.info("sagemaker_studio_autoshutdown stand-in loaded")


# Servers before jupyter_server 1.0 look for these names.
_jupyter_server_extension_paths = _jupyter_server_extension_points
load_jupyter_server_extension = _load_jupyter_server_extension
