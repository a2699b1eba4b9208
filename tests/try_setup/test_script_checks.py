"""What is said of a script without running it."""

from __future__ import annotations

from pathlib import Path

import pytest

from try_setup.script_checks import files_with_crlf, goes_on_after_failure, hosts_named, unpinned_packages


@pytest.mark.parametrize(
    "script",
    [
        "#!/bin/bash\necho one\necho two\n",
        "echo one\necho two",
        "# set -e\necho one\necho two",
        "set -u\necho one",
    ],
)
def test_a_shell_script_of_several_commands_should_stop_at_a_failure(script: str) -> None:
    """Without `set -e`, it is noticed."""
    assert goes_on_after_failure(script)


@pytest.mark.parametrize(
    "script",
    [
        "set -e\necho one\necho two",
        "#!/bin/bash\nset -eux\necho one",
        "set -uo pipefail -o errexit\necho one",
        "#!/bin/bash -e\necho one\necho two",
        "echo only",
        "#!/usr/bin/env python3\nprint(1)\nprint(2)\n",
    ],
)
def test_others_need_not(script: str) -> None:
    """One that stops, one with a single command, and what no shell runs are left alone."""
    assert not goes_on_after_failure(script)


@pytest.mark.parametrize(
    ("line", "packages"),
    [
        ("pip install requests", ["requests"]),
        ("sudo /opt/conda/bin/pip3 install -U boto3 'black>=24' && echo done", ["boto3", "black>=24"]),
        ("pip install lsp \\\n    'server[flake8,rope]' black", ["lsp", "server[flake8,rope]", "black"]),
        ("pip install --index-url https://index.example.org/simple requests==2.32.0", []),
        ("pip install -r requirements.txt -c constraints.txt", []),
        ("pip install ./local dist/x.whl -e . 'x @ https://example.org/x.whl'", []),
        ("pip install --no-index --find-links ~/wheels requests", []),
        ("# pip install requests", []),
        ("pip install requests==2.32.0 | tee log", []),
    ],
)
def test_packages_without_a_version_are_named(line: str, packages: list[str]) -> None:
    """Those that `pip install` names without `==`; files, paths, URLs and wheelhouses pin in their own way."""
    assert unpinned_packages(line) == packages


def test_the_hosts_of_urls_are_named() -> None:
    """Each host once, without user, port and path."""
    script = "git clone https://me@GitHub.com/a/b.git\ncurl http://example.org:8080/x https://github.com/c"
    assert hosts_named(script) == ["example.org", "github.com"]


def test_files_with_windows_line_ends_are_found(tmp_path: Path) -> None:
    """Only those files are returned."""
    (tmp_path / "good.sh").write_bytes(b"echo\n")
    (tmp_path / "bad.sh").write_bytes(b"echo\r\n")
    assert files_with_crlf(tmp_path.iterdir()) == [tmp_path / "bad.sh"]


@pytest.mark.timeout(20)
def test_blank_lines_take_no_time() -> None:
    """As many as a script may have; in quadratic time it would be minutes."""
    assert goes_on_after_failure("\n" * 250_000 + "one\ntwo\n")
    assert not goes_on_after_failure("\n" * 250_000 + "\t set -eu\none\ntwo\n")
