"""The tree of errors: each is told apart, and says what to do."""

from __future__ import annotations

import inspect
import re

import pytest

from studio_setup import errors
from studio_setup.model.errors import ControlPlaneRefused, SetupError
from studio_setup.model.outcomes import Outcome

TREE = [
    one for _, one in inspect.getmembers(errors, inspect.isclass) if issubclass(one, SetupError)
]  # all of them, found and not listed
OUTCOMES = {
    "NotForUs": Outcome.SKIPPED,
    "AppGone": Outcome.APP_GONE,
    "Unreachable": Outcome.UNREACHABLE,
    "OutOfTime": Outcome.UNFINISHED,
}


def _make(one: type[SetupError]) -> SetupError:
    return one("It happened.", "SomeCode") if one is ControlPlaneRefused else one("It happened.")


def test_the_tree_is_found() -> None:
    """The tests below see the whole tree."""
    assert len(TREE) > 15


def test_every_error_has_a_code_of_its_own() -> None:
    """An operator can tell any two errors apart by their codes."""
    codes = [one.code for one in TREE]
    assert sorted(set(codes)) == sorted(codes)


@pytest.mark.parametrize("one", TREE)
def test_an_error_has_a_name_in_the_log(one: type[SetupError]) -> None:
    """A code is words with dashes, and stands in the class itself."""
    assert "code" in vars(one)
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.code)


@pytest.mark.parametrize("one", TREE)
def test_an_error_says_in_a_sentence_what_it_means(one: type[SetupError]) -> None:
    """Every class has a docstring of its own."""
    assert (vars(one).get("__doc__") or "").split("\n")[0].endswith(".")


@pytest.mark.parametrize("one", TREE)
def test_an_error_leads_to_its_outcome(one: type[SetupError]) -> None:
    """Every error leads to the outcome of its branch of the tree, and none to success."""
    expected = next((OUTCOMES[base.__name__] for base in one.__mro__ if base.__name__ in OUTCOMES), Outcome.FAILED)
    assert one.outcome is expected


@pytest.mark.parametrize("one", TREE)
def test_the_text_of_an_error_has_the_remedy(one: type[SetupError]) -> None:
    """What happened comes first, then what to do, if there is something."""
    assert str(_make(one)) == f"It happened. {one.remedy}".strip()
    assert one.remedy == "" or one.remedy.endswith(".")


def test_a_refusal_keeps_the_code_of_aws() -> None:
    """The code that AWS gave is there for decisions, not only in the text."""
    assert ControlPlaneRefused("No.", "AccessDeniedException").aws_code == "AccessDeniedException"
