"""Reconciliation 对账: what an institution has against what the centre has, to the record.

An operator's records are named by the tap (device/epoch/sequence); an issuer's by the digest of the code, which is all
that it knows before it is told. The number behind the name of a ride that was settled anew is the centre's own, and no
part of its tap's name. What is on one side alone is named with what the centre found in it, if it was seen.
"""

from enum import StrEnum

import pyarrow as pa

from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.money.tables import CLEARED
from yima.sdk.centre.clearing.tables import CHECKS
from yima.sdk.centre.clearing.workspace import Workspace


class Side(StrEnum):
    """Whose word a party's records are named by."""

    OPERATOR = "operator"
    ISSUER = "issuer"


THEIRS = pa.schema([pa.field("reference", pa.string(), nullable=False), pa.field("fen", pa.int64(), nullable=False)])
FOUND = pa.schema(
    [
        pa.field("reference", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        ("their_fen", pa.int64()),
        ("our_fen", pa.int64()),
        ("why", pa.string()),
    ]
)

# Views: theirs (reference, fen), cleared and checks up to the day.
_SQL = """
WITH
have AS (
    SELECT reference, CAST(sum(fen) AS BIGINT) AS fen FROM theirs GROUP BY reference
),
ours AS (
    SELECT :reference AS reference, CAST(sum(:fen) AS BIGINT) AS fen
    FROM cleared WHERE :party = ':code' AND service_date >= :since AND service_date <= :until
    GROUP BY :reference
    HAVING sum(CASE WHEN reverses THEN -1 ELSE 1 END) > 0
),
seen AS (
    SELECT :tap AS reference, min(CASE WHEN why = 'NONE' THEN 'NO_RIDE' ELSE why END) AS why
    FROM checks WHERE :tap IS NOT NULL GROUP BY :tap
)
SELECT
    coalesce(h.reference, o.reference) AS reference,
    CASE
        WHEN o.reference IS NULL THEN 'THEIRS_ALONE'
        WHEN h.reference IS NULL THEN 'OURS_ALONE'
        WHEN h.fen = o.fen THEN 'SAME'
        ELSE 'OTHER_SUM'
    END AS state,
    h.fen AS their_fen, o.fen AS our_fen,
    CASE WHEN o.reference IS NULL THEN coalesce(s.why, 'NEVER_RECEIVED') END AS why
FROM have AS h
FULL OUTER JOIN ours AS o ON o.reference = h.reference
LEFT JOIN seen AS s ON s.reference = h.reference
ORDER BY reference
"""


def reconcile(
    workspace: Workspace, engine: Engine, theirs: pa.Table, *, side: Side, party: str, since: int, until: int
) -> pa.Table:
    """Every record of either side, of service dates since to until. theirs: THEIRS, fen by an operator: the fare that
    its gates took; by an issuer: what its riders were charged in the end. Returns FOUND: SAME, OTHER_SUM, THEIRS_ALONE
    (why: what the centre made of it; NO_RIDE for a leg that closes none), OURS_ALONE."""
    if not party.isdecimal():
        raise ValueError("party: 8 digits")
    engine.register("theirs", theirs.cast(THEIRS))
    for table in (CLEARED, CHECKS):
        engine.scan(table.name, table, workspace.files(table))
    tap = "(device || '/' || CAST(epoch AS VARCHAR) || '/' || CAST(sequence AS VARCHAR))"
    words = {
        ":reference": "split_part(ride_id, '#', 1)" if side is Side.OPERATOR else "code_digest",
        ":fen": "gross_fen + gate_fen" if side is Side.OPERATOR else "fare_fen",
        ":party": str(side),
        ":code": party,
        ":since": str(since),
        ":until": str(until),
        ":tap": tap if side is Side.OPERATOR else "code_digest",
    }
    sql = _SQL
    for word, value in words.items():
        sql = sql.replace(word, value)
    return pa.Table.from_batches(engine.query(sql, FOUND), FOUND)
