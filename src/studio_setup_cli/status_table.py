"""The table of `studio-setup status`: drawn on a terminal, plain aligned text everywhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, TextIO

import click

from studio_setup.fleet.status import AppState, State

if TYPE_CHECKING:
    from rich.console import RenderableType

_HEADINGS = ("USER OR SPACE", "TYPE", "STATE", "CODE", "SINCE (UTC)", "VERSION", "REASON")
_STATE_COLUMN = _HEADINGS.index("STATE")
_LINES_BESIDE_APPS = 3  # heading, summary, cursor
_MOST_DRAWN = 500
_COLOURS = {
    State.FAILED: "red",
    State.TIMED_OUT: "red",
    State.UNREACHABLE: "red",
    State.UNFINISHED: "yellow",
    State.NOT_SET_UP: "yellow",
    State.RUNNING: "cyan",
    State.OUTDATED: "yellow",
    State.SUCCEEDED: "green",
    State.EXCLUDED: "bright_black",
}

Apps = Sequence[AppState]


def can_draw(stream: TextIO) -> bool:
    """Is it a terminal, and is the library there that draws on it?"""
    return stream.isatty() and find_spec("rich") is not None


def print_plain(apps: Apps, shown: Apps) -> None:
    """Print a heading and a line for each app that is shown, and the summary of all."""
    for line in _plain_lines(shown) if shown else ():
        click.echo(line)
    click.echo(_summary(apps))


def draw(apps: Apps, shown: Apps) -> None:
    """Draw the apps that are shown, and the summary of all; very many are printed plainly, which is fast."""
    from rich.console import Console  # noqa: PLC0415 (a pipe does without)

    if len(shown) > _MOST_DRAWN:
        print_plain(apps, shown)
    else:
        Console().print(_drawing(apps, shown))


@contextmanager
def redrawn() -> Iterator[Callable[[Apps, Apps], None]]:
    """Yield what draws as many apps as the screen has room for, in place of what it has drawn before.

    Nothing of it stays.
    """
    from rich.console import Console  # noqa: PLC0415 (a pipe does without)
    from rich.live import Live  # noqa: PLC0415

    with Live(console=Console(), auto_refresh=False, transient=True) as live:

        def redraw(apps: Apps, shown: Apps) -> None:
            room = max(1, live.console.height - _LINES_BESIDE_APPS)
            live.update(_drawing(apps, shown[:room]), refresh=True)

        yield redraw


def counts_of(apps: Apps) -> dict[str, int]:
    """How many apps are in each state, for the states that there are."""
    counts = Counter(app.state for app in apps)
    return {str(state): counts[state] for state in State if counts[state]}


def _summary(apps: Apps) -> str:
    total = f"{len(apps)} running app" + ("" if len(apps) == 1 else "s")
    counts = ", ".join(f"{count} {state}" for state, count in counts_of(apps).items())
    return f"{total}: {counts}." if counts else f"{total}."


def _plain_lines(apps: Apps) -> Iterator[str]:
    """Yield lines whose columns are aligned, and two blanks apart at least."""
    rows = [_HEADINGS, *map(_cells(apps), apps)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _drawing(apps: Apps, shown: Apps) -> RenderableType:
    from rich.console import Group  # noqa: PLC0415 (a pipe does without)
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in _HEADINGS:
        table.add_column(heading, overflow="fold")
    cells_of = _cells(shown)
    for app in shown:
        cells = [Text(cell) for cell in cells_of(app)]
        cells[_STATE_COLUMN].stylize(_COLOURS[app.state])
        table.add_row(*cells)
    summary = Text(_summary(apps), "bold")
    return Group(table, summary) if shown else summary


def _cells(apps: Apps) -> Callable[[AppState], tuple[str, ...]]:
    """What makes the cells of an app; where there are apps of several domains, its user or space has the domain."""
    has_domains = len({app.app.domain_id for app in apps}) > 1

    def cells(state: AppState) -> tuple[str, ...]:
        app = state.app
        owner = f"{app.space_name} (space)" if app.space_name else app.user_profile_name
        return (
            f"{app.domain_id}/{owner}" if has_domains else owner,
            app.app_type if app.app_name == "default" else f"{app.app_type}/{app.app_name}",
            state.state,
            state.code or "-",
            f"{state.since:%Y-%m-%d %H:%M}",
            state.setup_version or "-",
            state.reason or "-",
        )

    return cells
