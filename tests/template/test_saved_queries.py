"""The saved queries: where they are found, and that they ask for what the function logs.

What they find is in tests/deployed/test_saved_queries.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from studio_setup.model.app import App
from studio_setup.model.outcomes import Outcome
from tests.support.insights import Query
from tests.support.log_lines import declared_fields
from tests.support.stack import ROOT

if TYPE_CHECKING:
    from tests.support.stack import Stack

NAMES = ["last-failures", "output-of-one-app", "slowest-commands", "started-not-finished"]


@pytest.fixture(scope="module")
def queries(default_stack: Stack) -> dict[str, str]:
    """Name → text of each query, the folder of the stack left out."""
    found = {}
    for resource in default_stack.of_type("AWS::Logs::QueryDefinition").values():
        assert resource["Properties"]["LogGroupNames"] == ["StudioSetupLogGroup"]
        folder, _, name = resource["Properties"]["Name"].partition("/")
        assert folder == "studio-setup"
        found[name] = resource["Properties"]["QueryString"]
    return found


def test_the_queries_are_in_a_folder_of_the_stacks_name(queries: dict[str, str]) -> None:
    """Each reads this function's log alone; a second stack has queries of its own."""
    assert list(queries) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_query_names_only_what_is_declared(queries: dict[str, str], name: str) -> None:
    """Every event exists, and every field is one of those events'; `@timestamp` is of Logs Insights itself."""
    query = Query(queries[name])
    assert query.messages
    assert all(declared_fields(message) for message in query.messages)
    declared = set().union(*(declared_fields(message) for message in query.messages))
    assert query.fields - {"@timestamp"} <= declared


def test_the_last_failures_are_all_failures(queries: dict[str, str]) -> None:
    """Every outcome that is an error is asked for, and no other one."""
    asked = {outcome for outcome in Outcome if f"'{outcome}'" in queries["last-failures"]}
    assert asked == {outcome for outcome in Outcome if outcome.is_error}


def test_the_placeholder_has_the_form_of_an_app(queries: dict[str, str]) -> None:
    """What is to be replaced in the query looks like what replaces it."""
    example = App("d-abcdefghijkl", "alice", "JupyterServer", "default")
    assert f"app = '{example.label}'" in queries["output-of-one-app"]


@pytest.mark.parametrize("name", NAMES)
def test_a_query_is_explained(name: str) -> None:
    """Both the page for operators and the page on the log name it."""
    for page in ("docs/operating.md", "docs/reading-the-log.md"):
        assert f"`{name}`" in (ROOT / page).read_text(encoding="utf-8"), page
