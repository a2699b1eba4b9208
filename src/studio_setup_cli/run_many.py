"""`studio-setup run` in many apps: which apps, one command in all of them, and what is said of it.

What the commands print goes to standard output, prefixed by app or grouped (with --json to standard error); progress
and the summary go to standard error.
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio_setup import App, BadInput, Command, ConnectedApp, Setup, run_many
from studio_setup.fleet.apps import Selection
from studio_setup.model.outcomes import Outcome
from studio_setup_cli.exit_status import INTERRUPTED_STATUS, MAX_ERRORS_STATUS, worst_status
from studio_setup_cli.many_view import Begun, PrefixedOutput, grouped, short_names, summary
from studio_setup_cli.options import with_options
from studio_setup_cli.run_apps import Chosen, OpenSession, connect_by_name, named_apps, running_apps
from studio_setup_cli.run_results import Ending, ending_of, read_done, results_file, write_ending

if TYPE_CHECKING:
    import boto3

_PATH = click.Path(path_type=Path)
_FROM_FILE = "Run in the running apps of the users and spaces in FILE: lines NAME or space:NAME, or CSV."


@dataclass(frozen=True, slots=True)
class Many:
    """The options that only a run in many apps has."""

    all_running: bool
    from_file: Path | None
    max_concurrency: int
    max_errors: int
    dry_run: bool
    group: bool
    results: Path | None
    resume: Path | None

    @property
    def is_asked_for(self) -> bool:
        """Does one of them say that many apps are meant?"""
        marks = (self.all_running, self.from_file, self.dry_run, self.group, self.results, self.resume)
        return any(marks)


def many_options(command: Callable[..., int]) -> Callable[..., int]:
    """Let a command run in many apps; it gets `many`."""

    @functools.wraps(command)
    def with_many(**options: Any) -> int:  # noqa: ANN401 (click's)
        names = Many.__dataclass_fields__
        many = Many(**{name: options.pop(name) for name in names})
        return command(many=many, **options)

    return with_options(
        with_many,
        click.option("--all-running", is_flag=True, help="Run in every running app that the options above leave."),
        click.option("--from-file", type=_PATH, metavar="FILE", help=_FROM_FILE),
        click.option(
            "--max-concurrency",
            type=click.IntRange(1),
            default=5,
            show_default=True,
            metavar="N",
            help="Run in at most N apps at a time.",
        ),
        click.option(
            "--max-errors",
            type=click.IntRange(0),
            default=0,
            show_default=True,
            metavar="N",
            help="Begin in no other app after more than N errors.",
        ),
        click.option("--dry-run", is_flag=True, help="Only say what would be run where."),
        click.option("--group", is_flag=True, help="Show each output once, with the apps that gave it."),
        click.option(
            "--results", type=_PATH, metavar="FILE", help="Write a line of JSON for each app to the new FILE."
        ),
        click.option(
            "--resume", type=_PATH, metavar="FILE", help="Skip the apps that succeeded in FILE, and add to it."
        ),
    )


def run_in_many(
    many: Many,
    setup: Setup,
    selection: Selection,
    app_name: str | None,
    open_session: OpenSession,
    *,
    as_json: bool,
) -> int:
    """Run one command or script in many apps; the exit status.

    Raises:
        BadInput: before anything is run.
    """
    if len(setup.commands) != 1:
        raise BadInput("In many apps one command runs: give one --command or one --script.")
    (command,) = setup.commands
    done = read_done(many.resume, setup.version) if many.resume else set()
    chosen = _choose(many, selection, app_name, open_session)
    left = [app for app in chosen.apps if (app.label, app.space_name) not in done]
    for name in chosen.missing:
        _say(f"{name} has no running app.")
    if len(left) < len(chosen.apps):
        _say(f"Skipped, done before: {len(chosen.apps) - len(left)} of {len(chosen.apps)} apps.")
    if many.dry_run:
        return _show_plan(left, command.script, many, as_json=as_json)
    if not left:
        _say("Nothing is left to do.")
    known = [Outcome.APP_GONE for _ in chosen.missing]
    return _ManyRun(many, left, known, setup.version, as_json=as_json).run(command, open_session())


def _choose(many: Many, selection: Selection, app_name: str | None, open_session: OpenSession) -> Chosen:
    if many.all_running and many.from_file:
        raise BadInput("Give --all-running or --from-file, not both.")
    if many.all_running or many.from_file:
        return running_apps(selection, app_name, many.from_file, open_session)
    return Chosen(named_apps(selection, app_name))


def _show_plan(apps: Sequence[App], script: str, many: Many, *, as_json: bool) -> int:
    if as_json:
        click.echo(json.dumps({"command": script, "apps": [app.as_dict() for app in apps]}))
        return 0
    _say(f"Would run in {len(apps)} apps, {many.max_concurrency} at a time: {script.strip()}")
    for app in apps:
        click.echo(app.label)
    return 0


class _ManyRun:
    """One run in many apps: what has begun, what has ended, and what is shown of it."""

    def __init__(self, many: Many, apps: Sequence[App], known: list[Outcome], version: str, *, as_json: bool) -> None:
        """`known`: outcomes that count for the exit status, although no app is there to run in."""
        self._many = many
        self._known = known
        self._apps = apps
        self._names = short_names(apps)
        self._version = version
        self._as_json = as_json
        self._open: dict[App, ConnectedApp] = {}
        self._begun: list[App] = []
        self._endings: list[Ending] = []

    def run(self, command: Command, session: boto3.Session) -> int:
        """Run the command in the apps, and say how it ended; the exit status."""
        stream = sys.stderr if self._as_json else sys.stdout
        show = None if self._many.group else PrefixedOutput(stream, self._names).show
        with results_file(self._many.results, self._many.resume) as file, Begun() as begun:
            results = run_many(
                self._connected(session),
                command.script,
                max_concurrency=self._many.max_concurrency,
                on_output=show,
                timeout_seconds=command.timeout_seconds,
            )
            try:
                with closing(results):
                    for one in results:
                        self._open.pop(one.app).close()
                        self._endings.append(ending_of(one))
                        write_ending(file, self._endings[-1], self._version)
                        self._report(self._endings[-1])
            except KeyboardInterrupt:
                self._show_interrupted(begun)
                return INTERRUPTED_STATUS
        return self._finish(stream)

    def _connected(self, session: boto3.Session) -> Iterator[ConnectedApp]:
        """The apps one by one, until there are too many errors."""
        for app in self._apps:
            if self._too_many_errors:
                return
            self._begun.append(app)
            self._open[app] = connect_by_name(app, session)
            yield self._open[app]

    @property
    def _too_many_errors(self) -> bool:
        return sum(ending.outcome.is_error for ending in self._endings) > self._many.max_errors

    def _report(self, ending: Ending) -> None:
        if ending.outcome is not Outcome.SUCCEEDED and not self._many.group:
            _say(f"{self._names[ending.app]}: {ending.outcome}: {ending.said}")

    def _finish(self, stream: Any) -> int:  # noqa: ANN401 (a text stream)
        not_begun = self._apps[len(self._begun) :]
        if self._many.group:
            stream.write(grouped(self._endings, self._names))
            stream.flush()
        if self._as_json:
            ended = [ending.as_dict(self._version) for ending in self._endings]
            click.echo(json.dumps({"apps": ended, "not_begun": [app.as_dict() for app in not_begun]}))
        summary(self._endings, len(not_begun), _say)
        if not_begun:
            _say(f"Stopped at --max-errors {self._many.max_errors}. Not begun: {self._listed(not_begun)}")
            return MAX_ERRORS_STATUS
        return worst_status([*self._known, *(ending.outcome for ending in self._endings)])

    def _show_interrupted(self, begun: Begun) -> None:
        """Say what was done where."""
        if self._many.group:
            _say(grouped(self._endings, self._names).rstrip("\n"))
        _say("Interrupted. What was done where:")
        ended = {ending.app: ending for ending in self._endings}
        for app in self._begun:
            said = f"{ended[app].outcome}: {ended[app].said}" if app in ended else begun.said_of(app)
            _say(f"{self._names[app]}: {said}")
        not_begun = self._apps[len(self._begun) :]
        if not_begun:
            _say(f"Not begun: {self._listed(not_begun)}")

    def _listed(self, apps: Sequence[App]) -> str:
        return ", ".join(self._names[app] for app in apps)


def _say(text: str) -> None:
    click.echo(text, err=True)
