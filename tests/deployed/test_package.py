"""The documented ways to deploy, run as they are there, in a copy of the project and an account of their own."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local_cloud.cloud import ROOT, LocalCloud
from local_cloud.sam import FUNCTION, SAM, TEMPLATE
from tests.support.documents import block
from tests.support.log_lines import LogCheck

BUCKET, PREFIX = "bucket-of-our-own", "some/folder"
MANAGED = "aws-sam-cli-managed-default"


@pytest.fixture
def account() -> Iterator[LocalCloud]:
    """An empty AWS account, without a Studio."""
    with LocalCloud("http://127.0.0.1:9") as cloud:
        yield cloud
        LogCheck(cloud.client("logs")).run()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the files that deploying needs, without anything that was built."""
    folder = tmp_path / "project"
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (TEMPLATE, "samconfig.toml"):
        shutil.copy(ROOT / name, folder)
    return folder


def _run(lines: str, project: Path, account: LocalCloud, answers: str | None = None) -> str:
    """Run lines in a shell in the project, without standard input or with these answers; their output."""
    environment = {
        **account.environment,
        "PATH": f"{Path(sys.executable).parent}:{SAM.parent}:{account.environment['PATH']}",
        "BUCKET": BUCKET,
        "PREFIX": PREFIX,
    }
    no_input = "exec <&-\n" if answers is None else ""
    done = subprocess.run(
        ["sh", "-euxc", no_input + lines],
        cwd=project,
        env=environment,
        input=answers,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _stacks(account: LocalCloud) -> set[str]:
    return {stack["StackName"] for stack in account.client("cloudformation").describe_stacks()["Stacks"]}


def _buckets(account: LocalCloud) -> list[str]:
    return [bucket["Name"] for bucket in account.client("s3").list_buckets()["Buckets"]]


def _staged(account: LocalCloud, bucket: str) -> dict[str, bytes]:
    s3 = account.client("s3")
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def _unzipped(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}


def _built(project: Path) -> dict[str, bytes]:
    bundle = project / ".aws-sam" / "build" / FUNCTION
    return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}


def _answer(account: LocalCloud, function: str) -> dict[str, Any]:
    """What the deployed function answers to an empty event."""
    invoked = account.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    answer: dict[str, Any] = json.loads(invoked["Payload"].read())
    return answer


def test_a_bucket_of_your_own_is_enough(account: LocalCloud, project: Path) -> None:
    """The three commands ask nothing, create no bucket of SAM's, and deploy the built bundle from the given bucket."""
    account.client("s3").create_bucket(Bucket=BUCKET)
    lines = block("deploy-own-bucket").commands
    _run(lines, project, account)
    assert _stacks(account) == {"smstudio-setup"}
    assert [name for name in _buckets(account) if name.startswith(MANAGED)] == []
    ((key, archive),) = _staged(account, BUCKET).items()
    assert key.startswith(f"{PREFIX}/")
    bundle = _unzipped(archive)
    assert {"setups/__init__.py", "studio_setup/handler.py", "requests/__init__.py", "websocket/__init__.py"} <= {
        *bundle
    }
    assert bundle == _built(project)
    assert _answer(account, "smstudio-setup")["code"] == "not-an-event"
    last_line = lines.splitlines()[-1]
    assert last_line.startswith("sam deploy ")
    assert "No changes to deploy" in _run(last_line, project, account)


def test_a_guided_deployment_works_with_the_default_answers(account: LocalCloud, project: Path) -> None:
    """SAM creates its own bucket and deploys the bundle; the next deployment asks nothing; one line undoes it all."""
    lines = block("deploy-guided").commands
    assert block("readme-deploy").commands == lines
    _run(lines, project, account, answers="\n" * 50)
    assert _stacks(account) == {"studio-setup", MANAGED}
    (bucket,) = (name for name in _buckets(account) if name.startswith(MANAGED))
    (archive,) = (content for name, content in _staged(account, bucket).items() if not name.endswith(".template"))
    assert _unzipped(archive) == _built(project)
    assert _answer(account, "studio-setup")["code"] == "not-an-event"
    assert "No changes to deploy" in _run("sam deploy", project, account)
    _run(block("uninstall").commands, project, account, answers="y\n" * 5)
    assert _stacks(account) == {MANAGED}
