"""Word to the supervisor that started us (systemd's sd_notify): ready, still turning, stopping.

The protocol is datagrams of `NAME=value` lines to the socket that NOTIFY_SOCKET names (sd_notify(3)). Rules:
- READY comes with the first turn of the loop of a tap: by then the journal is read and the reader is open.
- The watchdog is fed by turns of that very loop, and by nothing else: a loop that stands is a device that stands, and
  the supervisor begins it anew. It is fed four times in the time that WATCHDOG_USEC allows.
- Nobody listening is no trouble, and nothing here waits.
"""

import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from yima.validator.guarding.guards import Upkeep
from yima.validator.judging import Moment
from yima.validator.parameters import Parameters


class Supervisor:
    """Whoever started us, by the environment; without one nothing is said."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{name[1:]}" if name.startswith("@") else name  # a socket without a file, as Linux has it
        allowed = environment.get("WATCHDOG_USEC", "")
        ours = environment.get("WATCHDOG_PID", "") in {"", str(os.getpid())}
        usable = ours and allowed.isascii() and allowed.isdecimal() and len(allowed) < 16
        self.feed_every_s = int(allowed) / 4e6 if usable else None
        self._fed_at = 0.0
        self._ready = False

    def turned(self) -> None:
        """The loop of a tap has turned."""
        if not self._ready:
            self._ready = True
            self._tell("READY=1")
        now = time.monotonic()
        if self.feed_every_s is not None and now - self._fed_at >= self.feed_every_s:
            self._fed_at = now
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._tell("STOPPING=1")

    def _tell(self, word: str) -> None:
        if self._address:
            with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
                line.setblocking(False)
                line.sendto(word.encode(), self._address)


class Turning:
    """An upkeep that notices each turn of the loop, since the loop asks it between any two taps.

    at: when it turned last, by the monotonic clock.
    """

    def __init__(self, upkeep: Upkeep, *each: Callable[[], None]) -> None:
        self._upkeep = upkeep
        self._each = each
        self.at = time.monotonic()

    def look(self, now: Moment) -> Parameters | None:
        """See Upkeep."""
        self.at = time.monotonic()
        for notice in self._each:
            notice()
        return self._upkeep.look(now)

    def until(self) -> int:
        """See Upkeep."""
        return self._upkeep.until()
