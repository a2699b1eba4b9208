"""Which module imports which, read from the sources: every import counts, wherever in a file it stands."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path


def modules_below(source_folder: Path, *packages: str) -> dict[str, str]:
    """Module name → source text, of every Python file of these packages."""
    found = {
        ".".join(path.relative_to(source_folder).with_suffix("").parts).removesuffix(".__init__"): path.read_text(
            "utf-8"
        )
        for package in packages
        for path in sorted((source_folder / package).rglob("*.py"))
    }
    assert found, f"there are Python files in {source_folder}"
    return found


def imports_of(text: str) -> Iterator[str]:
    """Every module that a source text may import, in full; what is imported from a module may be a module too.

    Imports inside functions and `TYPE_CHECKING` blocks count, `importlib.import_module("name")` as well.
    """
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield module
                yield from (f"{module}.{alias.name}" for alias in names)
            case ast.ImportFrom(level=level) if level > 0:
                yield "." * level
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
                yield name


def upward_imports(modules: Mapping[str, str], floors: tuple[tuple[str, ...], ...]) -> list[tuple[str, str]]:
    """The imports, as (importer, imported), that do not lead to a lower floor.

    `floors` are listed from the ground; names on one floor are neighbours, which do not import each other. A module
    belongs to the longest name that it begins with.
    """
    found = []
    for module, text in modules.items():
        own = _place(module, floors)
        assert own, f"{module} has a floor"
        for imported in imports_of(text):
            other = _place(imported, floors)
            if other and other != own and other[0] >= own[0]:
                found.append((module, imported))
    return found


def _place(module: str, floors: tuple[tuple[str, ...], ...]) -> tuple[int, str] | None:
    places = [
        (number, name)
        for number, names in enumerate(floors)
        for name in names
        if module == name or module.startswith(f"{name}.")
    ]
    return max(places, key=lambda place: len(place[1]), default=None)
