"""Wheels for tests: small ones with given files, and those of packages that are installed here, with all they need."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_OF_INSTALLATION = {"RECORD", "INSTALLER", "REQUESTED"}


def write_wheel(folder: Path, name: str, version: str, files: Mapping[str, bytes], tag: str = "py3-none-any") -> Path:
    """Write a wheel into a folder, with metadata of its own unless `files` has some; its path."""
    info = f"{name}-{version}.dist-info"
    everything = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode(),
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: {tag}\n".encode(),
        **files,
    }
    record = "".join(f"{path},,\n" for path in (*everything, f"{info}/RECORD"))
    target = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(target, "w") as wheel:
        for path, content in {**everything, f"{info}/RECORD": record.encode()}.items():
            wheel.writestr(zipfile.ZipInfo(path), content)
    return target


def write_installed(folder: Path, *names: str) -> list[Path]:
    """Write wheels of installed packages and of all that they need into a folder."""
    return [_write_again(folder, one) for one in _with_needs(names)]


def requirements_of(wheels: Iterable[Path]) -> str:
    """The lines of a requirements file that pins wheels by their hashes."""
    return "".join(
        f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
        for wheel in wheels
        for name, version, *_ in [wheel.name.split("-")]
    )


def _with_needs(names: Iterable[str]) -> list[Distribution]:
    found: dict[str, Distribution] = {}
    open_names = list(names)
    while open_names:
        name = canonicalize_name(open_names.pop())
        if name in found:
            continue
        found[name] = distribution(name)
        needs = [Requirement(line) for line in found[name].requires or ()]
        open_names += [need.name for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
    return list(found.values())


def _write_again(folder: Path, package: Distribution) -> Path:
    """The wheel that a package was installed from, without its programs."""
    name = canonicalize_name(package.metadata["Name"]).replace("-", "_")
    info = f"{name}-{package.version}.dist-info"
    tag = str(package.read_text("WHEEL")).strip().rpartition("Tag: ")[2]
    files = {}
    for path in package.files or ():
        if path.parts[0] != ".." and path.suffix != ".pyc" and path.name not in _OF_INSTALLATION:
            top = info if path.parts[0].endswith(".dist-info") else path.parts[0]
            files["/".join((top, *path.parts[1:]))] = Path(str(path.locate())).read_bytes()
    return write_wheel(folder, name, package.version, files, tag)
