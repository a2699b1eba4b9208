"""One user's app and the setups run on it, so that a test reads as a sentence."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import requests
import websocket

from emulator.app_host import StartOptions
from emulator.handles import AppHandle
from emulator.studio import DOMAIN_ID, LocalStudio
from studio_setup.model.app import App
from studio_setup.model.deadline import Deadline
from studio_setup.model.report import SetupReport
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job, Tools, set_up
from tests.support.waiting import LIMIT_SECONDS, wait_until

# A command that says that it has started, waits for `release()`, and says that it has ended.
PATIENT = "echo started >> ~/effects; while [ ! -e ~/go ]; do sleep 0.05; done; echo ended >> ~/effects"
ONCE = ["started", "ended"]


@dataclass(frozen=True)
class Place:
    """Where an app runs: for a user profile, or in a space with or without an owner."""

    user: str = ""
    space: str = ""
    app_type: str = "JupyterServer"
    app_name: str = "default"

    @property
    def owner(self) -> dict[str, str]:
        """The owner, by the name of its CreateApp parameter in the event."""
        return {"spaceName": self.space} if self.space else {"userProfileName": self.user}


class Scenario:
    """An app on the local Studio, and the setups run on it."""

    def __init__(self, studio: LocalStudio, place: Place, options: StartOptions) -> None:
        self.studio = studio
        self.place = place
        self.app: AppHandle
        self._options = options
        self.home = studio.home_of(place.user, space_name=place.space or None)

    def start(self) -> None:
        """Start the app; it may be Pending for a while."""
        place = self.place
        self.app = self.studio.create_app(
            place.user,
            space_name=place.space or None,
            app_type=place.app_type,
            app_name=place.app_name,
            options=self._options,
        )

    def ready(self) -> Scenario:
        """Wait until the app is in service."""
        self.app.wait_until_in_service()
        return self

    @property
    def event(self) -> dict[str, Any]:
        """The event of the app's latest start."""
        return next(
            event
            for event in reversed(self.studio.events)
            if self.place.owner.items() <= (event["detail"]["requestParameters"] or {}).items()
        )

    @property
    def name(self) -> App:
        """The app as the engine knows it."""
        place = self.place
        user = "" if place.space else place.user
        return App(DOMAIN_ID, user, place.app_type, place.app_name, place.space)

    @property
    def sagemaker(self) -> Any:  # noqa: ANN401 (the SDK makes it at run time)
        """A client of the local SageMaker API."""
        return boto3.client("sagemaker")

    def set_up(self, *commands: Command | str, limit_seconds: float = LIMIT_SECONDS, **job: Any) -> SetupReport:  # noqa: ANN401
        """Set the app up with these commands; a string is the script of a command."""
        setup = Setup(tuple(self._named(commands)))
        with requests.Session() as http:
            tools = Tools(self.sagemaker, http)
            return set_up(Job(self.name, setup, **job), tools, Deadline.after(limit_seconds))

    def start_setup(self, *commands: Command | str, **options: Any) -> BackgroundSetup:  # noqa: ANN401
        """The same, in the background."""
        return BackgroundSetup(lambda: self.set_up(*commands, **options))

    def invoke(self, *commands: str, limit_seconds: float = LIMIT_SECONDS) -> subprocess.Popen[str]:
        """The same, in a process of its own that can be killed."""
        order = {"user": self.place.user, "commands": commands, "limit_seconds": limit_seconds}
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.invocation", json.dumps(order)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": "src:."},
        )

    def write_files(self, files: Mapping[str, str]) -> None:
        """Write files into the home; those with a `#!` line are programs."""
        for name, text in files.items():
            (self.home / name).write_text(text)
            (self.home / name).chmod(0o755 if text.startswith("#!") else 0o644)

    def restart_app_quickly(self) -> None:
        """Delete the app and start it again at once, as an impatient user does."""
        self.app.delete()
        self.start()
        self.ready()

    def wait_until_idle(self) -> None:
        """Wait until nothing runs in the app but its Jupyter server."""
        wait_until(lambda: self.app.processes() == [self.app.jupyter_pid], "the end of every other process")

    def kill_jupyter(self) -> None:
        """Kill the Jupyter server with SIGKILL and wait until it is back."""
        self.app.kill_jupyter(signal.SIGKILL)
        self.app.wait_until_ready()

    def release(self) -> None:
        """Let a command that waits for `~/go` go on."""
        (self.home / "go").touch()

    def open_terminal(self, name: str) -> None:
        """Open a terminal as the user would."""
        self._send("POST", "api/terminals", {"name": name})

    def delete_terminal(self, name: str) -> None:
        """Delete a terminal, as the Running panel does."""
        self._send("DELETE", f"api/terminals/{name}", None)

    def our_terminals(self) -> list[str]:
        """The names of the terminals that setups have left open."""
        terminals = self.app.terminals() if self.app.jupyter_pid else []
        return [name for name in terminals if name.startswith("studiosetup")]

    def delete_terminals(self) -> None:
        """Delete every terminal, such as those of killed invocations, which would end by themselves after a minute."""
        for name in self.app.terminals():
            self.delete_terminal(name)

    def type_into_our_terminal(self, text: str) -> None:
        """Type into the setup's terminal, as a user who has found it could."""
        name = next(name for name in self.app.terminals() if name.startswith("studiosetup"))
        address = self.app.base_url.replace("http", "ws", 1) + f"terminals/websocket/{name}"
        with closing(websocket.create_connection(address, timeout=10)) as connection:
            connection.send(json.dumps(["stdin", text]))

    def _send(self, method: str, path: str, body: dict[str, str] | None) -> None:
        # The server compares cookie and header; any value will do.
        headers = {"X-XSRFToken": "users", "Cookie": "_xsrf=users"}
        requests.request(method, self.app.base_url + path, json=body, headers=headers, timeout=10).raise_for_status()

    def effects(self) -> list[str]:
        """The lines that commands have written to the file `effects` in the home."""
        path = self.home / "effects"
        return path.read_text().splitlines() if path.exists() else []

    def wait_for_effect(self, line: str) -> None:
        """Wait until a command has written this line."""
        wait_until(lambda: line in self.effects(), f"the effect {line!r}")

    def log(self, report: SetupReport, command: str) -> bytes:
        """Everything that a command printed, from the app's disk."""
        path = next(one.log_path for one in report.commands if one.name == command)
        return Path(path).read_bytes()

    @staticmethod
    def _named(commands: tuple[Command | str, ...]) -> list[Command]:
        return [
            one if isinstance(one, Command) else Command(f"step-{number}", one)
            for number, one in enumerate(commands, 1)
        ]


class BackgroundSetup:
    """A setup in a thread of its own."""

    def __init__(self, work: Callable[[], SetupReport]) -> None:
        self._reports: list[SetupReport] = []
        self._thread = threading.Thread(target=lambda: self._reports.append(work()), daemon=True)
        self._thread.start()

    def report(self) -> SetupReport:
        """Wait until it is over and return its report."""
        self._thread.join(LIMIT_SECONDS)
        return self._reports[0]


def statuses(report: SetupReport) -> list[int | None]:
    """The exit statuses of a report, in order."""
    return [command.exit_status for command in report.commands]
