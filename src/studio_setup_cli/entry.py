"""The entry point of `studio-setup`, which an installation without the extra `cli` has too: it says what is missing."""

from __future__ import annotations

import sys

_UNUSABLE_STATUS = 2
_EXTRA = {"click", "rich"}


def main() -> int:
    """Run the command line, or say how to install what it needs; the exit status."""
    try:
        from studio_setup_cli.main import main as command_line  # noqa: PLC0415 (what this is about)
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.stderr.write(
            f"studio-setup: the package {error.name} is missing: install studio-setup with its extra 'cli',"
            " in a checkout for example with pipx install '.[cli]'.\n"
        )
        return _UNUSABLE_STATUS
    return command_line()
