"""Every fault of the network at every step of a setup: what must come of it comes of it (docs/faults.md)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator

import pytest

from emulator.app_host import StartOptions
from emulator.faulty_network.steps import Fault, Harm, Step, What
from emulator.studio import LocalStudio
from studio_setup.access.library_logs import quiet_libraries
from tests.support.matrix import ALWAYS, ONCE, REPLIES, STEPS, Cell, Row, cells
from tests.support.matrix_cells import Matrix
from tests.support.scenario import Place, Scenario

FULL = os.environ.get("MATRIX") == "full"
DELETE = Step(What.DELETE)
ENDS_BY_ITSELF_SECONDS = 90.0
TRANSPORT = {Harm.RESET, Harm.CLOSE, Harm.CUT, Harm.LATENCY, Harm.CRUMBS}
SESSION = {Harm.SESSION_ENDS, Harm.TOKEN_USED, Harm.XSRF_LOST, Harm.XSRF_DOUBLED, Harm.XSRF_ROTATED}


class Records(logging.Handler):
    """Keeps every log record."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.kept.append(record)


@pytest.fixture
def records() -> Iterator[list[logging.LogRecord]]:
    """What is logged meanwhile, by the engine and by the libraries it uses."""
    quiet_libraries()
    records = Records()
    engine = logging.getLogger("studio_setup")
    level = engine.level
    engine.setLevel(logging.DEBUG)
    logging.getLogger().addHandler(records)
    yield records.kept
    logging.getLogger().removeHandler(records)
    engine.setLevel(level)


@pytest.fixture(scope="module")
def classic(studio: LocalStudio) -> Iterator[Scenario]:
    """A JupyterServer app, one for all tests here."""
    yield from shared_app(studio, Place(studio.add_user_profile("matrix")))


@pytest.fixture(scope="module")
def lab(studio: LocalStudio) -> Iterator[Scenario]:
    """The JupyterLab app of a space, one for all tests here."""
    owner = studio.add_user_profile("matrix-lab")
    place = Place(user=owner, space=studio.add_space("matrix-lab", owner), app_type="JupyterLab")
    yield from shared_app(studio, place)


def shared_app(studio: LocalStudio, place: Place) -> Iterator[Scenario]:
    """Start an app, and delete it in the end."""
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
    """The rows' cells but those where the terminal is deleted."""
    return [cell for row in rows for cell in cells(row) if cell.step != DELETE]


def deletions() -> list[Cell]:
    """The cells where the terminal is deleted."""
    return [cell for row in (*ONCE, *ALWAYS) for cell in cells(row) if cell.step == DELETE]


SILENCE = [row for row in ONCE if row.fault.harm is Harm.STALL]
GROUPS = {
    "transport": [row for row in ONCE if row.fault.harm in TRANSPORT],
    "answers": [row for row in ONCE if row.fault.harm in {Harm.STATUS, Harm.PAGE, Harm.SIGN_IN}],
    "close-codes": [row for row in ONCE if row.fault.harm is Harm.CLOSE_CODE],
    "session": [row for row in ONCE if row.fault.harm in SESSION],
}


@pytest.mark.timeout(400)
def test_silence_and_what_stays_are_told_in_time(matrix: Matrix) -> None:
    """Silence is noticed; what does not go away is reported in time, with its code; no terminal outlives a minute."""
    assert matrix.wrong([*but_delete(SILENCE), *but_delete(ALWAYS), *deletions()], at_once=64) == []
    matrix.wait_until_nothing_is_left(ENDS_BY_ITSELF_SECONDS)


@pytest.mark.parametrize("group", GROUPS)
def test_a_fault_at_any_step_changes_nothing(matrix: Matrix, group: str) -> None:
    """Wherever it happens, the verdict is the command's own with one effect, or says at once what was refused."""
    assert matrix.wrong(but_delete(GROUPS[group]), at_once=24) == []
    matrix.wait_until_nothing_is_left(10)


def test_every_row_is_in_a_group() -> None:
    """No fault is left out."""
    assert sorted(row.name for rows in (SILENCE, *GROUPS.values()) for row in rows) == sorted(row.name for row in ONCE)


def test_the_steps_are_all_that_a_setup_does(matrix: Matrix) -> None:
    """A setup on a sound network takes exactly the steps of the matrix, each once."""
    attempt = matrix.attempt()
    attempt.run()
    seen = attempt.network.steps.seen
    assert sorted(map(repr, seen)) == sorted(map(repr, STEPS))


def test_a_claim_survives_a_reset_at_any_line(matrix: Matrix) -> None:
    """The setup of a start, which happens once, is found again wherever the connection is lost."""
    row = Row("TCP reset", Fault(Harm.RESET), REPLIES[:: 1 if FULL else 2])
    assert matrix.wrong(cells(row), at_once=1, claims_start=True, force=True) == []


def test_the_same_holds_for_jupyterlab(lab_matrix: Matrix) -> None:
    """Every fault but silence at one step of a setup in a space."""
    chosen = [but_delete([row])[-3:][0] for rows in GROUPS.values() for row in rows]
    assert lab_matrix.wrong(chosen, at_once=24) == []
    lab_matrix.wait_until_nothing_is_left(10)


@pytest.mark.skipif(not FULL, reason="takes minutes: make matrix")
@pytest.mark.timeout(600)
def test_everything_holds_for_jupyterlab(lab_matrix: Matrix) -> None:
    """Every fault at every step of a setup in a space."""
    everything = [cell for row in (*ALWAYS, *ONCE) for cell in cells(row)]
    assert lab_matrix.wrong(everything, at_once=48) == []
    lab_matrix.wait_until_nothing_is_left(ENDS_BY_ITSELF_SECONDS)


@pytest.mark.parametrize("app_type", ["JupyterServer", "JupyterLab"])
def test_a_server_without_terminals_is_told(
    studio: LocalStudio, records: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch, app_type: str
) -> None:
    """Terminals switched off in the server's configuration: unreachable, with that code, at once."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", studio.sagemaker_endpoint)
    owner = studio.add_user_profile(f"terminals-off-{app_type}")
    space = studio.add_space("terminals-off", owner) if app_type == "JupyterLab" else ""
    place = Place(owner, space, app_type)
    configure(studio, place, "c.ServerApp.terminals_enabled = False\n")
    for scenario in shared_app(studio, place):
        report = Matrix(scenario, records).attempt().run()
        assert (report.outcome, report.code) == ("unreachable", "terminals-disabled")
        assert report.seconds < 10


def test_a_culled_terminal_does_not_matter(
    studio: LocalStudio, records: list[logging.LogRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that ends every terminal after a second of silence: the verdict stands, the effect is one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", studio.sagemaker_endpoint)
    place = Place(studio.add_user_profile("culled"))
    culler = "c.TerminalManager.cull_inactive_timeout = 1\nc.TerminalManager.cull_interval = 1\n"
    configure(studio, place, culler)
    for scenario in shared_app(studio, place):
        report = scenario.set_up("echo once >> ~/effects; sleep 4; exit 3")
        assert [command.exit_status for command in report.commands] == [3]
        assert scenario.effects() == ["once"]
    assert records


def configure(studio: LocalStudio, place: Place, text: str) -> None:
    """Put a configuration of the Jupyter server into a home."""
    folder = studio.home_of(place.user, space_name=place.space or None) / ".jupyter"
    folder.mkdir()
    (folder / "jupyter_server_config.py").write_text(text)
