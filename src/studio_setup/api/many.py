"""One command in many apps at once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

from studio_setup.api.connected_app import ConnectedApp
from studio_setup.api.results import Result
from studio_setup.model import log
from studio_setup.model.app import App
from studio_setup.model.errors import BadInput, SetupError
from studio_setup.model.notebook_html import line


@dataclass(frozen=True, slots=True)
class AppResult:
    """How the command ended in one app: with a result, or with the error that kept it from having one."""

    app: App
    result: Result | None = None
    error: SetupError | None = None

    @property
    def succeeded(self) -> bool:
        """Did the command end with exit status 0?"""
        return self.result is not None and self.result.succeeded

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        shown = self.result._repr_html_() if self.result else line(str(self.error))
        return f"<b>{line(self.app.label)}</b> {shown}"


def run_many(
    apps: Iterable[ConnectedApp],
    command: str | Path,
    *,
    max_concurrency: int = 5,
    on_output: Callable[[App, str], object] | None = None,
    **options: Any,  # noqa: ANN401 (those of ConnectedApp.run)
) -> Generator[AppResult, None, None]:
    """Run a command in many apps, `max_concurrency` at a time, and yield each app's result as it comes.

    `options` are those of `ConnectedApp.run`, except `check`: a command that fails is a result here, and so is an app
    that cannot be reached. `on_output` is called with the app and the text, from several threads.

    The next app is taken from `apps` when there is room for it and the results so far are taken: `apps` may be a
    generator, which connects as late as possible or ends early. Whoever stops taking results (`break`, Ctrl-C) ends the
    commands that run: each has its process group ended and its terminal deleted. The apps are not closed.

    Raises:
        BadInput: `max_concurrency` is less than 1.
    """
    if max_concurrency < 1:
        raise BadInput(f"max_concurrency is {max_concurrency}; it must be at least 1.")
    stop = Event()

    def run_in(app: ConnectedApp) -> AppResult:
        if stop.is_set():
            raise KeyboardInterrupt
        hear = on_output and functools.partial(on_output, app.app)
        with app.access.interrupted_by(stop.is_set), log.log_context(app.app.as_dict()):
            try:
                return AppResult(app.app, app.run(command, check=False, on_output=hear, **options))
            except SetupError as error:
                return AppResult(app.app, error=error)

    with ThreadPoolExecutor(max_concurrency) as pool:
        try:
            yield from _as_they_end(pool, run_in, apps, max_concurrency)
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _as_they_end(
    pool: ThreadPoolExecutor, run_in: Callable[[ConnectedApp], AppResult], apps: Iterable[ConnectedApp], at_once: int
) -> Generator[AppResult, None, None]:
    left = iter(apps)
    running: set[Future[AppResult]] = set()
    while True:
        running |= {pool.submit(run_in, app) for app in islice(left, at_once - len(running))}
        if not running:
            return
        done, running = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()
