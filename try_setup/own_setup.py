"""The setup of `src/setups`, which somebody is writing: whatever is wrong with it is said in one sentence."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path

from studio_setup.model.app import App
from studio_setup.model.errors import BadInput
from studio_setup.model.setup import Setup

ROOT = Path(__file__).parents[1]
SETUPS_FOLDER = ROOT / "src" / "setups"


def own_setup(app: App) -> Setup:
    """The setup of an app.

    Raises:
        BadInput: a script is missing or not valid, or `setup_for` cannot be imported, raises an error or returns
            something else than a `Setup`.
    """
    try:
        setup = importlib.import_module("setups").setup_for(app)
    except BadInput:
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 (of code that is being written)
        raise _does_not_work(_of_its_code(error)) from None
    if not isinstance(setup, Setup):
        raise _does_not_work(f"setup_for returned {type(setup).__name__} for {app.app_type}, not a Setup")
    return setup


def _does_not_work(why: str) -> BadInput:
    return BadInput(f"src/setups does not work: {why}.")


def _of_its_code(error: BaseException) -> str:
    """What is wrong, and where in the setups."""
    what = f"{type(error).__name__}: {error}"
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {error.msg} ({_place(error.filename or '', error.lineno)})"
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(SETUPS_FOLDER)]
    return f"{what} ({_place(own[-1].filename, own[-1].lineno)})" if own else what


def _place(file: str, line: int | None) -> str:
    path = Path(file)
    return f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}, line {line}"
