"""How a running device is told to end, and that it does."""

import signal
import threading
from typing import Final

END_WITHIN_S: Final = 30
"""How long after SIGTERM the process is gone at the latest."""


def end_by_signals(stop: threading.Event, within_s: int = END_WITHIN_S) -> None:
    """SIGTERM and SIGINT set `stop`.

    What is recorded is durable: whatever still hangs then, in a driver or a network, is cut off by the system (SIGALRM)
    when the time is up.
    """

    def end(*_: object) -> None:
        stop.set()
        signal.alarm(within_s)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
