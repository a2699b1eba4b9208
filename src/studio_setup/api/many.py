"""One command in many apps at once."""

from __future__ import annotations

import html
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from studio_setup.api.connected_app import ConnectedApp
from studio_setup.api.results import Result
from studio_setup.model.app import App
from studio_setup.model.errors import SetupError

OnOutput = Callable[[App, str], object]


@dataclass(frozen=True, slots=True)
class AppResult:
    """What came of the command in one app: a result, or the error that kept it from having one."""

    app: App
    result: Result | None = None
    error: SetupError | None = None

    @property
    def succeeded(self) -> bool:
        """Did the command end with exit status 0?"""
        return self.result is not None and self.result.succeeded

    def _repr_html_(self) -> str:
        """How a notebook shows it."""
        shown = self.result._repr_html_() if self.result else html.escape(str(self.error))
        return f"<b>{html.escape(self.app.label)}</b> {shown}"


def run_many(
    apps: Iterable[ConnectedApp],
    command: str | Path,
    *,
    max_concurrency: int = 5,
    on_output: OnOutput | None = None,
    **options: Any,  # noqa: ANN401 (those of ConnectedApp.run)
) -> Generator[AppResult, None, None]:
    """Run a command in many apps, `max_concurrency` at a time, and yield each app's result as it comes.

    `options` are those of `ConnectedApp.run`, except `check`: a command that fails is a result here. `on_output` is
    called with the app and the text, from several threads. Whoever stops taking results (`break`, Ctrl-C) ends the
    commands that run: each has its process group ended and its terminal deleted.
    """
    stop = Event()

    def run_in(app: ConnectedApp) -> AppResult:
        def hear(text: str) -> None:
            if on_output:
                on_output(app.app, text)

        if stop.is_set():
            raise KeyboardInterrupt
        with app.access.interrupted_by(stop.is_set):
            try:
                return AppResult(app.app, app.run(command, check=False, on_output=hear, **options))
            except SetupError as error:
                return AppResult(app.app, error=error)

    with ThreadPoolExecutor(max_concurrency) as pool:
        futures: list[Future[AppResult]] = [pool.submit(run_in, app) for app in apps]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
