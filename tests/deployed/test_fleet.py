"""Each command for administrators, on a fleet of twelve apps on the deployed stack (`demo.fleet` says which).

One stack and one fleet for the tests of a process: they look at the fleet as it is found in the morning; the last one
does something about it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo import fleet
from demo.fleet import Member
from demo.fleet_run import FleetRun
from emulator.studio import LocalStudio
from local_cloud.cloud import ACCOUNT_ID, REGION, LocalCloud
from tests.support.deployment import STACK, Deployed

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:operators"
MORNING = {
    **dict.fromkeys(fleet.SUCCEEDING, "succeeded"),
    fleet.OUTDATED: "outdated",
    fleet.FAILING: "failed",
    fleet.TIMING_OUT: "timed-out",
    fleet.OF_SSO_DOMAIN: "excluded",
    fleet.WITHOUT_OWNER: "excluded",
    fleet.NEVER_SET_UP: "not-set-up",
    fleet.GOING: "not-set-up",
}


@pytest.fixture(scope="module")
def deployed(build: Path) -> Iterator[Deployed]:
    """A Studio, a cloud and a stack of this module's own, whose alarms tell somebody."""
    with LocalStudio() as studio, LocalCloud(studio.sagemaker_endpoint) as cloud:
        deployed = Deployed(cloud, studio, build)
        deployed.deploy(STACK, "--parameter-overrides", f"AlarmTopicArn={TOPIC}")
        yield deployed


@pytest.fixture(scope="module")
def morning(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> FleetRun:
    """The fleet as it is found: set up by events, with a setup that was changed since yesterday."""
    fleet.populate(deployed.studio)
    run = FleetRun(deployed.studio, deployed.cloud, deployed.outputs())
    run.start_yesterday()
    bundle = tmp_path_factory.mktemp("today") / "bundle"
    shutil.copytree(deployed.bundle, bundle)
    fleet.change_setup(bundle)
    deployed.change_function(bundle)
    run.start_today()
    return run


def label(member: Member) -> str:
    """The app as the command line names it."""
    return f"{member.domain_id}/{member.owner}/{member.app_type}/default"


def states(run: FleetRun, *options: str) -> dict[str, str]:
    """The state of each app, by its label."""
    _, printed = run.command("status", "--json", *options)
    return {app["app"]: app["state"] for app in json.loads(printed)["apps"]}


def test_every_app_is_in_the_state_that_it_should_be(morning: FleetRun) -> None:
    """All twelve; as a table, the same, those that need somebody first."""
    assert states(morning) == {label(member): state for member, state in MORNING.items()}
    code, printed = morning.command("status")
    *rows, summary = printed.splitlines()[1:]
    assert code == 1
    assert [row.split()[0] for row in rows[:2]] == [
        f"{member.domain_id}/{member.owner}" for member in (fleet.FAILING, fleet.TIMING_OUT)
    ]
    assert summary == ("12 running apps: 1 failed, 1 timed-out, 2 not-set-up, 1 outdated, 5 succeeded, 2 excluded.")


def test_the_exit_status_of_status_is_for_scripts(morning: FleetRun) -> None:
    """What is excluded, or has not been set up for less than an hour, is no failure."""
    expected = {
        ("--only", "succeeded"): 1,
        ("--fail-on", ""): 0,
        ("--fail-on", "outdated"): 1,
        ("--fail-on", "unreachable,running"): 0,
        ("--domain-id", fleet.SSO_DOMAIN_ID): 0,
        ("--user-profile-name", fleet.NEVER_SET_UP.user): 0,
        ("--space-name", fleet.TIMING_OUT.space): 1,
        ("--space-name", "nowhere"): 2,
    }
    assert {options: morning.command("status", *options)[0] for options in expected} == expected


def test_only_shows_some_and_counts_all(morning: FleetRun) -> None:
    """The two that are excluded, each with its reason."""
    _, printed = morning.command("status", "--json", "--only", "excluded")
    answer = json.loads(printed)
    codes = {app["app"]: (app["code"], app["setup_version"]) for app in answer["apps"]}
    assert codes == {
        label(fleet.OF_SSO_DOMAIN): ("sso-domain", ""),
        label(fleet.WITHOUT_OWNER): ("space-without-owner", ""),
    }
    assert sum(answer["states"].values()) == len(fleet.FLEET)


def test_doctor_finds_what_is_wrong_and_nothing_else(morning: FleetRun) -> None:
    """Each check gets its answer from the local cloud; only the queue has something in it."""
    code, printed = morning.command("doctor", "--json")
    levels = {check["check"]: check["level"] for check in json.loads(printed)["checks"]}
    assert (code, levels) == (
        1,
        {
            **dict.fromkeys(("credentials", "region", "stack", "function", "version", "rule", "trail"), "ok"),
            "domains": "note",
            **dict.fromkeys(("concurrency", "log group"), "ok"),
            "failure queue": "failed",
            "alarms": "ok",
        },
    )


def test_a_probe_does_everything_but_the_commands(morning: FleetRun) -> None:
    """The deployed function itself says how far it gets, in apps of both types; it sets nothing up."""
    got_through, before = "the function got as far as a shell in the app", morning.reports()
    expected = {
        fleet.TIMING_OUT: f"ok: probe of {label(fleet.TIMING_OUT)}: {got_through}",
        fleet.FAILING: f"ok: probe of {label(fleet.FAILING)}: {got_through}",
        fleet.OF_SSO_DOMAIN: f"note: probe of {label(fleet.OF_SSO_DOMAIN)}: sso-domain: ",
        fleet.WITHOUT_OWNER: f"note: probe of {label(fleet.WITHOUT_OWNER)}: space-without-owner: ",
    }
    for member, said in expected.items():
        _, printed = morning.command("doctor", "--probe", f"space:{member.space}" if member.space else member.user)
        assert printed.splitlines()[-1].startswith(said)
    assert morning.reports() == before


def test_the_log_of_one_app_tells_what_happened(morning: FleetRun) -> None:
    """From the start to the verdict, with what the command printed; the probe of that app is not taken for a setup."""
    code, printed = morning.command("logs", "--space-name", fleet.TIMING_OUT.space)
    lines = printed.splitlines()
    assert code == 0
    assert "begins (event)" in lines[0]
    assert "== link-datasets" in lines
    assert lines[-1].endswith("timed_out, command-timed-out: link-datasets (timed out)")
    output = morning.command("logs", "--user-profile-name", fleet.FAILING.user, "--output-of", "link-datasets")
    assert output == (0, "datasets is in the way in this home; move it.\n")


def test_verify_starts_an_app_and_follows_its_setup(morning: FleetRun, deployed: Deployed) -> None:
    """With the rule, the function and the log that are deployed; it ends with 0."""
    code, printed = morning.verify("walter")
    deployed.studio.app("walter").delete()
    assert code == 0, printed
    assert "succeeded: succeeded" in printed


def test_the_fleet_is_looked_after(morning: FleetRun, deployed: Deployed, tmp_path: Path) -> None:
    """What was missed is set up, the odd one out is found, what was mended is set up again."""
    set_up_what_was_missed(morning, deployed)
    find_the_odd_one_out(morning)
    set_up_what_was_mended(morning, tmp_path / "results.jsonl")


def set_up_what_was_missed(morning: FleetRun, deployed: Deployed) -> None:
    """Exactly the app whose event never came; another one is deleted after it was listed, which is no error."""
    before = morning.reports()
    _, planned = morning.command("setup", "--dry-run")
    listed = [line.split() for line in planned.splitlines() if "/" in line]
    assert listed == [[label(member), "not-set-up"] for member in fleet.MISSED]
    code, printed = morning.set_up_while_one_goes(on_line=lambda _line: None)
    assert (code, printed.splitlines()[-1]) == (0, "2 apps: 1 succeeded, 1 app_gone.")
    assert (deployed.studio.home_of(fleet.NEVER_SET_UP.user) / "datasets").is_symlink()
    after = morning.reports()
    touched = {owner for owner, count in after.items() if count != before.get(owner, 0)}
    assert touched == {member.owner for member in fleet.MISSED}
    expected = {label(member): state for member, state in MORNING.items() if member is not fleet.GOING}
    assert states(morning) == {**expected, label(fleet.NEVER_SET_UP): "succeeded"}


def find_the_odd_one_out(morning: FleetRun) -> None:
    """Every app that can be entered answers; those that say the same are one group, and the others say why not."""
    code, printed = morning.command("run", "--all-running", "--group", "--command", fleet.QUESTION)
    heads = [line for line in printed.splitlines() if "): " in line]
    alike = sorted(member.owner for member in fleet.REACHABLE if member.owner != "erin")
    assert code == 5, "the worst: some apps are not ours to enter"
    assert heads[0] == f"{', '.join(alike)} ({len(alike)}): exit status 0"
    assert "erin (1): exit status 0" in heads
    assert {head.split(" (1): ")[0] for head in heads[1:]} == {"erin", "judy", "team-space"}
    assert fleet.ODD_INDEX in printed


def set_up_what_was_mended(morning: FleetRun, results: Path) -> None:
    """The causes are out of the way: one command sets up those that failed, and settles their messages."""
    morning.mend()
    options = ("--only", "failed,timed-out", "--force", "--yes", "--results", str(results))
    code, printed = morning.command("setup", *options)
    assert code == 0, printed
    assert "Deleted from the failure queue: 2 of 2 messages." in printed
    reports: list[dict[str, Any]] = [json.loads(line) for line in results.read_text().splitlines()]
    mended = (fleet.FAILING, fleet.TIMING_OUT)
    assert {report["app"]: report["outcome"] for report in reports} == {label(one): "succeeded" for one in mended}
    assert morning.command("doctor")[0] == 0
    code, printed = morning.command("setup", "--only", "outdated", "--force", "--yes")
    assert code == 0, printed
    assert set(states(morning).values()) == {"succeeded", "excluded"}
