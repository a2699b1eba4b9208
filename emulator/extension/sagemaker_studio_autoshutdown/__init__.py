"""A notebook server extension with the endpoint of the auto-shutdown extension; it shuts nothing down.

Only notebook, and jupyter_server 1.x with notebook beside it, look for these two names.
"""

from __future__ import annotations

from typing import Any

from .handlers import routes


def _jupyter_server_extension_paths() -> list[dict[str, str]]:
    return [{"module": "sagemaker_studio_autoshutdown"}]


def load_jupyter_server_extension(server: Any) -> None:  # noqa: ANN401 (notebook's application)
    """Add the endpoint to the server."""
    web_app = server.web_app
    web_app.add_handlers(".*$", routes(web_app.settings["base_url"]))
    server.log.info("sagemaker_studio_autoshutdown stand-in loaded")
