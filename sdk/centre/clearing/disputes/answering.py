"""AD: what was decided, for both parties, with the bookings that follow from it. After the day's money is booked.

An adjustment is two records, the reversal (its sums, fees and shares turned) and the new booking, if there is one; a
dispute that moves no money is one record with clearing number 0.
"""

from pathlib import Path

import pyarrow.compute as pc

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.disputes.evidence import write_evidence
from yima.sdk.centre.clearing.disputes.intake import write_answers
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.files.layouts import line
from yima.sdk.centre.clearing.money.tables import CENTRE_PARTY, CLEARED, DISPUTES, Effect
from yima.sdk.centre.clearing.taps.batches import Keys
from yima.sdk.centre.clearing.workspace import Workspace

_BOOKED = ("dispute_id", "ride_id", "clearing", "reverses")
_SUMS = ("fare_fen", "fee_fen", "issuer_share_fen", "acquirer_share_fen")


def answer_disputes(workspace: Workspace, engine: Engine, day: int, *, keys: Keys | None = None) -> list[Path]:
    """Writes AD for every party of the day's disputes, and the evidence; returns the files. keys: as for the checks of
    a day."""
    disputes = workspace.read(DISPUTES, day=day).to_pylist()
    moved: dict[tuple[str, str], list[dict[str, object]]] = {}  # by number and ride; of one ride one is upheld a day
    if disputes:
        for rows in parquet.read(workspace.files(CLEARED, day=day), [*_BOOKED, *_SUMS]):
            for row in rows.filter(pc.is_valid(rows["dispute_id"])).to_pylist():  # of a day's millions a few
                moved.setdefault((row["dispute_id"], row["ride_id"]), []).append(row)
    lines: dict[str, list[str]] = {}
    for dispute in disputes:
        head = {name: dispute[name] for name in ("dispute_id", "raised_by", "decision", "decided_by", "reply")}
        nothing: dict[str, object] = {"clearing": 0, "reverses": False, **dict.fromkeys(_SUMS, 0)}
        is_upheld = dispute["effect"] != Effect.NONE
        booked_now = moved.get((dispute["dispute_id"], dispute["ride_id"]), []) if is_upheld else []
        for row in booked_now or [nothing]:
            sums = {name: int(str(row[name])) for name in _SUMS}
            booked = {"clearing": int(str(row["clearing"])), "reverses": int(bool(row["reverses"])), **sums}
            for party in sorted({dispute["raised_by"], dispute["against"]} - {CENTRE_PARTY}):
                record = line("AD", {**head, **booked, "reference": dispute["ride_id"]})
                lines.setdefault(party, []).append(record)
    written = write_answers(workspace.path / "answers" / str(day), "AD", day, lines)
    return [*written, *write_evidence(workspace, engine, day, keys=keys)]
