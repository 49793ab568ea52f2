"""One day on DuckDB and on Spark: the same files, byte for byte."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.install_commands import commands_in
from tests.sdk.centre.clearing.engine_parts import money_and_files, second_day, taps_and_rides
from yima.sdk.centre.clearing.engine import Engine, EngineError, EngineMissingError, open_engine
from yima.sdk.centre.clearing.engine.spark import SMALL_DAYS, SparkEngine, missing, translated

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
