"""What can be said of a script without running it. Reads shell as people write it; it is no parser."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

_STOPS_AT_FAILURE = re.compile(r"^[ \t]*set\s+(?:-[a-z]*e|.*-o\s+errexit)|^#!.*\s-[a-z]*e", re.MULTILINE)
_PIP_INSTALL = re.compile(r"\bpip3?\s+install\b(.*)")
# Options of `pip install` whose value is a word of its own.
_WITH_VALUE = {
    "-r",
    "-c",
    "-e",
    "-t",
    "-i",
    "-f",
    "--requirement",
    "--constraint",
    "--editable",
    "--target",
    "--prefix",
}
_WITH_VALUE |= {"--index-url", "--extra-index-url", "--find-links", "--trusted-host", "--root", "--src", "--proxy"}
_URL_HOST = re.compile(r"\b(?:https?|ssh|git|s3)://(?:[^\s/@\"']*@)?([A-Za-z0-9][A-Za-z0-9.-]*\.[A-Za-z]{2,})")


def is_shell(script: str) -> bool:
    """Is it run by a shell?"""
    first = script.partition("\n")[0]
    return not first.startswith("#!") or re.search(r"\b(ba|da|z|k)?sh\b", first) is not None


def goes_on_after_failure(script: str) -> bool:
    """Is it a shell script of more than one command that does not stop at the first failure?"""
    commands = [line for line in script.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return is_shell(script) and len(commands) > 1 and not _STOPS_AT_FAILURE.search(script)


def unpinned_packages(script: str) -> list[str]:
    """What its `pip install` lines name without a version; requirement files and wheelhouses are not looked into."""
    if not is_shell(script):
        return []
    joined = script.replace("\\\n", " ")
    found = [package for line in joined.splitlines() for package in _unpinned_in(line)]
    return list(dict.fromkeys(found))


def hosts_named(script: str) -> list[str]:
    """The hosts of the URLs in it."""
    return sorted({host.lower() for host in _URL_HOST.findall(script)})


def files_with_crlf(paths: Iterator[Path]) -> list[Path]:
    """Those of the files that have CRLF line ends."""
    return [path for path in paths if path.is_file() and b"\r\n" in path.read_bytes()]


def _unpinned_in(line: str) -> Iterator[str]:
    match = _PIP_INSTALL.search(line)
    if not match or line.lstrip().startswith("#"):
        return
    words = _words(match[1])
    if "--no-index" in words:
        return
    is_value = False
    for word in words:
        if not is_value and not word.startswith("-") and _is_package(word):
            yield word
        is_value = word in _WITH_VALUE


def _words(text: str) -> list[str]:
    """The words of the command, up to its end."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars="&|;()")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:  # a quote that another line closes
        words = text.split()
    ends = [number for number, word in enumerate(words) if set(word) <= set("&|;()")]
    return words[: ends[0]] if ends else words


def _is_package(word: str) -> bool:
    """Is it the name of a package, without a version?"""
    return re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[^]]*\])?([<>!~].*)?", word) is not None and "/" not in word
