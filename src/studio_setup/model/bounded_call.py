"""Calls of libraries that bound each read, but not all of them together."""

from __future__ import annotations

import contextlib
import functools
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, NoReturn, TypeVar

T = TypeVar("T")

GRACE_SECONDS = 5.0


def call_within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` returns or raises, if it does so in time.

    Work that takes longer is left alone in a thread of its own, which is ended some seconds later: a process that lives
    for long does not fill with such threads. A few threads whose work has ended wait for the next.

    Raises:
        TimeoutError: it did not end in time.
    """
    call = _Call(work)
    worker = _free_worker()
    worker.calls.put(call)
    try:
        result = call.results.get(timeout=seconds)
    except queue.Empty:
        worker.abandon(call)
        raise TimeoutError(f"no end after {seconds:.0f} seconds") from None
    return result()


class _Call(Generic[T]):
    """Work that somebody waits for."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self.results: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()
        self.is_over = False

    def result(self) -> Callable[[], T]:
        """Do the work; what gives its value, or raises its error, where it is waited for."""
        try:
            value = self._work()
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            return functools.partial(_raise, error)
        return lambda: value


class _Abandoned(BaseException):
    """Nobody waits for this work any more. Not an `Exception`, so that no library takes it for one of its own."""


class _Worker(threading.Thread):
    """A thread that does one piece of work after another, until one of them is abandoned.

    Starting a thread can take longer than a request to a server nearby.
    """

    def __init__(self) -> None:
        super().__init__(name="call_within", daemon=True)
        self.calls: queue.SimpleQueue[_Call[Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_abandoned = False

    def run(self) -> None:
        """Do the work."""
        with contextlib.suppress(_Abandoned):
            while self._carry_out(self.calls.get()):
                pass

    def _carry_out(self, call: _Call[Any]) -> bool:
        """Do one piece of work; is this thread free for another?"""
        result = call.result()
        with self._lock:
            call.is_over = True
            is_free = not self._is_abandoned and len(_FREE) < _MAX_FREE
        if is_free:
            _FREE.append(self)  # before its result is known: whoever waits for it may have more work
        call.results.put(result)
        return is_free

    def abandon(self, call: _Call[Any]) -> None:
        """End it soon. Most work ends by itself at the same moment as our patience, and is to clean up undisturbed."""
        with self._lock:
            if call.is_over:
                return
            self._is_abandoned = True
        timer = threading.Timer(GRACE_SECONDS, self._interrupt)
        timer.daemon = True
        timer.start()

    def _interrupt(self) -> None:
        """Raise an error in it as soon as it is back from what it waits for (Python/C API, PyThreadState_SetAsyncExc).

        Closing a connection under it would take the insides of three libraries.
        """
        import ctypes  # noqa: PLC0415 (hardly ever needed, and not at a cold start)

        if self.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident or 0), ctypes.py_object(_Abandoned))


_MAX_FREE = 8
_FREE: deque[_Worker] = deque()


def _free_worker() -> _Worker:
    with contextlib.suppress(IndexError):
        while not (free := _FREE.pop()).is_alive():
            pass  # it was left behind by a fork
        return free
    worker = _Worker()
    worker.start()
    return worker


def _raise(error: BaseException) -> NoReturn:
    raise error
