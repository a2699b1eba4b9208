"""`python -m try_setup`: the command line, for `make try` and `studio-setup try`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from demo.cases import CASES, SPACE
from demo.interruption import end_as_by_ctrl_c
from emulator.app_host import StartOptions
from emulator.studio import USER_PROFILE, LocalStudio
from studio_setup.access.library_logs import quiet_libraries
from studio_setup.model.errors import BadInput
from try_setup import findings
from try_setup.look import look
from try_setup.options import Wanted
from try_setup.screen import Screen
from try_setup.trial import app_of, try_twice
from try_setup.watch import run_at_every_change


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit status: 0 every start was set up, 1 one was not, 2 bad input, 130 interrupted.",
)
@click.option("--script", type=click.Path(path_type=Path), metavar="FILE", help="Try this file, not src/setups.")
@click.option("--app", "app_type", type=click.Choice([*CASES]), help="Try this type of app only.")
@click.option("--network", type=click.Choice(["on", "off"]), default="on", show_default=True, help="The apps' network.")
@click.option("--keep", is_flag=True, help="Leave the apps up at the end, and say how to look at them.")
@click.option("--watch", is_flag=True, help="Run again whenever a file of the setup changes.")
def command(*, script: Path | None, app_type: str | None, network: str, keep: bool, watch: bool) -> int:
    """Try a setup on this machine: a first start, and a second one with the same home."""
    wanted = Wanted(script, app_type or "", network == "on", keep)
    screen = Screen(sys.stdout)
    if watch:
        arguments = [argument for argument in sys.argv[1:] if argument != "--watch"]
        return run_at_every_change(arguments, wanted.files, screen.say)
    return _try(wanted, screen)


def _try(wanted: Wanted, screen: Screen) -> int:
    """Try the setup of each app type; the exit status."""
    wanted.check_machine(screen.say)
    app_types = wanted.app_types(screen.say)
    setups = {app_type: wanted.setup(app_of(CASES[app_type])) for app_type in app_types}
    about_files = findings.about_files(wanted.files())
    quiet_libraries()
    with LocalStudio() as studio:
        studio.add_domain()
        studio.add_user_profile(USER_PROFILE)
        studio.add_space(SPACE, USER_PROFILE)
        results = []
        for app_type, setup in setups.items():
            options = StartOptions(server=CASES[app_type].server, as_in_image=True, network=wanted.network)
            with screen.following_the_engine():
                tried, app = try_twice(studio, app_type, setup, options, screen)
            screen.app_result(tried, about_files)
            results.append(tried)
            if not wanted.keep:
                app.delete()
        if wanted.keep:
            look(studio, app_types, screen.say)
    return 0 if app_types and all(tried.succeeded for tried in results) else 1


def main() -> int:
    """Run the command line; its exit status."""
    end_as_by_ctrl_c()
    try:
        return int(command.main(prog_name="studio-setup try", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show(sys.stderr)
        return 2
    except BadInput as error:
        click.echo(f"studio-setup try: {error}", err=True)
        return 2
    except (KeyboardInterrupt, click.Abort):  # which is a RuntimeError
        click.echo("studio-setup try: interrupted; everything was stopped.", err=True)
        return 130
    except (TimeoutError, RuntimeError) as error:  # an app that did not start, a machine that has no local Studio
        click.echo(f"studio-setup try: {error}", err=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
