"""What keeps a tap: the journal on a SQLite file that keeps its word (`durable`), in the device's `state` directory."""

from yima.validator.journal.journal import (
    FIRST_PREVIOUS,
    JournalView,
    Quarantined,
    SqliteJournal,
    chain,
    entry_hash,
)

__all__ = [
    "FIRST_PREVIOUS",
    "JournalView",
    "Quarantined",
    "SqliteJournal",
    "chain",
    "entry_hash",
]
