"""Work that may not end, and the threads it is done in."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from studio_setup.model import bounded_call
from studio_setup.model.bounded_call import call_within

SRC = Path(__file__).parents[2] / "src"


def test_work_that_ends_in_time_gives_its_value() -> None:
    """None is a value too."""
    assert call_within(20, lambda: 7) == 7
    assert call_within(20, lambda: None) is None


@pytest.mark.parametrize("error", [ValueError("spam"), TimeoutError("of its own"), KeyboardInterrupt()], ids=repr)
def test_work_that_fails_raises_its_own_error(error: BaseException) -> None:
    """The very error that was raised, whatever its class."""

    def fail() -> NoReturn:
        raise error

    with pytest.raises(type(error)) as caught:
        call_within(20, fail)
    assert caught.value is error


@pytest.mark.timeout(20)
def test_work_that_does_not_end_is_not_waited_for() -> None:
    """Whoever waits goes on when the time is up; what comes of the work soon after is nobody's."""
    may_end, ended = threading.Event(), threading.Event()

    def work() -> NoReturn:
        may_end.wait()
        ended.set()
        raise ValueError

    with pytest.raises(TimeoutError, match="no end after 0 seconds"):
        call_within(0.01, work)
    assert not ended.is_set()
    may_end.set()
    assert ended.wait(20)


@pytest.mark.timeout(20)
def test_work_that_would_go_on_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is interrupted in whatever it does, and cleans up."""
    monkeypatch.setattr(bounded_call, "GRACE_SECONDS", 0.01)
    ended = threading.Event()

    def work() -> NoReturn:
        try:
            while True:
                threading.Event().wait(0.01)
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        call_within(0.01, work)
    assert ended.wait(15)


def test_one_thread_does_one_piece_of_work_after_another() -> None:
    """Starting a thread for each would take longer than many a request."""
    assert len({call_within(20, threading.current_thread) for _ in range(5)}) == 1


def test_a_process_that_was_forked_has_threads_of_its_own() -> None:
    """Those of the process before are not there any more, and nobody would do the work."""
    script = """if True:
        import os
        from studio_setup.model.bounded_call import call_within
        call_within(5, int)
        pid = os.fork()
        value = call_within(5, int)
        os._exit(value if pid == 0 else os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], env={"PYTHONPATH": str(SRC)}, check=True)


@pytest.mark.timeout(20)
def test_a_thread_whose_work_was_given_up_does_no_other() -> None:
    """It is going to be interrupted, and may be so at any time."""
    may_end = threading.Event()
    threads: list[threading.Thread] = []

    def work() -> None:
        threads.append(threading.current_thread())
        may_end.wait()

    with pytest.raises(TimeoutError):
        call_within(0.1, work)
    others = {call_within(20, threading.current_thread)}
    may_end.set()
    threads[0].join()
    others |= {call_within(20, threading.current_thread) for _ in range(5)}
    assert threads[0] not in others


def test_work_that_is_left_alone_does_not_keep_the_process() -> None:
    """Its thread is a daemon: the process ends without it."""
    daemons: list[bool] = []
    call_within(20, lambda: daemons.append(threading.current_thread().daemon))
    assert daemons == [True]
