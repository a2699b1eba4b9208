"""The page that operators read is the code's own list of codes."""

from __future__ import annotations

import re
from pathlib import Path

from studio_setup import errors
from studio_setup.model.outcomes import Outcome

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| `([a-z-]+)` \| (\w+) \| .+ \| .+ \|$", re.MULTILINE)


def _page() -> dict[str, str]:
    return dict(ROW.findall((ROOT / "docs/outcomes.md").read_text(encoding="utf-8")))


def _leaves(of: type[errors.SetupError]) -> list[type[errors.SetupError]]:
    children = of.__subclasses__()
    # A class with a remedy is raised itself, also where it has children.
    own = [of] if not children or "remedy" in vars(of) or of is errors.ConnectionLost else []
    return own + [leaf for child in children for leaf in _leaves(child)]


def _codes() -> dict[str, str]:
    codes = {error.code: str(error.outcome) for error in _leaves(errors.SetupError) if error is not errors.SetupError}
    source = (ROOT / "src/studio_setup/app_event.py").read_text(encoding="utf-8")
    codes |= dict.fromkeys(re.findall(r"Ignored\(\s*\"([a-z-]+)\"", source), "skipped")
    return codes | {"succeeded": "succeeded", "command-failed": "failed", "command-timed-out": "timed_out"}


def test_every_code_is_on_the_page_and_nothing_else() -> None:
    """Each code that a log line can carry has one row, and no row is about a code that does not exist."""
    assert _page().keys() == _codes().keys()


def test_every_row_has_the_outcome_of_its_code() -> None:
    """The outcome in a row is the one the code leads to."""
    assert _page() == _codes()


def test_every_outcome_is_in_the_readme() -> None:
    """The README's table has every outcome there is."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [outcome for outcome in Outcome if f"| `{outcome}` |" not in readme] == []
