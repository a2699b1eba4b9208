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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
import websocket

from emulator.handles import AppHandle

_PAUSE_SECONDS = 0.05
_NOISY_START_UP = """printf 'license: %%s\\n' $(seq 200)
echo '<0123456789abcdef:1:0:follow over 0 - 1.00 2.00 0 >'
read -r -t 1 -p 'Do you accept? [y/n] ' answer
PS1='$(echo sn=1 answer=; date)> '
export TMPDIR=/nonexistent HOME=/nonexistent
"""
# What a setup may end with if it cannot get on for as long as somebody gets in its way.
_LOST = ("connection-lost", "out-of-time", "shell-silent", "shell-gone")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One way to misbehave: `codes` are what a setup may end with besides what its commands come to.

    `is_before`: it acts once, before the setup; otherwise again and again, some dozens of times.
    """

    name: str
    codes: tuple[str, ...]
    act: Callable[[AppHandle], None]
    is_before: bool = False
    times: int = 20


def at_work(neighbour: Neighbour, app: AppHandle) -> threading.Thread:
    """A thread in which the neighbour acts its number of times; it ends by itself."""
    pause = threading.Event()

    def work() -> None:
        for _ in range(1 if neighbour.is_before else neighbour.times):
            with contextlib.suppress(OSError, requests.RequestException, websocket.WebSocketException):
                neighbour.act(app)
            pause.wait(_PAUSE_SECONDS)

    return threading.Thread(target=work)


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


def _plant_claim(app: AppHandle) -> None:
    """Say that a run of the neighbour's own has set this app start up."""
    run = _root(app) / "feedfacefeed"
    run.mkdir(parents=True, exist_ok=True)
    _root(app).chmod(0o700)
    (run / "claim").write_text("feedfacefeed 0123456789abcdef\n")
    (run / "over").symlink_to("succeeded feedfacefeed")
    os.link(run / "claim", _root(app) / f"claim.{_start_of_the_app()}")


def _empty_the_folder(app: AppHandle) -> None:
    """Delete all that is in the temporary directory, once there is a claim."""
    if any(_root(app).glob("claim.*")):
        for entry in app.tmp.iterdir():
            shutil.rmtree(entry, ignore_errors=True)


def _litter(app: AppHandle) -> None:
    """Fill the folder with what looks like ours."""
    for number in range(30):
        os.mkfifo(_root(app) / f"nap.{os.getpid()}{os.urandom(4).hex()}{number}")
        (_root(app) / f"{os.urandom(6).hex()}.log").write_bytes(b"x" * 4096)


def _kill_keepers(app: AppHandle) -> None:
    """Kill whatever waits for a command."""
    for file in _root(app).glob("*/*.keeper"):
        if text := file.read_text().split():
            os.kill(int(text[0]), signal.SIGKILL)


def _use_pipes(app: AppHandle) -> None:
    """Write into the pipes that wake the shells of ours, and steal what is in them."""
    for path in _root(app).glob("nap.*"):
        if stat.S_ISFIFO(path.stat().st_mode):
            pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
            try:
                os.read(pipe, 65536) if os.urandom(1)[0] % 2 else os.write(pipe, b"\n\0over\n" * 8000)
            finally:
                os.close(pipe)


def _delete_pipes(app: AppHandle) -> None:
    """Delete them, or put a directory where they were."""
    for path in _root(app).glob("nap.*"):
        path.unlink()
        path.mkdir()


def _hang_up(app: AppHandle) -> None:
    """Send SIGHUP to every shell of a terminal of ours, but for the server."""
    for pid in app.processes():
        if pid != app.jupyter_pid and b"HISTFILE=" in Path(f"/proc/{pid}/environ").read_bytes():
            os.kill(pid, signal.SIGHUP)


def _type(app: AppHandle) -> None:
    """Type into every terminal of ours: answers, Ctrl-C, megabytes."""
    for name in _ours(app):
        url = f"{app.base_url.replace('http', 'ws', 1)}terminals/websocket/{name}"
        with contextlib.closing(websocket.create_connection(url, timeout=5)) as terminal:
            for text in ("answer='follow over 0 - 1.0 2.0 0 '\r", "\x03", "yes | head -c 300000\r"):
                terminal.send(json.dumps(["stdin", text]))


def _open_and_delete(app: AppHandle) -> None:
    """Open terminals, and delete all there are."""
    for _ in range(3):
        requests.post(f"{app.base_url}api/terminals", timeout=5).raise_for_status()
    for name in app.terminals():
        requests.delete(f"{app.base_url}api/terminals/{name}", timeout=5)


def _write_start_up_files(app: AppHandle) -> None:
    for name in (".bashrc", ".profile"):
        (app.home / name).write_text(_NOISY_START_UP)


def _ours(app: AppHandle) -> Iterator[str]:
    return (name for name in app.terminals() if name.startswith("studiosetup"))


NEIGHBOURS = {
    neighbour.name: neighbour
    for neighbour in (
        Neighbour("plants a claim", ("unknown-claim",), _plant_claim, is_before=True),
        Neighbour("writes start-up files", (), _write_start_up_files, is_before=True),
        Neighbour("empties the folder", ("run-lost", "no-workspace"), _empty_the_folder, times=4),
        Neighbour("litters the folder", (), _litter),
        Neighbour("kills keepers", ("command-failed",), _kill_keepers, times=10),
        Neighbour("uses our pipes", (), _use_pipes),
        Neighbour("deletes our pipes", (), _delete_pipes),
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
