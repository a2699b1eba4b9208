"""The apps that run: what ListApps is asked, and what of its answer counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.stub import Stubber

from studio_setup.fleet.apps import RunningApp, Selection, list_running_apps
from studio_setup.model.app import App
from studio_setup.model.errors import BadInput
from tests.support.fleet_lines import at

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

DOMAIN = "d-abcdefghijkl"
ALICE = App(DOMAIN, "alice", "JupyterServer", "default")
TEAM = App(DOMAIN, "", "JupyterLab", "default", "team")


def row(app: App = ALICE, **others: object) -> dict[str, Any]:
    """A row of ListApps for an app in service."""
    owner = {"SpaceName": app.space_name} if app.space_name else {"UserProfileName": app.user_profile_name}
    names = {"DomainId": app.domain_id, "AppType": app.app_type, "AppName": app.app_name, **owner}
    return {**names, "Status": "InService", "CreationTime": at("09:00"), **others}


def answer(stub: Stubber, *rows: dict[str, Any], **asked: object) -> None:
    """Answer the next ListApps, which asks for full pages and this, with these rows."""
    stub.add_response("list_apps", {"Apps": list(rows)}, {"MaxResults": 100, **asked})


def listed(stub: Stubber, selection: Selection = Selection()) -> list[RunningApp]:  # noqa: B008 (a frozen value)
    """What is listed."""
    return list_running_apps(cast("SageMakerClient", stub.client), selection)


def apps(stub: Stubber, selection: Selection) -> list[App]:
    """The apps that are listed."""
    return [running.app for running in listed(stub, selection)]


def test_a_running_app_has_its_names_its_status_and_its_creation_time(sagemaker: Stubber) -> None:
    """An app is listed as the API describes it."""
    answer(sagemaker, row(ALICE))
    assert listed(sagemaker) == [RunningApp(ALICE, "InService", at("09:00"))]


def test_all_pages_are_read(sagemaker: Stubber) -> None:
    """A list that goes on is read to its end."""
    sagemaker.add_response("list_apps", {"Apps": [row(ALICE)], "NextToken": "more"}, {"MaxResults": 100})
    sagemaker.add_response("list_apps", {"Apps": [], "NextToken": "yet more"}, {"MaxResults": 100, "NextToken": "more"})
    answer(sagemaker, row(TEAM), NextToken="yet more")
    assert apps(sagemaker, Selection()) == [ALICE, TEAM]


@pytest.mark.parametrize(
    ("status", "runs"),
    [("InService", True), ("Pending", True), ("Deleting", False), ("Deleted", False), ("Failed", False)],
)
def test_only_apps_that_run_or_are_starting_count(sagemaker: Stubber, status: str, runs: bool) -> None:
    """Deleted apps stay in the list for a while; they and those that failed do not run."""
    answer(sagemaker, row(ALICE, Status=status))
    assert (apps(sagemaker, Selection()) == [ALICE]) is runs


def test_an_app_that_was_deleted_and_runs_again_is_listed_once(sagemaker: Stubber) -> None:
    """Of several rows of one name, the one that runs counts."""
    answer(sagemaker, row(Status="Deleted", CreationTime=at("07:00")), row(), row(Status="Deleted"))
    assert listed(sagemaker) == [RunningApp(ALICE, "InService", at("09:00"))]


def test_the_app_of_a_space_has_no_user(sagemaker: Stubber) -> None:
    """Who owns the space is for the function to find out, also where the row names somebody."""
    answer(sagemaker, row(TEAM, UserProfileName="bob"))
    assert apps(sagemaker, Selection()) == [TEAM]


def test_a_row_that_names_no_app_is_left_out(sagemaker: Stubber) -> None:
    """A row without an owner does not hide the others."""
    nobodys = {name: value for name, value in row().items() if name != "UserProfileName"}
    answer(sagemaker, nobodys, row(ALICE))
    assert apps(sagemaker, Selection()) == [ALICE]


def test_the_domain_is_asked_for(sagemaker: Stubber) -> None:
    """The API narrows by domain."""
    answer(sagemaker, row(ALICE), DomainIdEquals=DOMAIN)
    assert apps(sagemaker, Selection(domain_id=DOMAIN)) == [ALICE]


def test_each_user_and_each_space_is_asked_for(sagemaker: Stubber) -> None:
    """The API takes one user or one space; a name that is given twice is asked for once."""
    bob = App(DOMAIN, "bob", "JupyterServer", "default")
    answer(sagemaker, row(ALICE), UserProfileNameEquals="alice")
    answer(sagemaker, row(bob), UserProfileNameEquals="bob")
    answer(sagemaker, row(TEAM), SpaceNameEquals="team")
    selection = Selection(user_profile_names=("alice", "bob", "alice"), space_names=("team",))
    assert apps(sagemaker, selection) == [ALICE, bob, TEAM]


def test_many_users_are_looked_up_in_one_list(sagemaker: Stubber) -> None:
    """Beyond ten names, one list of all apps takes fewer calls."""
    answer(sagemaker, row(ALICE), row(TEAM), row(App(DOMAIN, "stranger", "JupyterServer", "default")))
    names = ("alice", *(f"user-{number}" for number in range(10)))
    assert apps(sagemaker, Selection(user_profile_names=names)) == [ALICE]


@pytest.mark.parametrize(
    ("selection", "is_included"),
    [
        (Selection(), True),
        (Selection(domain_id=DOMAIN), True),
        (Selection(domain_id="d-other"), False),
        (Selection(app_type="JupyterServer"), True),
        (Selection(app_type="JupyterLab"), False),
        (Selection(user_profile_names=("alice",)), True),
        (Selection(user_profile_names=("bob",)), False),
        (Selection(space_names=("alice",)), False),
        (Selection(user_profile_names=("alice",), space_names=("team",)), True),
        (Selection(user_profile_names=("alice",), app_type="JupyterLab"), False),
    ],
    ids=str,
)
def test_a_selection_is_kept_to_whatever_the_api_answers(
    sagemaker: Stubber, selection: Selection, is_included: bool
) -> None:
    """What was not selected is not listed."""
    for _ in range(len(selection.user_profile_names) + len(selection.space_names) or 1):
        sagemaker.add_response("list_apps", {"Apps": [row(ALICE)]})
    assert (apps(sagemaker, selection) == [ALICE]) is is_included


def test_the_owner_of_a_space_does_not_select_its_apps() -> None:
    """A user's name selects the user's own apps, a space's name those of the space."""
    owned = App(DOMAIN, "alice", "JupyterLab", "default", "team")
    assert not Selection(user_profile_names=("alice",)).includes(owned)
    assert Selection(space_names=("team",)).includes(owned)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"domain_id": "D-1"}, "'D-1' is not a valid domain id"),
        ({"app_type": "Jupyter Lab"}, "'Jupyter Lab' is not a valid app type"),
        ({"user_profile_names": ("alice", "a/b")}, "'a/b' is not a valid user profile name"),
        ({"user_profile_names": ("",)}, "'' is not a valid user profile name"),
        ({"space_names": ("../team",)}, "'../team' is not a valid space name"),
        ({"space_names": ("",)}, "' ' is not a valid space name"),
    ],
)
def test_names_that_no_app_can_have_are_refused(names: dict[str, Any], message: str) -> None:
    """A typing error is found before AWS is asked."""
    with pytest.raises(BadInput, match=message):
        Selection(**names)


def test_a_selection_says_what_it_was_made_of() -> None:
    """Messages name the options."""
    selection = Selection(DOMAIN, "JupyterLab", ("alice", "bob"), ("team",))
    assert str(selection) == (
        f"--domain-id {DOMAIN} --app-type JupyterLab --user-profile-name alice --user-profile-name bob"
        " --space-name team"
    )
