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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio_setup import App, BadInput, Command, Setup, read_script, run_many
from studio_setup.api.job import COMMAND_NAME
from studio_setup.fleet.apps import Selection, list_running_apps
from studio_setup.model.app import KNOWN_APP_TYPES
from studio_setup.model.outcomes import Outcome
from studio_setup_cli.aws import aws_session, call_errors, configuration_errors, fleet_config, sagemaker_client
from studio_setup_cli.exit_status import INTERRUPTED_STATUS, MAX_ERRORS_STATUS, worst_status
from studio_setup_cli.many_view import Begun, PrefixedOutput, grouped, short_names, summary
from studio_setup_cli.names_file import read_names
from studio_setup_cli.run_results import Ending, ending_of, read_done, results_file, write_ending

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

    from studio_setup.api.connected_app import ConnectedApp

_PATH = click.Path(path_type=Path)
_TIMEOUT_SECONDS = 900


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


@dataclass(frozen=True, slots=True)
class Targets:
    """Whose apps are named, as options."""

    domain_id: str
    app_type: str
    app_name: str
    users: tuple[str, ...]
    spaces: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The apps to run in, and who was named and has no running app."""

    apps: list[App]
    missing: list[str] = field(default_factory=list)


def many_options(command: Callable[..., int]) -> Callable[..., int]:
    """Let a command run in many apps; it gets `many`."""

    @functools.wraps(command)
    def with_many(**options: Any) -> int:  # noqa: ANN401 (click's)
        names = Many.__dataclass_fields__
        many = Many(**{name: options.pop(name) for name in names})
        return command(many=many, **options)

    at_least = click.IntRange
    options = (
        click.option("--all-running", is_flag=True, help="In every running app that the options above leave."),
        click.option("--from-file", type=_PATH, metavar="F", help="In the apps of the users and spaces in this file."),
        click.option("--max-concurrency", type=at_least(1), default=5, show_default=True, help="So many at a time."),
        click.option(
            "--max-errors", type=at_least(0), default=0, show_default=True, help="Begin no more after more errors."
        ),
        click.option("--dry-run", is_flag=True, help="Only say what would be run where."),
        click.option("--group", is_flag=True, help="Show each output once, with the apps that gave it."),
        click.option("--results", type=_PATH, metavar="F", help="Write a line of JSON per app to this new file."),
        click.option("--resume", type=_PATH, metavar="F", help="Skip where it succeeded before, and add to the file."),
    )
    return functools.reduce(lambda decorated, option: option(decorated), reversed(options), with_many)


def run_in_many(
    many: Many,
    targets: Targets,
    commands: tuple[str, ...],
    scripts: tuple[Path, ...],
    timeout_seconds: int | None,
    *,
    as_json: bool,
) -> int:
    """Run one command or script in many apps; the exit status.

    Raises:
        BadInput: before anything is run.
    """
    Selection(targets.domain_id, targets.app_type, targets.users, targets.spaces)  # checks the names first
    if len(commands) + len(scripts) != 1:
        raise BadInput("In many apps one command runs: give one --command or one --script.")
    script = commands[0] if commands else read_script(scripts[0])
    seconds = _TIMEOUT_SECONDS if timeout_seconds is None else timeout_seconds
    version = Setup((Command(COMMAND_NAME, script, seconds),)).version
    done = read_done(many.resume, version) if many.resume else set()
    chosen = _choose(many, targets)
    left = [app for app in chosen.apps if (app.label, app.space_name) not in done]
    for name in chosen.missing:
        _say(f"{name} has no running app.")
    if len(left) < len(chosen.apps):
        _say(f"Skipped, done before: {len(chosen.apps) - len(left)} of {len(chosen.apps)} apps.")
    if many.dry_run:
        return _show_plan(left, script, many, as_json=as_json)
    if not left:
        _say("Nothing is left to do.")
    known = [Outcome.APP_GONE for _ in chosen.missing]
    return _ManyRun(many, left, known, version, as_json=as_json).run(script, seconds)


def _choose(many: Many, targets: Targets) -> Chosen:
    if targets.app_type not in {"", *KNOWN_APP_TYPES}:
        raise BadInput(f"Apps of type {targets.app_type!r} have no Jupyter terminals: {', '.join(KNOWN_APP_TYPES)} do.")
    if many.all_running and many.from_file:
        raise BadInput("Give --all-running or --from-file, not both.")
    users, spaces = targets.users, targets.spaces
    if not many.all_running and not many.from_file:
        return Chosen(_named(targets))
    if many.from_file:
        names = read_names(many.from_file)
        users, spaces = tuple(dict.fromkeys(users + names.users)), tuple(dict.fromkeys(spaces + names.spaces))
    selection = Selection(targets.domain_id, targets.app_type, users, spaces)
    config = fleet_config()
    session = aws_session()
    with configuration_errors():
        client = session.client("sagemaker", config=config)
    with call_errors():
        running = [one.app for one in list_running_apps(client, selection)]
    apps = [app for app in running if app.app_type in KNOWN_APP_TYPES]
    if not apps:
        raise BadInput("No running app with Jupyter terminals is selected; see `studio-setup status`.")
    found_users = {app.user_profile_name for app in apps}
    found_spaces = {app.space_name for app in apps}
    missing = [user for user in users if user not in found_users]
    return Chosen(apps, missing + [f"space:{space}" for space in spaces if space not in found_spaces])


def _named(targets: Targets) -> list[App]:
    """The apps of the users and the spaces that are named, whether they run or not."""
    domain_id, app_name = targets.domain_id, targets.app_name
    if not domain_id:
        raise BadInput("Give --domain-id; or --all-running or --from-file, which look for the apps in every domain.")
    if not targets.users and not targets.spaces:
        raise BadInput("Whose apps are they? Give --all-running, --from-file, --user-profile-name or --space-name.")
    if len(targets.users) == len(targets.spaces) == 1:  # as for one: the user to log in as
        return [App(domain_id, targets.users[0], targets.app_type or "JupyterLab", app_name, targets.spaces[0])]
    apps = [App(domain_id, name, targets.app_type or "JupyterServer", app_name) for name in targets.users]
    apps += [App(domain_id, "", targets.app_type or "JupyterLab", app_name, name) for name in targets.spaces]
    return list(dict.fromkeys(apps))


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

    def run(self, script: str, timeout_seconds: int) -> int:
        """Run the script in the apps, and say how it ended; the exit status."""
        client = sagemaker_client()
        stream = sys.stderr if self._as_json else sys.stdout
        show = None if self._many.group else PrefixedOutput(stream, self._names).show
        with results_file(self._many.results, self._many.resume) as file, Begun() as begun:
            results = run_many(
                self._connected(client),
                script,
                max_concurrency=self._many.max_concurrency,
                on_output=show,
                timeout_seconds=timeout_seconds,
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

    def _connected(self, client: SageMakerClient) -> Iterator[ConnectedApp]:
        """The apps one by one, until there are too many errors."""
        from studio_setup.api.app_access import AppAccess  # noqa: PLC0415 (takes long to import)
        from studio_setup.api.connected_app import ConnectedApp  # noqa: PLC0415

        for app in self._apps:
            if self._too_many_errors:
                return
            self._begun.append(app)
            self._open[app] = ConnectedApp(AppAccess(app, client))
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
