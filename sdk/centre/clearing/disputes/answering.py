"""AD: what was decided, for both parties, with the bookings that follow from it. After the day's money is booked.

An adjustment is two records, the reversal (its sums, fees and shares turned) and the new booking, if there is one; a
dispute that moves no money is one record with clearing number 0.
"""

from pathlib import Path

from yima.sdk.centre.clearing.disputes.evidence import write_evidence
from yima.sdk.centre.clearing.disputes.intake import write_answer
from yima.sdk.centre.clearing.engine import Engine
from yima.sdk.centre.clearing.files.layouts import line
from yima.sdk.centre.clearing.money.tables import CENTRE_PARTY, CLEARED, DISPUTES
from yima.sdk.centre.clearing.workspace import Workspace

_SUMS = ("fare_fen", "fee_fen", "issuer_share_fen", "acquirer_share_fen")


def answer_disputes(workspace: Workspace, engine: Engine, day: int) -> list[Path]:
    """Writes AD for every party of the day's disputes, and the evidence; returns the files."""
    disputes = workspace.read(DISPUTES, day=day).to_pylist()
    moved: dict[str, list[dict[str, object]]] = {}
    if disputes:
        for row in workspace.read(CLEARED, day=day).to_pylist():
            if row["dispute_id"] is not None:
                moved.setdefault(row["dispute_id"], []).append(row)
    lines: dict[str, list[str]] = {}
    for dispute in disputes:
        head = {name: dispute[name] for name in ("dispute_id", "decision", "decided_by", "reply")}
        nothing: dict[str, object] = {"clearing": 0, "reverses": False, **dict.fromkeys(_SUMS, 0)}
        for row in moved.get(dispute["dispute_id"], [nothing]):
            sums = {name: int(str(row[name])) for name in _SUMS}
            booked = {"clearing": int(str(row["clearing"])), "reverses": int(bool(row["reverses"])), **sums}
            for party in sorted({dispute["raised_by"], dispute["against"]} - {CENTRE_PARTY}):
                record = line("AD", {**head, **booked, "reference": dispute["ride_id"]})
                lines.setdefault(party, []).append(record)
    folder = workspace.path / "answers" / str(day)
    folder.mkdir(parents=True, exist_ok=True)
    written = [write_answer(folder, "AD", day, party, records) for party, records in sorted(lines.items())]
    return [*written, *write_evidence(workspace, engine, day)]
