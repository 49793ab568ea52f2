"""What the core says of every entry of a day: is it whole, do the three signatures hold, what does the ride cost.

The centre trusts no gate: nothing that a gate decided is believed, only what it wrote down is judged again, under the
parameters that it names. Portions of them go to as many threads as there are processors; the core works without the
interpreter's lock, and rows come back in their order.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.columns import eight_digits, hashes, integers, pieces, texts
from yima.sdk.centre.clearing.tables import APPLIED, ENTRIES, JUDGED, Funder
from yima.sdk.centre.clearing.taps import older
from yima.sdk.centre.clearing.taps.parameters import Published
from yima.sdk.centre.clearing.workspace import Workspace
from yima.validator import _core

HASH, FACTS, RECORD, AGREE, PARAMETERS = 1, 2, 4, 8, 16
"""Bits of `intact`."""

STEP = "judged"
FUNDERS = pa.array([str(funder) for funder in Funder])
_READ = [
    "device", "epoch", "sequence", "form", "entry", "previous", "hash", "moment", "time_trusted", "tick_ms", "reason",
]  # fmt: skip
_PORTION = 1 << 13  # entries of one call: half a second, so that the last ones leave no thread idle for long
_AHEAD = 2  # portions that wait for each thread: enough that none idles, few enough for memory


class Judges:
    """The core's judges, one a thread, under the same parameters."""

    def __init__(self, published: Published, threads: int | None = None) -> None:
        self._published = published
        self._own = threading.local()
        self.threads = threads or os.cpu_count() or 1

    def mine(self) -> _core.Judge:
        """This thread's."""
        judge = getattr(self._own, "judge", None)
        if judge is None:
            judge = self._own.judge = self._published.judge()
        return judge

    def map(self, batches: Iterable[pa.RecordBatch], day: int) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
        """`judged` and `applied` of each batch of entries, in their order."""
        return self.each(batches, lambda rows: self.judged(rows, day))

    def each(
        self, batches: Iterable[pa.RecordBatch], ask: Callable[[pa.RecordBatch], tuple[pa.RecordBatch, pa.RecordBatch]]
    ) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]:
        """What `ask` answers to each batch, in their order; it is called by several threads, of which each has its own
        judge (`mine`)."""
        with ThreadPoolExecutor(self.threads) as pool:
            waiting: deque[Future[tuple[pa.RecordBatch, pa.RecordBatch]]] = deque()
            rest = iter(batches)
            for batch in islice(rest, self.threads * _AHEAD):
                waiting.append(pool.submit(ask, batch))
            while waiting:
                yield waiting.popleft().result()
                for batch in islice(rest, 1):
                    waiting.append(pool.submit(ask, batch))

    def judged(self, rows: pa.RecordBatch, day: int) -> tuple[pa.RecordBatch, pa.RecordBatch]:
        """What the core says of these entries."""
        answer = self.mine().judge(*pieces(rows["entry"]))
        count = rows.num_rows
        reason = integers(answer, "reason", count)
        is_asked = pc.greater_equal(reason, 0)
        issuer = integers(answer, "issuer", count)
        said = {
            "intact": _intact(rows, integers(answer, "intact", count)),
            "core_reason": pc.if_else(is_asked, reason, None),
            "core_gross_fen": pc.if_else(is_asked, integers(answer, "gross_fen", count), None),
            "core_fare_fen": pc.if_else(is_asked, integers(answer, "fare_fen", count), None),
            "core_transaction": pc.if_else(is_asked, integers(answer, "transaction", count), None),
            "signatures": integers(answer, "signatures", count),
            "cap_fen": pc.if_else(is_asked, integers(answer, "cap_fen", count), None),
            "issuer": pc.if_else(pc.greater(issuer, 0), eight_digits(issuer), None),
            "day": pa.repeat(pa.scalar(day, pa.int32()), count),
        }
        columns = [
            (said[field.name] if field.name in said else rows[field.name]).cast(field.type) for field in JUDGED.schema
        ]
        return pa.RecordBatch.from_arrays(columns, schema=JUDGED.schema), applied(
            rows, answer, APPLIED.schema, day=pa.scalar(day, pa.int32())
        )


def applied(rows: pa.RecordBatch, answer: Mapping[str, Any], schema: pa.Schema, **more: pa.Scalar) -> pa.RecordBatch:
    """The rules of an answer of the core, one a row, under `schema`; other columns are their tap's, or of `more`."""
    count = int(answer["applied"])
    of = integers(answer, "row", count)
    funder_id = integers(answer, "funder_id", count)
    funder = integers(answer, "funder", count)
    is_city = pc.less(funder, list(Funder).index(Funder.OPERATOR))
    said = {
        **{name: integers(answer, name, count) for name in ("place", "number", "kind", "fen")},
        **{name: pa.repeat(value, count) for name, value in more.items()},
        "funder": FUNDERS.take(funder),
        "funder_id": pc.if_else(is_city, funder_id.cast(pa.string()), eight_digits(funder_id)),
        "rule": texts(answer, "name", count),
    }
    columns = [
        (said[field.name] if field.name in said else rows[field.name].take(of)).cast(field.type) for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def judge_day(workspace: Workspace, published: Published, day: int, *, threads: int | None = None) -> int:
    """Writes `judged` and `applied` of a day's entries, a file for each of theirs; returns how many were judged."""
    judges = Judges(published, threads)
    count = 0
    for path in workspace.files(ENTRIES, day=day):
        rules: list[pa.RecordBatch] = []
        batches = _keeping(judges.map(parquet.read([path], _READ, rows=_PORTION), day), rules)
        count += workspace.write(JUDGED, day, path.stem, batches)
        workspace.write(APPLIED, day, path.stem, rules)
    workspace.done(STEP, day)
    return count


def _keeping(
    pairs: Iterable[tuple[pa.RecordBatch, pa.RecordBatch]], rules: list[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """The first of each pair as it comes; the second is put by."""
    for judged, of_rules in pairs:
        rules.append(of_rules)
        yield judged


def _intact(rows: pa.RecordBatch, by_core: pa.Array) -> pa.Array:
    """What of each entry is in order; an older one is a bare record, which the core was not asked about."""
    is_chained = pc.equal(hashes(rows), rows["hash"])
    is_older = pc.equal(rows["form"], 1)
    if pc.any(is_older).as_py():
        of_older = rows.filter(is_older).to_pylist()
        whole = pa.array([FACTS | (RECORD if older.is_whole(row["entry"]) else 0) for row in of_older], pa.int64())
        chained = pa.array([older.hash_of(row) == row["hash"] for row in of_older])
        by_core = pc.replace_with_mask(by_core, is_older, whole)
        is_chained = pc.replace_with_mask(is_chained, is_older, chained)
    return pc.bit_wise_or(by_core, is_chained.cast(pa.int64()))
