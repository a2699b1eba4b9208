"""What the documents point to is there, and the versions in the project's files agree."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import studio_setup
from tests.support.documents import ROOT, documents

_FENCED = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
_RELEASE = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$", re.MULTILINE)


def _read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _project() -> dict[str, Any]:
    return tomllib.loads(_read("pyproject.toml"))


def _pins(name: str) -> set[str]:
    """The lines of a requirements file that name a package."""
    return {line.partition("  #")[0] for line in _read(name).splitlines() if line and not line.startswith(("#", "-r "))}


def links(text: str) -> Iterator[str]:
    """The targets of the links and images in a document that lead to a file or a heading, code aside."""
    for target in _LINK.findall(_CODE.sub("", _FENCED.sub("", text))):
        if not re.match(r"[a-z][a-z0-9+.-]*:", target):
            yield unquote(target)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to a document's headings: repeated ones are numbered."""
    counts: Counter[str] = Counter()
    found = set()
    for heading in _HEADING.findall(_FENCED.sub("", text)):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        found.add(f"{anchor}-{counts[anchor]}" if counts[anchor] else anchor)
        counts[anchor] += 1
    return found


def _is_broken(document: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    path = (document.parent / name).resolve() if name else document
    if not path.exists() or not path.is_relative_to(ROOT):
        return True
    return bool(anchor) and anchor not in anchors(path.read_text(encoding="utf-8"))


def test_links_are_found() -> None:
    """Links and images are found, also in tables; web addresses and code are not taken for them."""
    text = (
        "[a](b.md) ![c](d.png)\n| [`e`](f/g.md#h) |\n[w](https://w.org) <i@j.org> `[k](l)`\n```\n[m](n)\n```\n[o](#p)"
    )
    assert list(links(text)) == ["b.md", "d.png", "f/g.md#h", "#p"]


def test_anchors_are_githubs() -> None:
    """Anchors are lower-case words with dashes, without punctuation; the second of a name has a number."""
    text = "# Try it, `now`!\n## A / B\n```\n# no heading\n```\n## [Link](x.md) of_it\n## Again\n## Again\n"
    assert anchors(text) == {"try-it-now", "a--b", "link-of_it", "again", "again-1"}


def test_every_link_leads_somewhere() -> None:
    """Each relative link in each document leads to a file that is there, and to a heading in it."""
    assert ROOT / "README.md" in documents()
    broken = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in documents()
        for target in links(document.read_text(encoding="utf-8"))
        if _is_broken(document, target)
    ]
    assert broken == []


def test_the_changelog_is_of_this_version() -> None:
    """The latest release of the changelog is the version of the package."""
    assert _RELEASE.findall(_read("CHANGELOG.md"))[0] == studio_setup.__version__


def test_the_package_needs_what_the_function_is_bundled_with() -> None:
    """The package's dependencies are pinned to the bundle's versions; boto3 comes with Lambda, click is not bundled."""
    dependencies = set(_project()["project"]["dependencies"])
    unpinned = {dependency for dependency in dependencies if "==" not in dependency}
    assert {dependency.partition(">=")[0] for dependency in unpinned} == {"boto3"}
    assert {one for one in dependencies - unpinned if not one.startswith("click==")} <= _pins("src/requirements.txt")


def test_what_is_published_is_what_is_tested() -> None:
    """The command line's packages and the build backend are pinned to the versions that are installed for the tests."""
    project = _project()
    extra = project["project"]["optional-dependencies"]["cli"]
    click = {one for one in project["project"]["dependencies"] if one.startswith("click==")}
    assert click | set(extra) | set(project["build-system"]["requires"]) <= _pins("requirements.txt")
