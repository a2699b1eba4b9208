"""The SAM command line, with this cloud in place of AWS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from local_cloud.cloud import ROOT, LocalCloud

SAM = ROOT / ".venvs/sam/bin/sam"
TEMPLATE = "template.sam.yaml"
FUNCTION = "StudioSetupFunction"


_END_LIMIT_SECONDS = 5.0


class SamFailed(RuntimeError):
    """A SAM command failed; the message has its output."""


class Sam:
    """Runs SAM in the repository's folder, and passes each line that it prints to `show` at once."""

    def __init__(self, cloud: LocalCloud, show: Callable[[str], None] = lambda _line: None) -> None:
        self._cloud = cloud
        self._show = show

    def build(self, *options: str | Path) -> None:
        """Run `sam build`."""
        self.run("build", *options)

    def deploy(self, *options: str | Path) -> str:
        """Run `sam deploy --config-env local`; return what it printed."""
        return self.run("deploy", "--config-env", "local", *options)

    def delete(self, *options: str | Path) -> str:
        """Run `sam delete --config-env local`; return what it printed."""
        return self.run("delete", "--config-env", "local", "--no-prompts", *options)

    def run(self, *arguments: str | Path) -> str:
        """Run a SAM command; return what it printed.

        Raises:
            SamFailed: its exit status is not 0.
        """
        # `sam build` finds Python and pip through PATH.
        path = f"{Path(sys.executable).parent}:{self._cloud.environment['PATH']}"
        process = subprocess.Popen(
            [SAM, *arguments],
            cwd=ROOT,
            env={**self._cloud.environment, "PATH": path, "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that it can be ended together with what it starts
        )
        lines = []
        with process:
            try:
                for line in process.stdout or ():
                    lines.append(line)
                    self._show(line.rstrip())
            except BaseException:
                _end(process)
                raise
        output = "".join(lines)
        if process.returncode:
            raise SamFailed(f"sam {' '.join(map(str, arguments))}: exit status {process.returncode}\n{output}")
        return output


def _end(process: subprocess.Popen[str]) -> None:
    """End SAM and what it has started, as by Ctrl-C: it removes its temporary files then."""
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(_END_LIMIT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
