"""Pages of an API, the next one fetched while the one before is worked on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def read_ahead(pages: Iterable[T]) -> Iterator[T]:
    """Yield the same, in the same order; what fetching a page raises, asking for it raises."""
    iterator = iter(pages)
    with ThreadPoolExecutor(1) as pool:

        def fetch() -> Future[list[T]]:
            return pool.submit(lambda: list(islice(iterator, 1)))

        ahead = fetch()
        while page := ahead.result():
            ahead = fetch()
            yield from page
