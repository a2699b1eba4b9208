"""`docs/faults.md` is up to date with the tables that drive the fault tests, and the tests it names exist."""

from __future__ import annotations

from studio_setup.model.outcomes import CODES, Outcome
from tests.support.login_rows import LOGIN_ROWS
from tests.support.matrix import ALWAYS, KNOWN, ONCE, cells
from tests.support.matrix_rows import WAYS, find


def test_every_known_way_to_fail_has_a_test_or_a_reason() -> None:
    """Each row names at least one test, or says why there is none; every test it names exists."""
    assert [way.what for way in WAYS if not way.tests and not way.untested] == []
    assert [name for way in WAYS for name in way.tests.split() if not find(name)] == []


def test_no_known_way_to_fail_has_been_dropped() -> None:
    """There are 59 rows, each about something else."""
    assert len({way.what for way in WAYS}) == len(WAYS) == 59


def test_the_matrix_expects_outcomes_and_codes_that_exist() -> None:
    """Every outcome and every code that the matrix expects is one of the engine's."""
    verdicts = [cell.verdict for row in (*ONCE, *ALWAYS) for cell in cells(row)]
    verdicts += [row.verdict for row in LOGIN_ROWS]
    assert {verdict.outcome for verdict in verdicts} - {""} <= set(map(str, Outcome))
    assert {code for verdict in verdicts for code in verdict.codes} <= CODES.keys()


def test_every_known_deviation_is_about_a_cell_of_the_matrix() -> None:
    """No exception is kept for a cell that does not exist."""
    assert KNOWN.keys() <= {cell.label for row in (*ONCE, *ALWAYS) for cell in cells(row)}
