"""`sudo` of a container: passwordless and with a clean environment, as in Studio's images.

The images let everybody do everything (`ALL ALL=(ALL) NOPASSWD:ALL`); environment and path are those of sudoers(5) as
Debian and Ubuntu set them up. The program runs as whoever runs the local Studio, in the app's own namespaces.
"""

from __future__ import annotations

import os
import sys

_SECURE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_KEPT = ("TERM", "DISPLAY", "LANG", "LC_ALL", "LOCAL_STUDIO_APP_START", "GIT_CONFIG_SYSTEM")
_WITH_VALUE = ("-u", "-g", "-p", "-C", "-h", "-r", "-t", "-D", "--user", "--group", "--prompt", "--chdir")


def main(arguments: list[str], environment: dict[str, str]) -> int:
    """Become the program that is asked for; the exit status if there is none."""
    if arguments[:1] == ["--refuse"]:
        print("sudo: refused: this machine gives the app no folders of its own to change", file=sys.stderr)
        return 1
    keep_all, shell, words = _parse(arguments)
    assigned: dict[str, str] = {}
    while words and "=" in words[0] and words[0].partition("=")[0].isidentifier():
        name, _, value = words.pop(0).partition("=")
        assigned[name] = value
    words = words or ([environment.get("SHELL", "/bin/sh")] if shell else [])
    if not words:
        return 0 if arguments and set(arguments) <= {"-v", "-n", "-k", "-l"} else _usage()
    variables = _environment(environment, keep_all=keep_all) | assigned
    os.environ["PATH"] = _SECURE_PATH
    try:
        os.execvpe(words[0], words, variables)  # noqa: S606 (no shell is wanted)
    except FileNotFoundError:
        print(f"sudo: {words[0]}: command not found", file=sys.stderr)
    except PermissionError:
        print(f"sudo: unable to execute {words[0]}: Permission denied", file=sys.stderr)
    return 1


def _parse(arguments: list[str]) -> tuple[bool, bool, list[str]]:
    """Whether to keep the environment, whether a shell is asked for, and what is to run."""
    words, keep_all, shell = list(arguments), False, False
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option == "--":
            break
        keep_all = keep_all or option == "--preserve-env" or (option[1:2] != "-" and "E" in option)
        shell = shell or option in ("-i", "-s", "--login", "--shell")
        if option in _WITH_VALUE and words:
            words.pop(0)
    return keep_all, shell, words


def _environment(before: dict[str, str], *, keep_all: bool) -> dict[str, str]:
    kept = before if keep_all else {name: value for name, value in before.items() if name in _KEPT}
    user = before.get("USER", "")
    return {
        **kept,
        "PATH": _SECURE_PATH,
        "HOME": before.get("HOME", "/root") if keep_all else "/root",
        "SHELL": "/bin/bash",
        "USER": "root",
        "LOGNAME": "root",
        "SUDO_USER": user,
    }


def _usage() -> int:
    print("usage: sudo [-EHinS] [-u user] [VAR=value] [-i | -s] [command [arg ...]]", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
