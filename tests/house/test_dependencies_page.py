"""docs/dependencies.md names every package that is used, and says why."""

from __future__ import annotations

import subprocess

import pytest

from tools.dependencies_page import FILES, ROOT, Group, Package, groups, page, project_packages


def _groups(file: str) -> list[Group]:
    return list(groups((ROOT / file).read_text(encoding="utf-8")))


def test_every_file_is_on_the_page() -> None:
    """No file of requirements is left out, but for those of an example, which a user changes."""
    ask = ["git", "ls-files", "*requirements*.txt", ":!examples"]
    listing = subprocess.run(ask, cwd=ROOT, capture_output=True, check=True)
    assert sorted(FILES) == sorted(listing.stdout.decode().split())
    assert [file for file in FILES if f"\n## `{file}`\n" not in page()] == []


@pytest.mark.parametrize("file", FILES)
def test_every_package_has_a_reason(file: str) -> None:
    """It stands beside the package; of a file that was compiled, beside those that it was compiled from."""
    found = _groups(file)
    assert found
    for group in found:
        without = [package.name for package in group.packages if not package.why]
        assert group.is_locked or without == []
        if group.is_locked:
            assert set(without) != {package.name for package in group.packages}


def test_every_package_of_the_project_has_a_reason() -> None:
    """In pyproject.toml, too."""
    packages = project_packages()
    assert {"boto3", "click", "requests", "websocket-client", "rich", "hatchling"} <= {one.name for one in packages}
    assert [package.name for package in packages if not package.why] == []


def test_groups_and_reasons_are_read() -> None:
    """A comment begins a group; a reason follows two spaces and a sign; a version may be for some Pythons only."""
    text = "# One.\n# More.\n-r other.txt\na[b,c]==1.0  # why\n\n# Two\nd==2 ; python_version < '3.12'\nd==3\n"
    assert list(groups(text)) == [
        Group("One. More.", (Package("a", "1.0", "why"),)),
        Group("Two", (Package("d", "2, python_version < '3.12'", ""), Package("d", "3", ""))),
    ]


def test_what_is_no_package_is_refused() -> None:
    """A package without a version is an error that names the line."""
    with pytest.raises(ValueError, match="'requests' is not a package with a version"):
        list(groups("# One\nrequests\n"))
