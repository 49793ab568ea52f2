"""A day's files: read back by two readers, and the same to the record as the tables they came from."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from construct import ConstructError
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.centre.clearing.money.test_settle import made, settled
from tests.sdk.centre.clearing.money.world import DAYS, moment, ride, workspace_of, world
from yima.sdk.centre.clearing.engine import Engine, open_engine
from yima.sdk.centre.clearing.files import errors, writing
from yima.sdk.centre.clearing.files.layouts import LAYOUTS, Kind, file_name, header, line, line_sql
from yima.sdk.centre.clearing.files.queries import unpaid_sql
from yima.sdk.centre.clearing.files.reading import ClearingFileError, parse_file, read_file
from yima.sdk.centre.clearing.files.writing import RecordError, write_files
from yima.sdk.centre.clearing.money.tables import CLEARED, NET
from yima.sdk.centre.clearing.tables import CHECKS, JUDGED, TAPS, Table
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.layouts_clearing import clearing_file

DAY = DAYS[2]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = open_engine("duckdb", tmp_path_factory.mktemp("scratch"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def day(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Three days settled, in which everything happens."""
    said = made(random.Random(7), 250, 12)
    workspace = workspace_of(tmp_path_factory.mktemp("files") / "day", said)
    settled(workspace, engine, said, DAYS[:3])
    yield workspace
    workspace.close()


def both(path: Path) -> list[dict[str, Any]]:
    """The records as both readers have them."""
    mine = read_file(path)
    theirs = clearing_file(mine.kind).parse(path.read_bytes())
    records = [{key: value for key, value in record.items() if not key.startswith("_")} for record in theirs.records]
    assert list(mine.records) == records
    assert (theirs.day, theirs.count, theirs.organisation[-8:]) == (mine.day, len(mine.records), mine.organisation)
    assert (
        clearing_file(mine.kind).build({"day": mine.day, "organisation": theirs.organisation, "records": records})
        == path.read_bytes()
    )
    return records


def test_every_booking_stands_in_one_file_of_its_issuer_and_one_of_its_operator(day: Workspace, engine: Engine) -> None:
    folder = write_files(day, engine, DAY)
    cleared = day.read(CLEARED, day=DAY).to_pylist()
    for kind, party in (("CL", "issuer"), ("FB", "operator")):
        want = sorted((row["clearing"], row[party], row["ride_id"], row["fare_fen"], row["fee_fen"]) for row in cleared)
        got = [
            (one["clearing"], path.parent.name, one["reference"], one["fare_fen"], one["fee_fen"])
            for path in sorted(folder.glob(f"*/{kind}*"))
            for one in both(path)
        ]
        assert sorted(got) == want
    for one in (record for path in folder.glob("*/CL*") for record in both(path)):
        assert one["gross_fen"] + one["gate_fen"] + one["centre_fen"] == one["fare_fen"]


def test_what_is_for_everybody_sums_to_nothing_and_to_the_fees(day: Workspace, engine: Engine) -> None:
    folder = write_files(day, engine, DAY)
    (net,) = (both(path) for path in folder.glob("BP*"))
    assert sum(one["net_fen"] for one in net) == 0
    assert len(net) == day.read(NET, day=DAY).num_rows
    centre = next(one["net_fen"] for one in net if one["party_kind"] == "CENTRE")
    (pairs,) = (both(path) for path in folder.glob("CR*"))
    assert sum(one["centre_share_fen"] for one in pairs) == centre
    cleared = day.read(CLEARED, day=DAY).to_pylist()
    assert {(one["acquirer"], one["issuer"], one["type"]): one["count"] for one in pairs} == Counter(
        (row["operator"], row["issuer"], row["cause"]) for row in cleared
    )


def test_the_readable_files_hold_the_same_rows(day: Workspace, engine: Engine) -> None:
    folder = write_files(day, engine, DAY)
    for name, key in (("issued", "issuer"), ("acquired", "operator")):
        rows = [row for path in sorted(folder.glob(f"*/{name}.parquet")) for row in pq.read_table(path).to_pylist()]
        assert sorted(row["clearing"] for row in rows) == day.read(CLEARED, day=DAY)["clearing"].to_pylist()
        assert all(
            row[key] == path.parent.name
            for path in folder.glob(f"*/{name}.parquet")
            for row in pq.read_table(path).to_pylist()
        )
    for path in folder.rglob("*.parquet"):
        assert pa_csv.read_csv(path.with_suffix(".csv")).num_rows == pq.read_table(path).num_rows


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_second_run_gives_the_same_bytes(day: Workspace, engine: Engine) -> None:
    assert content(write_files(day, engine, DAY)) == content(write_files(day, engine, DAY))


def test_the_portions_in_which_an_engine_hands_rows_back_do_not_show(
    day: Workspace, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Parquet files had a row group a portion once, and Spark's differ from DuckDB's."""
    whole = content(write_files(day, engine, DAY))
    ask = engine.query

    def one_by_one(sql: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for batch in ask(sql, schema):
            yield from (batch.slice(row, 1) for row in range(batch.num_rows))

    monkeypatch.setattr(engine, "query", one_by_one)
    assert content(write_files(day, engine, DAY)) == whole


def test_more_records_than_a_file_holds_go_to_the_next_number(
    day: Workspace, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = [one for path in sorted(write_files(day, engine, DAY).glob("*/CL*")) for one in both(path)]
    monkeypatch.setattr(writing, "RECORDS_MAX", 3)
    parts = sorted(write_files(day, engine, DAY).glob("*/CL*"))
    assert [one for path in parts for one in both(path)] == whole
    assert all(len(both(path)) <= 3 for path in parts) and len({read_file(path).sequence for path in parts}) > 3
    monkeypatch.undo()
    write_files(day, engine, DAY)


@pytest.mark.parametrize("most", [2, 999_999])
def test_two_institutions_are_never_given_one_name(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """One gate with a digit of its operator wrong kept everybody's files from being written, that day's and later."""
    monkeypatch.setattr(writing, "RECORDS_MAX", most)
    said = made(random.Random(1), 6, 2)
    for place, one in enumerate(said["rides"]):
        one |= {"issuer": ("99310000", "89310000")[place % 2], "day": DAYS[0], "service_date": DAYS[0]}
    workspace = workspace_of(tmp_path / "w", said | {"voids": [], "amounts": []})
    settled(workspace, engine, said, DAYS[:1])
    files = [read_file(path) for path in sorted(write_files(workspace, engine, DAYS[0]).glob("*/CL*"))]
    assert {one.organisation for one in files} == {"99310000", "89310000"}
    assert sorted(one.sequence for one in files) == [*range(1, len(files) + 1)]
    booked = workspace.read(CLEARED, day=DAYS[0]).to_pylist()
    assert {(one.organisation, row["clearing"]) for one in files for row in one.records} == {
        (row["issuer"], row["clearing"]) for row in booked
    }
    workspace.close()


def test_a_sum_that_does_not_fit_into_its_field_is_refused_and_never_cut(engine: Engine, tmp_path: Path) -> None:
    """A gross fare of eleven digits lost one of them on the way into the file."""
    one = ride(1, moment_s=moment(DAYS[0], 600), day=DAYS[0], service_date=DAYS[0], account="a1", gross_fen=10**10 + 99)
    said = world([one])
    workspace = workspace_of(tmp_path / "w", said)
    settled(workspace, engine, said, DAYS[:1])
    with pytest.raises(RecordError, match="a sum has more digits than its field"):
        write_files(workspace, engine, DAYS[0])
    assert not (workspace.path / "files" / str(DAYS[0])).exists()
    workspace.close()


def test_a_ride_without_an_account_has_none_in_the_files(engine: Engine, tmp_path: Path) -> None:
    """Its code's digest stands in for the person, and its beginning stood where an account belongs."""
    code = "c" * 64
    said = world([ride(1, moment_s=moment(DAYS[0], 600), day=DAYS[0], service_date=DAYS[0], account=code)])
    said["rides"][0]["code_digest"] = code
    workspace = workspace_of(tmp_path / "w", said)
    settled(workspace, engine, said, DAYS[:1])
    (path,) = write_files(workspace, engine, DAYS[0]).glob("*/CL*")
    assert [(one["account"], one["code_digest"]) for one in both(path)] == [("", code)]
    workspace.close()


@pytest.mark.parametrize(
    ("copy", "at", "number", "moment_"),
    [
        (999, 99_999_999_999, 999, 99_999_999_999),
        (1000, 1_756_684_800_000, 999, 0),  # a gate that counts milliseconds
        (12345, 2**63 - 1, 999, 0),
        (1, -1, 1, 0),
    ],
)
def test_what_a_gate_says_beyond_a_fields_width_is_not_cut(
    engine: Engine, copy: int, at: int, number: int, moment_: int
) -> None:
    """The 1000th copy of an entry was its 100th in FB, and a moment in milliseconds another one in seconds."""
    keys = {"device": "bus-1", "epoch": 7, "sequence": 1, "hash": b"h"}
    check = keys | {"copy": copy, "verdict": "EVIDENCE", "why": "FACTS", "code_digest": None, "service_date": 20260801}
    tap = keys | {"operator": "99310001", "mode": 1, "city": 310000, "account": None, "moment": at}
    engine.register("unpaid_checks", table_of(CHECKS, check))
    engine.register("taps", table_of(TAPS, tap))
    engine.register("judged", table_of(JUDGED, keys | {"issuer": "99310000"}))
    engine.register("errors", errors.relation())
    sql = f"SELECT {line_sql('FB')} AS line FROM ({unpaid_sql(20260801)}) AS u"
    ((written,),) = (batch["line"].to_pylist() for batch in engine.query(sql, pa.schema([("line", pa.large_string())])))
    name, count = file_name("FB", 20260801, "99310001", 1), header("FB", 20260801, "99310001", 1)
    (record,) = parse_file(name, f"{count}\n{written}".encode()).records
    assert (record["number"], record["moment"], record["reference"]) == (number, moment_, "bus-1/7/1")


def table_of(table: Table, row: dict[str, Any]) -> pa.Table:
    """A table of one row, of the columns that it has."""
    return pa.Table.from_pylist([row], schema=pa.schema([field for field in table.schema if field.name in row]))


VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.TEXT: st.text("ABCXYZ019-/.", max_size=4),
    Kind.NUMBER: st.integers(0, 9),
    Kind.SIGNED: st.integers(-(10**10) + 1, 10**10 - 1),
}


@given(st.sampled_from(sorted(LAYOUTS)), st.data())
def test_what_is_written_reads_back_in_both(kind: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 3))
    rows = [{f.name: data.draw(VALUES[f.kind]) for f in LAYOUTS[kind]} for _ in range(count)]
    content = (header(kind, 20260801, "99310000", count) + "\n" + "".join(line(kind, row) for row in rows)).encode()
    assert list(parse_file(file_name(kind, 20260801, "99310000", 1), content).records) == rows
    theirs = clearing_file(kind).parse(content).records
    assert [{k: v for k, v in one.items() if k != "_io"} for one in theirs] == rows


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        (lambda text: text[:-1], r"A: line 1: is no first line, or the last line has no end"),
        (lambda text: "\n" + text, r"A: line 1: is no first line, or"),
        (lambda text: "9" + text[1:], r"A: line 1: is no first line of this version"),
        (lambda text: text + text[-50:], r"A: line 1: says another day, length or count"),
        (lambda text: text.replace("20260801", "19260801", 1), r"A: line 1: says another day, length or count"),
        (lambda text: text.replace("00099310000", "10099310000", 1), r"A: line 1: says another organisation"),
        (lambda text: text.replace("00099310000", "00099310001", 1), r"A: line 1: says another organisation"),
        (lambda text: text.replace("1\n", "\n", 1), r"A: line 2: has not the length"),
        (lambda text: text[:-2] + "x\n", r"A: line 3: agrees is no number"),
        (lambda text: text[:-3] + "é1\n", r"A: line 3: holds a byte that is not ASCII"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_name_and_line(changed: Callable[[str], str], where: str) -> None:
    rows: list[dict[str, str | int]] = [
        {"dispute_id": f"D{n}", "raised_by": "99310001", "confirmed_by": "99310000", "agrees": 1} for n in range(2)
    ]
    text = header("CM", 20260801, "99310000", 2) + "\n" + "".join(line("CM", row) for row in rows)
    name = file_name("CM", 20260801, "99310000", 1)
    assert len(parse_file(name, text.encode()).records) == 2
    with pytest.raises(ClearingFileError, match=where):
        parse_file(name, changed(text).encode())


@given(st.sampled_from(["BP", "ED", "CM"]), st.binary(max_size=3), st.integers(0, 400), st.integers(0, 3))
def test_no_bytes_are_half_read(kind: str, noise: bytes, at: int, cut: int) -> None:
    row: dict[str, str | int] = {f.name: "A" if f.kind is Kind.TEXT else 1 for f in LAYOUTS[kind]}
    whole = (header(kind, 20260801, "99310000", 1) + "\n" + line(kind, row)).encode()
    content = whole[: at % len(whole)] + noise + whole[at % len(whole) + cut :]
    try:
        read = parse_file(file_name(kind, 20260801, "99310000", 1), content)
    except ClearingFileError:
        return
    assert len(read.records) == 1 and len(content) == len(whole)
    again = header(kind, read.day, read.organisation, 1) + "\n" + line(kind, read.records[0])
    assert again.encode().split() == content.split()
    try:
        clearing_file(kind).parse(content)
    except ConstructError:
        assert content[16:27] != whole[16:27]
