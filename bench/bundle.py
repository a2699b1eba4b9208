"""The size of the built bundle, zipped, beside the two packages that it needs, as pip alone installs them.

A test holds the same size.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from bench.built_bundle import build_bundle
from bench.table import Measured, Row, Table
from local_cloud.cloud import ROOT

MAX_MORE_KILOBYTES = 40
_FOR_LAMBDA = ("--platform=manylinux2014_aarch64", "--implementation=cp", "--python-version=3.13")


def main() -> int:
    """Measure and report; 1 if the bundle is too large."""
    pins = (ROOT / "src" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [pin.partition("  #")[0] for pin in pins if pin.startswith(("requests==", "websocket-client=="))]
    with tempfile.TemporaryDirectory() as temporary:
        bundle, alone = build_bundle(Path(temporary, "built")), Path(temporary, "alone")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--only-binary=:all:", *_FOR_LAMBDA]
        subprocess.run([*pip, "--target", alone, *wanted], check=True)
        ours, theirs = (_zipped_kilobytes(path) for path in (bundle, alone))
    table = Table()
    beside = "requests and websocket-client alone"
    table.add(Row("the bundle, zipped", Measured.of([ours]), "kB", None, beside, Measured.of([theirs])))
    table.add(Row("the bundle, zipped: more than these", Measured.of([ours - theirs]), "kB", MAX_MORE_KILOBYTES))
    return table.exit_status


def _zipped_kilobytes(folder: Path) -> float:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return len(buffer.getvalue()) / 1000


if __name__ == "__main__":
    sys.exit(main())
