"""What ends the demo early: Ctrl-C, SIGTERM, and a terminal that is closed. Each stops everything that was started."""

from __future__ import annotations

import signal
from types import FrameType


def end_as_by_ctrl_c() -> None:
    """Let SIGTERM and SIGHUP end this process as Ctrl-C does, by `KeyboardInterrupt`; under nohup, SIGTERM alone."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _hang_up)


def _hang_up(_signal: int, _frame: FrameType | None) -> None:
    # The terminal and its shell may both send it; the second must not disturb the end.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    raise KeyboardInterrupt
