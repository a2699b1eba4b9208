"""`studio-setup setup`: set running apps up through the deployed function."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from studio_setup.fleet.apps import Selection
from studio_setup.fleet.status import State
from studio_setup.model.errors import BadInput
from studio_setup_cli.aws import MAX_CONCURRENCY
from studio_setup_cli.exit_status import MAX_ERRORS_STATUS
from studio_setup_cli.options import StateList, selection_options, stack_options
from studio_setup_cli.redrive import settle_failures
from studio_setup_cli.setup_plan import Plan, confirmed, make_plan, print_plan
from studio_setup_cli.stack import Fleet, Place, find_fleet

if TYPE_CHECKING:
    from studio_setup.fleet.set_up import SetUpResult
    from studio_setup.model.app import App

_ERRORS_STATUS = 1
Record = Callable[["SetUpResult"], object]


@dataclass(frozen=True, slots=True)
class How:
    """How the apps are to be set up."""

    force: bool
    max_concurrency: int
    max_errors: int


@click.command(
    epilog="An app that is gone, or is not to be set up (`skipped`), is no error. Exit status: 0 every app succeeded or"
    " is no error; 1 an app failed, or you said no; 2 bad input; 6 stopped because of --max-errors; 130 interrupted"
    " (what the function has begun goes on; call again for the rest). Permissions: those of `status`,"
    " lambda:InvokeFunction and, with --only failed --force, sqs:ReceiveMessage and sqs:DeleteMessage."
)
@selection_options
@click.option(
    "--only",
    type=StateList(),
    default=(State.NOT_SET_UP,),
    help="Set up only apps in these states of `studio-setup status` (not-set-up unless given).",
)
@click.option("--force", is_flag=True, help="Also run the setup again in app starts that have had one.")
@click.option(
    "--max-concurrency",
    type=click.IntRange(1, MAX_CONCURRENCY),
    default=5,
    show_default=True,
    metavar="N",
    help="Set up at most N apps at a time.",
)
@click.option(
    "--max-errors",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Begin no other app after more than N errors.",
)
@click.option("--dry-run", is_flag=True, help="Print which apps would be set up with which commands; do nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    metavar="F.jsonl",
    help="Append the report of each app to this file, one JSON object a line.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@stack_options
def setup(
    *,
    place: Place,
    selection: Selection,
    only: tuple[State, ...],
    force: bool,
    max_concurrency: int,
    max_errors: int,
    dry_run: bool,
    yes: bool,
    results: Path | None,
    as_json: bool,
) -> int:
    """Set up running apps through the deployed function.

    Its commands, role, network and log are used, never a copy on this machine. What has been done is seen from the
    apps: if this is interrupted, call it again.
    """
    if not only:
        raise BadInput("--only names no state.")
    fleet = find_fleet(place)
    plan = make_plan(fleet.sources, selection, only)
    if dry_run:
        print_plan(plan, as_json=as_json)
        return 0
    with _recording(results) as record:
        if not confirmed(plan, yes=yes):
            click.echo("Nothing was set up.", err=True)
            return _ERRORS_STATUS
        done = _set_up(fleet, plan, How(force, max_concurrency, max_errors), record)
    status = _conclude(plan, done, as_json=as_json)
    if not force:
        _hint_at_force(done)
    elif State.FAILED in only:
        _settle(fleet, done, status, yes=yes)
    return status


def _settle(fleet: Fleet, done: Sequence[SetUpResult], status: int, *, yes: bool) -> None:
    """Settle the messages about failures; an app that failed now is worse than a queue that cannot be read."""
    try:
        settle_failures(fleet.failure_queue, done, yes=yes)
    except BadInput as error:
        if not status:
            raise
        click.echo(f"studio-setup: {error}", err=True)


@contextmanager
def _recording(path: Path | None) -> Iterator[Record]:
    """Yield what appends a result to the file, if there is one, so that it is there whatever happens next."""
    if path is None:
        yield lambda _result: None
        return
    try:
        file = path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise BadInput(f"The results cannot be written to {str(path)!r}: {error.strerror}.") from None
    with file:
        yield lambda result: file.write(json.dumps(result.as_dict()) + "\n")


def _set_up(fleet: Fleet, plan: Plan, how: How, record: Record) -> list[SetUpResult]:
    # Imported here because `--help` does without threads.
    from studio_setup.fleet.set_up import Limits, Waits, set_up_all, set_up_app  # noqa: PLC0415

    def set_up(app: App) -> SetUpResult:
        click.echo(f"{app.label}: begun", err=True)
        waits = Waits(say=lambda text: click.echo(f"{app.label}: {text}", err=True))
        return set_up_app(fleet.function, app, force=how.force, waits=waits)

    done: list[SetUpResult] = []
    for result in set_up_all(set_up, plan.targets, Limits(how.max_concurrency, how.max_errors)):
        record(result)
        done.append(result)
        click.echo(f"[{len(done)}/{len(plan.apps)}] {_ending(result)}", err=True)
    return done


def _ending(result: SetUpResult) -> str:
    verdict = ", ".join(dict.fromkeys((_outcome(result), result.code or _outcome(result))))
    reason = f": {result.reason}" if result.reason else ""
    return f"{result.app.label}: {verdict}, {result.seconds:.0f} s{reason}"


def _outcome(result: SetUpResult) -> str:
    return result.outcome or "no report"


def _conclude(plan: Plan, done: Sequence[SetUpResult], *, as_json: bool) -> int:
    """Print the summary; the exit status."""
    counts = Counter(map(_outcome, done))
    finished = {result.app for result in done}
    not_begun = [app.label for app in plan.targets if app not in finished]
    if as_json:
        answer: dict[str, Any] = {
            "results": [result.as_dict() for result in done],
            "outcomes": dict(counts),
            "not_begun": not_begun,
        }
        click.echo(json.dumps(answer))
    else:
        click.echo(_summary(plan, counts, len(not_begun)))
    if not_begun:
        return MAX_ERRORS_STATUS
    return _ERRORS_STATUS if any(result.is_error for result in done) else 0


def _hint_at_force(done: Sequence[SetUpResult]) -> None:
    had_one = sum(result.had_a_setup for result in done)
    if had_one:
        click.echo(f"App starts that have had a setup, which only --force runs again: {had_one}.", err=True)


def _summary(plan: Plan, counts: Counter[str], not_begun: int) -> str:
    if not plan.apps:
        return f"Nothing to do: no app is {' or '.join(plan.only)}."
    parts = [f"{count} {outcome}" for outcome, count in counts.most_common()]
    if not_begun:
        parts.append(f"{not_begun} not begun because of --max-errors")
    return f"{len(plan.apps)} app{'' if len(plan.apps) == 1 else 's'}: {', '.join(parts)}."
