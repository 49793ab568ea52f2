"""How long a device may be without its collector before it takes no more rides on trust.

What counts is the oldest record that no collector has acknowledged: it is in the journal, so a restart changes nothing,
and a device that nobody used is not offline for it. A device without a collector counts the same way.
"""

from yima.validator.errors import JournalError
from yima.validator.journal.form import Summary
from yima.validator.journal.glance import summary_of
from yima.validator.judging import Moment, Reason
from yima.validator.ports import Journal


def offline_refusal(journal: Journal, most_s: int, now: Moment) -> Reason | None:
    """OFFLINE_TOO_LONG if a record has waited for more than most_s seconds; 0: there is no limit.

    A time that cannot be trusted, now or then, says nothing of how long it was.
    """
    if not most_s or not now.trusted:
        return None
    try:
        waiting = journal.pending(1)
    except JournalError:
        return None  # the record of this tap meets the same trouble, refuses the rider and tells it
    oldest = summary_of(waiting[0].content) if waiting else Summary()
    late = oldest.trusted_at and now.unix_s - oldest.trusted_at > most_s
    return Reason.OFFLINE_TOO_LONG if late else None
