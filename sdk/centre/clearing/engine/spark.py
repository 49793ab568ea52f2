"""Spark: the same steps beyond one machine. Local mode needs Java 17; a cluster needs this Spark on every node.

Rules it keeps:
- A step is translated from DuckDB's dialect by sqlglot, which also spells out where NULLs sort; nothing else differs.
- Results come to the driver sorted, as Arrow: what a step hands back must fit there. Inputs need not.
- Each session stands for itself: no Hive, no web page, times in UTC.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlglot

from yima.sdk.centre.clearing.engine.port import EngineError, EngineMissingError, fitted
from yima.sdk.centre.clearing.tables import Table
from yima.validator.remedies import missing_module
from yima.validator.texts import Text


def missing() -> EngineMissingError | None:
    """What this machine lacks to run Spark; None: nothing."""
    try:
        import pyspark  # noqa: F401, PLC0415
    except ModuleNotFoundError as error:
        return EngineMissingError("spark", *missing_module(error, wanted=["spark"]))
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and Path(home, "bin", "java").exists()):
        return EngineMissingError(
            "spark",
            Text("there is no Java", "没有 Java"),
            Text(
                "Install it (Debian: apt-get install openjdk-17-jre-headless) or set JAVA_HOME",
                "请安装（Debian：apt-get install openjdk-17-jre-headless），或设置 JAVA_HOME",
            ),
        )
    return None


_ON_ONE_MACHINE = {"spark.sql.shuffle.partitions": str(os.cpu_count() or 1), "spark.sql.codegen.wholeStage": "false"}
# For days of a few thousand taps, as tests have them: to compile a step costs more there than to run it as it stands.
SMALL_DAYS = {
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


class SparkEngine:
    """See Engine. master: where it runs, `local[2]` or a cluster's address. options: Spark's own, above ours."""

    name = "spark"

    def __init__(self, scratch: Path, *, master: str = "local[*]", options: Mapping[str, str] | None = None) -> None:
        lacks = missing()
        if lacks is not None:
            raise lacks
        from pyspark.sql import SparkSession  # noqa: PLC0415

        scratch.mkdir(parents=True, exist_ok=True)
        self._scratch = Path(tempfile.mkdtemp(prefix="spark-", dir=scratch))
        self._rows = self._scratch / "rows"
        self._rows.mkdir()
        builder: Any = SparkSession.builder
        for name, value in {
            "spark.master": master,
            "spark.app.name": "yima-centre",
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.local.dir": str(self._scratch),
            "spark.sql.warehouse.dir": str(self._scratch / "warehouse"),
            "spark.sql.session.timeZone": "UTC",
            **(_ON_ONE_MACHINE if master.startswith("local") else {}),
            "spark.sql.ansi.enabled": "true",
            "spark.ui.showConsoleProgress": "false",
            **(options or {}),
        }.items():
            builder = builder.config(name, value)
        self._session: Any = builder.getOrCreate()
        self._session.sparkContext.setLogLevel("ERROR")
        self._count = 0
        self._views: set[str] = set()

    def scan(self, view: str, table: Table, files: Sequence[Path]) -> None:
        """Names the rows of these files."""
        if not files:
            self.register(view, table.schema.empty_table())
            return
        self._name(view, self._read(table.schema, *(str(path.absolute()) for path in files)))

    def register(self, view: str, rows: pa.Table) -> None:
        """Names rows in memory, by way of a file."""
        self._count += 1
        path = self._rows / f"{view}-{self._count}.parquet"
        pq.write_table(rows, path)
        self._name(view, self._read(rows.schema, str(path.absolute())))

    def keep(self, view: str, sql: str) -> None:
        """Runs one SELECT and names its rows, by way of files."""
        self._count += 1
        path = str((self._rows / f"{view}-{self._count}").absolute())
        with _explained():
            frame = self._session.sql(translated(sql))
            frame.write.parquet(path)
            self._name(view, self._session.read.schema(frame.schema).parquet(path))

    def query(self, sql: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """The rows of one SELECT, in its order."""
        with _explained():
            rows = self._session.sql(translated(sql)).toArrow()
        yield from fitted(rows, schema).to_batches()

    def _read(self, schema: pa.Schema, *paths: str) -> Any:
        """Files whose columns are known, so that Spark need not run a job to look at them."""
        from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415

        reader = self._session.read.schema(from_arrow_schema(schema)).option("recursiveFileLookup", "true")
        return reader.parquet(*paths)

    def forget(self) -> None:
        """Drops every name and the files behind it."""
        for view in self._views:
            self._session.catalog.dropTempView(view)
        self._views.clear()
        shutil.rmtree(self._rows)
        self._rows.mkdir()

    def _name(self, view: str, frame: Any) -> None:
        frame.createOrReplaceTempView(view)
        self._views.add(view)

    def close(self) -> None:
        """Stops the session."""
        self._session.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise EngineError(
            "spark",
            Text(f"cannot run a step: {error}", f"无法执行：{error}"),
            Text("Check the driver's memory and log", "请检查 driver 的内存与日志"),
        ) from error


def translated(sql: str) -> str:
    """A step in Spark's dialect."""
    statements: list[str] = sqlglot.transpile(sql, read="duckdb", write="spark")
    return statements[0]
