"""What the setups of `examples` need beside an app: AWS services, the app's own role, the command `aws`.

The services are moto's, in a process of the environment of requirements/examples.txt, where the command comes from as
well. CodeArtifact, which moto does not have, and the place where an app finds the credentials of its role (as on AWS, a
URL in the environment) are answered here.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3

from studio_setup.model.report import SetupReport
from tests.support.stack import ROOT
from tests.support.waiting import wait_until

# Runs commands in an app: the report, and all that they printed.
SetUp = Callable[..., tuple[SetupReport, str]]
ENVIRONMENT = ROOT / ".venvs" / "examples" / "bin"
_SERVICES = ("S3", "SECRETS_MANAGER", "STS", "SAGEMAKER")


class Aws:
    """The AWS of an app: `url` of the services, `role_url` of credentials and CodeArtifact.

    `tokens` is the file with the CodeArtifact tokens that are valid; each request adds one.
    """

    def __init__(self, url: str, tokens: Path) -> None:
        self.url = url
        self.tokens = tokens
        self.index_url = ""  # what CodeArtifact says its repository's endpoint is
        self.asked: list[str] = []  # paths of requests for credentials and to CodeArtifact
        self.is_refused = False  # does CodeArtifact refuse?
        self._server = _Server(self)
        self.role_url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which an app finds them; on AWS only those of the region and the role are there."""
        return {
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.role_url}/credentials",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL_CODEARTIFACT": self.role_url,
            **{f"AWS_ENDPOINT_URL_{service}": self.url for service in _SERVICES},
        }

    def client(self, service: str) -> Any:  # noqa: ANN401 (the SDK makes it at run time)
        """A client for a test to prepare and look at what is there."""
        return boto3.client(service, endpoint_url=self.url)  # type: ignore[call-overload]

    def new_token(self) -> str:
        """Issue a token for the package index."""
        token = f"token-{time.monotonic_ns()}"
        with self.tokens.open("a") as file:
            file.write(token + "\n")
        return token

    def serve(self) -> threading.Thread:
        """Answer, in a thread of its own, until `close`."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    def __init__(self, aws: Aws) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.aws = aws


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        aws = self.server.aws
        path = urlsplit(self.path).path
        aws.asked.append(path)
        if path == "/credentials":  # as the ECS agent answers (botocore, ContainerMetadataFetcher)
            self._send(
                200,
                {
                    "AccessKeyId": "ASIAEXAMPLE",
                    "SecretAccessKey": "example",
                    "Token": "example",
                    "Expiration": "2099-01-01T00:00:00Z",
                },
            )
        elif path == "/v1/repository/endpoint":  # CodeArtifact API reference, GetRepositoryEndpoint
            self._send(200, {"repositoryEndpoint": f"{aws.index_url}/"})

    def do_POST(self) -> None:
        aws = self.server.aws
        address = urlsplit(self.path)
        aws.asked.append(address.path)
        if aws.is_refused or "domain" not in parse_qs(address.query):
            self._send(403, {"message": "not authorized"}, ("x-amzn-errortype", "AccessDeniedException"))
        else:  # CodeArtifact API reference, GetAuthorizationToken
            self._send(200, {"authorizationToken": aws.new_token(), "expiration": time.time() + 43200})

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _send(self, status: int, answer: dict[str, object], *headers: tuple[str, str]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def running_aws(folder: Path) -> Iterator[Aws]:
    """Everything up, until the end; `folder` is for files."""
    port = free_port()
    command: list[str | Path] = [ENVIRONMENT / "moto_server", "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    tokens = folder / "tokens"
    tokens.touch()
    aws = Aws(f"http://127.0.0.1:{port}", tokens)
    thread = aws.serve()
    try:
        wait_until(lambda: answers(port), "moto's services")
        yield aws
    finally:
        aws.close()
        thread.join()
        process.terminate()
        process.wait()


@contextmanager
def running_index(packages: Path, tokens: Path) -> Iterator[str]:
    """A package index with the packages of a folder; its URL."""
    program = ROOT / "tests" / "support" / "inside" / "package_index.py"
    command: list[str | Path] = [ENVIRONMENT / "python", program, packages, tokens]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.terminate()


def answers(port: int) -> bool:
    """Does anybody take connections on this port?"""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def install_aws_command(programs: Path) -> None:
    """Put the command `aws` where the image of an app has it."""
    path = programs / "aws"
    path.write_text(f'#!/bin/sh\nexec {ENVIRONMENT / "python"} -m awscli "$@"\n')
    path.chmod(0o755)
