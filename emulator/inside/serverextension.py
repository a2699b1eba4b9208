"""The container's `jupyter serverextension`, a command that jupyter_server has no longer had since 2.0.

Setup scripts for Studio's images use it. Like the old command, it enables any module that can be imported; today's
`jupyter server extension enable` requires a configuration file in the package, and exits with 0 when it refuses.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys

from jupyter_server.extension.serverextension import toggle_server_extension_python


def main() -> int:
    """Enable or disable the named server extensions and return the exit status."""
    parser = argparse.ArgumentParser(prog="jupyter serverextension")
    parser.add_argument("action", choices=["enable", "disable"])
    parser.add_argument(
        "--py", "--python", action="store_true", help="names are Python packages, as they always are here"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", default=True)
    where.add_argument("--sys-prefix", dest="user", action="store_false")
    parser.add_argument("names", nargs="+")
    arguments = parser.parse_args()
    for name in arguments.names:
        if importlib.util.find_spec(name) is None:
            print(f"ModuleNotFoundError: No module named {name!r}", file=sys.stderr)
            return 1
        print(f"{arguments.action.capitalize()[:-1]}ing: {name}")
        toggle_server_extension_python(name, arguments.action == "enable", user=arguments.user)
    return 0


if __name__ == "__main__":
    sys.exit(main())
