"""The endpoint of the idle checker: GET reads the settings, POST changes them; Jupyter checks the XSRF token."""

from __future__ import annotations

import json
from dataclasses import dataclass

from notebook.base.handlers import APIHandler  # type: ignore[import-not-found]
from notebook.utils import url_path_join  # type: ignore[import-not-found]
from tornado.web import authenticated


@dataclass
class IdleSettings:
    """The settings; `count` is 0 until the first POST, which starts the checks, and counts that and each check."""

    idle_time_seconds: int = 7200
    keep_terminals: bool = False
    count: int = 0


SETTINGS = IdleSettings()


class IdleCheckerHandler(APIHandler):  # type: ignore[misc]
    """The endpoint, with the JSON of the real extension; its units differ by direction, too."""

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
        """Set the idle time, in minutes."""
        wanted = self.get_json_body()
        SETTINGS.idle_time_seconds = int(wanted["idle_time"]) * 60
        SETTINGS.keep_terminals = wanted["keep_terminals"]
        is_first = SETTINGS.count == 0
        SETTINGS.count = SETTINGS.count or 1
        self.finish(json.dumps({"greetings": "Hello from the stand-in", "count": SETTINGS.count}))
        if is_first:  # the first check, at once; the real one then checks every ten seconds
            SETTINGS.count = 2


def routes(base_url: str) -> list[tuple[str, type[IdleCheckerHandler]]]:
    """Return the routes below a server's base URL."""
    return [(url_path_join(base_url, "sagemaker-studio-autoshutdown", "idle_checker"), IdleCheckerHandler)]
