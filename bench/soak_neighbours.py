"""Hostile neighbours of the soak test: whoever shares an app does something to our setup while it runs.

They are what another member of a shared space can be: a process of the same user in the same container, or a client of
the same Jupyter server. A neighbour may make a setup fail with one of its codes. It never makes a setup report what did
not happen, run anything twice, leave processes, or tell a secret.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import websocket

from emulator.handles import AppHandle

_PAUSE_SECONDS = 0.05
_NOISY_START_UP = """printf 'license: %s\\n' $(seq 200)
echo '<0123456789abcdef:1:0:follow over 0 - 1.00 2.00 0 >'
read -r -t 1 -p 'Do you accept? [y/n] ' answer
PS1='$(echo sn=1 answer=; date)> '
export TMPDIR=/nonexistent
"""
# What a setup may end with if it cannot get on for as long as somebody gets in its way.
_LOST = ("connection-lost", "out-of-time", "shell-silent", "shell-gone")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One way to misbehave: `codes` are what a setup may end with besides what its commands come to.

    `act` says whether there was anything to do it to. `is_before`: it acts once, before the setup; otherwise as many
    times as `times` says, while the setup goes on.
    """

    name: str
    codes: tuple[str, ...]
    act: Callable[[AppHandle], bool]
    is_before: bool = False
    times: int = 20


class AtWork:
    """A neighbour at work in an app, until `end`; `acted` is how often there was anything to do."""

    def __init__(self, neighbour: Neighbour, app: AppHandle) -> None:
        self.acted = 0
        self._neighbour = neighbour
        self._app = app
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)
        if neighbour.is_before:
            self._act()
        else:
            self._thread.start()

    def end(self) -> None:
        """Wait until it has stopped."""
        self._over.set()
        if not self._neighbour.is_before:
            self._thread.join()

    def _work(self) -> None:
        while self.acted < self._neighbour.times and not self._over.wait(_PAUSE_SECONDS):
            self._act()

    def _act(self) -> None:
        with contextlib.suppress(OSError, requests.RequestException, websocket.WebSocketException):
            self.acted += self._neighbour.act(self._app)


def forget_start_up_files(app: AppHandle) -> None:
    """Restore what a neighbour has written into the home."""
    for name in (".bashrc", ".profile"):
        (app.home / name).unlink(missing_ok=True)


def _root(app: AppHandle) -> Path:
    return app.tmp / "studio-setup"


def _start_of_the_app() -> str:
    """What `remote.sh` calls this start of the app."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}_{Path('/proc/1/stat').read_text().rpartition(')')[2].split()[19]}"


def _plant_claim(app: AppHandle) -> bool:
    """Say that a run of the neighbour's own has set this app start up."""
    run = _root(app) / "feedfacefeed"
    run.mkdir(parents=True, exist_ok=True)
    _root(app).chmod(0o700)
    (run / "claim").write_text("feedfacefeed 0123456789abcdef\n")
    (run / "over").symlink_to("succeeded feedfacefeed")
    os.link(run / "claim", _root(app) / f"claim.{_start_of_the_app()}")
    return True


def _write_start_up_files(app: AppHandle) -> bool:
    """Print, ask, change the prompt and move TMPDIR wherever a shell starts."""
    for name in (".bashrc", ".profile"):
        (app.home / name).write_text(_NOISY_START_UP)
    return True


def _empty_the_folder(app: AppHandle) -> bool:
    """Delete all that is in the temporary directory, once there is a claim."""
    if not any(_root(app).glob("claim.*")):
        return False
    for entry in app.tmp.iterdir():
        shutil.rmtree(entry, ignore_errors=True)
    return True


def _litter(app: AppHandle) -> bool:
    """Fill the folder with what looks like ours."""
    for number in range(30):
        os.mkfifo(_root(app) / f"nap.{os.getpid()}{os.urandom(4).hex()}{number}")
        (_root(app) / f"{os.urandom(6).hex()}.log").write_bytes(b"x" * 4096)
    return True


def _kill_keepers(app: AppHandle) -> bool:
    """Kill whatever waits for a command."""
    alive = {str(pid) for pid in app.processes()}
    keepers = {file.read_text().partition(" ")[0] for file in _root(app).glob("*/*.keeper")} & alive
    for pid in keepers:
        os.kill(int(pid), signal.SIGKILL)
    return bool(keepers)


def _use_pipes(app: AppHandle) -> bool:
    """Write into the pipes that wake our shells, and steal what is in them."""
    pipes = [path for path in _root(app).glob("nap.*") if stat.S_ISFIFO(path.stat().st_mode)]
    for path in pipes:
        pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        with os.fdopen(pipe, "r+b", buffering=0) as opened:
            opened.write(b"\n\0over\n" * 1000)
            opened.read(4096)
    return bool(pipes)


def _replace_pipes(app: AppHandle) -> bool:
    """Delete them, and put a folder where they were."""
    pipes = [path for path in _root(app).glob("nap.*") if path.is_fifo()]
    for path in pipes:
        path.unlink()
        path.mkdir()
    return bool(pipes)


def _hang_up(app: AppHandle) -> bool:
    """Send SIGHUP to the shell of every terminal: what the Jupyter server has started."""
    shells = [pid for pid in app.processes() if _parent(pid) == app.jupyter_pid]
    for pid in shells:
        os.kill(pid, signal.SIGHUP)
    return bool(shells)


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _type(app: AppHandle) -> bool:
    """Type into every terminal of ours: an answer, Ctrl-C, and what prints a lot."""
    names = [name for name in app.terminals() if name.startswith("studiosetup")]
    for name in names:
        url = f"{app.base_url.replace('http', 'ws', 1)}terminals/websocket/{name}"
        with contextlib.closing(websocket.create_connection(url, timeout=5)) as terminal:
            for text in ("answer='follow over 0 - 1.0 2.0 0 '\r", "\x03", "yes | head -c 300000\r"):
                terminal.send(json.dumps(["stdin", text]))
    return bool(names)


def _open_and_delete(app: AppHandle) -> bool:
    """Open terminals, and delete all there are."""
    with _client(app) as client:
        for _ in range(3):
            client.post(f"{app.base_url}api/terminals", timeout=5).raise_for_status()
        names = app.terminals()
        for name in names:
            client.delete(f"{app.base_url}api/terminals/{name}", timeout=5).raise_for_status()
    return any(name.startswith("studiosetup") for name in names)


def _client(app: AppHandle) -> requests.Session:
    """A client of the Jupyter server, with the token that it wants for changes; any page sets it."""
    client = requests.Session()
    client.get(f"{app.base_url}lab", timeout=5)
    client.headers["X-XSRFToken"] = client.cookies.get("_xsrf") or ""
    return client


NEIGHBOURS = {
    neighbour.name: neighbour
    for neighbour in (
        Neighbour("plants a claim", ("unknown-claim",), _plant_claim, is_before=True),
        Neighbour("writes start-up files", (), _write_start_up_files, is_before=True),
        Neighbour("empties the folder", ("run-lost", "no-workspace"), _empty_the_folder, times=4),
        Neighbour("litters the folder", (), _litter),
        Neighbour("kills keepers", ("command-failed",), _kill_keepers, times=10),
        Neighbour("uses our pipes", (), _use_pipes),
        Neighbour("replaces our pipes", (), _replace_pipes),
        Neighbour("hangs up on shells", _LOST, _hang_up, times=5),
        Neighbour("types into our terminals", _LOST, _type, times=8),
        Neighbour("opens and deletes terminals", (*_LOST, "jupyter-refused"), _open_and_delete, times=6),
    )
}


def wrong_with_neighbour(
    codes: tuple[str, ...],
    results: list[dict[str, Any]],
    statuses: dict[str, int],
    effects: tuple[list[str], list[str]],
) -> list[str]:
    """What is wrong with the reports of a setup whose neighbour misbehaved.

    `codes` are those that are right, `statuses` the exit status of each command, and `effects` those that the setup
    should have and those that it had.
    """
    whole, seen = effects
    wrong = [f"effects {seen}, not some of {whole} in their order"] if not _is_part(seen, whole) else []
    for result in results:
        if result["error"]:
            wrong.append(f"crashed: {result['error']}")
            continue
        report = result["report"]
        if report["code"] not in codes:
            wrong.append(f"{report['code']} ({report['reason']}), not one of {codes}")
        if report["code"] in {"succeeded", "already-set-up"} and seen != whole:
            wrong.append(f"{report['code']}, with the effects {seen} instead of {whole}")
        wrong += [
            f"{one['name']} with exit status {one['exit_status']}, not {statuses[one['name']]}"
            for one in report["commands"]
            if one["exit_status"] not in {None, statuses[one["name"]]}
        ]
    return wrong


def _is_part(some: list[str], whole: list[str]) -> bool:
    rest = iter(whole)
    return all(one in rest for one in some)
