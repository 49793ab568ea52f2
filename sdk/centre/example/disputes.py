"""Disputes over the example's rides, as files that institutions hand in, and what must come of each.

An issuer raises on the day after its ride was booked, one reason after the other; an operator asks after records that
were not paid. What signatures and rules do not decide waits for the operator's word, a day later; every second time it
agrees.
"""

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from yima.sdk.centre.clearing import parquet
from yima.sdk.centre.clearing.days import shifted
from yima.sdk.centre.clearing.disputes.intake import write_answer
from yima.sdk.centre.clearing.files.layouts import line
from yima.sdk.centre.clearing.folder import INCOMING
from yima.sdk.centre.clearing.money.tables import DecidedBy, Decision, Effect, Reason
from yima.sdk.centre.clearing.tables import Kind, Table, Why
from yima.sdk.centre.example import truth
from yima.sdk.centre.example.journeys import Happens

_LESS_FEN = 50
_PLAIN = (Happens.PLAIN, Happens.EXPIRED, Happens.COMPANION)
_BY_SIGNATURES = {Why.CHAIN, Why.RIDER_SIGNATURE, Why.ISSUER_SIGNATURE}
_Outcome = tuple[Decision, DecidedBy, str, Effect]
_REFUSED: dict[Reason, _Outcome] = {
    Reason.NOT_MINE: (Decision.REFUSED, DecidedBy.SIGNATURES, "SIGNED_BY_RIDER", Effect.NONE),
    Reason.TWICE: (Decision.REFUSED, DecidedBy.SIGNATURES, "ANOTHER_CODE", Effect.NONE),
    Reason.AMOUNT: (Decision.REFUSED, DecidedBy.SIGNATURES, "CORE_SAYS_OTHERWISE", Effect.NONE),
    Reason.NO_PASSAGE: (Decision.REFUSED, DecidedBy.RULE, "GATE_SAW_PASSAGE", Effect.NONE),
    Reason.NO_REDUCTION: (Decision.REFUSED, DecidedBy.RULE, "RULES_APPLIED", Effect.NONE),
}
_AGREED: _Outcome = (Decision.UPHELD, DecidedBy.HAND, "AGREED", Effect.VOID)
_CONTESTED: _Outcome = (Decision.REFUSED, DecidedBy.HAND, "CONTESTED", Effect.NONE)
_REASONS = (*_REFUSED, Reason.OTHER)


def raise_disputes(folder: Path, share: float) -> int:
    """Writes the files of every day and the truth of them; returns how many disputes there are. share: of the rides."""
    names = (f"{place:012}" for place in count(1))
    rows = [*_by_issuers(folder, share, names), *_by_operators(folder, share, names)]
    _hand_in(folder, rows)
    kept = [{name: str(row[name]) if name != "day" else row[name] for name in truth.DISPUTES.columns} for row in rows]
    kept.sort(key=lambda row: row["dispute_id"])
    table = pa.Table.from_pylist(kept, truth.DISPUTES.schema)
    return parquet.write(folder / "truth" / "disputes" / "all.parquet", truth.DISPUTES.schema, table.to_batches())


def _by_issuers(folder: Path, share: float, names: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Over rides with nothing odd about them, spread evenly."""
    number = 0
    for place, ride in enumerate(_every(folder, truth.RIDES, share, _is_plain)):
        reason = _REASONS[place % len(_REASONS)]
        raised = shifted(ride["day"], 1)
        decided, day = _REFUSED.get(reason), raised
        if decided is None:
            decided, day = (_AGREED, _CONTESTED)[number % 2], shifted(raised, 1)
            number += 1
        yield _row(next(names), (ride["ride_id"], ride["issuer"], reason), decided, day) | {
            "raised": raised,
            "claimed_fen": max(0, ride["fare_fen"] - _LESS_FEN) if reason is Reason.AMOUNT else 0,
            "answers": ride["operator"] if reason is Reason.OTHER else None,
            "agrees": decided is _AGREED,
        }


def _by_operators(folder: Path, share: float, names: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Over records that were not paid."""
    for tap in _every(folder, truth.TAPS, min(1.0, share * 100), lambda row: row["happens"] == Happens.DAMAGED):
        if tap["why"] in (Why.NONE, Why.CONFLICT):
            continue
        by = DecidedBy.SIGNATURES if tap["why"] in _BY_SIGNATURES else DecidedBy.RULE
        raised = shifted(tap["day"], 1)
        operator = f"99{int(tap['tap'][:6]) + 1:06}"
        decided = (Decision.REFUSED, by, tap["why"], Effect.NONE)
        yield _row(next(names), (tap["tap"], operator, Reason.MISSING), decided, raised) | {
            "raised": raised,
            "claimed_fen": 0,
            "answers": None,
            "agrees": False,
        }


def _is_plain(ride: dict[str, Any]) -> bool:
    return ride["happens"] in _PLAIN and ride["kind"] in (Kind.BUS, Kind.METRO) and ride["fare_fen"] > _LESS_FEN


def _every(
    folder: Path, table: Table, share: float, wanted: Callable[[dict[str, Any]], bool]
) -> Iterator[dict[str, Any]]:
    """Such a part of the rows that are wanted, in their order."""
    owed = 0.0
    for path in sorted((folder / "truth" / table.name).glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches():
            for row in batch.to_pylist():
                if wanted(row):
                    owed += share
                    if owed >= 1:
                        owed -= 1
                        yield row


def _row(name: str, about: tuple[str, str, Reason], decided: _Outcome, day: int) -> dict[str, Any]:
    ride_id, by, reason = about
    decision, decided_by, reply, effect = decided
    return {
        "dispute_id": name, "ride_id": ride_id, "raised_by": by, "reason": reason, "decision": decision,
        "decided_by": decided_by, "reply": reply, "effect": effect, "day": day,
    }  # fmt: skip


def _hand_in(folder: Path, rows: list[dict[str, Any]]) -> None:
    """ED of each raiser, CM of each operator that answers, a file a day."""
    files: dict[tuple[int, str, str], list[str]] = {}
    for row in rows:
        said = {**row, "reference": row["ride_id"], "reason": str(row["reason"])}
        files.setdefault((row["raised"], "ED", row["raised_by"]), []).append(line("ED", said))
        if row["answers"]:
            said |= {"confirmed_by": row["answers"], "agrees": int(row["agrees"])}
            files.setdefault((row["day"], "CM", row["answers"]), []).append(line("CM", said))
    for (day, kind, party), lines in files.items():
        write_answer(folder / INCOMING, kind, day, party, lines)
