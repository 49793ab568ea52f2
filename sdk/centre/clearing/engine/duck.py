"""DuckDB, embedded: the engine of one machine. What does not fit in memory goes to a temporary folder."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.engine.port import EngineError, fitted
from yima.sdk.centre.clearing.tables import Table
from yima.validator.texts import Text

ROWS = 1 << 16  # rows of one batch of a result
ROWS_IN_MEMORY = "rows in memory"


class DuckEngine:
    """See Engine. scratch: where what does not fit in memory goes. memory: as DuckDB writes sizes."""

    name = "duckdb"

    def __init__(self, scratch: Path, *, memory: str = "2GB") -> None:
        self._kinds: dict[str, str] = {}  # what each name stands for: asking the catalogue costs more than most steps
        self._files: dict[str, Sequence[Path]] = {}  # to name the one that is damaged
        try:
            self._connection = duckdb.connect(
                config={
                    "memory_limit": memory,
                    "temp_directory": str(scratch),
                    "preserve_insertion_order": "false",
                    # It would compress what a step keeps, on one thread, just before the step drops it.
                    "checkpoint_threshold": "1TB",
                    "autoinstall_known_extensions": "false",
                    "autoload_known_extensions": "false",
                }
            )
            # Where no script is the main module DuckDB takes the process for a console, and draws on standard output.
            self._connection.execute("SET enable_progress_bar = false")
        except duckdb.Error as error:
            raise EngineError(
                f"duckdb, memory {memory}",
                Text(f"cannot be started: {error}", f"无法启动：{error}"),
                Text("Give memory as 2GB or 500MB", "请按 2GB 或 500MB 的形式给出内存"),
            ) from error

    def scan(self, view: str, table: Table, files: Sequence[Path]) -> None:
        """Names the rows of these files."""
        if not files:
            self.register(view, table.schema.empty_table())
            return
        self._forget(view)
        self._files[view] = files
        names = ", ".join("'" + str(path).replace("'", "''") + "'" for path in files)
        columns = ", ".join(table.columns)
        with self._explained():
            self._connection.execute(
                f"CREATE VIEW {view} AS SELECT {columns} FROM read_parquet([{names}], hive_partitioning = false)"  # noqa: S608
            )
        self._kinds[view] = "VIEW"

    def register(self, view: str, rows: pa.Table) -> None:
        """Names rows in memory."""
        self._forget(view)
        self._connection.register(view, rows)
        self._kinds[view] = ROWS_IN_MEMORY

    def keep(self, view: str, sql: str) -> None:
        """Runs one SELECT and names its rows."""
        self._forget(view)
        with self._explained():
            self._connection.execute(f"CREATE TEMP TABLE {view} AS {sql}")
        self._kinds[view] = "TABLE"

    def query(self, sql: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows of one SELECT, in its order."""
        with self._explained():
            for batch in self._connection.sql(sql).to_arrow_reader(ROWS):
                yield fitted(batch, schema)

    def forget(self) -> None:
        """Drops every name and what it holds."""
        for view in list(self._kinds):
            self._forget(view)

    def close(self) -> None:
        """Lets go of what it holds."""
        self._connection.close()

    def _forget(self, view: str) -> None:
        self._files.pop(view, None)
        kind = self._kinds.pop(view, None)
        if kind == ROWS_IN_MEMORY:
            self._connection.unregister(view)
        elif kind is not None:
            self._connection.execute(f"DROP {kind} {view}")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            parquet.refuse_damaged(path for files in self._files.values() for path in files)
            raise EngineError(
                "duckdb",
                Text(f"cannot run a step: {error}", f"无法执行：{error}"),
                Text("Check memory and disk; if they suffice, report it", "请检查内存与磁盘；如均充足，请报告此问题"),
            ) from error
