"""`studio-setup try`: hands over to the checkout's `try_setup`, which has a Studio to try on and is in no package."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from studio_setup.model.errors import BadInput

_CHECKOUT = Path(__file__).resolve().parents[2]


@click.command(
    "try",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def try_(arguments: tuple[str, ...]) -> None:
    """Try a setup on this machine, in a checkout; the options are those of `python -m try_setup`."""
    if not (_CHECKOUT / "try_setup" / "__main__.py").is_file():
        raise BadInput(
            "`studio-setup try` needs a checkout of the repository, which has the local Studio to try on; this is an"
            " installed package. Clone the repository and run `make try` there."
        )
    path = os.pathsep.join([str(_CHECKOUT / "src"), str(_CHECKOUT)])
    os.execve(  # noqa: S606 (no shell is wanted)
        sys.executable, [sys.executable, "-m", "try_setup", *arguments], {**os.environ, "PYTHONPATH": path}
    )
