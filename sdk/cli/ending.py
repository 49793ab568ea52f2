"""What a running device does at a signal: it ends, whatever hangs, or looks again at its files."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Final

END_WITHIN_S: Final = 30
"""How long after SIGTERM the process is gone at the latest."""


def follow_signals(
    stop: threading.Event, *, stopping: Callable[[], None], again: Callable[[], None], within_s: int = END_WITHIN_S
) -> None:
    """SIGTERM and SIGINT set `stop` and call `stopping`; SIGHUP, which Windows lacks, calls `again`.

    What is recorded is durable: whatever still hangs then, in a driver or a network, is cut off by the system
    (SIGALRM), or where it cannot by a timer, when the time is up.
    """

    def end(*_: object) -> None:
        stop.set()
        _cut_off(within_s)
        stopping()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: again())


def _cut_off(within_s: int) -> None:
    if hasattr(signal, "alarm"):
        signal.alarm(within_s)
        return
    last = threading.Timer(within_s, os._exit, [1])
    last.daemon = True
    last.start()
