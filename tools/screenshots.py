"""Takes the screenshots of docs/: what a user sees in JupyterLab after a setup, on the local Studio.

The browser itself draws the outline, the label and the caption before each picture is taken. Needs chromium.

PYTHONPATH=src:. python -m tools.screenshots
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from playwright.sync_api import FloatRect, Locator, Page, sync_playwright

from emulator.app_host import StartOptions
from emulator.studio import DOMAIN_ID, LocalStudio
from studio_setup.handler import lambda_handler
from tests.support.context import Context
from tests.support.scenario import Place, Scenario
from tools.notebook import NOTEBOOK

DOCS = Path(__file__).resolve().parents[1] / "docs"
SIZE = FloatRect(x=0, y=0, width=860, height=430)
_OWNER, _SPACE = "alice", "alice-space"
_LIMIT_MILLISECONDS = 30_000
Annotation = tuple[Locator, str]  # what has an outline, and the label beside it
_MADE_UP = {
    "AWS_ACCESS_KEY_ID": "made-up",
    "AWS_SECRET_ACCESS_KEY": "made-up",
    "AWS_DEFAULT_REGION": "us-east-1",
}
# Draws an outline around a box, a label beside it, and what is seen, in the lower right corner.
_DRAW = """([box, label, size]) => {
  const add = (text, style) => {
    const element = document.createElement("div");
    element.className = "annotation";
    element.textContent = text;
    Object.assign(element.style, {position: "fixed", zIndex: 100000, font: "bold 15px sans-serif"}, style);
    document.body.append(element);
    return element;
  };
  const pixels = n => `${n}px`;
  add("", {left: pixels(box.x - 4), top: pixels(box.y - 4), width: pixels(box.width + 8),
           height: pixels(box.height + 8), border: "3px solid #c2185b", borderRadius: "6px", boxSizing: "border-box"});
  const beside = add(label, {left: pixels(box.x + box.width + 12), top: pixels(box.y + box.height / 2 - 15),
                             padding: "6px 10px", color: "white", background: "#c2185b", borderRadius: "6px",
                             whiteSpace: "nowrap"});
  if (beside.getBoundingClientRect().right > size.width - 12)  // no room: above its right end
    Object.assign(beside.style, {left: "auto", right: pixels(size.width - box.x - box.width - 4),
                                 top: pixels(box.y - 44)});
  add("local Studio, not AWS", {right: "0", top: pixels(size.height - 30), padding: "6px 12px",
                       color: "white", background: "#37474f"});
}"""


def main(folder: Path = DOCS) -> None:
    """Take every picture, into a folder."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Screenshots need chromium on PATH (apt-get install chromium).")
    with _space_after_its_setup() as scenario, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(
            viewport={"width": int(SIZE["width"]), "height": int(SIZE["height"])}, device_scale_factor=1.5
        )
        page.set_default_timeout(_LIMIT_MILLISECONDS)
        page.goto(_presigned_url(scenario))
        for name, picture in {"files": _files, "running": _running, "notebook": _notebook}.items():
            _take(page, folder / f"jupyterlab-{name}.png", *picture(page))
        browser.close()


@contextmanager
def _space_after_its_setup() -> Iterator[Scenario]:
    """JupyterLab in a space that the function has set up, with a terminal of its user and two files in the home."""
    with LocalStudio() as studio, mock.patch.dict(os.environ, _MADE_UP):
        os.environ["AWS_ENDPOINT_URL_SAGEMAKER"] = studio.sagemaker_endpoint
        studio.add_domain()
        studio.add_user_profile(_OWNER)
        place = Place(_OWNER, studio.add_space(_SPACE, _OWNER), "JupyterLab")
        scenario = Scenario(studio, place, StartOptions())
        scenario.start()
        scenario.ready().open_terminal("mine")
        outcome = lambda_handler(scenario.event, Context())["outcome"]
        if outcome != "succeeded":
            sys.exit(f"The setup did not succeed: {outcome}.")
        (scenario.home / "model.bin").write_bytes(b"x" * 3_000_000)
        shutil.copy(NOTEBOOK, scenario.home)
        yield scenario


def _presigned_url(scenario: Scenario) -> str:
    answer = scenario.sagemaker.create_presigned_domain_url(
        DomainId=DOMAIN_ID, UserProfileName=_OWNER, SpaceName=_SPACE
    )
    return str(answer["AuthorizedUrl"])


def _files(page: Page) -> Annotation:
    """The column that the default setup turns on."""
    page.get_by_text("model.bin").first.wait_for()
    size = page.locator(".jp-DirListing-headerItem", has_text="Size")
    return size, "The setup has turned on this column"


def _running(page: Page) -> Annotation:
    """The user's own terminal, and none of the setup's."""
    page.locator(".jp-SideBar li[data-id='jp-running-sessions']").click()
    for section in ("Language servers", "Recently Closed", "Workspaces"):
        page.locator("#jp-running-sessions .lm-AccordionPanel-title", has_text=section).click()
    terminal = page.locator("#jp-running-sessions").get_by_text("terminals/mine").first
    terminal.hover()  # waits until it no longer moves
    return terminal, "The user's terminal; the setup's is deleted"


def _notebook(page: Page) -> Annotation:
    """Commands in a user's app, from the notebook."""
    page.locator(".jp-SideBar li[data-id='filebrowser']").click()
    page.get_by_text(NOTEBOOK.name).first.dblclick()
    page.locator(".jp-SideBar li[data-id='filebrowser']").click()
    output = page.locator(".jp-OutputArea-output", has_text="The disk is full").first
    output.hover()
    return output, "Output and exit status, from the user's app"


def _take(page: Page, path: Path, what: Locator, label: str) -> None:
    """Take a picture with an outline around something, and leave the page as it was."""
    page.evaluate(_DRAW, [what.bounding_box(), label, SIZE])
    page.screenshot(path=path, clip=SIZE)
    page.evaluate("document.querySelectorAll('.annotation').forEach(element => element.remove())")


if __name__ == "__main__":
    main()
