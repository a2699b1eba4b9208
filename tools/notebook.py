"""Executes examples/remote_terminal.ipynb on a local Studio, in two kernels one after the other, and writes it.

A cell with the tag `restart-the-kernel` is where the first kernel ends: what follows runs in a new one. The outputs are
written as they came, except that the ids of jobs, which are random, are replaced by one and the same.

    PYTHONPATH=src:. python -m tools.notebook
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import nbformat
import requests
from nbclient import NotebookClient

from emulator.handles import AppHandle
from emulator.studio import LocalStudio

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "examples" / "remote_terminal.ipynb"
DOMAIN_ID = "d-abcdefghijkl"
RESTART = "restart-the-kernel"
_JOB_ID = re.compile(r"job_id='[0-9a-f]{12}'")
_LIMIT_SECONDS = 120
Notebook = Any  # nbformat comes without types


def read() -> Notebook:
    """The notebook as it is in the repository."""
    return nbformat.read(NOTEBOOK, as_version=4)


def executed(notebook: Notebook) -> Notebook:
    """The notebook with the outputs of a run on a Studio where Alice and Bob have an app, and Carol has none."""
    with tempfile.TemporaryDirectory() as folder, LocalStudio() as studio:
        studio.add_domain(DOMAIN_ID)
        _start_apps(studio)
        for cells in _kernels(notebook):
            part = nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)
            resources = {"metadata": {"path": folder}}
            client = NotebookClient(
                part, timeout=_LIMIT_SECONDS, record_timing=False, coalesce_streams=True, resources=resources
            )
            client.execute(env=_environment(studio, folder))
    for cell in notebook.cells:
        _tidy(cell)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def text(notebook: Notebook) -> str:
    """The notebook as it is written to the file."""
    return str(nbformat.writes(notebook)) + "\n"


def _kernels(notebook: Notebook) -> Iterator[list[Any]]:
    """The cells of each kernel, in order."""
    cells = iter(notebook.cells)
    while part := list(takewhile(lambda cell: RESTART not in cell.metadata.get("tags", []), cells)):
        yield part


def _environment(studio: LocalStudio, folder: str) -> dict[str, str]:
    """What the kernel sees: the Studio, made-up credentials, and nothing of who runs this."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "JPY_"))}
    nowhere = str(Path(folder) / "nowhere")
    return ours | {
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_CONFIG_FILE": nowhere,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_SAGEMAKER": studio.sagemaker_endpoint,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "IPYTHONDIR": folder,
        "PYTHONPATH": str(ROOT / "src"),
    }


def _start_apps(studio: LocalStudio) -> None:
    for user in ("alice", "bob", "carol"):
        studio.add_user_profile(user, DOMAIN_ID)
    (studio.home_of("alice", domain_id=DOMAIN_ID) / "project").mkdir()
    aws = studio.home_of("bob", domain_id=DOMAIN_ID) / ".aws"
    aws.mkdir()
    (aws / "credentials").write_text("[default]\naws_access_key_id = made-up\n", encoding="utf-8")
    apps = [studio.create_app(user, domain_id=DOMAIN_ID) for user in ("alice", "bob")]
    for app in apps:
        app.wait_until_in_service()
        app.wait_until_ready()
    _open_terminal(apps[0])


def _open_terminal(app: AppHandle) -> None:
    """Open a terminal as the user would; the server compares cookie and header, and any value will do."""
    headers = {"X-XSRFToken": "users", "Cookie": "_xsrf=users"}
    requests.post(f"{app.base_url}api/terminals", headers=headers, timeout=10).raise_for_status()


def _tidy(cell: Notebook) -> None:
    """Leave out what changes with every run and says nothing."""
    cell.metadata.pop("execution", None)
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "text/plain" in data:
            data["text/plain"] = _JOB_ID.sub("job_id='0123456789ab'", data["text/plain"])


if __name__ == "__main__":
    NOTEBOOK.write_text(text(executed(read())), encoding="utf-8")
    sys.stdout.write(f"{NOTEBOOK.relative_to(ROOT)} is executed.\n")
