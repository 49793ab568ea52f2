"""What keeps a tap: entries in sealed, chained segments, and a cursor for what the collector has."""

from yima.validator.journal.cursor import Quarantined
from yima.validator.journal.form import FIRST_PREVIOUS, chain
from yima.validator.journal.journal import JournalView, SegmentJournal

__all__ = [
    "FIRST_PREVIOUS",
    "JournalView",
    "Quarantined",
    "SegmentJournal",
    "chain",
]
