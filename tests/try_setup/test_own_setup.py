"""A setup that somebody is writing: what is wrong with it is said in one sentence, with the place."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio_setup.model.app import App
from studio_setup.model.errors import BadInput
from try_setup import own_setup

APP = App("d-abc", "", "JupyterLab", "default", "space")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A function that writes `src/setups/__init__.py` of a checkout."""
    before = sys.modules.pop("setups", None)
    folder = tmp_path / "src" / "setups"
    folder.mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "src")
    monkeypatch.setattr(own_setup, "ROOT", tmp_path)
    monkeypatch.setattr(own_setup, "SETUPS_FOLDER", folder)

    def write_text(text: str) -> None:
        (folder / "__init__.py").write_text(text, "utf-8")

    yield write_text
    sys.modules.pop("setups", None)
    if before:
        sys.modules["setups"] = before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def setup_for(app:\n", "SyntaxError: '(' was never closed (src/setups/__init__.py, line 1)"),
        (
            "\nimport no_such_module\n",
            "ModuleNotFoundError: No module named 'no_such_module' (src/setups/__init__.py, line 2)",
        ),
        (
            "def setup_for(app):\n    return Setup(())\n",
            "NameError: name 'Setup' is not defined (src/setups/__init__.py, line 2)",
        ),
        ("", "AttributeError: module 'setups' has no attribute 'setup_for'"),
        ("def setup_for(app):\n    pass\n", "setup_for returned NoneType for JupyterLab, not a Setup"),
        ("import sys\n\nsys.exit('stop')\n", "SystemExit: stop (src/setups/__init__.py, line 3)"),
    ],
    ids=["not Python", "an import", "a name", "nothing", "no setup", "an exit"],
)
def test_what_is_wrong_with_the_code_is_said_with_its_place(
    write: Callable[[str], None], text: str, message: str
) -> None:
    """No traceback, but what Python says, the file and the line."""
    write(text)
    with pytest.raises(BadInput) as caught:
        own_setup.own_setup(APP)
    assert str(caught.value) == f"src/setups does not work: {message}."


def test_what_the_setups_say_themselves_is_not_changed(write: Callable[[str], None]) -> None:
    """A missing script, or an app that is not to be set up, already is a sentence."""
    write("from studio_setup import BadInput\n\n\ndef setup_for(app):\n    raise BadInput('Not for such apps.')\n")
    with pytest.raises(BadInput, match=r"^Not for such apps\.$"):
        own_setup.own_setup(APP)
