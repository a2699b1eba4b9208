"""The cold start of the built bundle, from its import to its first request, beside what any function like it needs.

Beside it stands a function that imports boto3, requests and websocket and makes one SageMaker client, in the same
interpreter, with the same libraries and the same runtime client. The bundle is built where the function's own Python
is, and once more where it is not, so that nothing of it is compiled. As on Lambda, no compiled Python can be written.
What the interpreter and the runtime client take by themselves is measured with an empty function, and taken off all.

What it takes on Lambda can be measured there only: CPU power is in proportion to memory, and a function of 1,769 MB has
one vCPU (Lambda developer guide, *Configure Lambda function memory*). So the CPU seconds and the memory are told too.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self

from bench.built_bundle import build_bundle
from bench.table import Measured, Row, Table
from local_cloud.cloud import RUNTIME_PYTHON

TIMES = 15
MAX_RATIO = 1.10
_LIMIT_SECONDS = 60.0
_WHY_LONGER = (
    "compiled or not, the engine's own modules have to be found and read, and their classes and patterns made; and the"
    " SDK is made to look for its error classes before there is an error"
)
_EVENT = {
    "source": "studio-setup",
    "detail-type": "Set Up App",
    "detail": {
        "app": {
            "domain_id": "d-abcdefghijkl",
            "user_profile_name": "alice",
            "app_type": "JupyterLab",
            "app_name": "default",
            "space_name": "hers",
        }
    },
}
_BARE = """
import boto3, requests, websocket
sagemaker = boto3.client("sagemaker")
def lambda_handler(event, context):
    sagemaker.describe_domain(DomainId="d-abcdefghijkl")
"""
_EMPTY = """
def lambda_handler(event, context):
    pass
"""


@dataclass(frozen=True)
class Start:
    """One cold start, from the beginning of the process to its first request: time, CPU time and memory."""

    seconds: float
    cpu_seconds: float
    megabytes: float


class Lambda:
    """Lambda's runtime API and the SageMaker API, as far as a cold start needs them; `with` ends them."""

    def __init__(self) -> None:
        self.first_call = threading.Event()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> Self:
        """Do nothing: it listens already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        """Host and port of both APIs."""
        return f"127.0.0.1:{self._server.server_port}"

    def start(self, module: str, folder: Path, libraries: Path) -> Start:
        """Start a function that is in a folder, with the libraries of a bundle, and end it after its first request."""
        self.first_call.clear()
        began = time.perf_counter()
        process = subprocess.Popen(
            [RUNTIME_PYTHON, "-m", "awslambdaric", f"{module}.lambda_handler"],
            cwd=folder,
            env=self._environment(libraries),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        called = self.first_call.wait(_LIMIT_SECONDS)
        seconds = time.perf_counter() - began
        megabytes = _peak_megabytes(process.pid)
        process.kill()
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        assert called, f"{module} has called nothing within {_LIMIT_SECONDS:.0f} seconds"
        return Start(seconds, usage.ru_utime + usage.ru_stime, megabytes)

    def _environment(self, libraries: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(libraries),
            "PYTHONDONTWRITEBYTECODE": "1",
            "APP_TYPES": "JupyterServer,JupyterLab",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_SAGEMAKER": f"http://{self.address}",
            "AWS_LAMBDA_RUNTIME_API": self.address,
            "AWS_LAMBDA_FUNCTION_NAME": "studio-setup",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/studio-setup",
            "LAMBDA_TASK_ROOT": str(libraries),
        }


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 (the standard library's)
        """Say nothing of connections that end with the process; of anything else, what is usual."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """`GET …/invocation/next` is answered with the event once; any call of the SageMaker API is the first request."""

    protocol_version = "HTTP/1.1"
    owner: ClassVar[Lambda]

    def do_GET(self) -> None:
        """Hand out an invocation."""
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "8b5f3b0e-8a8b-4f3b-9b57-5d0b2a1d2c3d",
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + 900) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:studio-setup",
        }
        self._answer(200, _EVENT, headers)

    def do_POST(self) -> None:
        """Note the first request; an empty function has none, so its answer stands for it."""
        assert not self.path.endswith("/error"), "the function cannot be imported"
        self.owner.first_call.set()
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(400, {"__type": "AccessDeniedException", "message": "that is all"}, {})

    def log_message(self, *_: object) -> None:
        """Say nothing of each request."""

    def _answer(self, status: int, value: object, headers: dict[str, str]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {**headers, "Content-Type": "application/json", "Content-Length": str(len(body))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)


def _peak_megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> int:
    """Measure and print; 1 if the target is missed."""
    rounds = _measure()
    table = Table()
    beside = "bare imports and one client"
    bare, cpu_of_bare = _beyond_empty(rounds, "bare")
    for name, which, target in (
        ("of the bundle", "compiled", MAX_RATIO),
        ("of a bundle that was built without the function's own Python", "not compiled", None),
    ):
        seconds, cpu_seconds = _beyond_empty(rounds, which)
        table.add(Row(f"cold start {name}, import to first request", seconds, "s", target, beside, bare, _WHY_LONGER))
        table.add(Row(f"CPU of a cold start {name}", cpu_seconds, "s", target, beside, cpu_of_bare, _WHY_LONGER))
    whole = Measured.of(starts["compiled"].cpu_seconds for starts in rounds)
    table.add(Row("CPU of a whole cold start, interpreter and runtime client included", whole, "s"))
    memory = Measured.of(starts["compiled"].megabytes for starts in rounds)
    table.add(Row("memory of the function at its first request", memory, "MB"))
    return table.exit_status


def _measure() -> list[dict[str, Start]]:
    """One start of each kind a round."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        function = stack.enter_context(Lambda())
        bundle = build_bundle(folder / "compiled")
        not_compiled = build_bundle(folder / "not-compiled", runtime_python="no-such-python")
        (folder / "bare.py").write_text(_BARE, encoding="utf-8")
        (folder / "empty.py").write_text(_EMPTY, encoding="utf-8")
        return [
            {
                "compiled": function.start("studio_setup.handler", bundle, bundle),
                "not compiled": function.start("studio_setup.handler", not_compiled, not_compiled),
                "bare": function.start("bare", folder, bundle),
                "empty": function.start("empty", folder, bundle),
            }
            for _ in range(TIMES)
        ]


def _beyond_empty(rounds: list[dict[str, Start]], which: str) -> tuple[Measured, Measured]:
    """The seconds and the CPU seconds of a function, without what an empty one takes in the same round."""
    return (
        Measured.of(starts[which].seconds - starts["empty"].seconds for starts in rounds),
        Measured.of(starts[which].cpu_seconds - starts["empty"].cpu_seconds for starts in rounds),
    )


if __name__ == "__main__":
    sys.exit(main())
