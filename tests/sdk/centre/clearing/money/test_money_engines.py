"""Money, disputes and files on DuckDB and on Spark: the same bytes."""

import random
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from tests.sdk.centre.clearing import centre
from tests.sdk.centre.clearing.disputes.test_day import file, raised
from tests.sdk.centre.clearing.money.test_settle import made, settled
from tests.sdk.centre.clearing.money.world import DAYS, workspace_of
from yima.sdk.centre.clearing.disputes.answering import answer_disputes
from yima.sdk.centre.clearing.disputes.intake import take_files
from yima.sdk.centre.clearing.disputes.settling import settle_disputes
from yima.sdk.centre.clearing.engine import open_engine
from yima.sdk.centre.clearing.engine.spark import missing
from yima.sdk.centre.clearing.files.reconciling import Side, reconcile
from yima.sdk.centre.clearing.files.writing import write_files
from yima.sdk.centre.clearing.money.settle import STEPS
from yima.sdk.centre.clearing.money.tables import CLEARED
from yima.sdk.centre.clearing.workspace import Workspace


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")  # pyspark and py4j have some of their own
@pytest.mark.skipif(missing() is not None, reason="needs pyspark and Java")
def test_both_engines_settle_a_day_to_the_same_bytes(tmp_path: Path) -> None:
    said = made(random.Random(21), 300, 12)
    base = workspace_of(tmp_path / "base", said)
    duck = open_engine("duckdb", tmp_path / "scratch")
    settled(base, duck, said, DAYS[:2])
    live = base.read(CLEARED, day=DAYS[0]).to_pylist()[0]
    row = raised("d-1", 0, "OTHER", live["issuer"]) | {"reference": live["ride_id"]}
    take_files(base, DAYS[2], [file(tmp_path, "ED", DAYS[2], live["issuer"], [row])])
    base.close()
    results, found = {}, {}
    for name in ("duckdb", "spark"):
        shutil.copytree(tmp_path / "base", tmp_path / name)
        engine = duck if name == "duckdb" else open_engine("spark", tmp_path / "spark-scratch")
        workspace = Workspace(tmp_path / name)
        settle_disputes(workspace, engine, DAYS[2])
        settled(workspace, engine, said, DAYS[2:3])
        write_files(workspace, engine, DAYS[2])
        answer_disputes(workspace, engine, DAYS[2])
        theirs = pa.table({"reference": [live["ride_id"], "none/1/1"], "fen": [live["fare_fen"], 1]})
        code = live["operator"]
        found[name] = reconcile(
            workspace, engine, theirs, side=Side.OPERATOR, party=code, since=DAYS[0], until=DAYS[2]
        ).to_pylist()
        workspace.close()
        engine.close()
        results[name] = centre.content(tmp_path / name)
    assert results["duckdb"] == results["spark"]
    assert found["duckdb"] == found["spark"]
    assert all(f"tables/{table.name}/day={DAYS[2]}/centre.parquet" in results["duckdb"] for table in STEPS)
