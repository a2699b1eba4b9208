"""The idle checker's endpoint: GET reads the settings, POST changes them; XSRF rules are Jupyter's own."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tornado.web import authenticated

try:  # like the real one, wherever there still is such a notebook
    from notebook.base.handlers import APIHandler  # type: ignore[import-not-found]
    from notebook.utils import url_path_join  # type: ignore[import-not-found]
except ImportError:
    from jupyter_server.base.handlers import APIHandler
    from jupyter_server.utils import url_path_join


@dataclass
class IdleSettings:
    """What the settings panel would show; `count` grows with every change."""

    idle_time_seconds: int = 7200
    keep_terminals: bool = False
    count: int = 0


SETTINGS = IdleSettings()


class IdleCheckerHandler(APIHandler):  # type: ignore[misc]
    """Speak the real extension's JSON. The unit differs by direction, as it does there."""

    @authenticated
    def get(self) -> None:
        """Answer with the idle time in seconds."""
        self.finish(
            json.dumps(
                {
                    "idle_time": SETTINGS.idle_time_seconds,
                    "keep_terminals": SETTINGS.keep_terminals,
                    "count": SETTINGS.count,
                }
            )
        )

    @authenticated
    def post(self) -> None:
        """Take the idle time in minutes."""
        wanted = self.get_json_body() or {}
        SETTINGS.idle_time_seconds = int(wanted["idle_time"]) * 60
        SETTINGS.keep_terminals = bool(wanted["keep_terminals"])
        SETTINGS.count += 1
        self.finish(json.dumps({"greetings": "Hello from the stand-in", "count": SETTINGS.count}))


def routes(base_url: str) -> list[tuple[str, type[IdleCheckerHandler]]]:
    """Return the routes below a server's base URL."""
    return [(url_path_join(base_url, "sagemaker-studio-autoshutdown", "idle_checker"), IdleCheckerHandler)]
