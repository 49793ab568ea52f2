"""A day's files: what each institution gets, in the clearing's own form, and the same as CSV and Parquet.

    files/<day>/<party>/CL… or FB…            fixed-width, one or more
    files/<day>/<party>/issued.csv, .parquet   every row of `cleared` of an issuer's riders
    files/<day>/<party>/acquired.csv, .parquet every row of `cleared` of an operator's rides
    files/<day>/<party>/funded.csv, .parquet   every reduction that a funder pays
    files/<day>/BP…, CR…, net.csv, net.parquet for everybody

Rules it keeps:
- No two parties' files of a day bear one name: it has seven digits of a party, and where two share them, their files
  are numbered through.
- The folder of a day appears whole or not at all, and is the same bytes when it is made again.
- Lines are made by the engine and never come apart here; memory holds one batch.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from yima.sdk.centre.clearing.ahead import ahead
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.files import errors
from yima.sdk.centre.clearing.files.layouts import EVERYBODY, RECORDS_MAX, file_name, header, record_size
from yima.sdk.centre.clearing.files.queries import UNPAID_CHECKS, counts_sql, lines_sql, unpaid_sql
from yima.sdk.centre.clearing.money.settle import LAST, OrderError
from yima.sdk.centre.clearing.money.tables import CLEARED, FUNDED, NET
from yima.sdk.centre.clearing.parquet import LEVEL, ROW_GROUP, groups
from yima.sdk.centre.clearing.tables import CHECKS, JUDGED, TAPS, Table
from yima.sdk.centre.clearing.taps.checks import counts_since
from yima.sdk.centre.clearing.workspace import Workspace, flush_all
from yima.validator.errors import Kind, YimaError
from yima.validator.shown import shown
from yima.validator.system.disk import flush_folder
from yima.validator.texts import Text

KINDS = ("CL", "FB", "BP", "CR")
_LINES = pa.schema([("party_of", pa.string()), ("line", pa.large_string())])
_COUNTS = pa.schema([("party_of", pa.string()), ("count", pa.int64())])
_READABLE: tuple[tuple[str, Table, str], ...] = (
    ("issued", CLEARED, "issuer"),
    ("acquired", CLEARED, "operator"),
    ("funded", FUNDED, "party"),
    ("net", NET, f"'{EVERYBODY}'"),
)
Progress = Callable[[str, int, int], None]


class RecordError(YimaError):
    """A row of which a sum does not fit into its field."""

    kind = Kind.STATE


def write_files(
    workspace: Workspace, engine: Engine, day: int, *, progress: Progress = lambda step, done, of: None
) -> Path:
    """Writes the files of a settled day; returns their folder. Raises OrderError, RecordError."""
    if not workspace.is_done(LAST, day):
        raise OrderError(day, Text("is not settled", "尚未清算"), Text("Settle it first", "请先清算"))
    folder = workspace.path / "files" / str(day)
    making = folder.with_name(f".{day}.tmp")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for view, table in {"cleared": CLEARED, "net": NET, "funded": FUNDED, "checks": CHECKS}.items():
        engine.scan(view, table, workspace.files(table, day=day))
    for table in (TAPS, JUDGED):
        since = counts_since(workspace, day)
        engine.scan(table.name, table, workspace.files(table, since=since, before=day + 1))
    engine.register("errors", errors.relation())
    engine.keep("unpaid_checks", UNPAID_CHECKS)
    engine.keep("unpaid", unpaid_sql(day))
    steps = [*KINDS, *(name for name, _, _ in _READABLE)]
    for place, kind in enumerate(KINDS):
        progress(kind, place, len(steps))
        _fixed(engine, making, kind, day)
    for place, (name, table, party) in enumerate(_READABLE, len(KINDS)):
        progress(name, place, len(steps))
        _readable(engine, making, name, table, party)
    flush_all(making)
    shutil.rmtree(folder, ignore_errors=True)
    making.replace(folder)
    flush_folder(folder.parent)
    workspace.done("files", day)
    progress("", len(steps), len(steps))
    return folder


def folder_of(folder: Path, party: str) -> Path:
    """Where a party's files of a day lie."""
    return folder if party == EVERYBODY else folder / party


def _fixed(engine: Engine, folder: Path, kind: str, day: int) -> None:
    counts: dict[str, int] = {}
    for batch in engine.query(counts_sql(kind), _COUNTS):
        counts.update(zip(batch["party_of"].to_pylist(), batch["count"].to_pylist(), strict=True))
    first = _first_numbers(counts)
    for party in counts:
        folder_of(folder, party).mkdir(exist_ok=True)
    rows = _runs(engine.query(lines_sql(kind), _LINES))
    written: dict[str, int] = {}
    with ExitStack() as stack:
        out = None
        for party, batch in rows:
            lines = batch["line"]
            _refuse_misfits(lines, kind, party)
            while len(lines):
                done = written.setdefault(party, 0)
                sequence, within = divmod(done, RECORDS_MAX)
                if within == 0:
                    stack.close()
                    left = min(RECORDS_MAX, counts[party] - done)
                    path = folder_of(folder, party) / file_name(kind, day, party, first[party] + sequence)
                    out = stack.enter_context(path.open("wb"))
                    out.write(header(kind, day, party, left).encode("ascii") + b"\n")
                assert out is not None
                taken = lines.slice(0, RECORDS_MAX - within)
                out.write(_characters(taken))
                written[party] += len(taken)
                lines = lines.slice(len(taken))
    assert written == counts


def _first_numbers(counts: Mapping[str, int]) -> dict[str, int]:
    """The number of each party's first file: of those that share their last seven digits one goes on behind the other.
    What a gate says of its operator is no reason to hand files to nobody."""
    first: dict[str, int] = {}
    free: dict[str, int] = {}
    for party in sorted(counts):
        first[party] = free.get(party[-7:], 1)
        free[party[-7:]] = first[party] - (-counts[party] // RECORDS_MAX)
    return first


def _refuse_misfits(lines: pa.LargeStringArray, kind: str, party: str) -> None:
    """Every line is as long as the first one says: no sum in it has more digits than its field."""
    misfits = lines.filter(pc.not_equal(pc.utf8_length(lines), record_size(kind) + 1))
    if len(misfits):
        raise RecordError(
            f"{kind} for {party}",
            Text(
                f"a sum has more digits than its field in: {shown(misfits[0].as_py().strip())}",
                f"有金额超出字段位数：{shown(misfits[0].as_py().strip())}",
            ),
            Text(
                "Check where the sum is from; nothing was cut, no file written", "请核对金额来源；未截断，也未写出文件"
            ),
        )


def _characters(lines: pa.LargeStringArray) -> memoryview:
    """All lines of a column, one behind the other, as they lie in memory."""
    _, offsets, data = lines.buffers()
    ends = memoryview(offsets).cast("q")[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(data)[ends[0] : ends[-1]]


def _readable(engine: Engine, folder: Path, name: str, table: Table, party: str) -> None:
    schema = pa.schema([pa.field("party_of", pa.string()), *table.schema])
    keys = ", ".join(table.key)
    columns = ", ".join(table.columns)
    view = "net" if table is NET else "funded" if table is FUNDED else "cleared"
    sql = f"SELECT {party} AS party_of, {columns} FROM {view} ORDER BY party_of, {keys}"  # noqa: S608
    for of, runs in groupby(_runs(engine.query(sql, schema)), itemgetter(0)):
        where = folder_of(folder, of)
        where.mkdir(exist_ok=True)
        batches = (batch.select(table.schema.names) for _, batch in runs)
        parquet = pq.ParquetWriter(where / f"{name}.parquet", table.schema, compression="zstd", compression_level=LEVEL)
        # An engine hands rows back in portions of its own: row groups, and so the bytes, must not depend on them.
        with parquet, pa_csv.CSVWriter(where / f"{name}.csv", table.schema) as rows:
            for group in groups(batches, table.schema):
                parquet.write_table(group, row_group_size=ROW_GROUP)
                rows.write_table(group)


def _runs(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Batches cut where the party changes, the next one fetched while one is written."""
    for batch in ahead(batches):
        if not batch.num_rows:
            continue
        runs = pc.run_end_encode(batch["party_of"])
        start = 0
        for end, party in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
            yield party, batch.slice(start, end - start)
            start = end
