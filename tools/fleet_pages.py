"""Writes docs/fleet.md, docs/status.svg and docs/setup.svg from a fleet that is looked after for real, here.

PYTHONPATH=src:. python -m tools.fleet_pages
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from demo.fleet import FAILING, OF_SSO_DOMAIN, QUESTION, SUCCEEDING, TIMING_OUT
from demo.fleet_run import FleetRun
from demo.fleet_story import fleet_found
from demo.screen import Screen

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
_COLUMNS = 150
# rich's pictures name a font of somebody's server; any monospaced font of the reader's will do.
_REMOTE_FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)

_INTRODUCTION = """\
# Each command on a fleet of twelve

Twelve apps in the morning: five are set up, one with yesterday's setup, one failed, one timed out, two have not been
set up, and two are not ours to set up (a domain in SSO mode, a space without an owner). What `studio-setup` prints of
them is recorded below, on the [local Studio](../emulator/README.md) and the [local cloud](../local_cloud/README.md),
where the function, its log, the Jupyter servers and the commands are real, and AWS is not. `make demo FLEET=1` shows
the same; `make docs-refresh` records it again.
"""
_RECORDED = "<!-- not run: it is recorded from a real run by tools/fleet_pages.py -->"
_Record = Callable[..., str]


def main() -> None:
    """Run the fleet and write the page and its pictures."""
    with fleet_found(Screen(sys.stderr)) as fleet:
        pictures = {"status": picture(_drawn(fleet, "status"), "studio-setup status")}
        page = _page(fleet, pictures)
    (DOCS / "fleet.md").write_text(page, encoding="utf-8")
    for name, svg in pictures.items():
        (DOCS / f"{name}.svg").write_text(svg, encoding="utf-8")


def picture(printed: str, title: str) -> str:
    """What a command has printed on a terminal, colours included, as an SVG that needs nothing from elsewhere."""
    width = max(len(line) for line in Text.from_ansi(printed).plain.splitlines())
    console = Console(record=True, width=width, file=StringIO())
    console.print(Text.from_ansi(printed), soft_wrap=True)
    svg = console.export_svg(title=title, unique_id=title.rsplit(maxsplit=1)[-1])
    return _REMOTE_FONT.sub("", svg)


def _drawn(fleet: FleetRun, *arguments: str) -> str:
    """What a command prints on a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "studio_setup_cli", *arguments],
        cwd=ROOT / "src",
        env={**fleet.environment, "COLUMNS": str(_COLUMNS), "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.DEVNULL,
    )
    os.close(follower)
    printed = b""
    try:
        while part := os.read(leader, 65536):
            printed += part
    except OSError:  # Linux's way of saying that the other end is closed
        pass
    finally:
        os.close(leader)
        process.wait()
    return printed.decode().replace("\r\n", "\n")


def _page(fleet: FleetRun, pictures: dict[str, str]) -> str:
    """The page; the picture of `setup` is added to the others."""

    def record(*arguments: str) -> str:
        return _session(*arguments, ended=fleet.command(*arguments))

    found = [_INTRODUCTION, *_found(record), record("setup", "--dry-run")]
    ended = fleet.set_up_while_one_goes(on_line=lambda _line: None)
    arguments = ("setup", "--yes", "--max-concurrency", "1")
    pictures["setup"] = picture(f"$ studio-setup {' '.join(arguments)}\n{ended[1]}", "studio-setup setup")
    set_up = [
        "While the first app is set up, the second is deleted, which is no error:\n",
        "![studio-setup setup on a terminal](setup.svg)\n",
        _session(*arguments, ended=ended),
    ]
    asked = ["## Find the odd one out\n", record("run", "--all-running", "--group", "--command", QUESTION)]
    fleet.mend()
    options = ("--only", "failed,timed-out", "--force", "--yes")
    fixed = [
        "## Set up again after a fix\n",
        "The file and the lock that were in the way are gone. The messages of the setups that failed are settled:\n",
        record("setup", *options),
        "## Check a deployment\n",
        "It starts an app of its own, and follows what the rule and the function make of it:\n",
        _session(
            "verify", "--domain-id", "d-localstudio1", "--user-profile-name", "walter", ended=fleet.verify("walter")
        ),
    ]
    return "\n".join([*found, *set_up, *asked, *fixed])


def _found(record: _Record) -> list[str]:
    """How the fleet is found."""
    return [
        "## How do all apps stand?\n",
        "![studio-setup status on a terminal](status.svg)\n",
        "Piped, it is plain text; `--json` prints one object. The exit status is 1 if an app needs somebody:\n",
        record("status", "--only", "failed,timed-out,not-set-up,outdated"),
        "## What happened there?\n",
        record("logs", "--user-profile-name", FAILING.user),
        record("logs", "--space-name", TIMING_OUT.space, "--output-of", "link-datasets"),
        "## Is the deployment as it should be?\n",
        "This stack was deployed without `AlarmEmail`, and two setups have failed:\n",
        record("doctor"),
        "With `--probe` the deployed function does everything but the commands:\n",
        record("doctor", "--probe", SUCCEEDING[0].user),
        record("doctor", "--probe", OF_SSO_DOMAIN.user),
        "## Set up what was missed\n",
    ]


def _session(*arguments: str, ended: tuple[int, str]) -> str:
    """A command, what it printed, and its exit status if that is not 0."""
    code, printed = ended
    shown = " ".join(f"'{one}'" if re.search(r"[^\w/.,=-]", one) else one for one in arguments)
    if "--probe" in arguments:  # the other checks, and the exit status that they make, are shown above
        code, printed = 0, "…\n" + "".join(line for line in printed.splitlines(keepends=True) if ": probe of " in line)
    status = f"$ echo $?\n{code}\n" if code else ""
    return f"{_RECORDED}\n```console\n$ studio-setup {shown}\n{printed}{status}```\n"


if __name__ == "__main__":
    main()
