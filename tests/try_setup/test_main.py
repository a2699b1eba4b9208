"""How `python -m try_setup` ends where nothing could be tried to the end."""

from __future__ import annotations

import sys
from typing import NoReturn

import pytest

from studio_setup.model.errors import BadInput
from try_setup import __main__ as program


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted; everything was stopped."),
        (TimeoutError("The app did not start."), 1, "The app did not start."),
        (RuntimeError("There is no local Studio."), 1, "There is no local Studio."),
        (BadInput("There is no such script."), 2, "There is no such script."),
    ],
    ids=["interrupted", "no-app", "no-studio", "bad-input"],
)
def test_each_end_has_its_exit_status_and_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, status: int, said: str
) -> None:
    """In one line, without a traceback."""

    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(program, "_try", fail)
    monkeypatch.setattr(program, "end_as_by_ctrl_c", lambda: None)
    monkeypatch.setattr(sys, "argv", ["try_setup"])
    assert program.main() == status
    assert capsys.readouterr().err.strip() == f"studio-setup try: {said}"
