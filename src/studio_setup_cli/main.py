"""The command line: its subcommands, and what every one of them does with an error."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType
from typing import Any

import click

from studio_setup import __version__
from studio_setup.model.errors import BadInput
from studio_setup_cli.doctor import doctor
from studio_setup_cli.logs import logs
from studio_setup_cli.run import run
from studio_setup_cli.setup import setup
from studio_setup_cli.status import status
from studio_setup_cli.terminal_view import OutputClosed
from studio_setup_cli.try_setup import try_setup
from studio_setup_cli.verify import verify

_USAGE_STATUS = 2
_INTERRUPTED_STATUS = 130
_OUTPUT_CLOSED_STATUS = 141  # as a shell says of a program that SIGPIPE has ended


class _Interruptible(click.Group):
    """Commands that can be interrupted, also by whoever reads their output; click would call that a failure."""

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (click's)
        """The exit status of the command that `ctx` names."""
        try:
            return super().invoke(ctx)
        except (BrokenPipeError, OutputClosed):
            _drop_what_nobody_reads()
            return _OUTPUT_CLOSED_STATUS
        except KeyboardInterrupt:
            return _interrupted()


@click.group(name="studio-setup", cls=_Interruptible, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Run commands and setups in the SageMaker Studio apps of your users."""


for _command in (status, setup, logs, run, try_setup, doctor, verify):
    cli.add_command(_command)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; its exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        signal.signal(signal.SIGHUP, _hang_up)
    try:
        return int(cli.main(arguments, prog_name="studio-setup", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show(sys.stderr)
        return _USAGE_STATUS
    except BadInput as error:
        click.echo(f"studio-setup: {error}", err=True)
        return _USAGE_STATUS
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()


def _hang_up(_signal: int, _frame: FrameType | None) -> None:
    """End as by Ctrl-C. The terminal and its shell may both send the signal; the second must not disturb the end."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    raise KeyboardInterrupt


def _interrupted() -> int:
    with suppress(OSError):  # the terminal may be gone
        click.echo("studio-setup: interrupted.", err=True)
    _drop_what_nobody_reads()
    return _INTERRUPTED_STATUS


def _drop_what_nobody_reads() -> None:
    """Drop output that cannot be written, of which Python would complain at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
