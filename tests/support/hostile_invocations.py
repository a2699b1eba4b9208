"""The function against hostile Studios, each in a process of its own that is as bounded as Lambda's.

`python -m tests.support.hostile_invocations FOLDER EVENT_FILE` carries out `orders.json`, a list of
[name, API URL, seconds]: of each invocation it leaves what was logged or printed in `name.log` and an `Ending` in
`name.json`. The engine is imported once, and each invocation is a fork of that, as each of Lambda's begins with a
process that has imported it.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import boto3

from emulator.hostile.mode import POLITE, Mode
from emulator.hostile.studio import HostileStudio
from studio_setup import handler
from studio_setup.model.report import SetupFailed
from studio_setup.model.setup import Command, Setup
from tests.support.context import Context
from tests.support.hostile_rows import context_seconds

MEMORY_MIB = 256  # as the template gives the function
_AT_ONCE = 30
_TRIES = 3
_KILLED = "killed"
_resolve = socket.getaddrinfo


@dataclass(frozen=True, slots=True)
class Ending:
    """How an invocation ended: its code, what it raised, how long it took, the most memory it had."""

    code: str
    error: str
    seconds: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Invocation:
    """One invocation, the Studio that it met, and how long it could take."""

    mode: Mode
    studio: HostileStudio
    limit_seconds: float
    ending: Ending
    said: str

    @property
    def got_there(self) -> bool:
        """Did the Studio misbehave, if it was to?"""
        return self.studio.misbehaved or self.mode is POLITE


def invoke(modes: list[Mode], folder: Path, event_file: Path, **environment: str) -> list[Invocation]:
    """Invoke the function against each mode, all at the same time.

    Where a machine is too slow to get as far as the misbehaviour, once more with a longer limit.
    """
    found: dict[str, Invocation] = {}
    for tries in range(_TRIES):
        left = [mode for mode in modes if mode.name not in found or not found[mode.name].got_there]
        if left:
            found |= {one.mode.name: one for one in _invoke(left, tries, folder, event_file, environment)}
    return [found[mode.name] for mode in modes]


def _invoke(
    modes: list[Mode], tries: int, folder: Path, event_file: Path, environment: dict[str, str]
) -> list[Invocation]:
    with ExitStack() as stack:
        studios = {mode.name: stack.enter_context(HostileStudio(mode)) for mode in modes}
        orders = [(name, studio.api_url, context_seconds(name, tries)) for name, studio in studios.items()]
        (folder / "orders.json").write_text(json.dumps(orders))
        subprocess.run(
            [sys.executable, "-m", "tests.support.hostile_invocations", str(folder), str(event_file)],
            check=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": "src:.", **environment},
        )
        return [
            Invocation(
                mode,
                studios[mode.name],
                seconds,
                Ending(**json.loads((folder / f"{mode.name}.json").read_text())),
                (folder / f"{mode.name}.log").read_text(errors="replace"),
            )
            for mode, (_, _, seconds) in zip(modes, orders, strict=True)
        ]


class _Everything(logging.Handler):
    """Prints all of a record that any formatter could show."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it."""
        sys.stdout.write(f"{record.getMessage()} {record.args!r} {record.__dict__!r}\n")
        if record.exc_info:
            sys.stdout.write("".join(traceback.format_exception(*record.exc_info)))


def _invoke_here(api_url: str, seconds: float, event: dict[str, Any]) -> Ending:
    os.environ["AWS_ENDPOINT_URL_SAGEMAKER"] = api_url
    started = time.monotonic()
    code = error = ""
    try:
        with patch.object(handler, "setup_for", return_value=Setup((Command("one", "true"),))):
            code = handler.lambda_handler(event, Context(seconds))["code"]
    except SetupFailed as failed:
        code, error = failed.report.code, str(failed)
        traceback.print_exc()
    except BaseException as crashed:  # noqa: BLE001 (Lambda's runtime reports any)
        error = repr(crashed)
        traceback.print_exc()
    return Ending(code, error, round(time.monotonic() - started, 2), _peak_mib())


def _peak_mib() -> float:
    """The most memory this process has had; `ru_maxrss` would count what its parent had before."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return round(int(line.split()[1]) / 1024, 1)


def _fork(folder: Path, name: str, api_url: str, seconds: float, event: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        log = os.open(folder / f"{name}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        socket.getaddrinfo = _names_of_test_are_here
        logging.basicConfig(level=logging.DEBUG, handlers=[_Everything()], force=True)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MIB << 20, MEMORY_MIB << 20))
        _leave(folder, name, _invoke_here(api_url, seconds, event))
        sys.stdout.flush()
    finally:
        os._exit(0)


def _names_of_test_are_here(host: Any, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 (as the original's)
    return _resolve("127.0.0.1" if str(host).endswith(".test") else host, *arguments, **named)


def _leave(folder: Path, name: str, ending: Ending) -> None:
    (folder / f"{name}.json").write_text(json.dumps(asdict(ending)))


def _wait(folder: Path, name: str, pid: int, seconds: float) -> None:
    """Wait for an invocation, and end it as Lambda does when its time is up."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    _leave(folder, name, Ending("", _KILLED, seconds, 0))


def _carry_out(folder: Path, event_file: Path) -> None:
    event = json.loads(event_file.read_text(encoding="utf-8"))
    boto3.client("sagemaker")  # so that the model of the API is read once
    orders = json.loads((folder / "orders.json").read_text())
    for at in range(0, len(orders), _AT_ONCE):
        pids = [
            (name, _fork(folder, name, url, seconds, event), seconds)
            for name, url, seconds in orders[at : at + _AT_ONCE]
        ]
        with ThreadPoolExecutor(len(pids)) as pool:
            list(pool.map(lambda one: _wait(folder, *one), pids))


if __name__ == "__main__":
    _carry_out(Path(sys.argv[1]), Path(sys.argv[2]))
