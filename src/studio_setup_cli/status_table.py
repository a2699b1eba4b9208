"""The table of `studio-setup status`: drawn on a terminal, plain aligned text everywhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, TextIO

import click

from studio_setup.fleet.status import AppState, State
from studio_setup_cli.terminal_view import is_screen

if TYPE_CHECKING:
    from rich.console import RenderableType

_HEADINGS = ("USER OR SPACE", "TYPE", "STATE", "CODE", "SINCE (UTC)", "VERSION", "REASON")
_OWNER, _TYPE, _STATE, _CODE, _SINCE, _VERSION, _REASON = range(len(_HEADINGS))
_LEFT_OUT_FIRST = (_VERSION, _TYPE, _SINCE, _CODE)  # where a terminal has no room for all columns
_GAP = 2
_NARROWEST_REASON = 20
_LINES_BESIDE_APPS = 2  # heading, cursor
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
    """Is it a terminal that can be drawn on, and is the library there that does?"""
    return is_screen(stream) and find_spec("rich") is not None


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
        console = Console()
        console.print(_Drawing(apps, shown, console.width).whole())


@contextmanager
def redrawn() -> Iterator[Callable[[Apps, Apps], None]]:
    """Yield what draws as many apps as the screen has room for, in place of what it has drawn before.

    Nothing of it stays.
    """
    from rich.console import Console  # noqa: PLC0415 (a pipe does without)
    from rich.live import Live  # noqa: PLC0415

    with Live(console=Console(), auto_refresh=False, transient=True) as live:

        def redraw(apps: Apps, shown: Apps) -> None:
            drawing = _Drawing(apps, shown, live.console.width)
            room = live.console.height - _LINES_BESIDE_APPS - len(live.console.render_lines(drawing.summary))
            live.update(drawing.first(max(1, room)), refresh=True)

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


class _Drawing:
    """The table of a fleet on a terminal that is so many characters wide; columns that have no room are left out."""

    def __init__(self, apps: Apps, shown: Apps, width: int) -> None:
        from rich.text import Text  # noqa: PLC0415 (a pipe does without)

        self._shown = shown
        self._rows = list(map(_cells(apps), shown))
        self._columns, self._folded = _fitting([_HEADINGS, *self._rows], width)
        left_out = ", ".join(name for column, name in enumerate(_HEADINGS) if column not in self._columns)
        note = f"\nNo room for {left_out}: --json has all, and so has a pipe." if left_out else ""
        self.summary = Text.assemble((_summary(apps), "bold"), note)

    def whole(self) -> RenderableType:
        """All of it; what is too long is folded."""
        return self._drawn(self._rows, is_folded=True)

    def first(self, count: int) -> RenderableType:
        """The first apps, each on one line, at the end of which its reason may be cut off."""
        return self._drawn(self._rows[:count], is_folded=False)

    def _drawn(self, rows: Sequence[Sequence[str]], *, is_folded: bool) -> RenderableType:
        from rich.console import Group  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        def text(cell: str) -> Text:
            return Text(cell, no_wrap=not is_folded, overflow="fold" if is_folded else "ellipsis")

        table = Table(box=None, pad_edge=False, header_style="bold")
        for column in self._columns:
            table.add_column(text(_HEADINGS[column]), no_wrap=column not in self._folded)
        for app, row in zip(self._shown, rows, strict=False):
            cells = list(map(text, row))
            cells[_STATE].stylize(_COLOURS[app.state])
            table.add_row(*(cells[column] for column in self._columns))
        return Group(table, self.summary) if rows else self.summary


def _fitting(rows: Sequence[Sequence[str]], width: int) -> tuple[list[int], set[int]]:
    """The columns that fit into a width, and those that may be folded: the reason and, only if need be, the owner."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths[_REASON] = min(widths[_REASON], _NARROWEST_REASON)
    kept = list(range(len(widths)))

    def fit() -> bool:
        return sum(widths[one] + _GAP for one in kept) - _GAP <= width

    for column in _LEFT_OUT_FIRST:
        if not fit():
            kept.remove(column)
    return kept, {_REASON} if fit() else {_OWNER, _REASON}


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
