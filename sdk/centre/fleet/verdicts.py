"""What the collector makes of each record right after it came: the centre's own judgement, entry by entry.

The centre clears days (clearing/taps/checks.py) and has the last word. This is the same judgement while the rider is
still in the station: hash, facts, the ministry's record, the three signatures, fare and cap by the core under the
parameters that the tap names, and a time that can be. What needs other taps (a code used twice) is `uses`.

Rules it keeps:
- Nothing that a gate decided is believed. Bytes that make the judges fail are a finding of their own, never the end.
- The first thing that is wrong names the verdict, in the order of the centre's checks.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import pyarrow as pa

from yima.sdk.centre.clearing.tables import ENTRIES, Why
from yima.sdk.centre.clearing.taps.facts import taps_and_outcomes
from yima.sdk.centre.clearing.taps.judged import AGREE, FACTS, HASH, PARAMETERS, RECORD, Judges
from yima.sdk.centre.clearing.taps.parameters import Published
from yima.validator.journal.facts import FactsError, Note, NoteFacts, parse
from yima.validator.judging import Reason

FUTURE_S = 600
"""Seconds by which a tap may lie behind its arrival; clocks of gates that know the time differ by less."""
PAST_S = 366 * 86400
"""Seconds after which a tap is too old to be sent for the first time; a gate may be offline for months."""
PARAMETERS_KIND, DENY_KIND = 1, 2
VERSION_MOST = 0xFFFF_FFFF
"""No package and no deny-list has a higher version; a note may say any number."""

_TAP_COLUMNS = [
    "device", "epoch", "sequence", "hash", "moment", "time_trusted", "reason", "family", "vouched", "city", "line",
    "station", "fare_fen", "parameters_version", "parameters_digest", "deny_version", "code_digest", "good_until",
]  # fmt: skip


class Verdict(StrEnum):
    """What a record is that needs nobody's attention, and what only the collector finds; beside them `Why`'s words."""

    OK = "OK"
    REFUSED = "REFUSED"  # the gate let nobody in: nothing is owed
    NO_TAP = "NO_TAP"  # what a gate did, its clock, a note
    QUARANTINE = "QUARANTINE"  # the collector kept it as refused when it came
    TIME = "TIME"  # accepted at a time that cannot be


QUIET = frozenset({Verdict.OK, Verdict.REFUSED, Verdict.NO_TAP})
"""Verdicts that open no case."""


class Examined(NamedTuple):
    """One record. verdict: see Verdict and Why. tap: the columns of its tap, by the names of tables.TAPS; None: it is
    none. takes_back: the sequence of the tap that its gate took back, 0 none. versions: what it shows that its device
    had, as (kind, version, digest, at), see `_shown_at`."""

    device: str
    epoch: int
    sequence: int
    hash: bytes
    entry: bytes
    received: int
    verdict: str
    why: str
    tap: Mapping[str, Any] | None = None
    takes_back: int = 0
    at: int = 0
    versions: tuple[tuple[int, int, str, int], ...] = ()

    @property
    def fare_fen(self) -> int:
        """What its gate says that it took."""
        return int(self.tap["fare_fen"] or 0) if self.tap else 0


def judges_of(published: Published) -> Judges:
    """One thread's judge, as whoever follows a store wants it."""
    return Judges(published, threads=1)


def examine(rows: pa.RecordBatch, judges: Judges) -> list[Examined]:
    """Every record of a chunk (columns of the sources' FIELDS), in its order."""
    if not rows.num_rows:
        return []
    try:
        return list(_examined(rows, judges))
    except Exception as error:  # whatever bytes do to a judge, the other records are judged
        if rows.num_rows == 1:
            return [unreadable(rows.to_pylist()[0], error)]
        half = rows.num_rows // 2
        return examine(rows.slice(0, half), judges) + examine(rows.slice(half), judges)


def _examined(rows: pa.RecordBatch, judges: Judges) -> Iterator[Examined]:
    dated = pa.RecordBatch.from_arrays(
        [*rows.columns, pa.array([0] * rows.num_rows, pa.int32())], schema=ENTRIES.schema
    )
    taps, outcomes = taps_and_outcomes(dated)
    judged, _ = judges.judged(dated, 0)
    told = {_key(row): row for row in taps.select(_TAP_COLUMNS).to_pylist()}
    did = {_key(row): row for row in outcomes.to_pylist()}
    said = judged.select(["intact", "core_reason"]).to_pylist()
    for row, core in zip(rows.to_pylist(), said, strict=True):
        tap, outcome = told.get(_key(row)), did.get(_key(row))
        verdict, why = _verdict(row, core, tap)
        whole = core["intact"] & HASH and row["rejected"] is None and not row["conflict"]
        yield Examined(
            device=row["device"],
            epoch=row["epoch"],
            sequence=row["sequence"],
            hash=row["hash"],
            entry=row["entry"],
            received=row["received"],
            verdict=verdict,
            why=why,
            tap=tap,
            takes_back=outcome["tap"] if outcome and outcome["reverses"] and whole else 0,
            at=tap["moment"] if tap else outcome["moment"] if outcome else row["received"],
            versions=tuple(_versions(row, tap)) if whole else (),
        )


def _verdict(row: Mapping[str, Any], core: Mapping[str, Any], tap: Mapping[str, Any] | None) -> tuple[str, str]:
    """The first that holds, and what is behind it."""
    return next((verdict, why) for verdict, why, holds in _reasons(row, core, tap) if holds)


def _reasons(
    row: Mapping[str, Any], core: Mapping[str, Any], tap: Mapping[str, Any] | None
) -> Iterator[tuple[str, str, bool]]:
    intact, reason = core["intact"], core["core_reason"]
    yield Verdict.QUARANTINE, str(row["rejected"]), row["rejected"] is not None
    yield Why.CHAIN, "", not intact & HASH
    yield Why.FACTS, "", not intact & FACTS
    yield Why.RECORD, "", not intact & RECORD
    yield Why.CONFLICT, "", row["conflict"]
    if tap is None:
        yield Verdict.NO_TAP, "", True
        return
    yield Verdict.REFUSED, "", tap["reason"] != Reason.ACCEPTED
    yield Verdict.TIME, f"{tap['moment']}, received {row['received']}", not _can_be(tap, row["received"])
    named = f"version {tap['parameters_version']}, digest {tap['parameters_digest']}"
    yield Why.PARAMETERS_UNKNOWN, named, row["form"] == 1 or not intact & PARAMETERS
    agree = bool(intact & AGREE)
    vouched = reason == Reason.NEEDS_RESOLVER and (tap["vouched"] or 0) > 0
    yield Verdict.OK, "", agree and (vouched or reason == Reason.ACCEPTED)
    yield Why.FACTS, "they say other than the core and the record", reason == Reason.ACCEPTED
    yield _OF_REASON.get(reason, Why.CORE_REFUSES), _name(reason), True


_OF_REASON = {
    38: Why.CA_SIGNATURE,
    50: Why.ISSUER_SIGNATURE,
    51: Why.RIDER_SIGNATURE,
    52: Why.RIDER_SIGNATURE,
    116: Why.RIDER_SIGNATURE,
    76: Why.OVER_CAP,
}
"""As the centre's checks have them."""


def _name(reason: int | None) -> str:
    return Reason(reason).name if reason in set(Reason) else str(reason)


def _can_be(tap: Mapping[str, Any], received: int) -> bool:
    return bool(tap["time_trusted"]) and received - PAST_S <= tap["moment"] <= received + FUTURE_S


def _versions(row: Mapping[str, Any], tap: Mapping[str, Any] | None) -> Iterator[tuple[int, int, str, int]]:
    if tap is not None and tap["parameters_version"] is not None:
        at = _shown_at(tap["moment"], bool(tap["time_trusted"]), row["received"])
        yield PARAMETERS_KIND, tap["parameters_version"], tap["parameters_digest"] or "", at
        if tap["deny_version"]:
            yield DENY_KIND, tap["deny_version"], "", at
    elif tap is None and row["form"] == 2:
        try:
            facts, _ = parse(row["entry"])
        except FactsError:
            return
        if isinstance(facts, NoteFacts) and facts.note in _NOTED and 0 < facts.a <= VERSION_MOST:
            yield _NOTED[Note(facts.note)], facts.a, "", _shown_at(facts.at, facts.trusted, row["received"])


def _shown_at(at: int, trusted: bool, received: int) -> int:
    """When a device had what its record names: by its own clock, also where the record came long afterwards. A clock
    that was not trusted, or is ahead, proves nothing: then it had it when the record came, at the latest."""
    return min(at, received) if trusted else received


_NOTED = {Note.PARAMETERS: PARAMETERS_KIND, Note.DENY_LIST: DENY_KIND}


def again(cases: Iterable[Mapping[str, Any]], judges: Judges) -> list[Examined]:
    """The records of cases once more; their chain was looked at before. cases: with device, epoch, sequence, hash,
    entry (bytes), received."""
    found = []
    for case in cases:
        try:
            found.append(_once_more(case, judges))
        except Exception as error:  # whatever bytes do to a judge, the other records are judged
            found.append(unreadable(case, error))
    return found


def _once_more(case: Mapping[str, Any], judges: Judges) -> Examined:
    row = {"form": 2, "previous": bytes(32), "rejected": None, "conflict": False, "batch": None, "day": 0, **case}
    row |= dict.fromkeys(("moment", "time_trusted", "tick_ms", "reason"))
    whole = pa.RecordBatch.from_pylist([row], schema=ENTRIES.schema)
    taps, _ = taps_and_outcomes(whole)
    (core,) = judges.judged(whole, 0)[0].select(["intact", "core_reason"]).to_pylist()
    (tap,) = taps.select(_TAP_COLUMNS).to_pylist() or [None]
    verdict, why = _verdict(row, core | {"intact": core["intact"] | HASH}, tap)
    return Examined(
        device=row["device"],
        epoch=row["epoch"],
        sequence=row["sequence"],
        hash=row["hash"],
        entry=row["entry"],
        received=row["received"],
        verdict=verdict,
        why=why,
        tap=tap,
    )


def unreadable(row: Mapping[str, Any], error: Exception) -> Examined:
    """What is found of a record whose bytes make those fail who are to judge it."""
    return Examined(
        device=row["device"],
        epoch=row["epoch"],
        sequence=row["sequence"],
        hash=row["hash"],
        entry=row["entry"],
        received=row["received"],
        verdict=Why.FACTS,
        why=f"it cannot be judged: {type(error).__name__}",
        at=row["received"],
    )


def _key(row: Mapping[str, Any]) -> tuple[str, int, int, bytes]:
    return row["device"], row["epoch"], row["sequence"], row["hash"]
