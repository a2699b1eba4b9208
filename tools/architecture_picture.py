"""Draws auto-installer-arch.png from docs/architecture.svg, at twice its size, with the machine's chromium.

    PYTHONPATH=. python -m tools.architecture_picture

The PNG holds the digest of the SVG it was drawn from, in a `tEXt` chunk (PNG specification, 11.3.3.2), so that a test
can tell that the two belong together on a machine without a browser.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[1]
SVG = ROOT / "docs" / "architecture.svg"
PNG = ROOT / "auto-installer-arch.png"
WIDTH_PIXELS = 860
SCALE = 2
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"SVG-SHA256"


def digest_of(svg: bytes) -> str:
    """The SHA-256 of an SVG, in hexadecimal."""
    return hashlib.sha256(svg).hexdigest()


def digest_in(png: bytes) -> str | None:
    """The digest of the SVG that a PNG was drawn from; None if it holds none."""
    for kind, data in _chunks(png):
        keyword, _, text = data.partition(b"\0")
        if kind == b"tEXt" and keyword == _KEYWORD:
            return text.decode("latin-1")
    return None


def size_of(png: bytes) -> tuple[int, int]:
    """The width and the height of a PNG, in pixels."""
    kind, data = next(_chunks(png))
    if kind != b"IHDR":
        raise ValueError(f"A PNG begins with IHDR, not with {kind!r}.")
    width, height = struct.unpack(">II", data[:8])
    return width, height


def draw(svg: bytes, chromium: str) -> bytes:
    """The SVG as a PNG of SCALE times its size, with its digest."""
    url = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH_PIXELS, "height": 100}, device_scale_factor=SCALE)
        page.set_content(f'<body style="margin:0"><img style="display:block;width:100%" src="{url}">')
        png = page.locator("img").screenshot()
        browser.close()
    return _with_digest(png, digest_of(svg))


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG: type and data."""
    if not png.startswith(_SIGNATURE):
        raise ValueError("This is not a PNG.")
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += length + 12


def _with_digest(png: bytes, digest: str) -> bytes:
    """The PNG with the digest in a chunk after the first one."""
    body = b"tEXt" + _KEYWORD + b"\0" + digest.encode("latin-1")
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    end_of_header = len(_SIGNATURE) + 25
    return png[:end_of_header] + chunk + png[end_of_header:]


def main() -> None:
    """Draw the picture."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Drawing needs chromium on PATH (apt-get install chromium).")
    PNG.write_bytes(draw(SVG.read_bytes(), chromium))


if __name__ == "__main__":
    main()
