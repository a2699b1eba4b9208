"""The command line: its subcommands, and what every one of them does with an error."""

from __future__ import annotations

import io
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import click

from studio_setup import __version__
from studio_setup.model.errors import BadInput
from studio_setup_cli.exit_status import BAD_INPUT_STATUS, INTERRUPTED_STATUS, OUTPUT_CLOSED_STATUS
from studio_setup_cli.subcommands import Subcommands
from studio_setup_cli.terminal_view import OutputClosed


class _Interruptible(Subcommands):
    """Commands that can be interrupted, also by whoever reads their output; click would call that a failure."""

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:  # noqa: ANN401 (click's)
        """Read the arguments; `--help` and `--version` print their answer here."""
        try:
            return super().make_context(*arguments, **options)
        except BrokenPipeError:
            raise _Unread from None

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 (click's)
        """The exit status of the command that `ctx` names."""
        try:
            return super().invoke(ctx)
        except (BrokenPipeError, OutputClosed):
            raise _Unread from None
        except KeyboardInterrupt:
            return _interrupted()


class _Unread(Exception):
    """Nobody reads the output any more."""


@click.group(name="studio-setup", cls=_Interruptible, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Run commands and setups in the SageMaker Studio apps of your users."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; its exit status."""
    _replace_closed_streams()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        signal.signal(signal.SIGHUP, _hang_up)
    _show_every_character()
    try:
        return int(cli.main(arguments, prog_name="studio-setup", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show(sys.stderr)
        return BAD_INPUT_STATUS
    except BadInput as error:
        click.echo(f"studio-setup: {error}", err=True)
        return BAD_INPUT_STATUS
    except _Unread:
        _drop_what_nobody_reads()
        return OUTPUT_CLOSED_STATUS
    except OSError as error:
        return _unwritten(error)
    except (KeyboardInterrupt, click.Abort):
        return _interrupted()


def _show_every_character() -> None:
    """Escape what the terminal's encoding lacks: what commands print is up to the apps, and must not end a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _replace_closed_streams() -> None:
    """Give up what is written to a stream that was closed before, and let nothing else get its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            stream = Path(os.devnull).open("w" if number else "r", encoding="utf-8")  # noqa: SIM115 (it stays open)
            setattr(sys, name, stream)


def _hang_up(_signal: int, _frame: FrameType | None) -> None:
    """End as by Ctrl-C. The terminal and its shell may both send the signal; the second must not disturb the end."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    raise KeyboardInterrupt


def _interrupted() -> int:
    with suppress(OSError):  # the terminal may be gone
        click.echo("studio-setup: interrupted.", err=True)
    _drop_what_nobody_reads()
    return INTERRUPTED_STATUS


def _unwritten(error: OSError) -> int:
    """Say why the output, or the file of --results, cannot be written; no command lets another OSError through."""
    with suppress(OSError):
        click.echo(f"studio-setup: The output cannot be written: {error.strerror or error}.", err=True)
    _drop_what_nobody_reads()
    return OUTPUT_CLOSED_STATUS


def _drop_what_nobody_reads() -> None:
    """Drop output that cannot be written, of which Python would complain at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
