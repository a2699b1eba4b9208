"""What a user sees in the browser after a setup. Needs chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from emulator.studio import DOMAIN_ID
from studio_setup.handler import lambda_handler
from tests.support.context import Context
from tests.support.needs import needs
from tests.support.scenario import Place, Scenario

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LIMIT_MILLISECONDS = 20_000


@pytest.fixture
def page() -> Iterator[Page]:
    """A fresh browser's only tab."""
    chromium = needs("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        page = browser.new_page(viewport={"width": 1200, "height": 700})
        page.set_default_timeout(LIMIT_MILLISECONDS)
        yield page
        browser.close()


def test_the_user_sees_the_setup_and_no_terminal_of_ours(
    start_app: Callable[..., Scenario], space: Place, page: Page
) -> None:
    """JupyterLab shows the column that the setup turns on; its Running panel has the user's terminal, none of ours."""
    scenario = start_app(place=space)
    scenario.open_terminal("mine")
    assert lambda_handler(scenario.event, Context())["outcome"] == "succeeded"
    (scenario.home / "model.bin").write_bytes(b"x" * 3_000_000)
    _open(page, scenario)
    page.get_by_text("model.bin").first.wait_for()
    assert page.locator(".jp-DirListing-headerItem", has_text="Size").count() == 1
    page.locator(".jp-SideBar li[data-id='jp-running-sessions']").click()
    running = page.locator("#jp-running-sessions")
    running.get_by_text("terminals/mine").first.wait_for()
    assert "studiosetup" not in running.inner_text()


def test_without_the_setup_the_column_is_not_there(
    start_app: Callable[..., Scenario], space: Place, page: Page
) -> None:
    """JupyterLab does not show the column by default."""
    _open(page, start_app(place=space))
    assert page.locator(".jp-DirListing-headerItem", has_text="Size").count() == 0


def _open(page: Page, scenario: Scenario) -> None:
    """Open the space as its owner does, and wait for the file browser."""
    url = scenario.sagemaker.create_presigned_domain_url(
        DomainId=DOMAIN_ID, UserProfileName=scenario.place.user, SpaceName=scenario.place.space
    )["AuthorizedUrl"]
    page.goto(url)
    page.locator(".jp-DirListing-headerItem", has_text="Name").wait_for()
