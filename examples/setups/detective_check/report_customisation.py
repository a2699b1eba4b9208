#!/usr/bin/env python3
"""Report what a user has changed in an app that a team may not want, one line each, and change nothing.

Looks into start-up files, the configuration of Jupyter, pip and git, extensions and keys, and at processes that go on
when their terminal is gone. What matches a line of ALLOWED (regular expressions) is left out. No value of a variable or
setting is printed, only its name: it may be a secret. Standard library only.
"""

import configparser
import json
import os
import pathlib
import re
import sys

HOME = pathlib.Path.home()
ALLOWED = [re.compile(line) for line in os.environ.get("ALLOWED", "").splitlines() if line]
STARTUP_FILES = (".bashrc", ".bash_profile", ".bash_login", ".profile", ".bash_logout", ".zshrc")
SUSPICIOUS = {
    "starts something that goes on": re.compile(r"\b(nohup|setsid|disown|crontab)\b|&\s*$"),
    "runs what it downloads": re.compile(r"\b(curl|wget)\b.*\|\s*(sudo\s+)?(ba|z)?sh\b"),
    "replaces a command": re.compile(r"^\s*(alias\s+(\w+)=|(pip|aws|git|sudo|python3?)\s*\(\))"),
    "sets a variable that redirects programs": re.compile(
        r"^\s*(export\s+)?(LD_PRELOAD|PYTHONPATH|PYTHONSTARTUP|PROMPT_COMMAND|AWS_\w+|PIP_\w+|https?_proxy|HTTPS?_PROXY)="
    ),
}
KEPT = {".git-credentials": "a password of git's", ".ssh/authorized_keys": "who may log in", ".aws/credentials": "keys"}
RUNS_AGAIN = (re.compile(r"^\S*\b(crond?|atd|watch|screen|tmux)\b"), re.compile(r"\bwhile\b.*\bsleep\b"))
MAX_BYTES = 1024 * 1024


def text_of(path: pathlib.Path) -> str:
    """The beginning of a file; nothing if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode(errors="replace")
    except OSError:
        return ""


def startup_files() -> "list[str]":
    """Lines of start-up files that look as if they did more than set a prompt."""
    return [
        f"{name}, line {number}: {what}"
        for name in STARTUP_FILES
        for number, line in enumerate(text_of(HOME / name).splitlines(), 1)
        for what, pattern in SUSPICIOUS.items()
        if not line.lstrip().startswith("#") and pattern.search(line)
    ]


def jupyter() -> "list[str]":
    """Configuration and extensions of Jupyter and IPython in the home, which the image does not have."""
    found = [f"{path.relative_to(HOME)}: configures Jupyter" for path in sorted(HOME.glob(".jupyter/*_config.[jp]*"))]
    found += [
        f"{path.relative_to(HOME)}: configures Jupyter" for path in sorted(HOME.glob(".jupyter/*_config.d/*.json"))
    ]
    for manifest in sorted(HOME.glob(".local/share/jupyter/labextensions/**/package.json")):
        try:
            name = json.loads(text_of(manifest))["name"]
        except (ValueError, KeyError, TypeError):
            name = manifest.parent.name
        found.append(f"labextension {str(name)[:100]}: installed by the user")
    scripts = sorted(HOME.glob(".ipython/profile_*/startup/*.*py"))
    return found + [f"{path.relative_to(HOME)}: runs in every notebook" for path in scripts]


def package_and_git_configuration() -> "list[str]":
    """Sources of packages other than the team's, and stored passwords."""
    found = []
    for path in (HOME / ".config/pip/pip.conf", HOME / ".pip/pip.conf"):
        settings = configparser.RawConfigParser(strict=False)
        try:
            settings.read_string(text_of(path))
        except configparser.Error:
            found.append(f"{path.relative_to(HOME)}: cannot be read by pip")
        for section in settings.sections():
            names = {"index-url", "extra-index-url", "trusted-host", "find-links"} & set(settings[section])
            found += [f"{path.relative_to(HOME)}: {section}.{name} is set" for name in sorted(names)]
    git = text_of(HOME / ".gitconfig")
    for name in ("hooksPath", "sshCommand", "sslVerify", "fsmonitor"):
        if re.search(rf"^\s*{name}\s*=", git, re.MULTILINE | re.IGNORECASE):
            found.append(f".gitconfig: {name} is set")
    kept = {
        ".git-credentials": "a password of git's",
        ".ssh/authorized_keys": "who may log in",
        ".aws/credentials": "keys",
    }
    return found + [f"{name}: keeps {what}" for name, what in kept.items() if text_of(HOME / name).strip()]


def processes() -> "list[str]":
    """Processes of the user's that ignore hang-ups, or that look like a loop in place of cron."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if folder.stat().st_uid != os.getuid() or not is_in_this_app(folder):
                continue
        except OSError:  # it has ended meanwhile
            continue
        line = text_of(folder / "cmdline").replace("\0", " ").strip()
        ignored = re.search(r"^SigIgn:\s*(\w+)", text_of(folder / "status"), re.MULTILINE)
        if ignored and int(ignored[1], 16) & 1:  # bit 0 is SIGHUP: nohup
            found.append(f"process {folder.name}: goes on when its terminal is gone: {shortened(line)}")
        elif re.search(r"\b(crond?|atd|watch|screen|tmux)\b", line.split(" ")[0]) or re.search(
            r"\bwhile\b.*\bsleep\b", line
        ):
            found.append(f"process {folder.name}: runs something again and again: {shortened(line)}")
    return found


def is_in_this_app(folder: pathlib.Path) -> bool:
    """Is it no process of this check's own, and has it the same home?"""
    if int(folder.name) == os.getpid():
        return False
    return f"\0HOME={HOME}\0" in "\0" + text_of(folder / "environ")


def shortened(line: str) -> str:
    """The program and its first argument: there may be a secret in the rest."""
    return " ".join(line.split()[:2])[:100]


def main() -> None:
    """Report."""
    found = startup_files() + jupyter() + package_and_git_configuration() + processes()
    found = [line for line in found if not any(pattern.search(line) for pattern in ALLOWED)]
    for line in found:
        print(line)
    print(f"{len(found)} unwanted customisations found; nothing was changed.")
    sys.exit(bool(found) and os.environ.get("FAILS_ON_FINDINGS") == "yes")


main()
