"""The bundle as `sam build` makes it where the function's own Python is; here it is the one that stands in for that."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from local_cloud.cloud import ROOT, RUNTIME_PYTHON


def build_bundle(folder: Path, runtime_python: str | Path = RUNTIME_PYTHON) -> Path:
    """Build the bundle in a folder that is new; where `runtime_python` is no program, nothing is compiled."""
    folder.mkdir()
    sources, bundle = folder / "src", folder / "bundle"
    shutil.copytree(ROOT / "src", sources, ignore=shutil.ignore_patterns("__pycache__"))
    variables = [f"PYTHON={sys.executable}", f"RUNTIME_PYTHON={runtime_python}", f"ARTIFACTS_DIR={bundle}"]
    subprocess.run(["make", "--silent", "--directory", sources, "bundle", *variables], check=True)
    return bundle
