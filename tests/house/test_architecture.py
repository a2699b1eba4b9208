"""The picture of the architecture is drawn from its SVG, can be read, and numbers what the text numbers."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from tests.support.needs import needs
from tools.architecture_picture import PNG, SCALE, SVG, WIDTH_PIXELS, digest_in, digest_of, draw, size_of

_NAMESPACE = "{http://www.w3.org/2000/svg}"
_DESIGN = PNG.parent / "docs" / "design.md"
_MIN_TEXT_PIXELS = 14


def _svg() -> ET.Element:
    return ET.fromstring(SVG.read_bytes())  # noqa: S314 (our own file)


def _texts() -> list[str]:
    return ["".join(text.itertext()) for text in _svg().iter(f"{_NAMESPACE}text")]


def _numbers(lines: list[str]) -> set[int]:
    return {int(found[1]) for line in lines if (found := re.match(r"(\d+)[. ]", line))}


def test_the_picture_is_drawn_from_the_svg() -> None:
    """The PNG holds the digest of the SVG as it is now, and has twice its size."""
    png = PNG.read_bytes()
    assert digest_in(png) == digest_of(SVG.read_bytes()), "PYTHONPATH=. python -m tools.architecture_picture"
    width, height = size_of(png)
    _, _, view_width, view_height = (float(number) for number in _svg().attrib["viewBox"].split())
    assert (width, height) == (WIDTH_PIXELS * SCALE, round(view_height * WIDTH_PIXELS / view_width * SCALE))


def test_drawing_it_again_draws_the_same_size() -> None:
    """The SVG can be drawn by a browser, and what is drawn holds its digest."""
    svg = SVG.read_bytes()
    again = draw(svg, needs("chromium"))
    assert digest_in(again) == digest_of(svg)
    assert size_of(again) == size_of(PNG.read_bytes())


def test_text_is_large_enough() -> None:
    """Every text has at least 14 pixels at the width of a README, and nothing is loaded from elsewhere."""
    root = _svg()
    sizes = [float(element.attrib["font-size"]) for element in root.iter() if "font-size" in element.attrib]
    scale = WIDTH_PIXELS / float(root.attrib["viewBox"].split()[2])
    assert sizes
    assert min(sizes) * scale >= _MIN_TEXT_PIXELS
    assert not re.search(rb"href|url\((?!#)|@import|@font-face", SVG.read_bytes())


def test_the_arrows_are_numbered_as_in_the_text() -> None:
    """Each number in the picture is a step of the list in docs/design.md, and each step is in the picture."""
    steps = _numbers(_DESIGN.read_text(encoding="utf-8").splitlines())
    assert steps == _numbers(_texts()) == set(range(1, max(steps) + 1))
