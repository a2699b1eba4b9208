"""A look at the fleet, which says on standard error what it waits for."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from studio_setup.fleet.apps import Selection
from studio_setup.model.errors import BadInput
from studio_setup_cli.aws import call_errors
from studio_setup_cli.terminal_view import EventView

if TYPE_CHECKING:
    from studio_setup.fleet.survey import Sources, Survey


def look_at(sources: Sources, selection: Selection, *, quiet: bool = False) -> Survey:
    """How the selected apps stand; `quiet`: say nothing meanwhile.

    Raises:
        BadInput: the selection has no running app, or AWS cannot be asked.
    """
    # Imported here because `--help` does without threads.
    from studio_setup.fleet.survey import survey  # noqa: PLC0415

    stream = io.StringIO() if quiet else sys.stderr
    with call_errors(), EventView(stream, "SageMaker's list of apps") as view:

        def tell(start: datetime, apps: int) -> None:
            view.wait_for(f"the log since {start:%Y-%m-%d %H:%M} UTC (apps: {apps})")

        seen = survey(sources, selection, datetime.now(UTC), tell)
    if not seen.apps and not selection.is_everything:
        raise BadInput(f"No running app is selected by {selection}.")
    return seen
