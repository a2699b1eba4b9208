"""A local git repository in place of the auto-shutdown extension's repository on GitHub.

Its layout is that of upstream: the source, and an sdist of it at the root. Setups pin upstream's commit id, which this
repository cannot contain; a replacement ref of git lets that id stand for the local commit. After such a checkout,
`rev-parse HEAD` prints the pinned id.
"""

from __future__ import annotations

import io
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

UPSTREAM_URL = "https://github.com/aws-samples/sagemaker-studio-auto-shutdown-extension"
UPSTREAM_COMMIT = "4609598c67ff3919077b0fb77d511ed2cc7836f0"
SDIST_NAME = "sagemaker_studio_autoshutdown-0.1.5"
SOURCE = Path(__file__).parent / "extension"

_QUIET_GIT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Local Studio",
    "GIT_AUTHOR_EMAIL": "studio@localhost",
    "GIT_COMMITTER_NAME": "Local Studio",
    "GIT_COMMITTER_EMAIL": "studio@localhost",
}


def create_extension_repository(folder: Path) -> Path:
    """Create the repository in `folder`, with one commit that also has upstream's commit id.

    Raises:
        RuntimeError: there is no git.
    """
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder, *folder.rglob("*")):  # the checkout may be read-only, and the copy then is, too
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    _write_sdist(folder / f"{SDIST_NAME}.tar.gz")
    _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message=Stand-in for the auto-shutdown extension")
    _git(folder, "update-ref", f"refs/replace/{UPSTREAM_COMMIT}", "HEAD")
    return folder


def git_configuration(repository: Path) -> str:
    """Return the git configuration that redirects a container to the local repository."""
    return (
        f'[url "{repository.resolve().as_uri()}"]\n'
        f"\tinsteadOf = {UPSTREAM_URL}.git\n"
        f"\tinsteadOf = {UPSTREAM_URL}\n"
        '[remote "origin"]\n'
        "\tfetch = +refs/replace/*:refs/replace/*\n"
    )


def _write_sdist(target: Path) -> None:
    with tarfile.open(target, "w:gz") as archive:
        for path in sorted(SOURCE.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                content = path.read_bytes()
                entry = tarfile.TarInfo(f"{SDIST_NAME}/{path.relative_to(SOURCE)}")
                entry.size = len(content)
                entry.mode = 0o644
                archive.addfile(entry, io.BytesIO(content))


def _git(folder: Path, *arguments: str) -> None:
    try:
        subprocess.run(["git", *arguments], cwd=folder, env=_QUIET_GIT, check=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        raise RuntimeError(f"The local Studio needs git, in one of {_QUIET_GIT['PATH']}.") from None
