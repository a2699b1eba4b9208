"""Every network fault at every step of a setup, with the outcome that docs/faults.md promises."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator

import pytest

from emulator.app_host import StartOptions
from emulator.faulty_network.steps import Fault, FaultKind, Step, StepKind
from emulator.studio import LocalStudio
from tests.support.matrix import ALWAYS, ONCE, REPLIES, STEPS, Cell, Row, cells
from tests.support.matrix_cells import Matrix
from tests.support.scenario import Place, Scenario

FULL = os.environ.get("MATRIX") == "full"
DELETE = Step(StepKind.DELETE)
ENDS_BY_ITSELF_SECONDS = 90.0
TRANSPORT = {FaultKind.RESET, FaultKind.CLOSE, FaultKind.CUT, FaultKind.LATENCY, FaultKind.TRICKLE}
XSRF = {FaultKind.XSRF_MISSING, FaultKind.XSRF_DUPLICATED, FaultKind.XSRF_CHANGED}
SESSION = {FaultKind.SESSION_ENDS, FaultKind.TOKEN_USED, *XSRF}


@pytest.fixture(scope="module")
def classic(studio: LocalStudio) -> Iterator[Scenario]:
    """A JupyterServer app, shared by the tests of this module."""
    yield from shared_app(studio, Place(studio.add_user_profile("matrix")))


@pytest.fixture(scope="module")
def lab(studio: LocalStudio) -> Iterator[Scenario]:
    """The JupyterLab app of a space, shared by the tests of this module."""
    owner = studio.add_user_profile("matrix-lab")
    place = Place(user=owner, space=studio.add_space("matrix-lab", owner), app_type="JupyterLab")
    yield from shared_app(studio, place)


def shared_app(studio: LocalStudio, place: Place) -> Iterator[Scenario]:
    """Start an app, and delete it at the end."""
    scenario = Scenario(studio, place, StartOptions())
    scenario.start()
    yield scenario.ready()
    scenario.app.delete()


@pytest.fixture
def matrix(classic: Scenario, records: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch) -> Matrix:
    """Cells on a JupyterServer app."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", classic.studio.sagemaker_endpoint)
    return Matrix(classic, records)


@pytest.fixture
def lab_matrix(lab: Scenario, records: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch) -> Matrix:
    """Cells on the JupyterLab app of a space."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", lab.studio.sagemaker_endpoint)
    return Matrix(lab, records)


def but_delete(rows: Iterable[Row]) -> list[Cell]:
    """The cells of the rows, except those of the step that deletes the terminal."""
    return [cell for row in rows for cell in cells(row) if cell.step != DELETE]


def deletions() -> list[Cell]:
    """The cells of the step that deletes the terminal."""
    return [cell for row in (*ONCE, *ALWAYS) for cell in cells(row) if cell.step == DELETE]


SILENCE = [row for row in ONCE if row.fault.kind is FaultKind.STALL]
GROUPS = {
    "transport": [row for row in ONCE if row.fault.kind in TRANSPORT],
    "answers": [row for row in ONCE if row.fault.kind in {FaultKind.STATUS, FaultKind.PAGE, FaultKind.SIGN_IN}],
    "close-codes": [row for row in ONCE if row.fault.kind is FaultKind.CLOSE_CODE],
    "session": [row for row in ONCE if row.fault.kind in SESSION],
}


@pytest.mark.timeout(400)
def test_silence_and_permanent_faults_are_reported_in_time(matrix: Matrix) -> None:
    """Silence is noticed; a fault that does not go away is reported in time; terminals end by themselves."""
    # Those that leave terminals come first: by the end of the others, most of the terminals' minute is over.
    assert matrix.wrong([*deletions(), *but_delete(SILENCE), *but_delete(ALWAYS)], at_once=64) == []
    matrix.wait_until_nothing_is_left(ENDS_BY_ITSELF_SECONDS)


@pytest.mark.parametrize("group", GROUPS)
def test_a_fault_at_any_step_changes_nothing(matrix: Matrix, group: str) -> None:
    """Wherever a fault happens once, the outcome is the command's own, or says at once what was refused."""
    assert matrix.wrong(but_delete(GROUPS[group]), at_once=24) == []
    matrix.wait_until_nothing_is_left(10)


def test_every_row_is_in_a_group() -> None:
    """No row of the matrix is left out of the groups."""
    assert sorted(row.name for rows in (SILENCE, *GROUPS.values()) for row in rows) == sorted(row.name for row in ONCE)


def test_the_steps_are_all_that_a_setup_does(matrix: Matrix) -> None:
    """A setup without faults takes exactly the steps of the matrix, each once."""
    attempt = matrix.attempt()
    attempt.run()
    seen = attempt.network.steps.seen
    assert sorted(map(repr, seen)) == sorted(map(repr, STEPS))


def test_a_claim_survives_a_reset_at_any_line(matrix: Matrix) -> None:
    """A setup that claims its app start is found again wherever the connection is lost."""
    row = Row("TCP reset", Fault(FaultKind.RESET), REPLIES[:: 1 if FULL else 2])
    assert matrix.wrong(cells(row), at_once=1, claims_start=True, force=True) == []


def test_each_fault_changes_nothing_in_jupyterlab_either(lab_matrix: Matrix) -> None:
    """Every fault except silence, at one step of a setup in a space."""
    chosen = [but_delete([row])[-3:][0] for rows in GROUPS.values() for row in rows]
    assert lab_matrix.wrong(chosen, at_once=24) == []
    lab_matrix.wait_until_nothing_is_left(10)


@pytest.mark.skipif(not FULL, reason="takes minutes: make matrix")
@pytest.mark.timeout(600)
def test_the_whole_matrix_holds_for_jupyterlab(lab_matrix: Matrix) -> None:
    """Every fault at every step of a setup in a space."""
    everything = [cell for row in (*ALWAYS, *ONCE) for cell in cells(row)]
    assert lab_matrix.wrong(everything, at_once=48) == []
    lab_matrix.wait_until_nothing_is_left(ENDS_BY_ITSELF_SECONDS)


@pytest.mark.parametrize("app_type", ["JupyterServer", "JupyterLab"])
def test_a_server_without_terminals_is_reported(
    studio: LocalStudio, records: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch, app_type: str
) -> None:
    """Where the server's configuration disables terminals, the setup ends at the first request for one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", studio.sagemaker_endpoint)
    owner = studio.add_user_profile(f"terminals-off-{app_type}")
    space = studio.add_space("terminals-off", owner) if app_type == "JupyterLab" else ""
    place = Place(owner, space, app_type)
    configure(studio, place, "c.ServerApp.terminals_enabled = False\n")
    for scenario in shared_app(studio, place):
        attempt = Matrix(scenario, records).attempt()
        report = attempt.run()
        assert (report.outcome, report.code) == ("unreachable", "terminals-disabled")
        assert [step for step in attempt.network.steps.seen if step.kind is StepKind.CREATE] == [
            Step(StepKind.CREATE),
            Step(StepKind.CREATE, is_answer=True),
        ]


def test_a_culled_terminal_does_not_matter(studio: LocalStudio, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a server that ends every terminal after a second of silence, the outcome is right and the effect is one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", studio.sagemaker_endpoint)
    place = Place(studio.add_user_profile("culled"))
    culler = "c.TerminalManager.cull_inactive_timeout = 1\nc.TerminalManager.cull_interval = 1\n"
    configure(studio, place, culler)
    for scenario in shared_app(studio, place):
        report = scenario.set_up("echo once >> ~/effects; sleep 4; exit 3")
        assert [command.exit_status for command in report.commands] == [3]
        assert scenario.effects() == ["once"]


def configure(studio: LocalStudio, place: Place, text: str) -> None:
    """Write the Jupyter server's configuration into the home."""
    folder = studio.home_of(place.user, space_name=place.space or None) / ".jupyter"
    folder.mkdir()
    (folder / "jupyter_server_config.py").write_text(text)
