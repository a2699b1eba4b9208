"""The same promises on the Jupyter servers that Studio has had before today's."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import closing

import pytest
import requests
import websocket
from studio_setup.access.jupyter import Jupyter

from emulator.servers import SERVERS
from studio_setup.handler import lambda_handler
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job, Tools, set_up
from studio_setup.terminal.channel import Channel, WebSocketAddress
from tests.support.context import Context
from tests.support.needs import needs
from tests.support.scenario import LIMIT_SECONDS, Scenario, statuses, wait_until

OLDER = {"notebook6": "6.5.7", "jupyterlab3": "1.24.0"}
SHELLS = ["bash", "zsh", "fish", "dash"]
PATIENT = "echo started >> ~/effects; while [ ! -e ~/go ]; do sleep 0.05; done; echo ended >> ~/effects; exit 3"
ONCE = ["started", "ended"]
CONDA = '#!/bin/sh\n[ "$1" = shell.bash ] && echo \'conda() { echo "conda $*" >> ~/effects; }\'\n'
# What a login to JupyterLab 3 on Studio finds; JupyterLab 1 has no such variable and no conda to activate.
IMAGES: dict[str, dict[str, object]] = {
    "notebook6": {},
    "jupyterlab3": {
        "files": {"conda": CONDA, ".bashrc": "PATH=~:$PATH\n"},
        "environment": {"AWS_SAGEMAKER_JUPYTERSERVER_IMAGE": "jupyter-server-3"},
        "shell": ("/bin/bash",),
    },
}
WELL_FORMED = "0123456789abcdef0123456789abcdef"

StartApp = Callable[..., Scenario]


def start_on(start_app: StartApp, server: str, **options: object) -> Scenario:
    """Start an app on an older server."""
    assert SERVERS[server].packages.is_dir(), "make setup"
    return start_app(server=server, **options)


@pytest.fixture(params=OLDER)
def older(start_app: StartApp, request: pytest.FixtureRequest) -> Scenario:
    """An app on each of the older servers."""
    return start_on(start_app, request.param)


@pytest.fixture
def numbered(start_app: StartApp) -> Scenario:
    """An app on the server that gives terminals numbers, the lowest that is free, whatever name is asked for."""
    return start_on(start_app, "notebook6")


@pytest.mark.parametrize("server", OLDER)
def test_it_is_the_server_it_is_said_to_be(start_app: StartApp, server: str) -> None:
    """The version the server tells is the one that is meant, so that a green run here means something."""
    scenario = start_on(start_app, server)
    assert requests.get(scenario.app.base_url + "api", timeout=10).json() == {"version": OLDER[server]}


def test_statuses_come_back_and_no_terminal_is_left(older: Scenario) -> None:
    """Exit statuses are those that happened; the terminal is deleted at the end, and its shell is gone."""
    assert statuses(older.set_up("echo hello", "exit 42")) == [0, 42]
    assert older.app.terminals() == []
    assert older.app.processes() == [older.app.jupyter_pid]


def test_a_killed_server_loses_nothing(older: Scenario) -> None:
    """Kill -9 of the Jupyter server in the middle of a command: one effect, the right status."""
    setup = older.set_up_meanwhile("echo first >> ~/effects", PATIENT)
    older.wait_for_effect("started")
    older.kill_jupyter()
    older.release()
    assert statuses(setup.report()) == [0, 3]
    assert older.effects() == ["first", *ONCE]
    assert older.app.terminals() == []


def test_dropped_sockets_lose_nothing(older: Scenario) -> None:
    """The websocket is cut three times in the middle of a command: one effect, the right status."""
    setup = older.set_up_meanwhile(PATIENT)
    older.wait_for_effect("started")
    for _ in range(3):
        wait_until(lambda: older.app.drop_websockets() > 0)
    older.release()
    assert statuses(setup.report()) == [3]
    assert older.effects() == ONCE
    assert older.app.terminals() == []


def test_a_users_terminal_beside_ours_is_left_alone(numbered: Scenario) -> None:
    """The user's terminal has the number that comes first, ours another name; theirs is there afterwards, untouched."""
    assert open_users_terminal(numbered) == "1"
    setup = numbered.set_up_meanwhile(PATIENT)
    numbered.wait_for_effect("started")
    assert len(numbered.app.terminals()) == 2
    numbered.release()
    assert statuses(setup.report()) == [3]
    assert_users_terminal_is_untouched(numbered, "1")


def restart_server(scenario: Scenario, _ours: str) -> None:
    """Restart the Jupyter server, and with it the numbering."""
    scenario.kill_jupyter()


def close_our_terminal(scenario: Scenario, ours: str) -> None:
    """Close our terminal in the Running panel, so that the next one gets its number."""
    scenario.delete_terminal(ours)


FREE_OUR_NUMBER = pytest.mark.parametrize("free_our_number", [restart_server, close_our_terminal])
FreeOurNumber = Callable[[Scenario, str], None]


@FREE_OUR_NUMBER
def test_a_users_terminal_with_our_old_number_is_not_deleted(
    numbered: Scenario, monkeypatch: pytest.MonkeyPatch, free_our_number: FreeOurNumber
) -> None:
    """By the time we hear that our terminal is gone, its number is a terminal of the user's: it survives."""
    may_hear = hear_of_losses_late(monkeypatch)
    setup = numbered.set_up_meanwhile(PATIENT)
    numbered.wait_for_effect("started")
    (ours,) = numbered.app.terminals()
    free_our_number(numbered, ours)
    users = open_users_terminal(numbered)
    may_hear.set()
    numbered.release()
    assert statuses(setup.report()) == [3]
    assert_users_terminal_is_untouched(numbered, users)


@FREE_OUR_NUMBER
def test_a_users_terminal_with_our_old_number_is_not_typed_into(
    numbered: Scenario, monkeypatch: pytest.MonkeyPatch, free_our_number: FreeOurNumber
) -> None:
    """Between our request for a terminal and its websocket, its number becomes the user's: none of our lines get in."""
    address_of = Jupyter.terminal_address
    users: list[str] = []

    def late(self: Jupyter, name: str) -> WebSocketAddress:
        if not users:
            free_our_number(numbered, name)
            users.append(open_users_terminal(numbered))
        return address_of(self, name)

    monkeypatch.setattr(Jupyter, "terminal_address", late)
    assert statuses(numbered.set_up("exit 3", limit_seconds=25)) == [3]
    assert_users_terminal_is_untouched(numbered, users[0])


def test_the_xsrf_cookie_is_where_the_server_puts_it(start_app: StartApp) -> None:
    """Notebook 6.5 sets `_xsrf` for the path `/`, and the token is found there."""
    scenario = start_on(start_app, "notebook6")
    assert xsrf_paths_after_setup(scenario, requests.Session()) == ["/"]


@pytest.mark.parametrize("value", [WELL_FORMED, "of-somebody-else"])
@pytest.mark.parametrize("path", ["/", "/jupyter/default/"])
def test_another_xsrf_cookie_does_not_matter(older: Scenario, path: str, value: str) -> None:
    """A second `_xsrf` cookie, of this path or the other: the setup goes through, with the one the server reads."""
    http = requests.Session()
    for planted in {path, "/"} if value == WELL_FORMED else {path}:
        http.cookies.set("_xsrf", value, domain="127.0.0.1", path=planted)
    assert xsrf_paths_after_setup(older, http)


@pytest.mark.parametrize("server", OLDER)
def test_the_extension_is_installed_and_answers(start_app: StartApp, server: str) -> None:
    """The setup as it ships installs the extension on the older images too, and its endpoint answers afterwards."""
    scenario = start_on(start_app, server, **IMAGES[server])
    before = scenario.app.jupyter_pid
    report = lambda_handler(scenario.event, Context())
    assert [command["exit_status"] for command in report["commands"]] == [0, 0, 0, 0]
    assert report["outcome"] == "succeeded"
    answer = requests.get(scenario.app.base_url + "sagemaker-studio-autoshutdown/idle_checker", timeout=10).json()
    assert (answer["idle_time"], answer["count"]) == (7200, 1)
    assert scenario.effects() == (["conda activate studio"] if server == "jupyterlab3" else [])
    assert scenario.app.jupyter_pid != before
    assert scenario.app.terminals() == []
    assert scenario.app.processes() == [scenario.app.jupyter_pid]


def test_the_old_command_is_the_servers_own(older: Scenario) -> None:
    """`jupyter serverextension` is notebook's there, and refuses what cannot be imported."""
    report = older.set_up("jupyter serverextension enable --py nowhere_to_be_found --sys-prefix")
    assert statuses(report) == [1]
    assert b"nowhere_to_be_found" in older.log(report, "step-1")
    assert b"notebook/serverextensions.py" in older.log(report, "step-1")


@pytest.mark.parametrize("shell", SHELLS)
def test_any_shell(start_app: StartApp, shell: str) -> None:
    """The user's shell may be any of these there, too."""
    scenario = start_on(start_app, "notebook6", shell=(needs(shell),))
    assert statuses(scenario.set_up("echo hello", "exit 42")) == [0, 42]
    assert scenario.app.terminals() == []


def hear_of_losses_late(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let the engine notice the loss of a terminal only once this event is set, as over a network that stalls."""
    may_hear = threading.Event()
    receive, send = Channel.receive, Channel.send

    def late_receive(self: Channel, timeout_seconds: float) -> str:
        try:
            return receive(self, timeout_seconds)
        except ConnectionLost:
            may_hear.wait(LIMIT_SECONDS)
            raise

    def late_send(self: Channel, text: str) -> None:
        try:
            send(self, text)
        except ConnectionLost:
            may_hear.wait(LIMIT_SECONDS)
            raise

    monkeypatch.setattr(Channel, "receive", late_receive)
    monkeypatch.setattr(Channel, "send", late_send)
    return may_hear


def open_users_terminal(scenario: Scenario) -> str:
    """Open a terminal as the user would and let it write down whatever is typed into it; its name."""
    headers = {"X-XSRFToken": WELL_FORMED, "Cookie": f"_xsrf={WELL_FORMED}"}
    answer = requests.post(scenario.app.base_url + "api/terminals", json={}, headers=headers, timeout=10)
    name = str(answer.json()["name"])
    type_into(scenario, name, "cat > ~/typed\r")
    wait_until((scenario.home / "typed").exists)
    return name


def assert_users_terminal_is_untouched(scenario: Scenario, name: str) -> None:
    """It is the only one that is there, still reads, and has read nothing but the user's own line."""
    assert scenario.app.terminals() == [name]
    type_into(scenario, name, "mine\r")
    typed = scenario.home / "typed"
    wait_until(lambda: "mine" in typed.read_text())
    assert typed.read_text() == "mine\n"


def type_into(scenario: Scenario, name: str, text: str) -> None:
    """Type into a terminal past the front door."""
    address = scenario.app.base_url.replace("http", "ws", 1) + f"terminals/websocket/{name}"
    with closing(websocket.create_connection(address, timeout=10)) as connection:
        connection.send(json.dumps(["stdin", text]))


def xsrf_paths_after_setup(scenario: Scenario, http: requests.Session) -> list[str]:
    """Set up through this session and say for which paths it has an `_xsrf` cookie then."""
    with http:
        job = Job(scenario.name, Setup((Command("step", "exit 42"),)))
        report = set_up(job, Tools(scenario.sagemaker, http), Deadline.after(LIMIT_SECONDS))
        assert statuses(report) == [42]
        assert scenario.app.terminals() == []
        return [cookie.path for cookie in http.cookies if cookie.name == "_xsrf"]
