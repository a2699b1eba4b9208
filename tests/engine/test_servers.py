"""The same promises on the older Jupyter servers of Studio."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import closing

import pytest
import requests
import websocket

from studio_setup.access.terminals import Terminals
from studio_setup.handler import lambda_handler
from studio_setup.model.deadline import Deadline
from studio_setup.model.errors import ConnectionLost
from studio_setup.model.setup import Command, Setup
from studio_setup.setup_run import Job, Tools, set_up
from studio_setup.terminal.channel import Channel, WebSocketAddress
from tests.support.context import Context
from tests.support.needs import needs
from tests.support.scenario import ONCE, PATIENT, Scenario, statuses
from tests.support.waiting import LIMIT_SECONDS, wait_until

OLDER = {"notebook6": "6.5.7", "jupyterlab3": "1.24.0"}
SHELLS = ["bash", "zsh", "fish", "dash"]
ENDS_WITH_3 = f"{PATIENT}; exit 3"
CONDA = '#!/bin/sh\n[ "$1" = shell.bash ] && echo \'conda() { echo "conda $*" >> ~/effects; }\'\n'
# What Studio's image of JupyterLab 3 has; that of JupyterLab 1 has neither this variable nor conda.
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


@pytest.fixture(params=OLDER)
def older(start_app: StartApp, request: pytest.FixtureRequest) -> Scenario:
    """An app on each of the older servers."""
    return start_app(server=request.param)


@pytest.fixture
def numbered(start_app: StartApp) -> Scenario:
    """An app on the server that ignores requested names and gives each terminal the lowest free number."""
    return start_app(server="notebook6")


@pytest.mark.parametrize("server", OLDER)
def test_each_server_has_the_version_it_should_have(start_app: StartApp, server: str) -> None:
    """The server reports the version that these tests are meant for."""
    scenario = start_app(server=server)
    assert requests.get(scenario.app.base_url + "api", timeout=10).json() == {"version": OLDER[server]}


def test_statuses_come_back_and_no_terminal_is_left(older: Scenario) -> None:
    """Exit statuses are right; the terminal is deleted at the end, and its shell is gone."""
    assert statuses(older.set_up("echo hello", "exit 42")) == [0, 42]
    assert older.app.terminals() == []
    assert older.app.processes() == [older.app.jupyter_pid]


def test_a_killed_server_loses_nothing(older: Scenario) -> None:
    """The Jupyter server is killed in mid-command: one effect, the right status."""
    setup = older.start_setup("echo first >> ~/effects", ENDS_WITH_3)
    older.wait_for_effect("started")
    older.kill_jupyter()
    older.release()
    assert statuses(setup.report()) == [0, 3]
    assert older.effects() == ["first", *ONCE]
    assert older.app.terminals() == []


def test_dropped_sockets_lose_nothing(older: Scenario) -> None:
    """The websocket is cut three times in mid-command: one effect, the right status."""
    setup = older.start_setup(ENDS_WITH_3)
    older.wait_for_effect("started")
    for _ in range(3):
        wait_until(lambda: older.app.drop_websockets() > 0, "a websocket to cut")
    older.release()
    assert statuses(setup.report()) == [3]
    assert older.effects() == ONCE
    assert older.app.terminals() == []


def test_a_users_terminal_beside_ours_is_left_alone(numbered: Scenario) -> None:
    """The user's terminal has the first number and ours another name; afterwards theirs is there, untouched."""
    assert open_users_terminal(numbered) == "1"
    setup = numbered.start_setup(ENDS_WITH_3)
    numbered.wait_for_effect("started")
    assert len(numbered.app.terminals()) == 2
    numbered.release()
    assert statuses(setup.report()) == [3]
    assert_users_terminal_is_untouched(numbered, "1")


def restart_server(scenario: Scenario, _ours: str) -> None:
    """Restart the Jupyter server, which restarts the numbering."""
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
    """When we notice that our terminal is gone, the user has a terminal with its number: it survives."""
    may_hear = hear_of_losses_late(monkeypatch)
    setup = numbered.start_setup(ENDS_WITH_3)
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
    """The user gets our terminal's number before we connect to it: nothing of ours is typed into it."""
    address_of = Terminals.address
    users: list[str] = []

    def late(self: Terminals, name: str) -> WebSocketAddress:
        if not users:
            free_our_number(numbered, name)
            users.append(open_users_terminal(numbered))
        return address_of(self, name)

    monkeypatch.setattr(Terminals, "address", late)
    assert statuses(numbered.set_up("exit 3", limit_seconds=25)) == [3]
    assert_users_terminal_is_untouched(numbered, users[0])


def test_the_xsrf_cookie_is_found_where_the_server_puts_it(numbered: Scenario) -> None:
    """Notebook 6.5 sets `_xsrf` for the path `/`; the token is found there."""
    assert xsrf_paths_after_setup(numbered, requests.Session()) == ["/"]


@pytest.mark.parametrize("value", [WELL_FORMED, "of-somebody-else"])
@pytest.mark.parametrize("path", ["/", "/jupyter/default/"])
def test_another_xsrf_cookie_does_not_matter(older: Scenario, path: str, value: str) -> None:
    """With a second `_xsrf` cookie, for either path, the setup uses the one that the server reads."""
    http = requests.Session()
    for planted in {path, "/"} if value == WELL_FORMED else {path}:
        http.cookies.set("_xsrf", value, domain="127.0.0.1", path=planted)
    assert xsrf_paths_after_setup(older, http)


@pytest.mark.parametrize("server", OLDER)
def test_the_extension_is_installed_and_answers(start_app: StartApp, server: str) -> None:
    """The setup that ships installs the extension on the older images too; its endpoint answers afterwards."""
    scenario = start_app(server=server, **IMAGES[server])
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
    """`jupyter serverextension` is notebook's own there; it refuses a module that cannot be imported."""
    report = older.set_up("jupyter serverextension enable --py nowhere_to_be_found --sys-prefix")
    assert statuses(report) == [1]
    assert b"nowhere_to_be_found" in older.log(report, "step-1")
    assert b"notebook/serverextensions.py" in older.log(report, "step-1")


@pytest.mark.parametrize("shell", SHELLS)
def test_any_shell(start_app: StartApp, shell: str) -> None:
    """The user may have any of these shells there, too."""
    scenario = start_app(server="notebook6", shell=(needs(shell),))
    assert statuses(scenario.set_up("echo hello", "exit 42")) == [0, 42]
    assert scenario.app.terminals() == []


def hear_of_losses_late(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let the engine notice the loss of a terminal only when the returned event is set, as if the network stalled."""
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
    """Open a terminal as the user would, let it record whatever is typed into it, and return its name."""
    headers = {"X-XSRFToken": WELL_FORMED, "Cookie": f"_xsrf={WELL_FORMED}"}
    answer = requests.post(scenario.app.base_url + "api/terminals", json={}, headers=headers, timeout=10)
    name = str(answer.json()["name"])
    type_into(scenario, name, "cat > ~/typed\r")
    wait_until((scenario.home / "typed").exists, "the user's terminal")
    return name


def assert_users_terminal_is_untouched(scenario: Scenario, name: str) -> None:
    """The user's terminal is the only one, is still alive, and has read nothing but the user's own line."""
    assert scenario.app.terminals() == [name]
    type_into(scenario, name, "mine\r")
    typed = scenario.home / "typed"
    wait_until(lambda: "mine" in typed.read_text(), "the user's own line")
    assert typed.read_text() == "mine\n"


def type_into(scenario: Scenario, name: str, text: str) -> None:
    """Type into a terminal of the Jupyter server directly."""
    address = scenario.app.base_url.replace("http", "ws", 1) + f"terminals/websocket/{name}"
    with closing(websocket.create_connection(address, timeout=10)) as connection:
        connection.send(json.dumps(["stdin", text]))


def xsrf_paths_after_setup(scenario: Scenario, http: requests.Session) -> list[str]:
    """Set up through this session; the paths for which it has an `_xsrf` cookie then."""
    with http:
        job = Job(scenario.name, Setup((Command("step", "exit 42"),)))
        report = set_up(job, Tools(scenario.sagemaker, http), Deadline.after(LIMIT_SECONDS))
        assert statuses(report) == [42]
        assert scenario.app.terminals() == []
        return [cookie.path for cookie in http.cookies if cookie.name == "_xsrf"]
