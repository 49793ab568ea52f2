"""One day on DuckDB and on Spark: the same files, byte for byte."""

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.install_commands import commands_in
from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.test_against_plain import CLOSE_AFTER, play, split, tariff
from tests.sdk.centre.clearing.world import DAY, STATIONS
from yima.sdk.centre.clearing.engine import Engine, EngineError, EngineMissingError, open_engine
from yima.sdk.centre.clearing.engine.spark import missing, translated
from yima.sdk.centre.clearing.rides.rules import MissingExit, RideRules
from yima.sdk.centre.clearing.workspace import Workspace

DAYS = [DAY, DAY + 1]
TRICKS = ("", "", "", "again", "reuse", "reverse", "reverse late", "not passed", "damage")


def acts(count: int, seed: int) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    places = ["bus", *(f"{way}-{station}" for way in ("in", "out") for station in STATIONS)]
    return [
        {
            "card": chance.randint(1, 4),
            "place": chance.choice(places),
            "at": chance.randrange(0, 86400, 600),
            "late": chance.choice([0, 0, 1]),
            "student": chance.random() < 0.5,
            "told": chance.choice(["nothing", "right", "other"]),
            "trick": chance.choice(TRICKS),
        }
        for _ in range(count)
    ]


@pytest.fixture
def spark(tmp_path: Path) -> Iterator[Engine]:
    lacks = missing()
    if lacks is not None:
        pytest.skip(str(lacks))
    engine = open_engine("spark", tmp_path / "scratch")
    yield engine
    engine.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")  # pyspark and py4j have some of their own
def test_duckdb_and_spark_write_the_same_bytes(tmp_path: Path, spark: Engine) -> None:
    first, second = split(play(acts(60, 7)))
    stores = [world.store(tmp_path / "a.db", first), world.store(tmp_path / "b.db", second)]
    rules = RideRules(close_after_days=CLOSE_AFTER, missing_exit=(MissingExit(city=0, since=0, fen=700),))
    folders = {}
    for name, engine in (("duckdb", None), ("spark", spark)):
        workspace = Workspace(tmp_path / name)
        centre.run(workspace, stores, centre.published(tariff()), DAYS, rules=rules, engine=engine)
        workspace.close()
        folders[name] = centre.content(tmp_path / name)
    assert folders["spark"].keys() == folders["duckdb"].keys()
    assert folders["spark"] == folders["duckdb"]


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
