"""Which store an address means: a file is SQLite, postgresql:// a database."""

from pathlib import Path

from yima.sdk.centre.collector.arrivals import Ledger
from yima.sdk.centre.collector.postgres import PostgresStore
from yima.sdk.centre.collector.postgres_trouble import server, shown
from yima.sdk.centre.collector.store import Store

_DATABASE = ("postgresql://", "postgres://")


def is_shared(store: str) -> bool:
    """Whether several processes may write to it."""
    return store.startswith(_DATABASE)


def open_store(store: str, *, read_only: bool = False) -> Ledger:
    """The store, made if it is not there. read_only: looks at one that collectors may be writing. Raises StoreError."""
    if is_shared(store):
        return PostgresStore(store, read_only=read_only)
    return Store(Path(store), read_only=read_only)


def name_of(store: str) -> str:
    """The address as it may be shown: without a password. Raises StoreError where it is none."""
    if not is_shared(store):
        return store
    server(store)
    return shown(store)
