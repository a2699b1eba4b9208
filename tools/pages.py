"""The pages of the documentation that are generated, and what generates each. `make docs-refresh` writes them all.

PYTHONPATH=src:. python -m tools.pages
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tools import (
    commands_page,
    configuration_page,
    dependencies_page,
    faults_page,
    log_events_page,
    log_schema,
    notebook_page,
    outcomes_page,
    performance_page,
    python_api_page,
)

DOCS = Path(__file__).resolve().parents[1] / "docs"
# The file in docs/ → its text.
PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands_page.page,
    "configuration.md": configuration_page.page,
    "dependencies.md": dependencies_page.page,
    "faults.md": faults_page.page,
    "log-events.md": log_events_page.page,
    "log-schema.json": log_schema.page,
    "notebook.md": notebook_page.page,
    "outcomes.md": outcomes_page.page,
    "performance.md": performance_page.page,
    "python-api.md": python_api_page.page,
}


def main() -> None:
    """Write every page."""
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
        sys.stdout.write(f"docs/{name}\n")


if __name__ == "__main__":
    main()
