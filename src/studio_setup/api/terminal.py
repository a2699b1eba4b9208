"""A terminal of an app, as the Running panel lists it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal that is open in the app; `is_ours`: one of ours, and not the user's."""

    name: str
    is_ours: bool
