"""From a source into the workspace: entries as they came, and what they say as `taps` and `outcomes`.

The devices' signatures (`batches`) come along. A chunk is a commit: its files are named by the source and by where the
chunk begins, then the cursor moves. Killed in between, the same chunk is read again and writes over the same names.
What the columns of a store allow and no collector takes is refused here: in the workspace it would stop every day.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing.ahead import ahead
from yima.sdk.centre.clearing.days import days_of
from yima.sdk.centre.clearing.tables import BATCHES, ENTRIES, OUTCOMES, TAPS, Table
from yima.sdk.centre.clearing.taps.facts import taps_and_outcomes
from yima.sdk.centre.clearing.taps.stores import CHUNK, Chunk, Source, SourceError, called
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator.ports import DEVICE
from yima.validator.texts import Text

_OF_OLDER = ("moment", "time_trusted", "tick_ms", "reason")
_ENTRY_ORDER = (*ENTRIES.key, "received", "conflict")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingested:
    """What came in. days: the settlement days it belongs to."""

    entries: int = 0
    taps: int = 0
    days: tuple[int, ...] = ()

    def with_more(self, entries: int, taps: int, days: Iterable[int]) -> "Ingested":
        """The same and this."""
        all_days = tuple(sorted({*self.days, *days}))
        return Ingested(entries=self.entries + entries, taps=self.taps + taps, days=all_days)


def ingest(workspace: Workspace, source: Source) -> Ingested:
    """Reads a source from where it was left. Raises SourceError."""
    return ingest_all(workspace, [source])[source.name]


def ingest_all(
    workspace: Workspace, sources: Iterable[Source], *, on_progress: Callable[[str, int], None] | None = None
) -> dict[str, Ingested]:
    """Reads sources, of which no two have one name, in their order, each from where it was left; the next chunk is read
    while one is written, also over the end of a source. Returns what came, by name. on_progress is told the name, and
    how many entries were read of it. Raises SourceError: what came before is in the workspace then."""
    ordered = list(sources)
    found = {source.name: Ingested() for source in ordered}
    for name, chunk in ahead(_chunks(workspace, ordered), room=CHUNK, size=_size):
        part = _part(name, workspace.cursor(name))
        _refuse_strange(name, chunk.batches)
        _refuse_strange(name, chunk.rows)
        for day, batches in _by_day(chunk.batches, workspace.first_open, BATCHES.schema, ("batch",)):
            workspace.write(BATCHES, day, part, [batches])
        taps, days = 0, set()
        for day, rows in _by_day(chunk.rows, workspace.first_open, ENTRIES.schema, _ENTRY_ORDER):
            said, outcomes = taps_and_outcomes(rows)
            workspace.write(ENTRIES, day, part, [rows])
            _write(workspace, TAPS, day, part, said)
            _write(workspace, OUTCOMES, day, part, outcomes)
            taps += said.num_rows
            days.add(day)
        workspace.move(name, chunk.cursor)
        found[name] = found[name].with_more(chunk.rows.num_rows, taps, days)
        if on_progress is not None:
            on_progress(name, found[name].entries)
    return found


def _chunks(workspace: Workspace, sources: Iterable[Source]) -> Iterator[tuple[str, Chunk]]:
    for source in sources:
        for chunk in source.chunks(workspace.cursor(source.name)):
            yield source.name, chunk


def _size(of: tuple[str, Chunk]) -> int:
    _, chunk = of
    return int(chunk.rows.num_rows + chunk.batches.num_rows + 1)


def _refuse_strange(name: str, rows: pa.RecordBatch) -> None:
    """Raises SourceError for the first row that is nothing a collector stores."""
    strange = [(field.name, rows[field.name].is_null()) for field in rows.schema if not field.nullable]
    if "sequence" in rows.schema.names:
        is_older = pc.equal(rows["form"], 1)  # it says beside its record what another says in its facts
        strange += [
            ("device", pc.invert(pc.match_substring_regex(rows["device"], f"^(?:{DEVICE.pattern})$"))),
            ("epoch", pc.less(rows["epoch"], 0)),
            ("sequence", pc.less(rows["sequence"], 1)),
            ("form", pc.invert(pc.is_in(rows["form"], pa.array([1, 2], pa.int32())))),
            *((column, pc.and_(is_older, rows[column].is_null())) for column in _OF_OLDER),
            ("tick_ms", pc.less(rows["tick_ms"], 0)),
            ("reason", pc.not_equal(rows["reason"], pc.bit_wise_and(rows["reason"], 0xFFFF))),
        ]
    for column, found in strange:
        place = pc.index(found, True).as_py()
        if place < 0:
            continue
        row = rows.slice(place, 1).to_pylist()[0]
        of = [row[key] for key in ("device", "epoch", "sequence")] if "sequence" in row else [row["batch"]]
        raise SourceError(
            f"{name}: {'/'.join(map(str, of))}",
            Text(f"{column} cannot be {row[column]!r}", f"{column} 不能为 {row[column]!r}"),
            Text(
                "No collector stores such a row: take the store out, and ask whose it is",
                "采集端不会存入此类记录：请移出此采集库，并查明其来源",
            ),
        )


def _part(name: str, cursor: dict[str, int]) -> str:
    """Numbers of transactions are of one database alone, and marks of one row: the same rows out of another database
    have the same names."""
    places = [f"{cursor[key]:012d}" for key in sorted(cursor) if key != "again" and not key.endswith(("_xid", "_is"))]
    return "-".join((called(name, cursor), *(places or [""])))


def _write(workspace: Workspace, table: Table, day: int, part: str, rows: pa.RecordBatch) -> None:
    if rows.num_rows:
        workspace.write(table, day, part, [rows])


def _by_day(
    rows: pa.RecordBatch, first_open: int, schema: pa.Schema, order: Iterable[str]
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """The rows of each settlement day, sorted by their key."""
    days = pc.max_element_wise(days_of(rows["received"]), pa.scalar(first_open, pa.int32()))
    whole = pa.RecordBatch.from_arrays([*rows.columns, days], schema=schema)
    by = [(name, "ascending") for name in order]
    for day in sorted(pc.unique(days).to_pylist()):
        mine = whole.filter(pc.equal(days, day))
        yield day, mine.take(pc.sort_indices(mine, sort_keys=by))
