"""The errors: each has a code of its own, and its text says what to do."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import Callable

import pytest

from studio_setup.api.results import CommandFailed, Result
from studio_setup.model import errors, outcomes
from studio_setup.model.errors import MAX_MESSAGE_CHARACTERS, ControlPlaneRefused, SetupError
from studio_setup.model.outcomes import CODES, Outcome
from studio_setup.model.report import CommandState

ERRORS = [
    error
    for _, error in inspect.getmembers(errors, inspect.isclass)
    if issubclass(error, SetupError) and error is not SetupError
]  # all of them, found and not listed
RESULT = Result(3, "spam\n", 5, 0, 1.5, CommandState.EXITED, "0123456789ab", "/tmp/log")
OUTCOMES = {
    "BadInput": Outcome.FAILED,
    "SsoDomain": Outcome.SKIPPED,
    "SpaceWithoutOwner": Outcome.SKIPPED,
    "AlreadySetUp": Outcome.SKIPPED,
    "ClaimedByOtherSetup": Outcome.SKIPPED,
    "UnknownClaim": Outcome.FAILED,
    "SetupChanged": Outcome.FAILED,
    "AppFailed": Outcome.APP_GONE,
    "AppDeleted": Outcome.APP_GONE,
    "AppReplaced": Outcome.APP_GONE,
    "ControlPlaneRefused": Outcome.UNREACHABLE,
    "AppNotReady": Outcome.UNREACHABLE,
    "LoginRefused": Outcome.UNREACHABLE,
    "JupyterRefused": Outcome.UNREACHABLE,
    "TerminalsDisabled": Outcome.UNREACHABLE,
    "ShellSilent": Outcome.UNREACHABLE,
    "NoWorkspace": Outcome.FAILED,
    "RunLost": Outcome.FAILED,
    "ConnectionLost": Outcome.UNREACHABLE,
    "ShellGone": Outcome.UNREACHABLE,
    "LoginExpired": Outcome.UNREACHABLE,
    "LoginExpiredAgain": Outcome.UNREACHABLE,
    "OutOfTime": Outcome.UNFINISHED,
}


def _make(error: type[SetupError]) -> SetupError:
    return error("It happened.", "SomeCode") if error is ControlPlaneRefused else error("It happened.")


def test_every_error_has_a_code_of_its_own() -> None:
    """An operator can tell any two errors apart by the names of their codes, but for those that mean the same."""
    by_name: dict[str, set[str]] = {}
    for error in ERRORS:
        by_name.setdefault(error.code.name, set()).add(error.__name__)
    shared = {name: classes for name, classes in by_name.items() if len(classes) > 1}
    assert shared == {"login-expired": {"LoginExpired", "LoginExpiredAgain"}}


@pytest.mark.parametrize("error", ERRORS)
def test_the_code_of_an_error_is_in_its_own_class(error: type[SetupError]) -> None:
    """No error inherits its code, and each code is in the table that the outcomes page is made from."""
    assert "code" in vars(error)
    assert CODES[error.code.name] is error.code


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_says_in_a_sentence_what_it_means(error: type[SetupError]) -> None:
    """Every class has a docstring of its own."""
    assert (vars(error).get("__doc__") or "").split("\n")[0].endswith(".")


def test_every_error_has_its_outcome() -> None:
    """Each error leads to the outcome that operators are told, and none to success."""
    assert {error.__name__: error.code.outcome for error in ERRORS} == OUTCOMES


@pytest.mark.parametrize("error", ERRORS)
def test_the_text_of_an_error_ends_with_the_remedy(error: type[SetupError]) -> None:
    """The text says what happened, then what to do, if there is anything to do."""
    assert str(_make(error)) == f"It happened. {error.code.remedy}".strip()


@pytest.mark.parametrize("error", ERRORS)
def test_the_message_of_an_error_has_no_remedy(error: type[SetupError]) -> None:
    """Inside another message, or in a log line about a loss that is being recovered from, a remedy would mislead."""
    assert _make(error).message == "It happened."


def test_an_error_without_a_remedy_says_only_what_happened() -> None:
    """Where there is nothing to do, nothing is appended."""
    assert outcomes.ALREADY_SET_UP.remedy == ""
    assert str(errors.AlreadySetUp("It happened.")) == "It happened."


def test_a_refusal_keeps_the_code_of_aws() -> None:
    """AWS's own code is an attribute, for decisions, and not only in the text."""
    assert ControlPlaneRefused("No.", "AccessDeniedException").aws_code == "AccessDeniedException"


@pytest.mark.parametrize("error", ERRORS)
def test_a_message_is_one_printable_line_of_bounded_length(error: type[SetupError]) -> None:
    """Whatever it quotes from outside, neither the log nor the operator's terminal shows anything else."""
    nasty = "\x1b[31mred\x1b[0m\r\n\ttab\u202e\u2028\x9b\ud800 " * 1000
    made = error(nasty, "SomeCode") if error is ControlPlaneRefused else error(nasty)
    assert made.message.startswith("red tab red tab")
    assert made.message.isprintable()
    assert len(made.message) <= MAX_MESSAGE_CHARACTERS
    assert str(made) == f"{made.message} {error.code.remedy}".strip()


def test_of_a_long_message_the_beginning_is_kept() -> None:
    """What happened stands at the beginning."""
    assert errors.BadInput("x" * 5000).message == "x" * MAX_MESSAGE_CHARACTERS
    assert errors.BadInput("").message == errors.BadInput().message == ""


@pytest.mark.parametrize("error", [*map(_make, ERRORS), CommandFailed(RESULT)], ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "renew",
    [copy.copy, lambda error: pickle.loads(pickle.dumps(error))],  # noqa: S301 (our own)
    ids=["copy", "pickle"],
)
def test_an_error_goes_from_one_process_to_another(
    error: SetupError, renew: Callable[[SetupError], SetupError]
) -> None:
    """As a pool of processes sends it: class, text and what it carries are the same."""
    again = renew(error)
    assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))
