"""What is seen of a running device from outside: a frozen look at it, taken now and then, never on the way of a tap."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from yima.validator.device import Device
from yima.validator.errors import YimaError
from yima.validator.guarding.watched import ThreadState
from yima.validator.journal import SegmentJournal
from yima.validator.journal.glance import summary_of
from yima.validator.judging.judge import Memory
from yima.validator.parameters import Parameters
from yima.validator.upkeep.deny_list import DenyUpkeep
from yima.validator.upkeep.parameters import Packages, Source

UNKNOWN: Final = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One look. Times are unix seconds, 0: there is none; sizes bytes; UNKNOWN (-1): it could not be found out."""

    pending: int
    oldest_pending_at: int
    journal_bytes: int
    journal_limit_bytes: int
    memory: Memory
    clock_trusted: bool
    parameters_version: int
    parameters_not_before: int
    parameters_expiry: int
    parameters_waiting: int
    parameters_waiting_from: int
    deny_list_version: int
    deny_list_issued_at: int
    threads: tuple[ThreadState, ...]
    lines_dropped: int


class Looking:
    """Takes looks at a device. Everything it asks is asked from another thread than the tap's, and may be.

    lines_dropped: how many lines of output have been lost. limit_bytes: of the journal, 0 for none.
    """

    def __init__(
        self,
        *,
        device: Device,
        journal: SegmentJournal,
        source: Source,
        deny: DenyUpkeep | None,
        parameters: Parameters,
        limit_bytes: int,
        lines_dropped: Callable[[], int],
    ) -> None:
        self._device, self._journal = device, journal
        self._source, self._deny = source, deny
        self._limit_bytes = limit_bytes
        self._lines_dropped = lines_dropped
        self.parameters_version = parameters.version  # told anew when others come into force

    def look(self) -> Seen:
        """How it stands now. Never raises."""
        pending, oldest_at, size = self._look_at_journal()
        active = self._source.store.active if isinstance(self._source, Packages) else ()
        waiting = self._source.waiting
        deny = self._deny.deny if self._deny else None
        return Seen(
            pending=pending,
            oldest_pending_at=oldest_at,
            journal_bytes=size,
            journal_limit_bytes=self._limit_bytes,
            memory=self._device.validator.memory,
            clock_trusted=self._device.time_trusted,
            parameters_version=self.parameters_version,
            parameters_not_before=max((package.not_before for package in active), default=0),
            parameters_expiry=min((package.expiry for package in active), default=0),
            parameters_waiting=waiting[0].version if waiting else 0,
            parameters_waiting_from=waiting[0].not_before if waiting else 0,
            deny_list_version=deny.version if deny else 0,
            deny_list_issued_at=deny.issued_at if deny else 0,
            threads=self._device.threads,
            lines_dropped=self._lines_dropped(),
        )

    def _look_at_journal(self) -> tuple[int, int, int]:
        try:
            waiting = self._journal.pending(1)
            oldest = (summary_of(waiting[0].content).trusted_at or 0) if waiting else 0
            pending = self._journal.last_sequence() - self._journal.acknowledged()
            return pending, oldest, self._journal.size()
        except (YimaError, OSError):  # the device meets it too, and tells it
            return UNKNOWN, 0, UNKNOWN
