"""The documentation as a site: it builds without a warning and reads well in a browser, with nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.support.documents import ROOT
from tests.support.needs import needs

_MKDOCS = ROOT / ".venvs" / "docs" / "bin" / "mkdocs"
_REMOTE = re.compile(r"""<(?:script|link|img|iframe|source)\b[^>]*\b(?:src|href)=["']?(?:https?:)?//""")
_PHONE, _DESK = 400, 1400
_LIMIT_MILLISECONDS = 20_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [_MKDOCS, "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A chromium without a screen."""
    chromium = needs("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test for what it asks of another host, and for an error in a script."""
    complaints: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(_LIMIT_MILLISECONDS)
    page.on("request", lambda request: complaints.append(request.url) if _is_remote(request.url) else None)
    page.on("requestfailed", lambda request: complaints.extend(_complaint(request)))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    assert complaints == []


def _complaint(request: Request) -> Iterator[str]:
    """What failed to load; a load that ends because the next page is opened did not fail."""
    if request.failure != "net::ERR_ABORTED":
        yield f"{request.url}: {request.failure}"


def _is_remote(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:", "about:"))


def _too_wide(page: Page) -> list[str]:
    """What is wider than the window, apart from what scrolls by itself."""
    found: list[str] = page.evaluate(
        """() => document.documentElement.scrollWidth <= window.innerWidth ? [] :
          [...document.querySelectorAll("article *")]
            .filter(e => e.getBoundingClientRect().right > window.innerWidth + 1)
            .filter(e => !e.closest("pre, .md-typeset__scrollwrap"))
            .map(e => e.outerHTML.slice(0, 120))"""
    )
    return found


def test_the_site_builds_strictly(site: Path) -> None:
    """Mkdocs finds no dead link or anchor, and no page that the navigation lacks; every document of docs/ is a page."""
    pages = {path.stem for path in site.glob("*.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} | {"index", "CONTRIBUTING", "emulator"} <= pages


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """No page has a font, script, style or picture of another host."""
    pages = sorted(site.glob("*.html"))
    assert pages
    assert [page.name for page in pages if _REMOTE.search(page.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("width", [_PHONE, _DESK])
def test_every_page_can_be_read(site: Path, page: Page, width: int) -> None:
    """On a phone and on a desk every page opens, with its pictures, and nothing is wider than the window."""
    page.set_viewport_size({"width": width, "height": 900})
    for path in sorted(site.glob("*.html")):
        if path.name == "404.html":  # for servers: its links begin at the root
            continue
        page.goto(path.as_uri())
        page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        assert (path.name, _too_wide(page)) == (path.name, [])


def test_the_search_works_offline(site: Path, page: Page) -> None:
    """In pages that are opened from files, the search finds a page by its words."""
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("/")
    page.locator("input.md-search__input").press_sequentially("ReconcileSchedule")
    result = page.locator(".md-search-result__link").first
    result.wait_for()
    assert Path(str(result.get_attribute("href")).partition("?")[0]).name.endswith(".html")
