"""What a journal of the older form still holds goes to the collector, under its own epoch, beside the device's own.

It is begun before anything else is sent, and holds nothing up: a collector keeps each epoch by itself.
"""

from collections.abc import Callable

from yima.validator.errors import YimaError
from yima.validator.journal.older import OlderJournal
from yima.validator.ports import Uplink
from yima.validator.uplink.sender import BatchPolicy, Sender


class OlderUpload:
    """Sends `journal` between `start` and `stop`, and closes it. uplink: of that journal's epoch; None: it waits.

    now gives unix seconds. on_trouble is told an error once until it changes, on_sent that nothing waits any more and
    what was rejected on the way, {sequence: why}; both on another thread.
    """

    def __init__(
        self,
        journal: OlderJournal,
        uplink: Uplink | None,
        *,
        policy: BatchPolicy,
        now: Callable[[], int],
        on_trouble: Callable[[YimaError], None],
        on_sent: Callable[[int, dict[int, str]], None],
    ) -> None:
        self._journal = journal
        self._now = now
        self._on_sent = on_sent
        self._rejected: dict[int, str] = {}
        self._last = journal.last_sequence()
        self._sender = uplink and Sender(
            journal=journal,
            uplink=uplink,
            policy=policy,
            now=now,
            on_trouble=on_trouble,
            on_recovered=lambda: None,
            on_answer=self._answered,
        )

    def start(self) -> None:
        """Begins."""
        if self._sender:
            self._sender.start()

    def stop(self, within_s: float) -> None:
        """Ends, and closes the journal; what waits goes at the next start."""
        if self._sender:
            self._sender.stop(within_s)
        self._journal.close(self._now())

    def _answered(self, through: int, rejected: dict[int, str]) -> None:
        self._rejected |= rejected
        if through >= self._last:
            self._on_sent(through, self._rejected)
