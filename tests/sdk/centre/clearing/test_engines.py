"""One day on DuckDB and on Spark: the same files, byte for byte."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from tests.install_commands import commands_in
from tests.sdk.centre.clearing.engine_parts import money_and_files, second_day, taps_and_rides
from tests.sdk.centre.clearing.folders import folder
from tests.sdk.centre.clearing.world import DAY
from yima.sdk.centre.clearing.day import STEPS, Centre
from yima.sdk.centre.clearing.engine import Engine, EngineError, EngineMissingError, open_engine
from yima.sdk.centre.clearing.engine.duck import DuckEngine
from yima.sdk.centre.clearing.engine.spark import SMALL_DAYS, SparkEngine, missing, translated
from yima.sdk.centre.clearing.folder import CentreFolder

Part = Callable[[Path, dict[str, Engine]], dict[str, dict[str, bytes]]]


@pytest.fixture
def engines(tmp_path: Path) -> Iterator[dict[str, Engine]]:
    lacks = missing()
    if lacks is not None:
        pytest.skip(str(lacks))
    spark = SparkEngine(tmp_path / "scratch", options=SMALL_DAYS)
    duckdb = open_engine("duckdb", tmp_path / "scratch", memory="200MB")
    yield {"duckdb": duckdb, "spark": spark}
    duckdb.close()
    spark.close()


# What it compares stands in engine_parts.py. Spark takes its time, so CI leaves it out.
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")  # pyspark and py4j have some of their own
@pytest.mark.parametrize(
    "part", [pytest.param(part, marks=pytest.mark.long) for part in (second_day, taps_and_rides, money_and_files)]
)
def test_duckdb_and_spark_write_the_same_bytes(tmp_path: Path, engines: dict[str, Engine], part: Part) -> None:
    found = part(tmp_path, engines)
    assert found["spark"].keys() == found["duckdb"].keys()
    assert [name for name, content in found["duckdb"].items() if found["spark"][name] != content] == []


def test_a_step_is_translated_with_where_nulls_sort() -> None:
    step = "SELECT CAST(a AS TEXT) AS b FROM t ORDER BY a"
    assert translated(step) == "SELECT CAST(a AS STRING) AS b FROM t ORDER BY a NULLS LAST"


def test_an_engine_says_what_it_could_not_run(tmp_path: Path) -> None:
    engine = open_engine("duckdb", tmp_path)
    with pytest.raises(EngineError, match="no_such_table"):
        engine.keep("nothing", "SELECT * FROM no_such_table")
    engine.close()


def forgets(engine: Engine) -> None:
    rows = pa.table({"a": [1]})
    engine.register("one", rows)
    engine.keep("two", "SELECT a + 1 AS a FROM one")
    assert [batch.to_pylist() for batch in engine.query("SELECT a FROM two", rows.schema)] == [[{"a": 2}]]
    engine.forget()
    for view in ("one", "two"):
        with pytest.raises(EngineError, match=view):
            list(engine.query(f"SELECT a FROM {view}", rows.schema))
    engine.register("two", rows)
    assert [batch.to_pylist() for batch in engine.query("SELECT a FROM two", rows.schema)] == [[{"a": 1}]]


def test_what_a_step_named_is_gone_for_the_next_one(tmp_path: Path) -> None:
    engine = open_engine("duckdb", tmp_path)
    forgets(engine)
    engine.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")  # pyspark and py4j have some of their own
def test_what_a_step_named_is_gone_on_spark_with_its_files(tmp_path: Path, engines: dict[str, Engine]) -> None:
    forgets(engines["spark"])
    engines["spark"].forget()
    assert [path for path in tmp_path.rglob("*.parquet") if "rows" in path.parts] == []


def test_what_a_step_kept_takes_no_room_in_the_next_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: set[str] = set()
    keep = DuckEngine.keep

    def watched(engine: DuckEngine, view: str, sql: str) -> None:
        kept.add(view)
        keep(engine, view, sql)

    monkeypatch.setattr(DuckEngine, "keep", watched)
    with Centre(CentreFolder(folder(tmp_path / "region"))) as centre:
        centre.ingest()
        for step in STEPS:
            centre.run(step, DAY)
            for view in sorted(kept):
                with pytest.raises(EngineError, match=view):
                    centre.engine.keep("found", f"SELECT * FROM {view}")
    assert {"stood", "unpaid"} <= kept


def test_spark_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(EngineMissingError) as found:
        open_engine("spark", tmp_path)
    assert commands_in(str(found.value)) == [["-e", ".[spark]"]]
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EngineMissingError, match=r"Java|spark"):
        open_engine("spark", tmp_path)
