"""The command line: its subcommands, and what every one of them does with an error."""

from __future__ import annotations

import signal
import sys

import click

from studio_setup import __version__
from studio_setup.model.errors import BadInput
from studio_setup_cli.doctor import doctor
from studio_setup_cli.logs import logs
from studio_setup_cli.run import run
from studio_setup_cli.setup import setup
from studio_setup_cli.status import status
from studio_setup_cli.verify import verify

_USAGE_STATUS = 2
_INTERRUPTED_STATUS = 130


@click.group(name="studio-setup", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Run commands and setups in the SageMaker Studio apps of your users."""


for _command in (status, setup, logs, run, doctor, verify):
    cli.add_command(_command)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; its exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return int(cli.main(arguments, prog_name="studio-setup", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show(sys.stderr)
        return _USAGE_STATUS
    except BadInput as error:
        click.echo(f"studio-setup: {error}", err=True)
        return _USAGE_STATUS
    except (KeyboardInterrupt, click.Abort):
        click.echo("studio-setup: interrupted.", err=True)
        return _INTERRUPTED_STATUS
