"""Pages that are fetched ahead."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from studio_setup.fleet.read_ahead import read_ahead


@pytest.mark.parametrize("pages", [[], [1], [1, 2, 3], [None, 0, []]], ids=repr)
def test_the_pages_are_the_same(pages: list[object]) -> None:
    """All of them, in their order, empty ones included."""
    assert list(read_ahead(pages)) == pages


def test_the_next_page_is_fetched_while_one_is_worked_on() -> None:
    """Whoever works on the first page finds the second one on its way, and the third one not."""
    asked = [threading.Event() for _ in range(3)]

    def pages() -> Iterator[int]:
        for number, event in enumerate(asked):
            event.set()
            yield number

    reading = read_ahead(pages())
    assert next(reading) == 0
    assert asked[1].wait(10)
    assert not asked[2].is_set()


def test_an_error_comes_where_its_page_would_have_come() -> None:
    """The page before it is not lost."""

    def pages() -> Iterator[int]:
        yield 1
        raise TimeoutError

    reading = read_ahead(pages())
    assert next(reading) == 1
    with pytest.raises(TimeoutError):
        next(reading)
