"""`python -m demo [--app TYPE] [--keep]`, `python -m demo --fleet`."""

from __future__ import annotations

import argparse
import signal
import sys

from demo.cases import CASES
from demo.fleet_story import tell_of_fleet
from demo.leftovers import adopt_orphans, left_over
from demo.screen import Screen
from demo.story import DemoFailed, expect, tell


def main() -> int:
    """Run the demo; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m demo", description="Deploy to a cloud on this machine, and watch an app being set up."
    )
    parser.add_argument("--keep", action="store_true", help="keep everything running until Ctrl-C, to try things out")
    parser.add_argument("--app", choices=CASES, default="JupyterLab", help="the type of app to start (JupyterLab)")
    parser.add_argument("--fleet", action="store_true", help="start twelve apps, and look after them")
    options = parser.parse_args()
    if options.fleet and (options.keep or options.app != parser.get_default("app")):
        parser.error("the fleet has apps of both types, and ends when it has been looked after: give --fleet alone")
    if not CASES[options.app].is_possible:
        parser.error(
            f"the setup of a {options.app} app can be shown only where there is a Python 3.9: install one"
            " (pyenv install 3.9), then `make setup`"
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    adopt_orphans()
    screen = Screen(sys.stdout)
    try:
        if options.fleet:
            tell_of_fleet(screen)
        else:
            tell(screen, CASES[options.app], keep=options.keep)
        with screen.step("Clean up"):
            expect(not (left := left_over()), f"processes are still running: {left}")
            screen.detail("No process is left.")
    except (DemoFailed, TimeoutError, RuntimeError) as error:
        screen.failed(str(error))
        return 1
    except KeyboardInterrupt:
        screen.failed("interrupted; everything was stopped")
        return 130
    screen.done("The demo succeeded.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
