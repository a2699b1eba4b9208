"""Writes docs/log-events.md, the table of log events."""

from __future__ import annotations

from collections.abc import Iterator

from studio_setup.model.log import EVENTS, SETUP_FINISHED

_HEAD = """# What the log says

This page is generated from `src/studio_setup/model/log.py` by `make docs-refresh`; a test checks that it is up to
date. The fields with their types are in [log-schema.json](log-schema.json).

Every line of a setup has `app` (the app as one string, `domain/owner/type/name`), its names one by one (`domain_id`,
`user_profile_name`, `space_name`, `app_type`, `app_name`), `setup_version`, `trigger` (`event`, `operator` or
`reconcile`), `attempt` and, once it is known, `run_id`. Lambda adds `timestamp`, `level` and `requestId`; the event's
name is the `message`. Where a setup is not valid, or crashes, the line has the app and the `trigger` alone of these.
The lines `reconcile.…` are in the log of the reconcile function and have fields of their own alone.

| Event | Level | What it says | Its own fields |
|---|---|---|---|
"""
_LEVELS = {20: "INFO", 30: "WARNING", 40: "ERROR"}


def page() -> str:
    """The whole page."""
    return _HEAD + "\n".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    for event in EVENTS.values():
        level = "INFO or ERROR" if event is SETUP_FINISHED else _LEVELS[event.level]
        own = "those of the report" if event is SETUP_FINISHED else ", ".join(f"`{name}`" for name in event.fields)
        yield f"| `{event.name}` | {level} | {event.meaning} | {own} |"
