"""docs/fleet.md has what each command for administrators printed; its pictures need nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest

from studio_setup_cli.main import cli
from tools.fleet_pages import picture

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = "{http://www.w3.org/2000/svg}text"


def refers_elsewhere(svg: str) -> bool:
    """Does a picture load anything? A reference to a part of itself begins with #."""
    without_names = re.sub(r'xmlns(:\w+)?="[^"]*"|<!--.*?-->', "", svg, flags=re.DOTALL)
    return bool(re.search(r"@font-face|@import|https?:|url\((?!#)|href=\"(?!#)", without_names))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("status", "12 running apps: 1 failed, 1 timed-out, 2 not-set-up, 1 outdated, 5 succeeded, 2 excluded."),
        ("setup", "2 apps: 1 succeeded, 1 app_gone."),
    ],
)
def test_a_picture_shows_its_command_and_loads_nothing(name: str, shown: str) -> None:
    """It is well-formed, ends in the summary, and works without a network."""
    svg = (DOCS / f"{name}.svg").read_text(encoding="utf-8")
    texts = "".join(element.text or "" for element in ET.fromstring(svg).iter(TEXT)).replace("\xa0", " ")  # noqa: S314 (ours)
    assert shown in texts
    assert not refers_elsewhere(svg)


def test_a_picture_is_made_without_remote_fonts() -> None:
    """Those of the library have some; colours stay."""
    svg = picture("\x1b[31mred\x1b[0m and plain\n", "studio-setup status")
    assert "red" in svg
    assert "#cc555a" in svg.lower(), "the red of the library's theme"
    assert not refers_elsewhere(svg)
    assert refers_elsewhere('<style>@font-face { src: url("https://example.com/f.woff2") }</style>')


def test_the_page_has_every_command_with_its_output() -> None:
    """Those of the command line that look after apps, each in a recorded session."""
    page = (DOCS / "fleet.md").read_text(encoding="utf-8")
    recorded = set(re.findall(r"^```console\n\$ studio-setup ([a-z]+)[^\n]*\n(?!```)", page, re.MULTILINE))
    assert recorded == set(cli.list_commands(click.Context(cli))) - {"completion", "try"}
