"""The deadline and the stopwatch, on a clock of the test's own."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from studio_setup.model import deadline
from studio_setup.model.deadline import Deadline, Stopwatch, call_within
from tests.support.fakes import FakeTime

SRC = Path(__file__).parents[2] / "src"


def test_a_deadline_approaches_and_expires(fake_time: FakeTime) -> None:
    """The remaining time shrinks as the clock goes on, and is never negative."""
    deadline = fake_time.deadline(10)
    assert (deadline.remaining_seconds, deadline.expired) == (10, False)
    fake_time.now += 9.5
    assert (deadline.remaining_seconds, deadline.expired) == (0.5, False)
    fake_time.now += 0.5
    assert (deadline.remaining_seconds, deadline.expired) == (0, True)
    fake_time.now += 100
    assert (deadline.remaining_seconds, deadline.expired) == (0, True)


def test_a_deadline_without_time_has_expired(fake_time: FakeTime) -> None:
    """A function that is invoked with less time than it reserves has none left."""
    assert fake_time.deadline(0).expired
    assert fake_time.deadline(-5).expired


def test_a_deadline_within_another_is_never_later(fake_time: FakeTime) -> None:
    """A wait inside a wait has its own limit, or the outer one if that comes first."""
    deadline = fake_time.deadline(10)
    assert deadline.within(3).remaining_seconds == 3
    assert deadline.within(30).remaining_seconds == 10


def test_an_extended_deadline_may_be_later(fake_time: FakeTime) -> None:
    """Cleaning up gets that many seconds from now, even if the deadline has expired."""
    deadline = fake_time.deadline(1)
    fake_time.now += 5
    assert deadline.extended(10).remaining_seconds == 10
    assert deadline.expired


def test_a_pause_is_about_as_long_as_asked(fake_time: FakeTime) -> None:
    """Pauses differ by a tenth at most, so that many apps do not poll in step."""
    deadline = fake_time.deadline(10_000)
    for _ in range(200):
        deadline.pause(10)
    assert 9 <= min(fake_time.slept) < max(fake_time.slept) <= 11
    assert len(set(fake_time.slept)) > 100


def test_a_pause_between_two_times_is_random(fake_time: FakeTime) -> None:
    """Many pauses are spread evenly from one to the other."""
    deadline = fake_time.deadline(10_000)
    for _ in range(400):
        deadline.pause_between(5, 15)
    assert 5 <= min(fake_time.slept) < 6
    assert 14 < max(fake_time.slept) <= 15
    assert 9 < sum(fake_time.slept) / 400 < 11


def test_a_pause_ends_with_the_deadline(fake_time: FakeTime) -> None:
    """However long a pause is asked for, it does not go past the deadline."""
    deadline = fake_time.deadline(3)
    deadline.pause(60)
    deadline.pause(60)
    deadline.pause_between(50, 60)
    assert fake_time.slept == [3, 0, 0]


@pytest.mark.parametrize(
    ("remaining", "timeouts"), [(600, (5, 30)), (10, (5, 11)), (2, (3, 3)), (0, (1, 1)), (-9, (1, 1))]
)
def test_http_timeouts_fit_the_deadline(fake_time: FakeTime, remaining: float, timeouts: tuple[float, float]) -> None:
    """A call waits neither for ever nor long past the deadline, and always for some time."""
    assert fake_time.deadline(remaining).http_timeouts() == timeouts


def test_the_default_clock_is_the_machines() -> None:
    """Without a clock of its own, a deadline uses the monotonic clock."""
    deadline = Deadline.after(1000)
    assert 999 < deadline.remaining_seconds <= 1000


def test_a_stopwatch_counts_milliseconds(fake_time: FakeTime) -> None:
    """The seconds so far are rounded to the millisecond."""
    watch = Stopwatch(fake_time.clock)
    assert watch.seconds == 0
    fake_time.now += 1.23456
    assert watch.seconds == 1.235


# Work that may not end


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
    monkeypatch.setattr(deadline, "GRACE_SECONDS", 0.01)
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
        from studio_setup.model.deadline import call_within
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
