"""Writes docs/dependencies.md from the files that name packages, where the reason stands beside each."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILES = [
    "src/requirements.txt",
    "requirements.txt",
    *sorted(f"requirements/{path.name}" for path in (ROOT / "requirements").glob("*.txt")),
]
_HEAD = """# Dependencies

Every package that is used, with its version and why. Updating one means changing its file, and running `make test`.

This page is generated from `pyproject.toml`, `requirements.txt`, `src/requirements.txt` and `requirements/*.txt` by
`make docs-refresh`; a test checks that it is up to date, and that each package has a reason.
"""
_TABLE = "| Package | Version | Why |\n|---|---|---|\n"
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,]+\])?(?P<version>[=>]=[^\s;]+)(?: ; (?P<where>[^#]+?))?")
_LINE = re.compile(_REQUIREMENT.pattern + r"(?:  # (?P<why>.+))?")
# A file made by this program also names the packages that its packages need.
_LOCKED = "`uv pip compile"


@dataclass(frozen=True)
class Package:
    """A package that is used.

    Attributes:
        version: the version, or from which one on (`>=1.34.0`); where it is for some Pythons only, with these.
        why: the reason, as it stands beside the package; empty if there is none.
    """

    name: str
    version: str
    why: str


@dataclass(frozen=True)
class Group:
    """Packages that stand under one comment.

    Attributes:
        comment: the comment, without its signs.
    """

    comment: str
    packages: tuple[Package, ...]

    @property
    def is_locked(self) -> bool:
        """Are the packages that others need in it, too?"""
        return _LOCKED in self.comment


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## `pyproject.toml`\n", "What installing the package installs, and the extra `cli`.\n"]
    parts.append(_table(project_packages()))
    for file in FILES:
        parts.append(f"## `{file}`\n")
        parts += [part for group in groups((ROOT / file).read_text(encoding="utf-8")) for part in _shown(group)]
    return "\n".join(parts)


def project_packages() -> tuple[Package, ...]:
    """The packages that pyproject.toml names; the reason is the comment after each."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    project = content["project"]
    extras = [one for extra in project["optional-dependencies"].values() for one in extra]
    named = [*project["dependencies"], *extras, *content["build-system"]["requires"]]
    return tuple(
        _package(one, found[1] if (found := re.search(rf'"{re.escape(one)}"[],]* *# (.+)', text)) else "")
        for one in named
    )


def groups(text: str) -> Iterator[Group]:
    """The packages of a requirements file, by the comment that stands above them.

    Raises:
        ValueError: a line is neither a comment, nor another file, nor a package.
    """
    comment = ""
    for is_comment, lines in groupby(filter(None, text.splitlines()), lambda line: line.startswith("#")):
        if is_comment:
            comment = " ".join(line.removeprefix("#").strip() for line in lines)
        else:
            yield Group(comment, tuple(_package(line) for line in lines if not line.startswith("-r ")))


def _package(line: str, why: str = "") -> Package:
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError(f"{line!r} is not a package with a version.")
    version = found["version"].removeprefix("==")
    return Package(
        found["name"], f"{version}, {found['where']}" if found["where"] else version, why or found["why"] or ""
    )


def _shown(group: Group) -> Iterator[str]:
    """What the page has of a group."""
    yield f"{group.comment}\n"
    if direct := tuple(package for package in group.packages if package.why):
        yield _table(direct)
    if others := [f"{package.name} {package.version}" for package in group.packages if not package.why]:
        yield f"What these need: {', '.join(others)}.\n"


def _table(packages: tuple[Package, ...]) -> str:
    return _TABLE + "".join(f"| {package.name} | {package.version} | {package.why} |\n" for package in packages)
