"""A collector's store as a source of records, by the name that its --store has."""

from pathlib import Path

from yima.sdk.centre.clearing.taps.postgres import PostgresSource
from yima.sdk.centre.clearing.taps.stores import Source, SqliteSource
from yima.sdk.centre.collector.postgres_trouble import server
from yima.sdk.centre.fleet.database import POSTGRES

AT_ONCE = 1 << 11  # records of a chunk: a tenth of a second of judging, and one transaction


def source_of(store: str | Path, *, chunk: int = AT_ONCE) -> Source:
    """What that store holds, in an order that never changes. It is opened when it is read. Raises StoreError for a
    postgresql:// address that is none."""
    if str(store).startswith(POSTGRES):
        server(str(store))
        return _Addressed(str(store), chunk=chunk)
    return SqliteSource(Path(store), chunk=chunk)


class _Addressed(PostgresSource):
    """A store in PostgreSQL whose address is at hand, not in a file."""

    def __init__(self, address: str, *, chunk: int) -> None:
        super().__init__(Path("collector"), chunk=chunk)
        self._address = address

    def _said(self) -> str:
        return self._address
