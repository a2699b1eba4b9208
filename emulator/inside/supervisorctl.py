"""`supervisorctl` and `restart-jupyter-server` of a container: asks the local Studio to act, and prints its answer.

It uses only the standard library. The first argument is the URL to call, which the wrapper scripts on the container's
PATH supply.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request

PROGRAM = "jupyterlabserver"


def main(control_url: str, arguments: list[str]) -> int:
    """Carry out a supervisorctl command line and return its exit status."""
    words = _without_options(arguments)
    action, names = (words[0], words[1:]) if words else ("status", [])
    if action not in ("restart", "stop", "start", "status"):
        print(f"*** Unknown syntax: {' '.join(words)}")
        return 2
    if any(name not in (PROGRAM, "all") for name in names) or (action != "status" and not names):
        print(f"{' '.join(names) or action}: ERROR (no such process)")
        return 1
    return _ask(f"{control_url}/{action}")


def _without_options(arguments: list[str]) -> list[str]:
    words = list(arguments)
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("-c", "-s", "-u", "-p") and words:
            words.pop(0)
    return words


def _ask(url: str) -> int:
    # Without the environment's proxy: the Studio is on loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, method="POST"), timeout=60) as answer:  # noqa: S310 (our own URL)
            print(answer.read().decode(), end="")
    except (urllib.error.URLError, TimeoutError) as error:
        print(f"unix:///var/run/supervisor.sock: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
