"""On which days the centre got an entry: asked before the past is looked at, so that only those days are.

A journal has no gaps, so an entry came in on the first day on which the tail of its journal lies at or beyond it, and
beside that on days on which something came behind the tail, or beyond it without being of the chain; `behind` names
that one by one. What an entry is in the tables (taps, outcomes, judged, checks) lies on the same days.
"""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.tables import BEHIND, TAILS
from yima.sdk.centre.clearing.workspace import Workspace

KEYS = pa.schema([(name, TAILS.schema.field(name).type) for name in ("device", "epoch", "sequence")])
_INT64 = (1 << 63) - 1
_DAYS = pa.schema([("day", pa.int32())])

# Views: asked_for (device, epoch, sequence), all_tails, all_behind.
_SQL = """
SELECT DISTINCT day
FROM (
    SELECT MIN(t.day) AS day
    FROM asked_for AS a
    JOIN all_tails AS t ON t.device = a.device AND t.epoch = a.epoch AND t.sequence >= a.sequence
    GROUP BY a.device, a.epoch, a.sequence
    UNION ALL
    SELECT b.day
    FROM asked_for AS a
    JOIN all_behind AS b ON b.device = a.device AND b.epoch = a.epoch AND b.sequence = a.sequence
) AS found
ORDER BY day
"""


def arrived(
    workspace: Workspace, engine: Engine, keys: pa.Table | Iterable[Mapping[str, object]], *, before: int
) -> list[int]:
    """The days before that one on which entries with these keys came in, or outcomes of such taps; oldest first.
    keys: with the columns of KEYS. Raises EngineError."""
    asked = keys if isinstance(keys, pa.Table) else pa.Table.from_pylist(list(keys), KEYS)
    if not asked.num_rows:
        return []
    engine.register("asked_for", asked)
    engine.scan("all_tails", TAILS, workspace.files(TAILS, before=before))
    engine.scan("all_behind", BEHIND, workspace.files(BEHIND, before=before))
    rows = pa.Table.from_batches(engine.query(_SQL, _DAYS), _DAYS)
    return [int(day) for day in rows["day"].to_pylist()]


def keys_of(taps: Iterable[str]) -> list[dict[str, object]]:
    """The keys in names of taps (tables.tap_id) and of rides, which are named by the tap that closes them; what is no
    such name, as institutions may hand in, has none."""
    found = []
    for tap in taps:
        device, _, rest = tap.partition("#")[0].partition("/")
        epoch, _, sequence = rest.partition("/")
        if _is_number(epoch) and _is_number(sequence):
            found.append({"device": device, "epoch": int(epoch), "sequence": int(sequence)})
    return found


def first_day_of(workspace: Workspace, engine: Engine, rides: Iterable[str], day: int) -> int:
    """No ride of these, which were made on or before `day`, lies before this day, and none of their bookings."""
    return min(arrived(workspace, engine, keys_of(rides), before=day), default=day)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and int(text) <= _INT64
