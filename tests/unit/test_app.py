"""A Studio app and its names."""

from __future__ import annotations

from typing import Any

import pytest

from studio_setup.model.app import App, app_type_with_terminals
from studio_setup.model.errors import BadInput


def test_an_app_has_a_label_and_its_names(app: App) -> None:
    """An app shows itself in the form in which its ARN ends, and by its names."""
    assert app.label == "d-abcdefghijkl/alice/JupyterServer/default"
    assert app.as_dict() == {
        "app": "d-abcdefghijkl/alice/JupyterServer/default",
        "domain_id": "d-abcdefghijkl",
        "user_profile_name": "alice",
        "space_name": "",
        "app_type": "JupyterServer",
        "app_name": "default",
    }


def test_the_label_of_a_spaces_app_has_the_space() -> None:
    """Whoever logs in to it, the app belongs to the space."""
    for user in ("", "alice"):
        app = App("d-abc", user, "JupyterLab", "default", space_name="team-space")
        assert app.label == "d-abc/team-space/JupyterLab/default"


@pytest.mark.parametrize("app_type", ["Jupyter/Server", "", None, "Jupyter Server", "a" * 41])
def test_an_app_type_that_is_not_a_word_is_refused(app_type: Any) -> None:  # noqa: ANN401 (an event may hold anything)
    """An app type is letters only, whoever makes the app; the message has the value and the pattern."""
    with pytest.raises(BadInput, match="is not a valid app type: it must match"):
        App("d-abc", "alice", app_type, "default")


def test_a_users_app_and_a_spaces_app_have_a_default_type() -> None:
    """Unless a type is given, a user's app is of JupyterServer and a space's of JupyterLab."""
    assert app_type_with_terminals("", of_space=False) == "JupyterServer"
    assert app_type_with_terminals("", of_space=True) == "JupyterLab"
    assert app_type_with_terminals("JupyterLab", of_space=False) == "JupyterLab"


def test_a_type_without_terminals_is_refused() -> None:
    """Code Editor has no Jupyter terminals; the message says which types have."""
    with pytest.raises(BadInput, match="'CodeEditor' have no Jupyter terminals; it takes: JupyterServer, JupyterLab"):
        app_type_with_terminals("CodeEditor", of_space=True)
