"""A hook of mkdocs: brings the pages that stand outside docs/ into the site, and makes the links between them fit.

On GitHub, README.md and docs/*.md link to each other, and to files of the repository, by relative paths. In the site, a
link to a page becomes that page's, and a link to a file that is not in the site becomes the file's name.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
# A file of the repository → the page that it is in the site.
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "SECURITY.md": "SECURITY.md",
    "CHANGELOG.md": "CHANGELOG.md",
    "emulator/README.md": "emulator.md",
    "local_cloud/README.md": "local-cloud.md",
}
PICTURES = ("auto-installer-arch.png",)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
_IMAGE = re.compile(r'(<img src=")([^"]+)(")')
_REMOTE = '<script src="https://unpkg.com/iframe-worker/shim">'
_FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures that stand outside docs/."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    for picture in PICTURES:
        files.append(File.generated(config, picture, abs_src_path=str(ROOT / picture)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001 (mkdocs names them)
    """Rewrite the links of a page from how they are in the repository to how they are in the site."""
    return rewrite(markdown, _source_of(page.file.src_uri), {file.src_uri for file in files})


def on_post_page(output: str, **_: object) -> str:
    """Replace the script that the theme loads from elsewhere, for a search in files, by our own.

    Raises:
        ValueError: the theme loads it no longer, or in another way.
    """
    if output.count(_REMOTE) != 1:
        raise ValueError(f"A page does not load {_REMOTE!r} once. Has the theme changed?")
    return output.replace(_REMOTE, '<script src="search-from-files.js">')


def on_post_template(output_content: str, template_name: str, **_: object) -> str:
    """The same for the page that is shown where there is none."""
    return on_post_page(output_content) if template_name == "404.html" else output_content


def rewrite(markdown: str, source: str, site: set[str]) -> str:
    """The Markdown of a file of the repository, with links that fit the site, code blocks aside.

    Args:
        markdown: the text of the file.
        source: its path in the repository.
        site: the paths that the site has, below its root.
    """
    here = posixpath.dirname(_page_of(source))

    def target(link: str) -> str | None:
        """The link in the site; None for what is not in it."""
        if re.match(r"[a-z][a-z0-9+.-]*:|#", link):
            return link
        path, mark, anchor = link.partition("#")
        page = _page_of(posixpath.normpath(posixpath.join(posixpath.dirname(source), path)))
        return posixpath.relpath(page, here or ".") + mark + anchor if page in site else None

    def link(found: re.Match[str]) -> str:
        exclamation, text, url = found.groups()
        fitting = target(url)
        return f"{exclamation}[{text}]({fitting})" if fitting else text

    def outside_code(text: str) -> str:
        text = _IMAGE.sub(lambda found: f"{found[1]}{target(found[2])}{found[3]}", text)
        return _LINK.sub(link, text)

    parts = []
    end = 0
    for fence in _FENCE.finditer(markdown):
        parts += [outside_code(markdown[end : fence.start()]), fence[0]]
        end = fence.end()
    return "".join([*parts, outside_code(markdown[end:])])


def _source_of(page: str) -> str:
    """The file of the repository that a page is made from."""
    return next((source for source, name in PAGES.items() if name == page), f"docs/{page}")


def _page_of(source: str) -> str:
    """The page, or file, of the site that a file of the repository would be."""
    if source in PAGES or source in PICTURES:
        return PAGES.get(source, source)
    return source.removeprefix("docs/") if source.startswith("docs/") else f"../{source}"
