"""The steps of `make demo FLEET=1`: twelve apps in the morning, and what an administrator does about them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.fleet import FLEET, GOING, NEVER_SET_UP, QUESTION, change_setup, populate
from demo.fleet_run import FleetRun
from demo.screen import Screen
from demo.story import cloud_for, delete_stack, expect, outputs_of
from emulator.studio import LocalStudio
from local_cloud.cloud import ROOT
from local_cloud.sam import FUNCTION, TEMPLATE, Sam

_FOUND = "12 running apps: 1 failed, 1 timed-out, 2 not-set-up, 1 outdated, 5 succeeded, 2 excluded."
_LEFT = "11 running apps: 1 failed, 1 timed-out, 1 outdated, 6 succeeded, 2 excluded."
_SKIPPED = 5  # the exit status of `run` where some apps are not ours to enter


def tell_of_fleet(screen: Screen) -> None:
    """Run all steps; everything is stopped at the end, also after an error."""
    with fleet_found(screen) as fleet:
        _look_after(screen, fleet)


@contextmanager
def fleet_found(screen: Screen) -> Iterator[FleetRun]:
    """Deploy the stack and start the fleet, as steps; yield it as an administrator finds it, and delete the stack."""
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as folder,
        _studio(screen) as studio,
        cloud_for(screen, studio) as cloud,
    ):
        # A build of its own: the setup is changed in it.
        build, sam = Path(folder) / "build", Sam(cloud, screen.progress)
        with screen.step("sam build"):
            sam.build("--template-file", TEMPLATE, "--build-dir", build)
        with screen.step("sam deploy"):
            _deploy(sam, build)
        fleet = FleetRun(studio, cloud, outputs_of(cloud))
        with screen.step("Yesterday an app was started, and set up"):
            fleet.start_yesterday()
        with screen.step("Today's setup has one command more: sam deploy"):
            change_setup(build / FUNCTION)
            _deploy(sam, build)
        with screen.step("In the morning the others start, and most of them are set up"):
            screen.detail(f"Nobody hears of the starts of {NEVER_SET_UP.owner}'s app and {GOING.owner}'s.")
            fleet.start_today()
        yield fleet
        delete_stack(screen, cloud, sam)


def _look_after(screen: Screen, fleet: FleetRun) -> None:
    """What an administrator does."""
    with screen.step("$ studio-setup status"):
        _check(fleet.command("status", on_line=screen.printed), 1, _FOUND)
    with screen.step(f"$ studio-setup setup --yes --max-concurrency 1 (meanwhile {GOING.owner}'s app is deleted)"):
        _check(fleet.set_up_while_one_goes(on_line=screen.printed), 0, "2 apps: 1 succeeded, 1 app_gone.")
    with screen.step("$ studio-setup status"):
        _check(fleet.command("status", on_line=screen.printed), 1, _LEFT)
    with screen.step(f"$ studio-setup run --all-running --group --command '{QUESTION}'"):
        asked = fleet.command("run", "--all-running", "--group", "--command", QUESTION, on_line=screen.printed)
        _check(asked, _SKIPPED, "erin (1): exit status 0")


def _check(ended: tuple[int, str], code: int, line: str) -> None:
    """Did a command end with this exit status, and print this line?"""
    expect(ended[0] == code, f"the exit status is {ended[0]}, not {code}")
    expect(line in ended[1].splitlines(), f"it has not printed: {line}")


def _deploy(sam: Sam, build: Path) -> None:
    # SAM looks for its settings beside the template.
    sam.deploy("--config-file", ROOT / "samconfig.toml", "--template-file", build / "template.yaml")


@contextmanager
def _studio(screen: Screen) -> Iterator[LocalStudio]:
    studio = LocalStudio()
    with screen.step(f"A SageMaker Studio on this machine, with the users and spaces of {len(FLEET)} apps"):
        studio.__enter__()
        populate(studio)
        screen.detail(f"API {studio.sagemaker_endpoint}, front door {studio.front_door_url}")
    try:
        yield studio
    finally:
        studio.close()
