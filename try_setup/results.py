"""What came of trying a setup: values only."""

from __future__ import annotations

from dataclasses import dataclass

from studio_setup.model.report import SetupReport
from studio_setup.model.setup import Setup
from try_setup.home import Changes


@dataclass(frozen=True, slots=True)
class TriedStart:
    """One start of an app that was set up.

    `outputs` is what each command printed, by its name. `terminals` and `processes` are what was left of the setup:
    names and command lines. `addresses` are those that processes of the app were seen connected to, `names` those that
    they asked the resolver for; None where nobody could look.
    """

    report: SetupReport
    changes: Changes
    outputs: dict[str, str]
    terminals: tuple[str, ...]
    processes: tuple[str, ...]
    addresses: tuple[str, ...]
    names: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class TriedApp:
    """An app of one type, and its two starts, with the same home."""

    app_type: str
    setup: Setup
    starts: tuple[TriedStart, TriedStart]

    @property
    def succeeded(self) -> bool:
        """Was it set up both times?"""
        return all(not start.report.outcome.is_error for start in self.starts)
